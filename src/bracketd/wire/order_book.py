"""The order book of one client: a short one at once, a long one in slices.

Which orders are asked about is settled at once, and each row is as it stands when its slice comes; a bracket may
change between two slices, as it may between two requests. What changed its side meanwhile is left out. A book of one
slice shows one moment.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Final

from bracketd.domain.order import TERMINAL, Order
from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.book_rows import BookRows
from bracketd.wire.replies import Reply
from bracketd.wire.slices import Slice, Slices

ROWS_AT_ONCE: Final = 100
"""Rows rendered before other requests get their turn: about a fifth of a millisecond."""

ORDERS_AT_ONCE: Final = 1_600
"""Orders of the client looked at before others get their turn, whether or not they are rows of this book: the same."""

_HEAD, _TAIL = replies.success("", {"orders": []}).body.split(b"[]")


class OrderBook:
    """Renders the clients' books of one desk."""

    def __init__(self, desk: Desk, slices: Slices) -> None:
        self._desk = desk
        self._slices = slices
        self._rows = BookRows(desk.state, desk.instruments)

    def whole(self, client_id: str, terminal: bool) -> Reply:
        """The client's rows that are terminal, or those that are not, oldest first; as many as there are.

        What is in its body is not durable yet: await that before it is sent. What comes behind the body is.
        """
        ids = self._desk.client_rows.orders.of(client_id)
        end = len(ids)
        rows, at = self._rows_among(terminal, ids, end, 0)
        if at >= end:
            return Reply(200, b"".join((_HEAD, self._rows.encode(client_id, rows), _TAIL)))
        render = partial(self._slice, client_id, terminal, ids, end)
        return Reply(
            200,
            b"".join((_HEAD, self._rows.encode(client_id, rows)[:-1])),
            rest=partial(self._rest, render, at, end, shown=bool(rows)),
        )

    async def _rest(
        self, render: Callable[[int], Slice], start: int, end: int, *, shown: bool
    ) -> AsyncGenerator[bytes, None]:
        """What follows the first slice, each piece on disk when it comes. Raises NotServing."""
        async for piece in self._slices.follow(render, start, end, shown=shown):
            yield piece
        yield b"]" + _TAIL

    def _slice(self, client_id: str, terminal: bool, ids: Sequence[str], end: int, start: int) -> Slice:
        """The rows among the ids from that one on, as many as are rendered at once."""
        rows, at = self._rows_among(terminal, ids, end, start)
        return Slice(self._rows.encode(client_id, rows)[1:-1], at)

    def _rows_among(self, terminal: bool, ids: Sequence[str], end: int, start: int) -> tuple[list[Order], int]:
        """The orders that these are, and at which of the ids the next slice begins."""
        orders = self._desk.state.orders
        rows: list[Order] = []
        at, end = start, min(end, start + ORDERS_AT_ONCE)
        while at < end and len(rows) < ROWS_AT_ONCE:
            order = orders.get(ids[at])
            at += 1
            if order is not None and (order.status in TERMINAL) is terminal:
                rows.append(order)
        return rows, at
