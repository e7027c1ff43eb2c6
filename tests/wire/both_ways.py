"""Two servers that stand the same: one may answer plain requests from the connection, one asks its application always.

Each is the real protocol class over a real desk, with a transport that keeps what is written and a clock moved by hand.
"""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import uvicorn
from tests.listening_post import GatedJournal, HandClock
from tests.runtime.test_desk import SlowVenue
from tests.trading_floor import INSTRUMENTS, bracket
from uvicorn.server import ServerState

from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims
from bracketd.domain.outcomes import Placed
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease
from bracketd.market.calendar import AlwaysOpen
from bracketd.runtime.desk import Desk
from bracketd.runtime.rates import Rates
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.wire.app import build_app
from bracketd.wire.http_protocol import JsonHttpProtocol
from bracketd.wire.known_heads import KnownHeads

KEEP_ALIVE_S = 75
DATE = (b"date", b"Mon, 05 Jan 2026 04:00:00 GMT")
_ID = re.compile(rb"x-request-id: [0-9a-f]{16}\r\n")


class HeaderGate:
    """Lets in who presents "of A" or "of B" in one of the token's headers, unless it is `shut`.

    `looks` counts how often it was asked.
    """

    looks = 0
    shut = False

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> Claims:
        """The claims of the token in the headers."""
        return self.admit(presented_token(headers), now_ns)

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of the token."""
        self.looks += 1
        if self.shut or token not in ("of A", "of B"):
            raise Unauthorised(Refusal.NO_TOKEN)
        return Claims(f"{token[-1]}:k", token[-1], "t", "web", 10**12)


class HandLoop:
    """The running loop, with a clock that only the test moves and its timers with it."""

    def __init__(self) -> None:
        # With this many seconds 75 more and 75 less is not quite where it began.
        self.now_s = 1_000.1
        self._timers: list[tuple[float, asyncio.TimerHandle, Callable[[], object]]] = []

    def time(self) -> float:
        """The moment, in seconds."""
        return self.now_s

    def create_task(self, work: Any) -> asyncio.Task[Any]:
        """A task of the running loop."""
        return asyncio.get_running_loop().create_task(work)

    def call_later(self, delay_s: float, work: Callable[[], object]) -> asyncio.TimerHandle:
        """Keep the work until the clock is moved that far."""
        due_s = self.now_s + delay_s
        handle = asyncio.TimerHandle(due_s, work, (), asyncio.get_running_loop())
        self._timers.append((due_s, handle, work))
        return handle

    def move(self, seconds: float) -> None:
        """Move the clock on; what falls due on the way is done at its moment."""
        end_s = self.now_s + seconds
        for _ in range(1_000):
            due = [timer for timer in self._timers if timer[0] <= end_s and not timer[1].cancelled()]
            if not due:
                self.now_s = end_s
                return
            timer = min(due, key=lambda each: each[0])
            self._timers.remove(timer)
            self.now_s = max(self.now_s, timer[0])
            timer[2]()
        raise AssertionError("a timer is set again and again for the same moment")


class Wire(asyncio.Transport):
    """A transport that keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False
        self.reading = True

    @property
    def written(self) -> bytes:
        """All that was written, without the ids that the server drew."""
        return _ID.sub(b"x-request-id: drawn\r\n", b"".join(self.pieces))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The two ends."""
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8_000)}.get(name, default)

    def write(self, data: Any) -> None:
        """Keep it."""
        assert not self.closed
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether the server has ended the connection."""
        return self.closed

    def close(self) -> None:
        """End the connection."""
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        """The peer reads everything at once."""
        return 0

    def pause_reading(self) -> None:
        """Take nothing more."""
        self.reading = False

    def resume_reading(self) -> None:
        """Take what comes."""
        self.reading = True


class Call:
    """One connection to a house."""

    def __init__(self, house: "House") -> None:
        self.wire = Wire()
        self.protocol = JsonHttpProtocol(
            config=house.config,
            server_state=house.server_state,
            app_state={},
            _loop=house.loop,  # type: ignore[arg-type]
        )
        self.protocol.connection_made(self.wire)

    async def say(self, *packets: bytes) -> bytes:
        """Send packets one after the other, each when the last has had its effect; what has come back until now."""
        for packet in packets:
            self.protocol.data_received(packet)
            await settle()
        return self.wire.written

    def leave(self) -> None:
        """The peer goes."""
        self.wire.closed = True
        self.protocol.connection_lost(None)


class House:
    """A server: `at_once` says whether its connections may answer; `calls` counts what its application was asked.

    A client may send `per_s` orders and as many cancels in a second, 0 for any number; a `slow` venue keeps its answers
    to cancels until the test brings them. One that is `forgetful` knows no headers again.
    """

    def __init__(
        self, *, at_once: bool, per_s: int = 0, slow: bool = False, cors: Sequence[str] = (), forgetful: bool = False
    ) -> None:
        self.journal = GatedJournal()
        self.clock = HandClock()
        self.loop = HandLoop()
        self.venue: Any = SlowVenue() if slow else PaperExchange(INSTRUMENTS)
        self.desk = Desk(
            state=State(),
            venue=self.venue,
            instruments=INSTRUMENTS,
            commit=GroupCommit(self.journal, Lease("test", 1, 0)),
            clock=self.clock,
            sessions=AlwaysOpen(),
            account_terms=lambda client: (10**11, 5) if client in {"A", "B"} else None,
            venue_wait_s=0.05,
        )
        self.gate = HeaderGate()
        self._app: Any = build_app(  # type: ignore[arg-type]
            self.desk, self.gate, sandbox=None, cors=cors, rates=Rates(per_s, per_s)
        )
        if at_once:
            self.at_once = self._app.at_once._replace(known_heads=KnownHeads(0) if forgetful else KnownHeads())
        self.calls = 0
        self.config = uvicorn.Config(
            self,
            http=JsonHttpProtocol,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self.config.load()
        self.server_state = ServerState()
        self.server_state.default_headers[:] = [DATE]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Be asked as an application."""
        self.calls += 1
        await self._app(scope, receive, send)

    def call(self) -> Call:
        """A new connection."""
        return Call(self)

    async def place(self, client: str = "A", **fields: object) -> str:
        """Place a bracket that must be taken; returns its entry's id."""
        await self.desk.ensure_account(client)
        outcome = await self.desk.execute(bracket(client, **fields))  # type: ignore[arg-type]
        assert isinstance(outcome, Placed)
        return outcome.order_id

    @property
    def counted(self) -> dict[tuple[str, str], int]:
        """How many requests were counted, by endpoint and outcome."""
        return {key: sum(histogram.counts) for key, histogram in self.desk.measures.requests.items()}


def houses(**options: Any) -> tuple[House, House]:
    """Two that stand the same, the one that may answer at once first."""
    return House(at_once=True, **options), House(at_once=False, **options)


def request(
    method: str,
    target: str,
    body: bytes | str = b"",
    *headers: str,
    token: str | None = "of A",
    length: bool = True,
    version: str = "1.1",
) -> bytes:
    """The bytes of a request; a body that is not empty is declared JSON unless a header says otherwise."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/{version}", "host: x", *headers]
    if token is not None:
        lines.append(f"x-authorization-token: {token}")
    if raw and not any(line.lower().startswith("content-type") for line in headers):
        lines.append("content-type: application/json")
    if length and (raw or method != "GET"):
        lines.append(f"content-length: {len(raw)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw


def pieces(raw: bytes, *cuts: int) -> Sequence[bytes]:
    """The bytes, cut at these places."""
    places = [0, *cuts, len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(places)]


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(30):
        await asyncio.sleep(0)
