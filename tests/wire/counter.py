"""A counter to stand at: the application over a desk and a gate of the tests' own, called without a socket."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from tests.trading_floor import INSTRUMENTS, START_NS, Floor

from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims
from bracketd.domain.account import Account
from bracketd.domain.commands import CancelOrder, Command, ConvertPosition, ModifyOrder, PlaceBracket
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.outcomes import Cancelled, Outcome
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease
from bracketd.runtime.client_rows import ClientRows
from bracketd.runtime.clock import VirtualClock
from bracketd.runtime.desk import NotServing
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.measures import Measures
from bracketd.runtime.rates import Rates
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sandbox import Sandbox
from bracketd.venue.paper.faulty import FaultyExchange
from bracketd.wire.app import build_app
from bracketd.wire.request import REQUEST_BYTES_MAX

TOKEN = (b"x-authorization-token", b"good")
JSON = (b"content-type", b"application/json")
KART = "/api/v1/orders/kart"


class FakeGate:
    """Knows two tokens, "good" of client A and "other" of client B, until they log out."""

    def __init__(self) -> None:
        self.clients = {"good": "A", "other": "B"}

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> Claims:
        """The claims of the token in the headers."""
        return self.admit(presented_token(headers), now_ns)

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of the token."""
        client = self.clients.get(token or "")
        if client is None:
            raise Unauthorised(Refusal.NO_TOKEN)
        return Claims(f"{client}:k", client, "t", "web", 10**12)

    def logout(self, claims: Claims) -> None:
        """Forget the client's token."""
        self.clients = {token: client for token, client in self.clients.items() if client != claims.client_id}


class FakeDesk:
    """Keeps the commands it is given and answers each with `outcome`, or with whatever a floor makes of it."""

    def __init__(self, outcome: Outcome | BaseException | None = None, floor: Floor | None = None) -> None:
        self.outcome = outcome or Cancelled("20260106-2")
        self.floor = floor
        self.state = floor.state if floor else State()
        self.client_rows = ClientRows(self.state)
        self.instruments = INSTRUMENTS
        self.serving = True
        self.known = True
        self.commands: list[Command] = []
        self.ticks: list[Tick] = []
        self.waits = 0
        self.on_step: list[object] = []
        self.on_tick: list[object] = []
        self.measures = Measures()
        self.commit = GroupCommit(None, Lease("test", 1, 0))  # type: ignore[arg-type]
        self.clock = VirtualClock(START_NS)
        self.due_ns: list[int] = []

    def now_ns(self) -> int:
        """The moment that the sandbox has come to."""
        return self.clock.now_ns()

    def keep_time(self) -> int:
        """When the next of `due_ns` is; a year from the start when there is none."""
        return min(
            [due_ns for due_ns in self.due_ns if due_ns > self.now_ns()], default=START_NS + 365 * 86_400 * 10**9
        )

    def pass_time(self, clock: VirtualClock, to_ns: int) -> None:
        """Move the clock."""
        clock.move_to(to_ns)

    def quote(self, instrument: str) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """What the floor's exchange shows; nothing where there is none."""
        return self.floor.venue.shown(instrument) if self.floor else (0, (), ())

    def account(self, client_id: str) -> Account | None:
        """The engine's account, or one with a crore of rupees where the client is known."""
        opened = self.state.accounts.get(client_id)
        return opened or (Account(client_id=client_id, cash_paise=10**9, leverage=5) if self.known else None)

    async def execute(self, command: Command) -> Outcome:
        """Keep the command and answer it."""
        self.commands.append(command)
        if self.floor is not None:
            assert isinstance(command, PlaceBracket | CancelOrder | ModifyOrder | ConvertPosition)
            return self.floor.command(command)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def admit(self) -> float:
        """Let every request in."""
        return 0.0

    async def carry_out(self, command: Command, deadline: float) -> Outcome:
        """Keep the command and answer it, however late."""
        return await self.execute(command)

    async def durable(self) -> None:
        """Count that somebody waited for the disk; a desk that has stopped promises nothing."""
        self.waits += 1
        if not self.serving:
            raise NotServing("stopped")

    async def ensure_account(self, client_id: str) -> bool:
        """Whether the client is known."""
        return self.known

    async def push_tick(self, tick: Tick) -> None:
        """Keep the tick."""
        self.take_tick(tick)

    def take_tick(self, tick: Tick) -> None:
        """Keep the tick."""
        self.ticks.append(tick)


class Answer:
    """One reply; `json()` reads its body, which must be JSON. `request_id` stands beside the other headers.

    It is drawn for each request, so that two replies that say the same differ in it.
    """

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = dict(headers)
        self.request_id = self.headers.pop(b"x-request-id", b"")
        self.body = body
        assert self.headers[b"content-type"] == b"application/json"
        # What is too long for one piece begins before its length is known.
        assert b"content-length" in self.headers or len(body) > REQUEST_BYTES_MAX
        assert self.headers.get(b"content-length", b"%d" % len(body)) == b"%d" % len(body)

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Counter:
    """The application and what stands behind it."""

    def __init__(
        self,
        outcome: Outcome | BaseException | None = None,
        *,
        floor: Floor | None = None,
        sandbox: bool = False,
        cors: Sequence[str] = (),
        virtual: bool = True,
        entrance: Entrance | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.desk = FakeDesk(outcome, floor)
        self.gate = FakeGate()
        self.exchange = FaultyExchange(resume_paper(self.desk.state, INSTRUMENTS), (), lambda order_id: None)
        clock = self.desk.clock if virtual else None
        built = Sandbox(self.desk, self.exchange, clock) if sandbox else None  # type: ignore[arg-type]
        self.app = build_app(
            self.desk,  # type: ignore[arg-type]
            self.gate,  # type: ignore[arg-type]
            sandbox=built,
            cors=cors,
            entrance=entrance,
            rates=rates,
        )
        self.chunks_read = 0

    async def call(
        self,
        method: str,
        target: str,
        body: bytes | str | dict[str, Any] = b"",
        *headers: tuple[bytes, bytes],
        token: tuple[bytes, bytes] | None = TOKEN,
        chunks: Sequence[bytes] | None = None,
        peer: tuple[str, int] | None = ("127.0.0.1", 50_000),
    ) -> Answer:
        """One request. `target` is what stands in the request line; `chunks` come without a Content-Length."""
        answers = await self.call_raw(method, target, body, *headers, token=token, chunks=chunks, peer=peer)
        start, *rest = answers
        return Answer(start["status"], start["headers"], b"".join(message.get("body", b"") for message in rest))

    async def call_raw(
        self,
        method: str,
        target: str,
        body: bytes | str | dict[str, Any] = b"",
        *headers: tuple[bytes, bytes],
        token: tuple[bytes, bytes] | None = TOKEN,
        chunks: Sequence[bytes] | None = None,
        peer: tuple[str, int] | None = ("127.0.0.1", 50_000),
        gone: bool = False,
        scheme: str = "http",
    ) -> list[Any]:
        """One request and the ASGI messages that answer it; `gone`: the client leaves before the body's end."""
        if isinstance(body, dict):
            body, headers = json.dumps(body), (*headers, JSON)
        raw = body.encode() if isinstance(body, str) else body
        path, _, query = target.partition("?")
        sent = list(headers)
        if token is not None:
            sent.append(token)
        if chunks is None:
            sent.append((b"content-length", b"%d" % len(raw)))
        parts = list(chunks) if chunks is not None else [raw]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": sent,
            "client": peer,
            "server": ("127.0.0.1", 8000),
        }
        answers: list[Any] = []
        self.chunks_read = 0

        async def receive() -> dict[str, Any]:
            if self.chunks_read >= len(parts):
                if not gone:
                    # Who has asked waits for the answer.
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            part = parts[self.chunks_read]
            self.chunks_read += 1
            return {"type": "http.request", "body": part, "more_body": gone or self.chunks_read < len(parts)}

        async def send(message: Any) -> None:
            answers.append(message)

        await self.app(scope, receive, send)
        return answers

    @property
    def cancelled(self) -> CancelOrder:
        """The one command that arrived."""
        (command,) = self.desk.commands
        assert isinstance(command, CancelOrder)
        return command

    @property
    def placed(self) -> PlaceBracket:
        """The one command that arrived."""
        (command,) = self.desk.commands
        assert isinstance(command, PlaceBracket)
        return command
