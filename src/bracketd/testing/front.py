"""The front of a paper broker: the application, with what a script does to requests and connections.

It tells the timeline of each request, moves the clock while one waits for the exchange, and cuts what is to be cut.
"""

import asyncio
import contextlib
from typing import Any, Final

from bracketd.testing.house import House
from bracketd.testing.script import Do, When
from bracketd.testing.script_pages import ScriptPages, send_reply
from bracketd.testing.timeline import Timeline
from bracketd.wire import replies

QUIET_ROUNDS: Final = 25
"""After so many rounds of the event loop in which a request only waited, nothing else can happen by itself."""

_KINDS: Final = {"POST": (When.PLACE, When.AFTER_PLACE), "PUT": (When.MODIFY, When.AFTER_MODIFY)}
_CANCELS: Final = (When.CANCEL, When.AFTER_CANCEL)
_ORDERS: Final = ("/api/v1/orders", "/api/v1/order/")


class ReplyLost(Exception):
    """The connection is cut in the middle of the reply."""


class Front:
    """The ASGI application of a paper broker."""

    def __init__(self, house: House, *, idle_s: float = 0.0) -> None:
        self.house = house
        self.timeline = Timeline(house, self.drop_feeds)
        self.autojump = True
        self._idle_s = idle_s
        self._under_way = 0
        self._pump: asyncio.Task[None] | None = None
        self._feeds: set[asyncio.Task[None]] = set()
        self._pages = ScriptPages(house, self.timeline)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._feed(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        if await self._pages.answered(scope, receive, send):
            return
        if not self.timeline.up and not scope["path"].startswith("/sandbox/"):
            await send_reply(send, replies.NOT_SERVING)
            return
        before, after = _moments(scope)
        own = self.timeline.happens(before) if before else set()
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        self._under_way += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._keep_moving())
        try:
            # Gone down at its arrival: whoever asked gets what a server says that is about to stop.
            await self.house.app(scope, _without_body(receive) if Do.DROP_BODY in own else receive, keep)
        finally:
            self._under_way -= 1
        if after and Do.LOSE_REPLY not in own:
            self.timeline.happens(after)
        if Do.LOSE_REPLY in own:
            await send(messages[0])
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            raise ReplyLost
        for message in messages:
            await send(message)

    def drop_feeds(self) -> None:
        """Close every websocket."""
        for task in tuple(self._feeds):
            task.cancel()

    async def close(self) -> None:
        """End what runs beside the requests."""
        tasks = [*self._feeds, *([self._pump] if self._pump is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Let everything happen that can without the clock."""
        for _ in range(QUIET_ROUNDS):
            await asyncio.sleep(0)

    async def _keep_moving(self) -> None:
        """While requests are under way and all of them wait, move the clock."""
        rounds = 0
        while self._under_way:
            await asyncio.sleep(0 if self._idle_s == 0 or self.house.desk.waited_for else self._idle_s)
            rounds = rounds + 1 if self.autojump and self.house.desk.waited_for else 0
            if rounds > QUIET_ROUNDS:
                rounds = 0
                await self.timeline.jump()

    async def _feed(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.timeline.up:
            await receive()
            await send({"type": "websocket.close", "code": 1012})
            return
        task = asyncio.ensure_future(self._attend(scope, receive, send))
        self._feeds.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                raise
            # Cut by the script: whoever listens is told by the close alone.
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": 1012})
        finally:
            self._feeds.discard(task)

    async def _attend(self, scope: Any, receive: Any, send: Any) -> None:
        await self.house.app(scope, receive, send)


def _moments(scope: Any) -> tuple[When | None, When | None]:
    """The steps that a request sets off, before and after it is carried out."""
    if not scope["path"].startswith(_ORDERS):
        return None, None
    if scope["method"] == "DELETE":
        return _CANCELS
    return _KINDS.get(scope["method"], (None, None))


def _without_body(receive: Any) -> Any:
    """A request whose body was lost on the way; it is read, and nothing of it is handed on."""

    async def nothing() -> Any:
        message = dict(await receive())
        return message | {"body": b""} if "body" in message else message

    return nothing
