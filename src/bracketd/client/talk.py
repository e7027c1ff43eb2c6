"""Talk: what the client wants done by whoever has a connection. No I/O here.

A talk is a generator. It yields an effect, is sent what came of it, and returns its result; one driver runs it with
blocking calls and one with asyncio, so that every rule of retrying and reading stands once.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from bracketd.client.errors import (
    BrokerError,
    ConnectionLost,
    Garbled,
    Internal,
    NotServing,
    RateLimited,
)
from bracketd.client.replies import judge

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
PAUSE_S_MAX = 5.0
"""The longest pause before asking again; a broker that wants a longer one is RateLimited or NotServing."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: `body` is sent as JSON."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP reply; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There was no reply. `sent` is False where certainly nothing of the request was sent."""

    why: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    """Open the feed, closing the one before; the outcome is True or False."""

    path: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text to the feed; the outcome is True, or False where it is closed."""

    text: str


@dataclass(frozen=True, slots=True)
class Hear:
    """Wait for a message of the feed: bytes, "" where none came in time, None where it is closed."""

    timeout_s: float | None


Effect = Call | Pause | Open | Say | Hear
Talk = Generator[Effect, Any, T]


class Again(Enum):
    """When a request may be sent a second time."""

    SAFE = "twice is once: reads, cancels, and a placing with its key"
    UNSENT = "only where certainly nothing has been done"


def ask(call: Call, again: Again, attempts: int) -> Talk[dict[str, Any]]:
    """The body of a success. Raises BrokerError; asks again where that is safe, at most `attempts` times in all."""
    pause_s = FIRST_PAUSE_S
    for left in range(attempts - 1, -1, -1):
        heard = yield call
        try:
            if isinstance(heard, NoAnswer):
                raise ConnectionLost(heard.why, sent=heard.sent)
            return judge(heard.status, heard.headers, heard.body)
        except BrokerError as error:
            wait_s = max(pause_s, error.retry_after_s or 0.0)
            if not left or wait_s > PAUSE_S_MAX or not _may_repeat(error, again):
                raise
        yield Pause(wait_s)
        pause_s *= 2
    raise ValueError("attempts is at least 1")


def _may_repeat(error: BrokerError, again: Again) -> bool:
    """A request that was turned away, or never left, has done nothing; otherwise it depends on the request."""
    if isinstance(error, RateLimited) or (isinstance(error, ConnectionLost) and not error.sent):
        return True
    return again is Again.SAFE and isinstance(error, ConnectionLost | NotServing | Internal | Garbled)
