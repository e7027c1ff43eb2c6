"""A listener: a websocket that folds what it is pushed, so that the fold can be compared with the books (19)."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from bracketd.engine.state import State
from bracketd.simulation.line import LOCAL
from bracketd.simulation.premises import shares
from bracketd.wire.amounts import JSON
from bracketd.wire.order_rows import order_rows

ORDER, TRADE, ANSWER = 50, 51, 99
ONLY_IN_FRAMES = frozenset({"nnfid", "lotsize", "transaction_type", "nest_request_id"})
ONLY_IN_ROWS: dict[str, Any] = {"contract_description": {}, "tags": [], "rejection_code": 0}

Rows = dict[str, dict[str, Any]]


class Listener:
    """One connection of a client with a token; `open` while the server has not closed it."""

    def __init__(
        self,
        client: str,
        token: str,
        book: Callable[[], Rows],
        shown: Callable[[str, list[dict[str, Any]]], None],
        alive: Callable[[], bool],
        gone: Callable[[], "asyncio.Future[None]"],
    ) -> None:
        self.client = client
        self.token = token
        self.open = False
        self.rows: Rows = {}
        self.trade_ids: set[str] = set()
        self._book = book
        self._shown = shown
        self._alive = alive
        self._hung_up = gone()

    def hang_up(self) -> None:
        """The client goes."""
        if not self._hung_up.done():
            self._hung_up.set_result(None)

    async def listen(self, app: ASGIApp) -> None:
        """The whole connection."""
        said = 0

        async def receive() -> dict[str, Any]:
            nonlocal said
            said += 1
            if said == 1:
                return {"type": "websocket.connect"}
            if said == 2:
                self.rows = self._book()
                text = json.dumps({"a": "subscribe", "v": [self.client, "web"], "m": "updates"})
                return {"type": "websocket.receive", "text": text}
            await asyncio.shield(self._hung_up)
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: Any) -> None:
            if not self._alive():
                return
            if message["type"] == "websocket.accept":
                self.open = True
            elif message["type"] == "websocket.close":
                self.open = False
            elif message["type"] == "websocket.send":
                self._take(message["bytes"])

        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/ws/v1/feeds",
            "raw_path": b"/ws/v1/feeds",
            "root_path": "",
            "query_string": f"access_token={self.token}".encode(),
            "headers": [],
            "client": LOCAL,
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        try:
            await app(scope, receive, send)
        finally:
            self.open = False

    def _take(self, frame: bytes) -> None:
        if frame[0] == ANSWER:
            return
        fields = json.loads(frame[5:])
        if frame[0] == ORDER:
            row = {name: value for name, value in fields.items() if name not in ONLY_IN_FRAMES} | ONLY_IN_ROWS
            self.rows[row["oms_order_id"]] = row
            self._shown(self.client, [row])
        else:
            self.trade_ids.add(fields["trade_id"])


def book_of(state: State, client: str) -> Rows:
    """The order book as REST shows it, working rows and finished ones, by id."""
    mine = [row for row in state.orders.values() if row.client_id == client]
    made = [row for terminal in (False, True) for row in order_rows(state, shares(), mine, terminal)]
    return {row["oms_order_id"]: row for row in json.loads(JSON.encode(made))}
