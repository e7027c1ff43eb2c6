"""The line between a client and the server: the bytes of HTTP without a socket, in pieces, cut when power fails.

The server's end is the protocol class that a real connection gets, so requests are parsed and replies are framed as
they are in earnest.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from bracketd.simulation.encodings import Headers, Written

HOST = ("127.0.0.1", 8000)
LOCAL = ("127.0.0.1", 50_000)

PIECE_S = 0.00005
"""Pieces of one request come so long one after the other, and others' requests between them."""

_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_FRAMING = re.compile(rb"\r\n(?i:content-length: *(\d+)|transfer-encoding: *(chunked))(?=\r\n|$)")


class Reply(NamedTuple):
    """What the client got."""

    status: int
    body: bytes


class NoReply(Exception):
    """The server wrote something that is no HTTP reply."""


class Peer(Protocol):
    """A client's end: hears what arrives, and that the line is closed."""

    def arrived(self, data: bytes) -> None:
        """Bytes that the server wrote."""

    def closed(self) -> None:
        """The line is no more."""


class Line(asyncio.Transport):
    """A transport whose other end is a peer in the same loop. What is written arrives at once, unless power is out."""

    def __init__(self, loop: asyncio.AbstractEventLoop, peer: Peer, dead: Callable[[], bool]) -> None:
        super().__init__({"peername": LOCAL, "sockname": HOST})
        self._loop = loop
        self._peer = peer
        self._dead = dead
        self._closing = False
        self._protocol: Any = None

    def plug_in(self, protocol: asyncio.BaseProtocol) -> None:
        """The server's end is there."""
        self._protocol = protocol
        protocol.connection_made(self)

    def send(self, data: bytes) -> None:
        """The peer sends."""
        if not self._closing and not self._dead():
            self._protocol.data_received(data)

    def hang_up(self) -> None:
        """The peer goes."""
        self.close()

    # What asyncio asks of a transport

    def write(self, data: Any) -> None:
        """The server sends."""
        if not self._closing and not self._dead():
            self._peer.arrived(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        """The same in pieces."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """End it, as soon as whoever does so has finished."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """End it."""
        self.close()

    def is_closing(self) -> bool:
        """Whether it ends."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Nothing waits: what was written has arrived."""
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """The server's end becomes another one."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The server's end."""
        end: asyncio.BaseProtocol = self._protocol
        return end

    def pause_reading(self) -> None:
        """A peer here never sends more than fits."""

    def resume_reading(self) -> None:
        """As above."""

    def _lose(self) -> None:
        self._protocol.connection_lost(None)
        self._peer.closed()


def pieces(method: str, written: Written, headers: Headers, cut: int) -> Iterator[bytes]:
    """The bytes of a request, as they come: chunk by chunk, or cut in two anywhere where `cut` is not 0."""
    head = f"{method} {written.target} HTTP/1.1\r\nhost: 127.0.0.1:8000".encode()
    for header in (*written.headers, *headers):
        head += b"\r\n%b: %b" % header
    if len(written.parts) > 1:
        yield head + b"\r\ntransfer-encoding: chunked" + _END
        for part in written.parts:
            if part:
                yield b"%x\r\n%b\r\n" % (len(part), part)
        yield b"0" + _END
        return
    (body,) = written.parts
    whole = b"%b\r\ncontent-length: %d\r\n\r\n%b" % (head, len(body), body)
    if cut:
        at = cut % len(whole)
        yield whole[:at]
        yield whole[at:]
    else:
        yield whole


class Dialogue:
    """A connection on which one request follows the other; `free` while it waits for the next.

    `leaving` is told status and body of a reply at the moment at which it leaves; False from it means that it never
    did.
    """

    def __init__(self) -> None:
        self.line: Line | None = None
        self._buffer = b""
        self._leaving: Callable[[int, bytes], bool] | None = None
        self._got: asyncio.Future[Reply | None] | None = None
        self._asking = False

    @property
    def free(self) -> bool:
        """Whether another request may be sent."""
        return not self._asking and self.line is not None and not self.line.is_closing()

    async def ask(
        self, message: Iterator[bytes], leaving: Callable[[int, bytes], bool], patience_s: float
    ) -> Reply | None:
        """One request and its reply; None where none came, or the client has hung up before it did."""
        line = self.line
        if line is None:
            return None
        got: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        # A reply may come before the request has gone out whole.
        self._got, self._leaving, self._asking = got, leaving, True
        try:
            for number, piece in enumerate(message):
                if number:
                    await asyncio.sleep(PIECE_S)
                line.send(piece)
            if patience_s:
                async with asyncio.timeout(patience_s):
                    return await got
            return await got
        except TimeoutError:
            line.hang_up()
            return None
        finally:
            self._asking = False

    def arrived(self, data: bytes) -> None:
        """Bytes of a reply."""
        self._buffer += data
        while (reply := self._taken()) is not None:
            got, leaving = self._got, self._leaving
            self._got = self._leaving = None
            if leaving is None or got is None:
                raise NoReply(f"a reply to nothing: {reply}")
            left = leaving(*reply)
            if not got.done():
                got.set_result(reply if left else None)

    def closed(self) -> None:
        """No reply will come any more."""
        if self._got is not None and not self._got.done():
            self._got.set_result(None)
        self._got = self._leaving = None

    def _taken(self) -> Reply | None:
        """The reply that stands whole at the beginning of what has arrived."""
        end = self._buffer.find(_END)
        if end < 0:
            return None
        status = _STATUS.match(self._buffer, 0, end)
        framing = _FRAMING.findall(self._buffer, 0, end)
        if status is None or len(framing) != 1:
            raise NoReply(repr(self._buffer[:200]))
        ((length, chunked),) = framing
        begin = end + len(_END)
        if chunked:
            body, whole = _chunks(self._buffer, begin)
        else:
            whole = begin + int(length)
            body = self._buffer[begin:whole]
        if len(self._buffer) < whole:
            return None
        self._buffer = self._buffer[whole:]
        return Reply(int(status[1]), body)


def _chunks(arrived: bytes, at: int) -> tuple[bytes, int]:
    """A body in chunks that begins there, and where it ends: past what has arrived where its end has not."""
    body: list[bytes] = []
    while (end := arrived.find(b"\r\n", at)) >= 0:
        size = int(arrived[at:end], 16)
        at = end + 2 + size + 2
        if not size:
            return b"".join(body), at
        body.append(arrived[end + 2 : at - 2])
    return b"", len(arrived) + 1
