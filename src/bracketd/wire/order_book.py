"""The order book of one client, rendered in slices: whoever has a hundred thousand rows holds up nobody else.

Which orders are asked about is settled at once, and each row is as it stands when its slice comes; a bracket may
change between two slices, as it may between two requests. What changed its side meanwhile is left out. A book of one
slice shows one moment.
"""

import asyncio

from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.amounts import JSON
from bracketd.wire.order_rows import order_rows
from bracketd.wire.replies import Reply

ROWS_AT_ONCE = 100
"""Rows rendered before other requests get their turn: some milliseconds."""

_HEAD, _TAIL = replies.success("", {"orders": []}).body.split(b"[]")


async def whole_book(desk: Desk, client_id: str, terminal: bool) -> Reply:
    """The client's rows that are terminal, or those that are not, oldest first; as many as there are.

    What it shows is not durable yet: await that before it is sent.
    """
    orders = desk.client_orders.of(client_id)
    parts: list[bytes] = []
    for start in range(0, len(orders), ROWS_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        rows = order_rows(desk.state, desk.instruments, orders[start : start + ROWS_AT_ONCE], terminal)
        if rows:
            parts.append(JSON.encode(rows)[1:-1])
    if len(parts) < 2:
        return Reply(200, b"".join((_HEAD, b"[", *parts, b"]", _TAIL)))
    return Reply(200, _HEAD + b"[" + parts[0], rest=(*(b"," + part for part in parts[1:]), b"]" + _TAIL))
