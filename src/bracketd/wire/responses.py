"""Responses: a reply as Starlette sends it, for the routes that name no order."""

from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bracketd.wire import replies
from bracketd.wire.replies import Reply
from bracketd.wire.request import ClientGone, answer

REASON = "bracketd.reason"
"""Where a page leaves in the scope why it refused."""


def page_route(path: str, methods: list[str], page: Callable[[Request], Awaitable[Reply]]) -> Route:
    """A Starlette route for a page."""

    async def endpoint(request: Request) -> Response:
        try:
            reply = await answer(page(request))
            request.scope[REASON] = reply.reason
            return response(reply)
        except ClientGone:
            # Nobody reads it, but Starlette wants a response.
            return response(replies.BODY_INVALID)

    return Route(path, endpoint, methods=methods)


def response(reply: Reply) -> Response:
    """A reply, which is JSON unless its headers say otherwise."""
    if reply.rest:
        return _in_parts(reply)
    typed = any(name == b"content-type" for name, _ in reply.headers)
    made = Response(reply.body, reply.status, media_type=None if typed else "application/json")
    made.raw_headers.extend(reply.headers)
    return made


def _in_parts(reply: Reply) -> Response:
    """A large reply, part after part: other requests go between two of them, and a slow reader holds up only itself."""
    parts = (reply.body, *reply.rest)

    async def each() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    length = {"content-length": str(sum(map(len, parts)))}
    made = StreamingResponse(each(), reply.status, headers=length, media_type="application/json")
    made.raw_headers.extend(reply.headers)
    return made
