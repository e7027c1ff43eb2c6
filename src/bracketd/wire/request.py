"""The request: its size, who sends it and its fields, in the order of bracket.md section 5, checks 0 to 3."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from starlette.types import Receive, Scope

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.refusal import Unauthorised
from bracketd.auth.token import Claims
from bracketd.runtime.desk import NotServing
from bracketd.wire import replies
from bracketd.wire.fields import Unreadable
from bracketd.wire.parameters import Parameters, read_parameters
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.words import FieldError

_log = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 65_536
"""The largest body, and the largest query string, that is read."""


class ClientGone(Exception):
    """The connection ended in the middle of the body: half a request is none, and nobody waits for a reply."""


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first header of that lower-case name, None where there is none."""
    for sent, value in headers:
        if sent == name:
            return value
    return None


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises EarlyReply (413) as soon as it is known to be too large, and ClientGone.

    A declared length is believed only where it refuses; a body without one is counted as it comes, so that no more
    than REQUEST_BYTES_MAX and one chunk is ever held.
    """
    declared = header(scope["headers"], b"content-length") or b""
    # Ten digits are more than any body that could be let in; int() refuses texts of thousands of digits.
    if declared.isdigit() and (len(declared) > 10 or int(declared) > REQUEST_BYTES_MAX):
        raise EarlyReply(replies.TOO_LARGE)
    if len(scope["query_string"]) > REQUEST_BYTES_MAX:
        raise EarlyReply(replies.TOO_LARGE)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > REQUEST_BYTES_MAX:
            raise EarlyReply(replies.TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def read_fields(scope: Scope, body: bytes, claims: Claims) -> Parameters:
    """The fields of a request of that client, which names nothing in its path; raises as `fields_of`."""
    return fields_of(claims.client_id, scope["query_string"], header(scope["headers"], b"content-type"), body)


def fields_of(
    client_id: str,
    query_string: bytes,
    content_type: bytes | None,
    body: bytes,
    path_id: str | None = None,
    read: Callable[[bytes, bytes | None, bytes, str | None], Parameters] = read_parameters,
) -> Parameters:
    """The fields of a request of that client, as `read` finds them: checks 2 and 3.

    Raises EarlyReply: 400 for what cannot be read or a `client_id` that is no text, 403 for another client's.
    """
    try:
        parameters = read(query_string, content_type, body, path_id)
    except Unreadable:
        raise EarlyReply(replies.BODY_INVALID) from None
    if parameters.only is not None:
        if parameters.only.get("client_id", "") not in ("", client_id):
            raise EarlyReply(replies.FORBIDDEN)
        return parameters
    if parameters.bad_anywhere("client_id"):
        raise EarlyReply(replies.field_invalid("client_id"))
    for sent in parameters.values("client_id"):
        if sent != client_id:
            raise EarlyReply(replies.FORBIDDEN)
    return parameters


async def answer(work: Awaitable[Reply]) -> Reply:
    """The reply that the work comes to, whatever happens to it. Raises only ClientGone."""
    try:
        return await work
    except ClientGone:
        raise
    except asyncio.CancelledError:
        # The server stops and will not wait for this request any longer. What became of it nobody can say here.
        return replies.NOT_SERVING
    except Exception as fault:  # noqa: BLE001  `worded` logs what it does not know.
        return worded(fault)


def worded(fault: Exception) -> Reply:
    """The reply to a request that a check or a fault has ended; called where the exception is handled.

    A fault of ours is logged and worded without a trace of it. The log never gets a header, a query or a body, since
    those are where tokens stand.
    """
    match fault:
        case EarlyReply():
            return fault.reply
        case FieldError():
            return replies.field_fault(fault.field, fault.blank)
        case Unauthorised():
            _log.info("request refused: %s", fault)
            return replies.UNAUTHORISED
        case NotServing():
            return replies.NOT_SERVING
        case ClientsUnavailable():
            _log.warning("nobody can be let in: %s", fault)
            return replies.NOT_SERVING
        case _:
            _log.exception("a request failed")
            return replies.INTERNAL
