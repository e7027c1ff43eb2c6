"""The envelope: a reply as bytes on the wire, the headers around its body in the order of the application's."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from bracketd.wire.connection_end import HEADER_LINE
from bracketd.wire.replies import Headers, Reply

_CLOSE: Final = b"connection: close\r\n"


class Envelope:
    """The envelopes of one connection. `front` are the headers that the front adds to each reply.

    What all replies of one status begin with is put together once for each second, in which the server's own headers
    stay the same list.
    """

    __slots__ = ("_begin", "_defaults", "_front_lines", "_status")

    def __init__(self, front: Headers) -> None:
        self._front_lines = b"".join(map(HEADER_LINE, front))
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._status = 0
        self._begin = b""

    def around(self, reply: Reply, sent_id: bytes, defaults: list[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
        """The reply to the request with that id, under the server's own headers."""
        if defaults is not self._defaults or reply.status != self._status:
            self._defaults, self._status = defaults, reply.status
            lines = b"".join(map(HEADER_LINE, defaults))
            self._begin = STATUS_LINE[reply.status] + lines + b"content-type: application/json\r\ncontent-length: "
        body = reply.body
        head = b"%b%d\r\nx-request-id: %b\r\n%b%b%b\r\n" % (
            self._begin,
            len(body),
            sent_id,
            b"".join(map(HEADER_LINE, reply.headers)) if reply.headers else b"",
            self._front_lines,
            b"" if keep_alive else _CLOSE,
        )
        # Formatted, a large body would be copied more than once.
        return head + body
