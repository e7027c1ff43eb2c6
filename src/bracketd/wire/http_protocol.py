"""The HTTP server's own answers, in the dialect: JSON also where a request never becomes one.

The parser refuses bytes that are no HTTP, methods it does not know and request heads that are too large before any
route is looked at. Clients of this family decode every body as JSON, so these answers are JSON too.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bracketd.wire import replies
from bracketd.wire.request import REQUEST_BYTES_MAX


class HeadTooLarge(Exception):
    """Request line and headers together are larger than a request may be."""


class JsonHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with refusals as JSON and a bound on the request's head."""

    _head_bytes = 0

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed, and end the connection: where the next request begins is not known."""
        reply = replies.TOO_LARGE if self._head_bytes > REQUEST_BYTES_MAX else replies.NOT_HTTP
        head = (
            STATUS_LINE[reply.status],
            b"content-type: application/json\r\n",
            b"content-length: %d\r\n" % len(reply.body),
            b"connection: close\r\n\r\n",
        )
        self.transport.write(b"".join((*head, reply.body)))
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > REQUEST_BYTES_MAX:
            raise HeadTooLarge
