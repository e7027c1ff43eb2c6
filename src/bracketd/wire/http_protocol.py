"""The HTTP server's own answers, in the dialect, and an end for peers that keep a connection and give nothing.

The parser refuses bytes that are no HTTP, methods it does not know and request heads that are too large before any
route is looked at. Clients of this family decode every body as JSON, so these answers are JSON too.

uvicorn waits as long as a peer likes: for the first byte, for the rest of a request, and for a reply to be read. Here
each of these has its time, and all that a connection can make grow has its bound.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bracketd.wire import replies
from bracketd.wire.replies import Reply
from bracketd.wire.request import REQUEST_BYTES_MAX

WATCH_S: Final = 5.0
"""Every connection is looked at this often."""

REQUEST_WAIT_S: Final = 30.0
"""A request has arrived whole, its body too, this long after its first byte, and the first after the connection."""

STALLED_S: Final = 30.0
"""A peer that reads nothing for this long, although something waits for it, is cut off."""

AROUND_BODY_BYTES_MAX: Final = 512 * 1024
"""All of one request that is no body: its head, the framing of chunks down to single bytes, and what trails them."""

_FIELD_BYTES: Final = 4
"""What stands around a header's name and value, so that many tiny headers count as well."""


class HeadTooLarge(Exception):
    """Request line and headers together are larger than a request may be."""


class JsonHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with refusals as JSON, a bound on the request's head, and a watch on the peer.

    uvicorn's `limit_concurrency` is the number of connections; one more is answered 429 at once and closed.
    """

    _head_bytes = 0
    _around_bytes = 0
    _waiting_since_s: float | None = None
    _unread_bytes = 0
    _unread_since_s = 0.0
    _watch: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **options)
        # uvicorn's own answer to one too many is text, and comes with the request only.
        self._connections_max, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer has come."""
        full = self._connections_max is not None and len(self.connections) >= self._connections_max
        super().connection_made(transport)
        self._waiting_since_s = self.loop.time()
        self._watch = self.loop.call_later(WATCH_S, self._look)
        if full:
            self._refuse(replies.TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self.transport.is_closing():
            return
        self._around_bytes += len(data)
        super().data_received(data)
        # The parser keeps an unfinished header to itself, however long it becomes.
        if self._waiting_since_s is not None and self._around_bytes > AROUND_BODY_BYTES_MAX:
            self._refuse(replies.TOO_LARGE)

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._head_bytes = 0
        self._around_bytes = 0
        self._waiting_since_s = self.loop.time()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._count(len(name) + len(value) + _FIELD_BYTES)
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Part of the body, which the application bounds."""
        self._around_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived whole."""
        self._waiting_since_s = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection becomes a websocket, which has a watch of its own."""
        self._unwatch()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed, and end the connection: where the next request begins is not known."""
        self._refuse(replies.TOO_LARGE if self._head_bytes > REQUEST_BYTES_MAX else replies.NOT_HTTP)

    def _refuse(self, reply: Reply) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(raw_answer(reply))
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > REQUEST_BYTES_MAX:
            raise HeadTooLarge

    def _look(self) -> None:
        """Whether the peer still does its part: sends what it has begun, reads what waits for it."""
        now_s = self.loop.time()
        unread_bytes = self.transport.get_write_buffer_size()
        if not unread_bytes or unread_bytes < self._unread_bytes:
            self._unread_since_s = now_s
        self._unread_bytes = unread_bytes
        stalled = unread_bytes > 0 and now_s - self._unread_since_s >= STALLED_S
        late = self._waiting_since_s is not None and now_s - self._waiting_since_s >= REQUEST_WAIT_S
        if stalled or late:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(WATCH_S, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


def raw_answer(reply: Reply) -> bytes:
    """A reply as bytes on the wire, after which the connection ends."""
    headers = b"".join(b"%s: %s\r\n" % header for header in reply.headers)
    head = (
        STATUS_LINE[reply.status],
        b"content-type: application/json\r\n",
        b"content-length: %d\r\n" % len(reply.body),
        headers,
        b"connection: close\r\n\r\n",
    )
    return b"".join((*head, reply.body))
