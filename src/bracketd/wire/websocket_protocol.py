"""The websocket connection itself: uvicorn's, with an end for peers that do not read.

uvicorn waits politely. A close frame queues behind whatever the peer has not read, and a connection is closed when
its buffer has drained, which for a peer that never reads is never.

Of uvicorn's three this is the one on websockets' sans-I/O layer: it sends twice as many frames in a second of CPU as
the one on wsproto, and the third is deprecated.
"""

import asyncio
from typing import Any, Final

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Response
from websockets.server import ServerProtocol

from bracketd.wire import replies
from bracketd.wire.connection_end import raw_answer
from bracketd.wire.replies import Reply

CLOSE_WAIT_S: Final = 5.0
"""A peer is given this long to read what was sent before our close frame, and to answer it."""

STOP_WAIT_S: Final = 1.0
"""The same while the server stops, which it does within two seconds."""

UNREAD_PONGS_BYTES: Final = 256 * 1024
"""More than this waits to be written only where a peer sends pings and never reads."""


_REFUSALS: Final = {405: replies.method_not_allowed("GET"), 414: replies.TOO_LARGE, 431: replies.TOO_LARGE}
"""What websockets refuses a handshake with, by its status; a fault of ours is 500, all else is no handshake."""


class _Handshake(ServerProtocol):
    """A handshake whose refusals are JSON, as every other reply is."""

    def reject(self, status: Any, text: str) -> Response:
        """The refusal of a handshake that is none."""
        reply = _refusal(int(status))
        response = super().reject(reply.status, "")
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Length"] = str(len(reply.body))
        response.body = reply.body
        return response


def _refusal(status: int) -> Reply:
    if status >= 500 and status != 505:
        return replies.INTERNAL
    return _REFUSALS.get(status, replies.NOT_HTTP)


class FeedProtocol(WebSocketsSansIOProtocol):
    """A websocket connection that is cut where it cannot be closed."""

    _cutting: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **options)
        theirs = self.conn
        self.conn = _Handshake(
            extensions=theirs.available_extensions, max_size=self.config.ws_max_size, logger=theirs.logger
        )

    def data_received(self, data: bytes) -> None:
        """Some bytes; uvicorn says nothing where they are no handshake, and would keep the connection for ever."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()) or raw_answer(replies.NOT_HTTP))
            self.transport.close()
            self._cut_after(CLOSE_WAIT_S)

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a close does not wait for room, and is followed by a cut."""
        if message["type"] == "websocket.close":
            self.writable.set()
            self._cut_after(CLOSE_WAIT_S)
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # A refusal ends the handshake; uvicorn would log each as a fault of ours.
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer reads no answers."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > UNREAD_PONGS_BYTES:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """The peer is silent: it will not read a close frame either."""
        super().keepalive_timeout()
        self._end()

    def handle_parser_exception(self) -> None:
        """The peer broke the protocol, or sent a message that is too large; our close frame is on its way."""
        super().handle_parser_exception()
        self._end()

    def shutdown(self) -> None:
        """The server stops."""
        super().shutdown()
        self._cut_after(STOP_WAIT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None
        super().connection_lost(exc)

    def _end(self) -> None:
        """We have closed by ourselves: the application hears that nobody is there, whether it reads or writes."""
        self.disconnected = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self._cut_after(CLOSE_WAIT_S)

    def _cut_after(self, wait_s: float) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
        self._cutting = self.loop.call_later(wait_s, self.transport.abort)
