"""Responses: a reply as Starlette sends it, for the routes that name no order."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bracketd.wire import replies
from bracketd.wire.replies import Reply
from bracketd.wire.request import ClientGone, answer


def page_route(path: str, methods: list[str], page: Callable[[Request], Awaitable[Reply]]) -> Route:
    """A Starlette route for a page."""

    async def endpoint(request: Request) -> Response:
        try:
            return response(await answer(page(request)))
        except ClientGone:
            # Nobody reads it, but Starlette wants a response.
            return response(replies.BODY_INVALID)

    return Route(path, endpoint, methods=methods)


def response(reply: Reply) -> Response:
    """A reply, which is JSON unless its headers say otherwise."""
    typed = any(name == b"content-type" for name, _ in reply.headers)
    made = Response(reply.body, reply.status, media_type=None if typed else "application/json")
    made.raw_headers.extend(reply.headers)
    return made
