"""Connections inside one process: httpx to the application without a port, and its websocket without a socket."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from bracketd.client.connection import FeedClosed, FeedDenied
from bracketd.client.talk import Answer
from bracketd.testing.front import Front, ReplyLost
from bracketd.testing.timeline import NS_PER_S

T = TypeVar("T")
PEER = ("127.0.0.1", 50_000)
Run = Callable[[Coroutine[Any, Any, T]], T]


class Closed(Exception):
    """The paper broker is closed."""


class AsyncInside(httpx.AsyncBaseTransport):
    """Requests to the application in this event loop."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request. httpx.ASGITransport does the same, but cannot be cut in the middle of a reply."""
        url = request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "root_path": "",
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": PEER,
            "server": (url.host, url.port or 80),
        }
        body = [await request.aread()]
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.pop()} if body else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        try:
            await self._front(scope, receive, send)
        except ReplyLost as lost:
            raise httpx.ReadError("the connection was cut", request=request) from lost
        content = b"".join(message.get("body", b"") for message in told[1:])
        return httpx.Response(told[0]["status"], headers=told[0]["headers"], content=content, request=request)


class Inside(httpx.BaseTransport):
    """Requests to the application, each carried out in the kit's own event loop before it returns."""

    def __init__(self, front: Front, run: Run[httpx.Response]) -> None:
        self._inside = AsyncInside(front)
        self._run = run

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        return self._run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        return await self._inside.handle_async_request(request)


class AsyncInsideFeed:
    """A websocket to the application in this event loop. Waiting for a message lets the broker's clock go on."""

    def __init__(self, front: Front, url: str) -> None:
        self._front = front
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._accepted: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._denial: tuple[int, dict[str, str]] = (403, {})
        self._closed = False
        parts = urlsplit(url)
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(b"host", parts.netloc.encode())],
            "client": PEER,
            "server": ("127.0.0.1", 8_000),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._app = asyncio.ensure_future(self._attend(scope))

    @classmethod
    async def open(cls, front: Front, url: str) -> "AsyncInsideFeed":
        """Open it. Raises FeedDenied."""
        feed = cls(front, url)
        denied = await feed._accepted
        if denied is not None:
            await feed._app
            raise FeedDenied(denied)
        return feed

    async def send(self, text: str) -> None:
        """Send a text. Raises FeedClosed."""
        if self._closed:
            raise FeedClosed
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self, timeout_s: float | None) -> bytes | str:
        """The next message. Raises TimeoutError when the clock has passed the time, and FeedClosed."""
        front = self._front
        until_ns = None if timeout_s is None else front.house.clock.now_ns() + round(timeout_s * NS_PER_S)
        while True:
            await front.settle()
            if not self._from_app.empty():
                message = self._from_app.get_nowait()
                if message is None:
                    self._closed = True
                    raise FeedClosed
                return message
            if self._closed:
                raise FeedClosed
            left_ns = NS_PER_S if until_ns is None else until_ns - front.house.clock.now_ns()
            if left_ns <= 0:
                raise TimeoutError
            if front.autojump:
                await front.timeline.jump(left_ns)

    async def close(self) -> None:
        """Close it."""
        self._closed = True
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.gather(self._app, return_exceptions=True)

    async def _attend(self, scope: dict[str, Any]) -> None:
        try:
            await self._front(scope, self._to_app.get, self._hear)
        finally:
            self._from_app.put_nowait(None)
            if not self._accepted.done():
                self._accepted.set_result(Answer(*self._denial, b""))

    async def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.accept":
                self._accepted.set_result(None)
            case "websocket.send":
                self._from_app.put_nowait(message.get("bytes") or message.get("text"))
            case "websocket.http.response.start":
                names = {name.decode(): value.decode() for name, value in message["headers"]}
                self._denial = (message["status"], names)
            case "websocket.http.response.body" if not self._accepted.done():
                self._accepted.set_result(Answer(*self._denial, message.get("body", b"")))
            case "websocket.close":
                if not self._accepted.done():
                    self._accepted.set_result(Answer(503, {}, b""))
                self._from_app.put_nowait(None)


class InsideFeed:
    """The same for those who block."""

    def __init__(self, feed: AsyncInsideFeed, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._feed = feed
        self._run = run

    def send(self, text: str) -> None:
        """Send a text. Raises FeedClosed."""
        self._run(self._feed.send(text))

    def receive(self, timeout_s: float | None) -> bytes | str:
        """The next message. Raises TimeoutError, and FeedClosed."""
        message: bytes | str = self._run(self._feed.receive(timeout_s))
        return message

    def close(self) -> None:
        """Close it; a broker that is closed already has closed it."""
        with contextlib.suppress(Closed):
            self._run(self._feed.close())
