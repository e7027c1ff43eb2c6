"""Client rows: each client's orders, trades and positions in the order of their making, past nobody else's.

Rows come to the state in the order of their making and leave it only when a day turns. An index therefore is brought up
to date when it is asked, from the newest row back to the last one that it knows, and is made anew with each day;
nothing has to be told of every step. So that whoever asks first after a million orders need not wait for all of them,
it is asked each second as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from bracketd.domain.account import Position
from bracketd.domain.order import Order, Trade
from bracketd.engine.state import State

KEEP_UP_S: Final = 1.0
"""Rows of this time are taken in at once: ten thousand take two milliseconds."""

Row = TypeVar("Row")


class ClientIndex(Generic[Row]):
    """The keys of one table of a state, client by client; `client_of` tells whose a row is by its key and itself."""

    def __init__(
        self, state: State, table: Callable[[State], dict[str, Row]], client_of: Callable[[str, Row], str]
    ) -> None:
        self._state = state
        self._table = table
        self._client_of = client_of
        self._keys: dict[str, list[str]] = {}
        self._last = ""
        self._day = ""
        self.catch_up()

    def of(self, client_id: str) -> Sequence[str]:
        """The keys of a client's rows, oldest first; some may have left the table.

        What comes later may be added at the end of the same list; nothing else in it ever changes. So whoever has no
        time to look at a hundred thousand rows in one go need not copy it.
        """
        self.catch_up()
        return self._keys.get(client_id, ())

    def catch_up(self) -> None:
        """Take in what was made since; all of it anew on a new day."""
        rows = self._table(self._state)
        if self._day != self._state.day or self._last not in rows:
            self._keys, self._last, self._day = {}, "", self._state.day
        fresh: list[str] = []
        for key in reversed(rows):
            if key == self._last:
                break
            fresh.append(key)
        if not fresh:
            return
        self._last = fresh[0]
        for key in reversed(fresh):
            self._keys.setdefault(self._client_of(key, rows[key]), []).append(key)


class ClientRows:
    """The rows of a state, client by client."""

    def __init__(self, state: State) -> None:
        self.orders = ClientIndex[Order](state, lambda state: state.orders, lambda _, order: order.client_id)
        self.trades = ClientIndex[Trade](
            state, lambda state: state.trades, lambda _, trade: state.orders[trade.order_id].client_id
        )
        self.positions = ClientIndex[Position](
            state, lambda state: state.positions, lambda key, _: key.partition(" ")[0]
        )

    async def keep_up(self, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Take in what was made, again and again."""
        while True:
            await wait(KEEP_UP_S)
            for index in (self.orders, self.trades, self.positions):
                index.catch_up()
