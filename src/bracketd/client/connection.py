"""Connections: what talks yield, done with httpx and websockets; once blocking, once with asyncio.

Neither follows a redirect: that would send the token, or an order, to somebody else.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection as AsyncSocket
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from bracketd.client.replies import BODY_BYTES_MAX
from bracketd.client.talk import Answer, Call, Effect, Hear, NoAnswer, Open, Pause, Say, Talk
from bracketd.client.updates import Update, Watch

T = TypeVar("T")

CLOSE_S: Final = 1.0
FRAME_BYTES_MAX: Final = 16 * 1024 * 1024

_encode = msgspec.json.Encoder(decimal_format="number").encode
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class FeedClosed(Exception):
    """The feed is closed, by whichever side."""


class FeedDenied(Exception):
    """The feed could not be opened; `outcome` is the reply, or why there was none."""

    def __init__(self, outcome: Answer | NoAnswer) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Feed(Protocol):
    """An open websocket, blocking."""

    def send(self, text: str) -> None:
        """Send a text. Raises FeedClosed."""

    def receive(self, timeout_s: float | None) -> bytes | str:
        """The next message. Raises TimeoutError, and FeedClosed."""

    def close(self) -> None:
        """Close it; twice is allowed."""


class AsyncFeed(Protocol):
    """An open websocket, with asyncio."""

    async def send(self, text: str) -> None:
        """Send a text. Raises FeedClosed."""

    async def receive(self, timeout_s: float | None) -> bytes | str:
        """The next message. Raises TimeoutError, and FeedClosed."""

    async def close(self) -> None:
        """Close it; twice is allowed."""


OpenFeed = Callable[[str, float], Feed]
OpenAsyncFeed = Callable[[str, float], Coroutine[Any, Any, AsyncFeed]]


class Connection:
    """Carries out talks, blocking. `timeout_s` bounds each request as a whole, from its sending to its last byte."""

    def __init__(
        self,
        url: str,
        token: str,
        timeout_s: float,
        transport: httpx.BaseTransport | None,
        open_feed: OpenFeed | None,
        sleep: Callable[[float], None] | None,
    ) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._open_feed = open_feed or _open_feed
        self._sleep = sleep or time.sleep
        self._http = httpx.Client(base_url=url, headers=headers(token), timeout=timeout_s, transport=transport)

    def run(self, talk: Talk[T]) -> T:
        """Carry a talk to its end."""
        heard: object = None
        while True:
            try:
                effect = talk.send(heard)
            except StopIteration as end:
                result: T = end.value
                return result
            heard = None
            if isinstance(effect, Call):
                heard = self._send(effect)
            else:
                self._sleep(_seconds(effect))

    def watch(self, watch: Watch) -> Iterator[Update]:
        """Carry a watch on, with a feed that is closed at its end."""
        feed: Feed | None = None
        heard: object = None
        try:
            while True:
                try:
                    effect = watch.send(heard)
                except StopIteration:
                    return
                heard = None
                if isinstance(effect, Call):
                    heard = self._send(effect)
                elif isinstance(effect, Pause):
                    self._sleep(effect.seconds)
                elif isinstance(effect, Open):
                    if feed is not None:
                        feed.close()
                        feed = None
                    try:
                        feed, heard = self._open_feed(feed_url(self._url, effect), self._timeout_s), True
                    except FeedDenied as denied:
                        heard = denied.outcome
                elif isinstance(effect, Say | Hear):
                    heard = _talk_to(feed, effect)
                else:
                    yield effect
        finally:
            if feed is not None:
                feed.close()

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def _send(self, call: Call) -> Answer | NoAnswer:
        until_s = time.monotonic() + self._timeout_s
        try:
            with self._http.stream(call.method, call.path, **_parts(call)) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX or time.monotonic() > until_s:
                        return NoAnswer("the reply does not end", sent=True)
                return Answer(response.status_code, dict(response.headers.items()), bytes(body))
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return _no_answer(fault)


class AsyncConnection:
    """Carries out talks with asyncio, as `Connection` does blocking."""

    def __init__(
        self,
        url: str,
        token: str,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None,
        open_feed: OpenAsyncFeed | None,
        sleep: Callable[[float], Coroutine[Any, Any, None]] | None,
    ) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._open_feed = open_feed or _open_async_feed
        self._sleep = sleep or asyncio.sleep
        self._http = httpx.AsyncClient(base_url=url, headers=headers(token), timeout=timeout_s, transport=transport)

    async def run(self, talk: Talk[T]) -> T:
        """Carry a talk to its end."""
        heard: object = None
        while True:
            try:
                effect = talk.send(heard)
            except StopIteration as end:
                result: T = end.value
                return result
            heard = None
            if isinstance(effect, Call):
                heard = await self._send(effect)
            else:
                await self._sleep(_seconds(effect))

    async def watch(self, watch: Watch) -> AsyncIterator[Update]:
        """Carry a watch on, with a feed that is closed at its end."""
        feed: AsyncFeed | None = None
        heard: object = None
        try:
            while True:
                try:
                    effect = watch.send(heard)
                except StopIteration:
                    return
                heard = None
                if isinstance(effect, Call):
                    heard = await self._send(effect)
                elif isinstance(effect, Pause):
                    await self._sleep(effect.seconds)
                elif isinstance(effect, Open):
                    if feed is not None:
                        await feed.close()
                        feed = None
                    try:
                        feed, heard = await self._open_feed(feed_url(self._url, effect), self._timeout_s), True
                    except FeedDenied as denied:
                        heard = denied.outcome
                elif isinstance(effect, Say | Hear):
                    heard = await _talk_to_async(feed, effect)
                else:
                    yield effect
        finally:
            if feed is not None:
                await feed.close()

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def _send(self, call: Call) -> Answer | NoAnswer:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream(call.method, call.path, **_parts(call)) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX:
                        return NoAnswer("the reply does not end", sent=True)
                return Answer(response.status_code, dict(response.headers.items()), bytes(body))
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return _no_answer(fault)
        except TimeoutError:
            return NoAnswer("no reply in time", sent=True)


def headers(token: str) -> Mapping[str, str]:
    """The headers of every request; the token in both of the places in which brokers of the family look for it.

    Before a login there is none, and a header that ends in a blank is not sent by h11.
    """
    device = {"x-device-type": "WEB"}
    return {"x-authorization-token": token, "authorization": f"Bearer {token}", **device} if token else device


def feed_url(url: str, opening: Open) -> str:
    """Where the feed of a broker is."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + opening.path, urlencode(opening.query), ""))


def _parts(call: Call) -> dict[str, Any]:
    parts: dict[str, Any] = {"params": dict(call.query), "headers": dict(call.headers)}
    if call.body is not None:
        parts["content"] = _encode(call.body)
        parts["headers"]["content-type"] = "application/json"
    return parts


def _no_answer(fault: httpx.RequestError) -> NoAnswer:
    return NoAnswer(f"{type(fault).__name__}: {fault}", sent=not isinstance(fault, _NEVER_SENT))


def _seconds(effect: Effect) -> float:
    if not isinstance(effect, Pause):
        raise TypeError(f"a talk has no {effect!r}")
    return effect.seconds


def _talk_to(feed: Feed | None, effect: Say | Hear) -> object:
    try:
        if feed is None:
            return None
        if isinstance(effect, Hear):
            return feed.receive(effect.timeout_s)
        feed.send(effect.text)
    except TimeoutError:
        return ""
    except FeedClosed:
        return None
    return True


async def _talk_to_async(feed: AsyncFeed | None, effect: Say | Hear) -> object:
    try:
        if feed is None:
            return None
        if isinstance(effect, Hear):
            return await feed.receive(effect.timeout_s)
        await feed.send(effect.text)
    except TimeoutError:
        return ""
    except FeedClosed:
        return None
    return True


class _SocketFeed:
    def __init__(self, url: str, timeout_s: float) -> None:
        self._open = contextlib.ExitStack()
        self._socket: ClientConnection = self._open.enter_context(
            connect(url, open_timeout=timeout_s, close_timeout=CLOSE_S, max_size=FRAME_BYTES_MAX)
        )

    def send(self, text: str) -> None:
        try:
            self._socket.send(text)
        except (ConnectionClosed, OSError) as fault:
            raise FeedClosed from fault

    def receive(self, timeout_s: float | None) -> bytes | str:
        try:
            return self._socket.recv(timeout_s)
        except (ConnectionClosed, OSError) as fault:
            if isinstance(fault, TimeoutError):
                raise
            raise FeedClosed from fault

    def close(self) -> None:
        self._open.close()


class _AsyncSocketFeed:
    def __init__(self, socket: AsyncSocket) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except (ConnectionClosed, OSError) as fault:
            raise FeedClosed from fault

    async def receive(self, timeout_s: float | None) -> bytes | str:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._socket.recv()
        except (ConnectionClosed, OSError) as fault:
            if isinstance(fault, TimeoutError):
                raise
            raise FeedClosed from fault

    async def close(self) -> None:
        await self._socket.close()


def _open_feed(url: str, timeout_s: float) -> Feed:
    try:
        return _SocketFeed(url, timeout_s)
    except (InvalidHandshake, InvalidURI, OSError, ConnectionClosed) as fault:
        raise _denied(fault) from fault


async def _open_async_feed(url: str, timeout_s: float) -> AsyncFeed:
    try:
        socket = await connect_async(url, open_timeout=timeout_s, close_timeout=CLOSE_S, max_size=FRAME_BYTES_MAX)
    except (InvalidHandshake, InvalidURI, OSError, ConnectionClosed) as fault:
        raise _denied(fault) from fault
    return _AsyncSocketFeed(socket)


def _denied(fault: Exception) -> FeedDenied:
    if isinstance(fault, InvalidStatus):
        reply = fault.response
        names = {name.lower(): value for name, value in reply.headers.raw_items()}
        return FeedDenied(Answer(reply.status_code, names, bytes(reply.body or b"")))
    return FeedDenied(NoAnswer(f"{type(fault).__name__}: {fault}", sent=False))
