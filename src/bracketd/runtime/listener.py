"""A listener: one connection that hears of quotes and of a client's orders, and the frames that wait for it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from struct import Struct
from typing import Final, NamedTuple

from bracketd.journal.protocol import Record


class Ending(NamedTuple):
    """Why a connection is closed by us: a close code of RFC 6455 and a reason of at most 123 bytes."""

    code: int
    reason: str


UNAUTHORISED: Final = Ending(1008, "Request Unauthorised")
TOO_SLOW: Final = Ending(1013, "Too slow: frames wait that are not read")
DISK_BEHIND: Final = Ending(1013, "The disk is too far behind")
TOO_LONG_AGO: Final = Ending(1013, "Too much has happened: read the order book")
NOT_SERVING: Final = Ending(1011, "Not serving")
INTERNAL: Final = Ending(1011, "Something went wrong")


QuoteKey = tuple[int, str]
"""A layout's mode and an instrument's key."""


Records = Callable[[int], AsyncIterator[Record]]
"""Reads the durable records after a sequence."""

RESUME: Final = "bracketd.resume"
"""Where a gateway's handshake says in its scope what it comes back to."""


class Resumption(NamedTuple):
    """What a gateway comes back to: after which record, -1 for a new connection, with what its client had asked for.

    `records` reads the shard's journal after a sequence.
    """

    heard: int
    said: tuple[bytes, ...]
    records: Records


STEP_MARK: Final = b"\0"
"""The first byte of a step that is one piece: no mode of the family's is 0."""

_STEP: Final = Struct(">xQ")
_FRAME: Final = Struct(">I")


def numbered_step(seq: int, frames: list[bytes]) -> bytes:
    """A step's frames as one: the mark, the record's number, and each frame behind its length."""
    parts = [_STEP.pack(seq)]
    for frame in frames:
        parts += (_FRAME.pack(len(frame)), frame)
    return b"".join(parts)


def read_step(data: bytes) -> tuple[int, list[bytes]]:
    """(number of the record, frames) of what `numbered_step` made."""
    (seq,) = _STEP.unpack_from(data)
    frames, at = [], _STEP.size
    while at < len(data):
        (size,) = _FRAME.unpack_from(data, at)
        at += _FRAME.size + size
        frames.append(data[at - size : at])
    return seq, frames


class Listener:
    """One connection of a client: what it asked for, and the frames that wait to be sent to it.

    `ended` is set when the connection is to be closed by us; what waited is dropped then. A `numbered` one is a
    gateway's, which wants to know after which record each step's frames stand. While it comes back to where it was, it
    is `quiet`, and what happens meanwhile is `held`.
    """

    def __init__(self, client_id: str, token: str, backlog_bytes: int, *, numbered: bool = False) -> None:
        self.client_id = client_id
        self.numbered = numbered
        self.quiet = False
        self.held: list[tuple[int, list[bytes]]] | None = None
        self.token = token
        self.updates = False
        self.quotes: dict[QuoteKey, None] = {}
        self.ended: Ending | None = None
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._backlog_bytes_max = backlog_bytes
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    def push(self, frame: bytes) -> None:
        """Queue a frame; one that finds too much waiting ends the connection. Never blocks."""
        if self.ended is not None:
            return
        if self._backlog_bytes + len(frame) > self._backlog_bytes_max:
            self.end(TOO_SLOW)
            return
        self._backlog.append(frame)
        self._backlog_bytes += len(frame)
        self._wake.set()

    def push_step(self, seq: int, frames: list[bytes]) -> None:
        """Queue what the step of record `seq` comes to, in one piece where it is numbered."""
        if self.held is not None:
            self.held.append((seq, frames))
        elif self.numbered:
            self.push(numbered_step(seq, frames))
        else:
            for frame in frames:
                self.push(frame)

    def answer(self, frame: bytes) -> None:
        """Queue the answer to a message of the peer's, unless it had that answer before."""
        if not self.quiet:
            self.push(frame)

    def end(self, ending: Ending) -> None:
        """Send nothing more and close; the first reason stays."""
        if self.ended is None:
            self.ended = ending
            self._backlog.clear()
            self._ended.set()

    async def next_frame(self) -> bytes:
        """The next frame to send, waited for."""
        while not self._backlog:
            self._wake.clear()
            await self._wake.wait()
        frame = self._backlog.popleft()
        self._backlog_bytes -= len(frame)
        return frame

    async def wait_ended(self) -> Ending:
        """Wait until the connection is to be closed; returns why."""
        await self._ended.wait()
        return self.ended or INTERNAL
