"""An audience: those of one client who listen to its orders, and a digest of each row as it was last shown to them.

Every row of a step's brackets is looked at, and only one that differs is pushed: no list of which event changes what
has to be kept complete, and nobody is told twice that an order is complete. For that, the rows that may still change
are noted when the first listener comes; those of a client with very many are noted in slices, so that nobody waits for
it. A row that a step looks at before it was noted is pushed, whether or not it says anything new.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from bracketd.domain.order import Order
from bracketd.engine.exposure import baskets_under_way, is_over
from bracketd.engine.state import State
from bracketd.runtime.client_rows import ClientRows
from bracketd.runtime.listener import Listener

ROWS_AT_ONCE: Final = 50
"""Rows noted before others get their turn: less than a millisecond."""

ORDERS_AT_ONCE: Final = 1_000
"""Orders looked at before others get their turn, whether or not they are noted."""

_log = logging.getLogger(__name__)


class Shown(Protocol):
    """What an audience needs of a desk: the state, and whose orders are which."""

    @property
    def state(self) -> State:
        """The state, live."""

    @property
    def client_rows(self) -> ClientRows:
        """Its orders, client by client."""


class OrderRenderer(Protocol):
    """How the wire words a row."""

    def order(self, state: State, order: Order) -> bytes:
        """The frame of an order's row as it stands."""


class Audience:
    """The listeners of one client on the desk's event loop. Whoever has no listeners any more is to be closed."""

    def __init__(self, desk: Shown, renderer: OrderRenderer, client_id: str) -> None:
        self.listeners: dict[Listener, None] = {}
        self._desk = desk
        self._renderer = renderer
        self.shown: dict[str, bytes] = {}
        self._noting: asyncio.Task[None] | None = None
        self._note(client_id)

    def differs(self, order_id: str, frame: bytes) -> bool:
        """Whether the row is not as it was last shown; it counts as shown from now on."""
        digest = hashlib.blake2b(frame, digest_size=16).digest()
        if self.shown.get(order_id) == digest:
            return False
        self.shown[order_id] = digest
        return True

    def forget_what_is_over(self) -> None:
        """A new day: rows that left the state never come again."""
        self.shown = {key: digest for key, digest in self.shown.items() if key in self._desk.state.orders}

    def close(self) -> None:
        """Nobody listens any more."""
        if self._noting is not None:
            self._noting.cancel()

    def _note(self, client_id: str) -> None:
        """Note how the rows stand that may still change, so that only what does from here on is pushed.

        What is open closes by a rescue order, and a fill may be told late, when all rows of a bracket are terminal.
        """
        ids = self._desk.client_rows.orders.of(client_id)
        end, under_way = len(ids), baskets_under_way(self._desk.state)
        at = self._note_slice(ids, 0, end, under_way)
        if at < end:
            self._noting = asyncio.get_running_loop().create_task(self._note_on(ids, at, end, under_way))

    async def _note_on(self, ids: Sequence[str], at: int, end: int, under_way: set[str]) -> None:
        try:
            while at < end:
                await asyncio.sleep(0)
                at = self._note_slice(ids, at, end, under_way)
        except Exception:  # noqa: BLE001  What is not noted is pushed once too often, and nothing is missing.
            _log.exception("rows of a client could not be noted")

    def _note_slice(self, ids: Sequence[str], at: int, end: int, under_way: set[str]) -> int:
        """Note some brackets by their entries; at which of the ids to go on."""
        state, noted, end = self._desk.state, 0, min(end, at + ORDERS_AT_ONCE)
        while at < end and noted < ROWS_AT_ONCE:
            order = state.orders.get(ids[at])
            at += 1
            bracket = None if order is None else state.brackets[order.basket_id]
            if bracket is None or bracket.entry_id != ids[at - 1]:
                continue
            if bracket.basket_id in under_way or not is_over(state, bracket):
                for row in state.rows_of(bracket):
                    self.differs(row.order_id, self._renderer.order(state, row))
                    noted += 1
        return at
