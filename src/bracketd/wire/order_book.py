"""The order book of one client: a short one at once, a long one in slices, so that it holds up nobody else.

Which orders are asked about is settled at once, and each row is as it stands when its slice comes; a bracket may
change between two slices, as it may between two requests. What changed its side meanwhile is left out. A book of one
slice shows one moment.

However many long books are asked for at a time, one slice is rendered in a turn of the event loop: they take turns.
A long book is rendered as its reader takes it, and of one that is not taken no more than a few slices are held.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Final, NamedTuple

from bracketd.domain.order import TERMINAL, Order
from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.book_rows import BookRows
from bracketd.wire.replies import Reply

ROWS_AT_ONCE: Final = 100
"""Rows rendered before other requests get their turn: about a fifth of a millisecond."""

ORDERS_AT_ONCE: Final = 1_600
"""Orders of the client looked at before others get their turn, whether or not they are rows of this book: the same."""

SLICES_AHEAD: Final = 8
"""Slices that wait for the disk together, and then to be sent: a megabyte."""

_HEAD, _TAIL = replies.success("", {"orders": []}).body.split(b"[]")


class _Asked(NamedTuple):
    """A book: whose, among which ids (as many as there were when it was asked for), and which side of it."""

    client_id: str
    ids: Sequence[str]
    end: int
    terminal: bool


class _Slice(NamedTuple):
    """Some rows with commas between them, b"" where there are none, and at which of the ids the next slice begins."""

    rows: bytes
    next: int


class OrderBook:
    """Renders the clients' books of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rows = BookRows(desk.state, desk.instruments)
        self._slice_turn = asyncio.Lock()

    def whole(self, client_id: str, terminal: bool) -> Reply:
        """The client's rows that are terminal, or those that are not, oldest first; as many as there are.

        What is in its body is not durable yet: await that before it is sent. What comes behind the body is.
        """
        ids = self._desk.client_orders.ids_of(client_id)
        asked = _Asked(client_id, ids, len(ids), terminal)
        first = self._slice(asked, 0)
        if first.next >= asked.end:
            return Reply(200, b"%b[%b]%b" % (_HEAD, first.rows, _TAIL))
        return Reply(200, b"%b[%b" % (_HEAD, first.rows), rest=partial(self._rest, asked, first))

    async def _rest(self, asked: _Asked, last: _Slice) -> AsyncGenerator[bytes, None]:
        """What follows the first slice, each piece on disk when it comes. Raises NotServing."""
        shown = bool(last.rows)
        while last.next < asked.end:
            ready: list[bytes] = []
            while last.next < asked.end and len(ready) < SLICES_AHEAD:
                async with self._slice_turn:
                    await asyncio.sleep(0)
                    last = self._slice(asked, last.next)
                if last.rows:
                    ready.append(b"," + last.rows if shown else last.rows)
                    shown = True
            await self._desk.durable()
            for piece in ready:
                yield piece
        yield b"]" + _TAIL

    def _slice(self, asked: _Asked, start: int) -> _Slice:
        """The rows among the ids from that one on, as many as are rendered at once."""
        orders = self._desk.state.orders
        client_id, ids, last, terminal = asked
        rows: list[Order] = []
        at, end = start, min(last, start + ORDERS_AT_ONCE)
        while at < end and len(rows) < ROWS_AT_ONCE:
            order = orders.get(ids[at])
            at += 1
            if order is not None and (order.status in TERMINAL) is terminal:
                rows.append(order)
        return _Slice(self._rows.encode(client_id, rows) if rows else b"", at)
