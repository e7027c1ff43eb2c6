"""The order book of one client, rendered in slices: whoever has a hundred thousand rows holds up nobody else.

Which orders are asked about is settled at once, and each row is as it stands when its slice comes; a bracket may
change between two slices, as it may between two requests. What changed its side meanwhile is left out. A book of one
slice shows one moment.

However many long books are asked for at a time, one slice is rendered in a turn of the event loop: they take turns.
"""

import asyncio

from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.amounts import JSON
from bracketd.wire.order_rows import order_rows
from bracketd.wire.replies import Reply

ROWS_AT_ONCE = 25
"""Rows rendered before other requests get their turn: less than a millisecond."""

_HEAD, _TAIL = replies.success("", {"orders": []}).body.split(b"[]")


class OrderBook:
    """Renders the clients' books of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._slice_turn = asyncio.Lock()

    async def whole(self, client_id: str, terminal: bool) -> Reply:
        """The client's rows that are terminal, or those that are not, oldest first; as many as there are.

        What it shows is not durable yet: await that before it is sent.
        """
        ids = self._desk.client_orders.ids_of(client_id)
        parts = self._slice(ids[:ROWS_AT_ONCE], terminal)
        for start in range(ROWS_AT_ONCE, len(ids), ROWS_AT_ONCE):
            async with self._slice_turn:
                await asyncio.sleep(0)
                parts += self._slice(ids[start : start + ROWS_AT_ONCE], terminal)
        if len(parts) < 2:
            return Reply(200, b"".join((_HEAD, b"[", *parts, b"]", _TAIL)))
        return Reply(200, _HEAD + b"[" + parts[0], rest=(*(b"," + part for part in parts[1:]), b"]" + _TAIL))

    def _slice(self, ids: list[str], terminal: bool) -> list[bytes]:
        """The rows of some orders as one piece of JSON; no piece where there is no row."""
        state = self._desk.state
        orders = [order for order_id in ids if (order := state.orders.get(order_id)) is not None]
        rows = order_rows(state, self._desk.instruments, orders, terminal)
        return [JSON.encode(rows)[1:-1]] if rows else []
