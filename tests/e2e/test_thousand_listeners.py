"""A thousand listeners of one process, ten of them stuck: the others hear as soon as they would without those ten.

The delay of a frame is the time from the request that pushes a print to the frame's arrival at a listener. With stuck
peers and without is measured in one run, in turns, and compared as a ratio: the machine may be as slow as it likes.
"""

import asyncio
import base64
import contextlib
import json
import resource
import socket
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.process import HOST, Server

from bracketd.auth.client_store import ClientStore
from bracketd.auth.issuing import issue_for
from bracketd.auth.signing_key import load_or_create
from bracketd.market.instruments import load_instruments
from bracketd.runtime.streams import StreamLimits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LIMITS = StreamLimits()
STUCK = 10
HEARING = LIMITS.connections - STUCK
ROUNDS = 3
PRINTS = 25
"""So many prints alone and as many beside stuck peers, in turns; the middle one of the rounds' ratios counts."""

STUFFED_BYTES = 5 * 1024 * 1024
"""What waits for each stuck peer: more than the kernel takes for a socket (4 MiB), less than the bound of 8 MiB."""

MEDIAN_RATIO_MAX, P99_RATIO_MAX = 2.0, 4.0
"""Who waited for a stuck peer would wait until that is cut, thirty seconds or so: a thousand times the delay, not
twice. What is allowed is what a machine that others use does to a median and to the slowest hundredth."""

HEAR_S = 30.0
CUT_S = 90.0
"""The server reads what it is stuffed with, and cuts five seconds after its close frame; a busy machine is slow."""

COMPACT_BYTES = 42


class Hearing(asyncio.Protocol):
    """A connection that reads: it notes when each quote came, and answers pings."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._unread = b""
        self._transport: asyncio.Transport | None = None
        self.open = asyncio.get_running_loop().create_future()
        self.heard_s: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be let in."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The handshake's reply, then frames."""
        now_s = time.monotonic()
        self._unread += data
        if not self.open.done():
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if end:
                self._unread = rest
                self.open.set_result(head.split()[1])
            return
        while len(self._unread) >= 2 and len(self._unread) >= 2 + self._unread[1]:
            opcode, size = self._unread[0] & 15, self._unread[1]
            body, self._unread = self._unread[2 : 2 + size], self._unread[2 + size :]
            if opcode == 9:
                self.say(10, body)
            elif size == COMPACT_BYTES:
                self.heard_s.append(now_s)

    def say(self, opcode: int, body: bytes) -> None:
        """Send one frame."""
        assert self._transport is not None
        self._transport.write(client_frame(opcode, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing that is cut hears any more."""
        self.open.cancel()

    def close(self) -> None:
        """Go."""
        assert self._transport is not None
        self._transport.abort()


def client_frame(opcode: int, body: bytes) -> bytes:
    """A frame as a client sends it, masked with zeros."""
    size = struct.pack(">B", 0x80 | len(body)) if len(body) < 126 else struct.pack(">BH", 0xFE, len(body))
    return bytes((0x80 | opcode,)) + size + bytes(4) + body


def handshake(token: str) -> bytes:
    """A request for the websocket."""
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET /ws/v1/feeds?access_token={token} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Stuck:
    """A peer that is connected and subscribed to every instrument, and never reads."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.settimeout(HEAR_S)
        self._socket.connect((HOST, port))
        self._socket.sendall(handshake(token))
        assert self._socket.recv(12) == b"HTTP/1.1 101"
        instruments = [[1, each.token] for each in load_instruments().values()]
        self._subscribe = client_frame(
            1, json.dumps({"a": "subscribe", "v": instruments, "m": "full_snapquote"}).encode()
        )
        self._pushed_bytes = len(instruments) * 168

    def stuff(self, size: int) -> None:
        """Ask again and again for what is subscribed to already, until so many bytes wait that nobody reads."""
        for _ in range(-(-size // self._pushed_bytes)):
            self._socket.sendall(self._subscribe)

    def drain(self) -> int:
        """Read at last what waited; gives how many bytes that is."""
        self._socket.settimeout(0.5)
        size = 0
        with contextlib.suppress(TimeoutError):
            while data := self._socket.recv(1 << 20):
                size += len(data)
        return size

    def cut(self) -> bool:
        """Whether the server has cut the connection, noticed by sending."""
        try:
            self._socket.sendall(client_frame(1, b"{}"))
        except OSError:
            return True
        return False

    def close(self) -> None:
        """Go."""
        self._socket.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, list[str]]]:
    """A process, and a token for each of a thousand connections."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * LIMITS.connections
    if limits[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, limits[1]), limits[1]))
    server = Server(tmp_path)
    now_ns, each = time.time_ns(), LIMITS.connections_per_client
    key = load_or_create(server.data)
    tokens = []
    with ClientStore(server.data) as store:
        for number in range(LIMITS.connections // each):
            store.add(f"M{number}", "no password", 10**9, 5, now_ns)
            tokens += [issue_for(store, key, f"M{number}", 3_600 * 10**9, "web", now_ns)] * each
    server.start()
    try:
        yield server, tokens
    finally:
        server.kill()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def memory_kib(server: Server, what: str) -> int:
    """Memory of the process: VmRSS is what it has, VmHWM the most it ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0])


def cpu_ticks(server: Server) -> int:
    """Hundredths of a second that the process has computed."""
    stat = Path(f"/proc/{server.process.pid}/stat").read_text()
    return sum(map(int, stat.rpartition(")")[2].split()[11:13]))


async def until(done: Callable[[], bool], timeout_s: float, try_s: float) -> None:
    """Wait until it is so, looked at in steps."""
    for _ in range(round(timeout_s / try_s)):
        if done():
            return
        await asyncio.sleep(try_s)
    raise AssertionError(f"not within {timeout_s} s")


async def at_rest(server: Server) -> None:
    """Wait until the process has nothing to do."""
    looks = [-2]

    def rests() -> bool:
        looks.append(cpu_ticks(server))
        return looks[-1] <= looks[-2] + 1

    await until(rests, CUT_S, 0.5)


async def begin(server: Server, tokens: list[str]) -> list[Hearing]:
    """All who read, subscribed to one instrument."""
    loop = asyncio.get_running_loop()
    hearing = []
    for token in tokens:
        request = handshake(token)
        _, made = await loop.create_connection(lambda request=request: Hearing(request), HOST, server.port)  # type: ignore[misc]
        assert await asyncio.wait_for(made.open, HEAR_S) == b"101"
        made.say(1, b'{"a":"subscribe","v":[[1,3045]],"m":"compact_marketdata"}')
        hearing.append(made)
    await all_have(hearing, 1)
    return hearing


async def all_have(hearing: list[Hearing], count: int) -> None:
    """Wait until each has heard so many quotes."""
    await until(lambda: all(len(each.heard_s) >= count for each in hearing), HEAR_S, 0.002)


async def delays_s(server: Server, hearing: list[Hearing], prints: int) -> list[float]:
    """Push prints one by one; the delay of each frame to each listener."""
    trader = server.caller()
    found = []
    for number in range(prints):
        for each in hearing:
            each.heard_s.clear()
        asked_s = time.monotonic()
        await asyncio.to_thread(trader.tick, 457.0 + number % 2, 5)
        await all_have(hearing, 1)
        found += [each.heard_s[0] - asked_s for each in hearing]
    return found


def stuck_peers(server: Server, tokens: list[str]) -> list[Stuck]:
    """Ten who are connected, subscribed, stuffed, and do not read."""
    peers = [Stuck(server.port, token) for token in tokens]
    for peer in peers:
        peer.stuff(STUFFED_BYTES)
    return peers


async def test_ten_stuck_listeners_delay_none_of_the_others(
    served: tuple[Server, list[str]], record_property: Callable[[str, object], None]
) -> None:
    """Median and slowest hundredth of the frames' delay are what they are without them, and the memory is bounded."""
    server, tokens = served
    hearing = await begin(server, tokens[:HEARING])
    await delays_s(server, hearing, PRINTS)
    before_kib = memory_kib(server, "VmRSS")
    ratios: list[tuple[float, float]] = []
    for number in range(ROUNDS):
        await at_rest(server)
        alone = await delays_s(server, hearing, PRINTS)
        peers = await asyncio.to_thread(stuck_peers, server, tokens[HEARING:])
        await at_rest(server)
        beside = await delays_s(server, hearing, PRINTS)
        waited = await asyncio.to_thread(peers[0].drain)
        assert waited > STUFFED_BYTES, "who was stuck was stuck, and was not cut"
        for peer in peers:
            peer.close()
        ratios.append((statistics.median(beside) / statistics.median(alone), p99(beside) / p99(alone)))
        record_property(f"round {number}", f"alone {figures(alone)}, beside {figures(beside)}")
    medians, p99s = zip(*ratios, strict=True)
    assert statistics.median(medians) < MEDIAN_RATIO_MAX, ratios
    assert statistics.median(p99s) < P99_RATIO_MAX, ratios
    record_property("grown_kib", await check_bound(server, tokens, hearing, before_kib))
    for each in hearing:
        each.close()


async def check_bound(server: Server, tokens: list[str], hearing: list[Hearing], before_kib: int) -> int:
    """Stuffed past the bound the stuck ones are cut, the others hear on, and twice the bound was never held."""
    await at_rest(server)
    peers = await asyncio.to_thread(stuck_peers, server, tokens[HEARING:])
    for peer in peers:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(peer.stuff, LIMITS.backlog_bytes)
    for peer in peers:
        await until(peer.cut, CUT_S, 0.1)
    assert len(await delays_s(server, hearing, 1)) == HEARING
    grown_kib = memory_kib(server, "VmHWM") - before_kib
    # A frame of 166 bytes takes some 210 in a Python deque, and the allocator does not give all of it back.
    assert grown_kib * 1_024 < 2 * STUCK * LIMITS.backlog_bytes
    for peer in peers:
        peer.close()
    return grown_kib


def p99(delays: list[float]) -> float:
    """What the slowest hundredth takes at least."""
    return statistics.quantiles(delays, n=100)[98]


def figures(delays: list[float]) -> str:
    """Median and p99 in milliseconds."""
    return f"median {statistics.median(delays) * 1_000:.1f} ms p99 {p99(delays) * 1_000:.1f} ms"
