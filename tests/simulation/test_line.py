"""The line: a client's bytes reach the real protocol in pieces, and what it writes is read as a client reads it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bracketd.simulation.encodings import JSON, Written
from bracketd.simulation.line import Dialogue, Line, NoReply, Reply, pieces
from bracketd.simulation.virtual_loop import VirtualLoop


class Echo(asyncio.Protocol):
    """A server that notes what came, and answers each time when a request may have come whole."""

    def __init__(self, answer: bytes) -> None:
        self.came: list[bytes] = []
        self.lost = 0
        self._answer = answer

    def connection_made(self, transport: Any) -> None:
        """A peer."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        self.came.append(data)
        if b"".join(self.came).endswith(b"}"):
            self.transport.write(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone."""
        self.lost += 1


OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """A loop of the test's own."""
    with closing(VirtualLoop()) as made:
        yield made


def talk(loop: VirtualLoop, answer: bytes, work: Callable[[Dialogue, Echo], Any], dead: bool = False) -> Any:
    """A dialogue with an echo."""

    async def whole() -> Any:
        dialogue, echo = Dialogue(), Echo(answer)
        dialogue.line = Line(loop, dialogue, lambda: dead)
        dialogue.line.plug_in(echo)
        return await work(dialogue, echo)

    return loop.run_until_complete(whole())


def request(cut: int = 0, parts: tuple[bytes, ...] = (b"{}",)) -> Iterator[bytes]:
    """A plain one."""
    return pieces("POST", Written("/x", parts, JSON), [(b"a", b"b")], cut)


def always(status: int, body: bytes) -> bool:
    """A reply leaves."""
    return True


def test_a_request_is_http() -> None:
    """A request is a head and a body with its length; cut in two it is the same bytes."""
    (whole,) = request()
    assert whole == (
        b"POST /x HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n"
        b"content-type: application/json\r\na: b\r\ncontent-length: 2\r\n\r\n{}"
    )
    for cut in (1, 60, 5_000):
        halves = list(request(cut))
        assert len(halves) == 2
        assert b"".join(halves) == whole


def test_parts_are_chunks() -> None:
    """A body of several parts is chunked, each chunk for itself."""
    head, *chunks = request(parts=(b"{", b"", b"}"))
    assert head.endswith(b"\r\ntransfer-encoding: chunked\r\n\r\n")
    assert chunks == [b"1\r\n{\r\n", b"1\r\n}\r\n", b"0\r\n\r\n"]


def test_a_reply_is_read(loop: VirtualLoop) -> None:
    """Replies come back one after the other on the same connection, which is free in between."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        for cut in (0, 40):
            assert dialogue.free
            assert await dialogue.ask(request(cut), always, 0) == Reply(200, b"{}")
        assert len(echo.came) == 3

    talk(loop, OK, work)


def test_a_reply_that_does_not_leave_is_none(loop: VirtualLoop) -> None:
    """Whoever says that a reply never left keeps it from the client."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        assert await dialogue.ask(request(), lambda status, body: False, 0) is None

    talk(loop, OK, work)


def test_an_impatient_client_hangs_up(loop: VirtualLoop) -> None:
    """A client that waits no longer closes the connection, and the server hears of it once."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        assert await dialogue.ask(request(), always, 0.25) is None
        await asyncio.sleep(0)
        assert loop.now_ns == 250_000_000
        assert echo.lost == 1
        assert not dialogue.free

    talk(loop, b"", work)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"


def test_a_reply_in_chunks_is_put_together(loop: VirtualLoop) -> None:
    """A reply without a length is whole when its last chunk has come, and not a byte before."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        assert await dialogue.ask(request(), always, 0) == Reply(200, b"{}")

    talk(loop, CHUNKED, work)

    async def cut(dialogue: Dialogue, echo: Echo) -> None:
        assert await dialogue.ask(request(), always, 0.25) is None

    for end in range(len(CHUNKED) - 1, 0, -7):
        talk(loop, CHUNKED[:end], cut)


def test_a_dead_server_says_nothing(loop: VirtualLoop) -> None:
    """When the power is out nothing arrives, on neither side."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        assert await dialogue.ask(request(), always, 0.25) is None
        assert echo.came == []

    talk(loop, OK, work, dead=True)


@pytest.mark.parametrize("junk", [OK + OK, b"HTTP/1.1 200 OK\r\n\r\n", b"nonsense\r\ncontent-length: 0\r\n\r\n"])
def test_what_is_no_reply_is_a_fault(loop: VirtualLoop, junk: bytes) -> None:
    """A second reply to one request, one without a length and bytes that are no HTTP are never read as a reply."""

    async def work(dialogue: Dialogue, echo: Echo) -> None:
        with pytest.raises(NoReply):
            await dialogue.ask(request(), always, 0)

    talk(loop, junk, work)
