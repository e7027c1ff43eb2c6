"""The connection itself: whoever sends half of something, or reads nothing, loses it, and others are served."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from tests.wire.feed_server import FeedServer, serving

from bracketd.wire import http_protocol, replies
from bracketd.wire.http_protocol import AROUND_BODY_BYTES_MAX, JsonHttpProtocol

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@contextlib.asynccontextmanager
async def served(**options: object) -> AsyncIterator[FeedServer]:
    """A server with our protocol for its connections."""
    async with serving(http=JsonHttpProtocol, **options) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting times of fractions of a second."""
    monkeypatch.setattr(http_protocol, "WATCH_S", 0.02)
    monkeypatch.setattr(http_protocol, "REQUEST_WAIT_S", 0.2)
    monkeypatch.setattr(http_protocol, "STALLED_S", 0.2)


async def dial(server: FeedServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection."""
    return await asyncio.open_connection("127.0.0.1", server.port)


async def held(server: FeedServer, connections: int) -> None:
    """Wait until the server holds so many connections."""
    for _ in range(500):
        if server.connections == connections:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{server.connections} connections are open")


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection, which it must."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""


async def assert_alive(server: FeedServer) -> None:
    """Somebody else is answered at once."""
    reader, writer = await dial(server)
    writer.write(HEALTH)
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


HALVES = {
    "nothing": b"",
    "half a line": b"GET /heal",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "half a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nx-y: z",
    "half a body": b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
    "half a chunk": b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "half a second request": HEALTH + b"GET /heal",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
async def test_half_a_request_ends(impatient: None, half: bytes) -> None:
    """A request that does not become whole is cut off, wherever it stops, and others are answered meanwhile."""
    async with served() as server:
        reader, writer = await dial(server)
        writer.write(half)
        await assert_alive(server)
        said = await rest(reader)
        assert said == b"" or said.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_dribbling_buys_no_time(impatient: None) -> None:
    """A byte now and then does not keep a request open longer."""
    async with served() as server:
        reader, writer = await dial(server)
        ended = asyncio.ensure_future(rest(reader))
        sent = 0
        async with asyncio.timeout(10):
            while not ended.done():
                writer.write(b"GET /healthz HTTP/1.1\r\nx: "[sent : sent + 1] or b"y")
                sent += 1
                await asyncio.sleep(0.01)
        assert await ended == b""
        assert sent > 10
        writer.close()


async def test_an_idle_connection_is_kept(impatient: None) -> None:
    """Between two requests a connection may be silent for longer than a request may take."""
    async with served() as server:
        reader, writer = await dial(server)
        for _ in range(2):
            writer.write(HEALTH)
            async with asyncio.timeout(5):
                assert (await reader.readuntil(b'"success"}')).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)
        writer.close()


ENDLESS = {
    "target": b"GET /",
    "header name": b"GET / HTTP/1.1\r\n",
    "header value": b"GET / HTTP/1.1\r\nx: ",
    "chunk extension": b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    "trailer": b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: ",
}


@pytest.mark.parametrize("begun", ENDLESS.values(), ids=ENDLESS)
async def test_nothing_is_endless(begun: bytes) -> None:
    """A target, a header, an extension or a trailer without end is refused, and its connection ended, at its bound."""
    async with served() as server:
        reader, writer = await dial(server)
        writer.write(begun)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 20 * AROUND_BODY_BYTES_MAX and not reader.at_eof():
                writer.write(b"a" * 65_536)
                await writer.drain()
                sent += 65_536
                await asyncio.sleep(0)
        assert sent < 20 * AROUND_BODY_BYTES_MAX
        await rest(reader)
        writer.close()
        await assert_alive(server)


@pytest.mark.parametrize("name", ["x", ""])
async def test_many_headers_are_too_large(name: str) -> None:
    """Tens of thousands of tiny headers are 413, although their names and values are short."""
    async with served() as server:
        reader, writer = await dial(server)
        writer.write(b"GET /healthz HTTP/1.1\r\n" + b"x:\r\n" * 20_000 + b"\r\n")
        said = await rest(reader)
        assert said.startswith(b"HTTP/1.1 413")
        assert said.endswith(replies.TOO_LARGE.body)
        writer.close()


async def test_a_body_in_single_bytes_is_read() -> None:
    """The bound leaves room for a body of 64 KiB whose every byte is a chunk."""
    async with served() as server:
        reader, writer = await dial(server)
        head = b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nHost: x\r\nx-auth-token: of A\r\nConnection: close\r\n"
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 65_536 + b"0\r\n\r\n")
        said = await rest(reader)
        assert b"413" not in said.partition(b"\r\n")[0]
        writer.close()


async def test_who_reads_nothing_is_cut_off(impatient: None) -> None:
    """A peer that asks and asks and reads no answer loses its connection, and what waited for it is gone."""
    async with served() as server:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", server.port))
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    await loop.sock_sendall(raw, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        await assert_alive(server)
        await held(server, 0)
        raw.close()


async def test_one_connection_too_many_is_429_at_once() -> None:
    """Beyond the number of connections a peer is told so before it says anything; a place given up is free again."""
    async with served(limit_concurrency=2) as server:
        kept = [await dial(server) for _ in range(2)]
        await held(server, 2)
        reader, writer = await dial(server)
        said = await rest(reader)
        assert said.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1\r\n" in said
        assert said.endswith(replies.TOO_MANY_CONNECTIONS.body)
        writer.close()
        kept[0][1].close()
        await held(server, 1)
        await assert_alive(server)
        kept[1][1].close()


HANDSHAKES = {
    "a long line": (f"GET /ws/v1/feeds?access_token={'x' * 9_000} HTTP/1.1\r\n{UPGRADE}{KEY}\r\n", replies.TOO_LARGE),
    "a long header": (f"GET /ws/v1/feeds HTTP/1.1\r\n{UPGRADE}{KEY}x: {'x' * 9_000}\r\n\r\n", replies.TOO_LARGE),
    "many headers": (f"GET /ws/v1/feeds HTTP/1.1\r\n{UPGRADE}{KEY}" + "x: y\r\n" * 200 + "\r\n", None),
    "no key": (f"GET /ws/v1/feeds HTTP/1.1\r\n{UPGRADE}\r\n", replies.NOT_HTTP),
    "a wrong version": (f"GET /ws/v1/feeds HTTP/1.1\r\n{UPGRADE.replace('13', '1')}{KEY}\r\n", replies.NOT_HTTP),
    "another method": (f"POST /ws/v1/feeds HTTP/1.1\r\n{UPGRADE}{KEY}\r\n", None),
    "a stray header": (f"GET /ws/v1/feeds HTTP/1.1\r\n{UPGRADE}{KEY}x: a\x7fb\r\n\r\n", None),
}


@pytest.mark.parametrize(("request_", "reply"), HANDSHAKES.values(), ids=HANDSHAKES)
async def test_no_handshake_is_left_unanswered(request_: str, reply: replies.Reply | None) -> None:
    """A handshake that is too large, or none, is refused in JSON and its connection ended."""
    async with served() as server:
        reader, writer = await dial(server)
        writer.write(request_.encode("latin-1"))
        said = await rest(reader)
        assert said.startswith(b"HTTP/1.1 4")
        assert b"application/json" in said
        if reply is not None:
            assert said.startswith(b"HTTP/1.1 %d " % reply.status)
            assert said.endswith(reply.body)
        writer.close()


async def test_a_websocket_is_not_watched_as_a_request(impatient: None) -> None:
    """A websocket that says nothing lives on when a request would long be late."""
    async with served() as server, server.connect() as connection:
        await asyncio.sleep(0.5)
        await (await connection.ping())
