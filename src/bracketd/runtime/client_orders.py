"""Client orders: each client's rows in the order of their making, so that a look at one walks past nobody else's.

Orders come to the state in the order of their making and leave it only when a day turns. The index therefore is
brought up to date when it is asked, from the newest order back to the last one that it knows, and what left the state
is passed over; nothing has to be told of every step. So that whoever asks first after a million orders need not wait
for all of them, it is asked each second as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bracketd.domain.order import Order
from bracketd.engine.state import State

KEEP_UP_S: Final = 1.0
"""Orders of this time are taken in at once: ten thousand take two milliseconds."""


class ClientOrders:
    """The orders of a state, client by client."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ids: dict[str, list[str]] = {}
        self._last_id = ""
        self._catch_up()

    def of(self, client_id: str) -> list[Order]:
        """All rows of a client that the state has, oldest first; none for a client that has none."""
        orders = self._state.orders
        ids = self.ids_of(client_id)
        found = [orders[order_id] for order_id in ids if order_id in orders]
        if len(found) < len(ids):
            self._ids[client_id] = [order.order_id for order in found]
        return found

    def ids_of(self, client_id: str) -> Sequence[str]:
        """The ids of all of them; some may have left the state with a day that is over.

        For whoever has no time to look at a hundred thousand rows in one go. What comes later may be added at the end
        of the same list; nothing else in it ever changes.
        """
        self._catch_up()
        return self._ids.get(client_id, ())

    async def keep_up(self, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Take in what was made, again and again."""
        while True:
            await wait(KEEP_UP_S)
            self._catch_up()

    def _catch_up(self) -> None:
        """Take in what was made since; all of it anew where the last order known has left the state."""
        orders = self._state.orders
        if self._last_id not in orders:
            self._ids, self._last_id = {}, ""
        fresh: list[Order] = []
        for order_id in reversed(orders):
            if order_id == self._last_id:
                break
            fresh.append(orders[order_id])
        if not fresh:
            return
        self._last_id = fresh[0].order_id
        for order in reversed(fresh):
            self._ids.setdefault(order.client_id, []).append(order.order_id)
