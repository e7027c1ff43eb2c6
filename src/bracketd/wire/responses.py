"""Responses: a reply as Starlette sends it, for the routes that name no order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from bracketd.wire import replies
from bracketd.wire.replies import Reply, Rest
from bracketd.wire.request import ClientGone, answer

_JSON = (b"content-type", b"application/json")

REASON = "bracketd.reason"
"""Where a page leaves in the scope why it refused."""


def page_route(path: str, methods: list[str], page: Callable[[Request], Awaitable[Reply]]) -> Route:
    """A Starlette route for a page."""

    async def endpoint(request: Request) -> Response:
        try:
            reply = await answer(page(request))
            request.scope[REASON] = reply.reason
            return response(reply) if reply.rest is None else await _in_pieces(reply, reply.rest, request.scope)
        except ClientGone:
            # Nobody reads it, but Starlette wants a response.
            return response(replies.BODY_INVALID)

    return Route(path, endpoint, methods=methods)


def response(reply: Reply) -> Response:
    """A reply in one piece, which is JSON unless its headers say otherwise."""
    made = Response(reply.body, reply.status)
    length = (b"content-length", b"%d" % len(reply.body))
    typed = any(name == b"content-type" for name, _ in reply.headers)
    # In the order in which a connection writes them that answers by itself.
    made.raw_headers = [length, *reply.headers] if typed else [_JSON, length, *reply.headers]
    return made


async def _in_pieces(reply: Reply, rest: Rest, scope: Scope) -> Response:
    """A large reply, piece after piece: others have their turn between two, and a slow reader holds up only itself.

    Its length is not known when it begins. HTTP/1.0 has no chunks: there all of it is made first.
    """
    if scope["method"] == "HEAD":
        return _sent_as(reply, None)
    if scope["http_version"] != "1.0":
        return _sent_as(reply, _each(reply, rest()))
    pieces = [piece async for piece in rest()]
    return _sent_as(reply, _each(reply, _again(pieces)), len(reply.body) + sum(map(len, pieces)))


def _sent_as(reply: Reply, pieces: AsyncIterator[bytes] | None, length: int | None = None) -> Response:
    made: Response
    if pieces is None:
        made = Response(None, reply.status, media_type="application/json")
        # Whoever asks for a head is not told of a length that would have to be found by making all of it.
        del made.headers["content-length"]
    else:
        made = StreamingResponse(pieces, reply.status, media_type="application/json")
    if length is not None:
        made.headers["content-length"] = str(length)
    made.raw_headers.extend(reply.headers)
    return made


async def _each(reply: Reply, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body and what comes behind it; a reader that takes each at once lets others have a turn between two."""
    yield reply.body
    async for piece in rest:
        yield piece
        await asyncio.sleep(0)


async def _again(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
