"""Responses: a reply as Starlette sends it, for the routes that name no order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

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
            return response(reply) if reply.rest is None else await in_pieces(reply, reply.rest, request.scope)
        except ClientGone:
            # Nobody reads it, but Starlette wants a response.
            return response(replies.BODY_INVALID)

    return Route(path, endpoint, methods=methods)


def response(reply: Reply) -> Response:
    """A reply in one piece, which is JSON unless its headers say otherwise."""
    made = Response(reply.body, reply.status)
    made.raw_headers = _headers(reply, len(reply.body))
    return made


def _headers(reply: Reply, length: int | None) -> list[tuple[bytes, bytes]]:
    """In the order in which a connection writes them that answers by itself; a length where it is known."""
    typed = any(name == b"content-type" for name, _ in reply.headers)
    known = [] if length is None else [(b"content-length", b"%d" % length)]
    return [*([] if typed else [_JSON]), *known, *reply.headers]


async def in_pieces(reply: Reply, rest: Rest, scope: Scope) -> Response:
    """A large reply, whose length is not known when it begins; HTTP/1.0 has no chunks, so there all is made first."""
    if scope["method"] == "HEAD":
        return InPieces(reply, _again(()))
    if scope["http_version"] != "1.0":
        return InPieces(reply, rest())
    pieces = [piece async for piece in rest()]
    return InPieces(reply, _again(pieces), len(reply.body) + sum(map(len, pieces)))


class InPieces(Response):
    """Piece after piece until the peer has all of them or has gone.

    Others have their turn between two pieces, and a slow reader holds up only itself. An exception on the way leaves
    the reply without its end, so that nobody takes it for whole.
    """

    def __init__(self, reply: Reply, rest: AsyncGenerator[bytes, None], length: int | None = None) -> None:
        super().__init__(None, reply.status)
        self.raw_headers = _headers(reply, length)
        self._first = reply.body
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending, leaving = asyncio.ensure_future(self._send(send)), asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async with aclosing(self._rest) as rest:
            async for piece in rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the peer has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _again(pieces: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
