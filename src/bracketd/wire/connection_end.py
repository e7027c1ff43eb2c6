"""The end of a connection that brought what is no request: what is said, and whose replies come before it."""

from collections import deque
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from bracketd.wire.replies import Reply

HEADER_LINE: Final = b"%b: %b\r\n".__mod__
"""A header as a line, of its name and value."""


def raw_answer(reply: Reply) -> bytes:
    """A reply as bytes on the wire, after which the connection ends."""
    headers = b"".join(map(HEADER_LINE, reply.headers))
    head = (
        STATUS_LINE[reply.status],
        b"content-type: application/json\r\n",
        b"content-length: %d\r\n" % len(reply.body),
        headers,
        b"connection: close\r\n\r\n",
    )
    return b"".join((*head, reply.body))


def owes_replies(
    newest: RequestResponseCycle | None,
    pipeline: deque[tuple[RequestResponseCycle, Any]],
    unfinished: RequestResponseCycle | None,
) -> bool:
    """Whether requests that came whole are under way on a connection; one that did not is not begun after them.

    `newest` is what was begun last, `unfinished` what was begun of the message that is still coming.
    """
    for queued in pipeline:
        if queued[0] is unfinished:
            pipeline.remove(queued)
            return True
    return newest is not None and not newest.response_complete and newest is not unfinished
