"""Thousands of peers that are slow, silent or endless cost little memory, and others are served beside them."""

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.caller import CANCELLED, bracket_body
from tests.e2e.process import HOST, Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read the Linux way"),
]

HALF_OPEN = 600
ENDLESS = 100
IDLE_WEBSOCKETS = 20
ENDLESS_BYTES = 4 * 1024 * 1024
GROWTH_KIB_MAX = 160 * 1024
ROUNDS = 100
SERVED_S = 5.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, whose memory is measured."""
    server = Server(tmp_path, ("C1", "C2"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


def rss_kib(server: Server, field: str = "VmRSS") -> int:
    """Resident memory of the process, or its peak (VmHWM), in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (found,) = (line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(found)


async def dial(server: Server, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which something has been said."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def endless(server: Server, begun: bytes, piece: bytes) -> None:
    """Go on and on, until the server ends it or four mebibytes are sent."""
    _, writer = await dial(server, begun)
    with contextlib.suppress(ConnectionError):
        for _ in range(ENDLESS_BYTES // len(piece)):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort()


def handshake(token: str) -> bytes:
    """A websocket's handshake."""
    return (
        f"GET /ws/v1/feeds?access_token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def trade(server: Server) -> list[float]:
    """Place and cancel as another client; returns how long each request took, in seconds."""
    caller = server.caller("C1")
    took_s = []
    for _ in range(ROUNDS):
        asked_s = time.monotonic()
        placed = caller.send_json("POST", "/api/v1/orders/kart", bracket_body("C1"))
        took_s.append(time.monotonic() - asked_s)
        asked_s = time.monotonic()
        reply = caller.cancel(placed.json["data"]["data"]["basket_id"])
        took_s.append(time.monotonic() - asked_s)
        assert reply.body == CANCELLED
    return took_s


async def siege(server: Server) -> tuple[list[float], int]:
    """Everything at once; returns how long a trader's requests took, and the memory while it lasted."""
    halves = [b"", b"GET /heal", b"POST /api/v1/orders/kart HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b" " * 59_000]
    opened = [await dial(server, halves[number % len(halves)]) for number in range(HALF_OPEN)]
    opened += [await dial(server, handshake(server.tokens["C2"])) for _ in range(IDLE_WEBSOCKETS)]
    # A frame that says it is a mebibyte, and goes on.
    oversized = handshake(server.tokens["C1"]), b"\x82\xff" + (1_048_576).to_bytes(8, "big") + bytes(4)
    kinds = [
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 65_536),
        (b"GET / HTTP/1.1\r\n", b"x:\r\n" * 16_384),
        (oversized[0] + oversized[1], bytes(65_536)),
    ]
    floods = [asyncio.ensure_future(endless(server, *kinds[number % len(kinds)])) for number in range(ENDLESS)]
    took_s = await asyncio.to_thread(trade, server)
    during_kib = rss_kib(server)
    await asyncio.gather(*floods)
    for _, writer in opened:
        writer.transport.abort()
    return took_s, during_kib


async def test_a_siege_is_borne(server: Server) -> None:
    """600 half requests, 100 endless ones and 20 idle streams: orders go on, and memory stays within 160 MiB more."""
    await asyncio.to_thread(trade, server)
    before_kib = rss_kib(server)
    took_s, during_kib = await siege(server)
    peak_kib = rss_kib(server, "VmHWM")
    median_ms, p99_ms = (1_000 * statistics.quantiles(took_s, n=100)[at] for at in (49, 98))
    figures = {"rss_before_kib": before_kib, "rss_during_kib": during_kib, "rss_peak_kib": peak_kib}
    sys.stdout.write(json.dumps(figures | {"median_ms": round(median_ms, 1), "p99_ms": round(p99_ms, 1)}) + "\n")
    assert p99_ms < SERVED_S * 1_000
    assert peak_kib - before_kib < GROWTH_KIB_MAX
    assert "Traceback" not in server.said()
    # Again and again costs no more: what a siege leaves behind is not kept.
    again = [(await siege(server))[1] for _ in range(2)]
    assert max(again) - before_kib < GROWTH_KIB_MAX


def test_half_open_connections_end(server: Server) -> None:
    """A real process drops a connection that never said a word within 40 seconds, and a silent websocket stays."""

    async def wait() -> float:
        silent, silent_writer = await dial(server, b"")
        stream, stream_writer = await dial(server, handshake(server.tokens["C2"]))
        assert (await stream.readline()).startswith(b"HTTP/1.1 101 ")
        began_s = time.monotonic()
        async with asyncio.timeout(40):
            with contextlib.suppress(ConnectionResetError):
                assert await silent.read() == b""
        took_s = time.monotonic() - began_s
        assert not stream.at_eof()
        for writer in (silent_writer, stream_writer):
            writer.transport.abort()
        return took_s

    assert 25.0 < asyncio.run(wait()) < 40.0
