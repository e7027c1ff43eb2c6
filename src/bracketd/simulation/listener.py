"""A listener: a websocket that folds what it is pushed, so that the fold can be compared with the books (19)."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from msgspec.json import decode
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from bracketd.engine.state import State
from bracketd.simulation.line import Line
from bracketd.simulation.premises import shares
from bracketd.wire.amounts import JSON
from bracketd.wire.order_rows import order_rows

PATH = "/ws/v1/feeds"
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
    ) -> None:
        self.client = client
        self.token = token
        self.open = False
        self.rows: Rows = {}
        self.trade_ids: set[str] = set()
        self.line: Line | None = None
        self._book = book
        self._shown = shown
        self._talk = ClientProtocol(parse_uri(f"ws://127.0.0.1:8000{PATH}?access_token={token}"))

    def begin(self, line: Line) -> None:
        """Ask for the websocket on a line that has just been opened."""
        self.line = line
        self._talk.send_request(self._talk.connect())
        self._say()

    def hang_up(self) -> None:
        """The client goes."""
        self.open = False
        if self.line is not None:
            self.line.hang_up()

    def closed(self) -> None:
        """The line is no more."""
        self.open = False
        self.line = None

    def arrived(self, data: bytes) -> None:
        """Bytes from the server: its answer to the handshake, then frames."""
        self._talk.receive_data(data)
        for event in self._talk.events_received():
            if isinstance(event, Response):
                if event.status_code == 101:
                    self.open = True
                    text = json.dumps({"a": "subscribe", "v": [self.client, "web"], "m": "updates"})
                    self._talk.send_text(text.encode())
            elif isinstance(event, Frame):
                if event.opcode is Opcode.BINARY:
                    self._take(bytes(event.data))
                elif event.opcode is Opcode.CLOSE:
                    self.open = False
        # Not at once: the server is still writing.
        asyncio.get_running_loop().call_soon(self._say)

    def _say(self) -> None:
        """Send what the protocol wants sent: the handshake, the subscription, pongs, a close."""
        data = b"".join(self._talk.data_to_send())
        if data and self.line is not None:
            self.line.send(data)

    def _take(self, frame: bytes) -> None:
        if frame[0] == ANSWER:
            # From here on whatever changes is pushed.
            self.rows = self._book() | self.rows
            return
        fields = decode(frame[5:])
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
    return {row["oms_order_id"]: row for row in decode(JSON.encode(made))}
