"""A trial: one story, told to the real application, from its first deed until everything has come to rest."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import DecodeError
from msgspec.json import decode

from bracketd.auth.issuing import issue_for
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import day_start_ns
from bracketd.runtime.desk import NotServing
from bracketd.simulation import deeds
from bracketd.simulation.client_book import ClientBook
from bracketd.simulation.deeds import AnyDeed, Story
from bracketd.simulation.desk_clients import (
    Request,
    cancellation,
    conversion,
    everything,
    log_out,
    look,
    modification,
    placement,
    pushed,
    tick_of,
)
from bracketd.simulation.disk import AFTER_REPLY, BEFORE_REPLY
from bracketd.simulation.encodings import Headers, auth_headers
from bracketd.simulation.history import History
from bracketd.simulation.line import Dialogue, pieces
from bracketd.simulation.listener import Listener, book_of
from bracketd.simulation.lives import Lives
from bracketd.simulation.pace import Pace
from bracketd.simulation.premises import (
    CUT_OFF_S,
    DATE,
    HOUR_NS,
    MINUTE_NS,
    NAMES,
    SHARE_KEYS,
    Account,
    sessions,
    shares,
)
from bracketd.simulation.process import KEY, Process
from bracketd.simulation.rest import come_to_rest
from bracketd.simulation.storyteller import CLIENTS
from bracketd.simulation.virtual_loop import LoopClock, Stalled, VirtualLoop, no_collector
from bracketd.simulation.watched_desk import Hearing, hearing
from bracketd.simulation.witness import Witness
from bracketd.venue.paper.fault_plan import FaultPlan
from bracketd.venue.paper.fault_plan import Point as FaultPoint

PATIENCE_S = (0.00001, 0.0003, 0.002, 0.5)
"""How long a client waits that has no patience: it hangs up, and its request goes on."""


def tried(story: Story, *, rest: bool = True) -> Account:
    """Try the story; nothing outside this call is touched, and the same story gives the same account.

    Without `rest` it ends with its last deed: enough for a lie that is found before.
    """
    with no_collector():
        # In a call of its own, so that all of it is gone before the collector looks.
        return _tried(story, rest)


def _tried(story: Story, rest: bool) -> Account:
    with closing(VirtualLoop()) as loop, TemporaryDirectory(prefix="bracketd-sim-", dir=_memory()) as lent:
        trial = Trial(loop, story, Path(lent))
        with closing(trial.lives):
            try:
                return loop.run_until_complete(trial.run(rest=rest))
            except Stalled as stalled:
                trial.witness.accuse(f"{stalled} (24)")
                return trial.account(at_rest=False)


def _memory() -> str | None:
    """A folder in the machine's memory, where it has one: SQLite lends locks by empty files, which no disk need see."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Trial:
    """The state of a trial; `run` is all of it."""

    def __init__(self, loop: VirtualLoop, story: Story, folder: Path) -> None:
        self.loop = loop
        self.story = story
        self.witness = Witness(shares())
        self.sessions = sessions()
        self.clock = LoopClock(loop, day_start_ns(DATE) + story.minute * MINUTE_NS)
        self.book = ClientBook(NAMES, Random(f"book {story.seed}"))
        self.listeners: list[Listener] = []
        self.answers: Counter[str] = Counter()
        self._dialogues: list[Dialogue] = []
        self.calls: set[asyncio.Task[None]] = set()
        self.lives = Lives(loop, self.clock, folder, story, self.witness, self.book, self._cut_off)
        self.pace = Pace(story.orders_per_s, story.cancels_per_s)
        self.history = History()
        self.stale: dict[str, float] = {}
        self._logged_out: set[str] = set()
        self._tokens = Random(f"tokens {story.seed}")
        self._token: dict[str, str] = {}
        self._jump_ns = 0

    async def run(self, *, rest: bool) -> Account:
        """From the first start of the server to the last check."""
        self.loop.set_exception_handler(self._lost_exception)
        for name in NAMES:
            self._new_token(name)
        await self.lives.begin()
        for deed in self.story.deeds:
            if self.witness.lie:
                break
            await asyncio.sleep(deed.gap_us / 1e6)
            self._do(deed)
            if self._jump_ns:
                jump_ns, self._jump_ns = self._jump_ns, 0
                await self.lives.jump(jump_ns)
        at_rest = not self.witness.lie
        if at_rest and rest:
            await come_to_rest(self)
        elif at_rest:
            # What the last deed began goes on for a moment.
            await asyncio.sleep(1)
        await self.lives.end()
        return self.account(at_rest=at_rest)

    def account(self, *, at_rest: bool) -> Account:
        """What it has come to."""
        return Account(
            lie=self.witness.lie,
            at_rest=at_rest,
            digest=self.witness.digest,
            requests=self.witness.requests,
            placed=self.witness.placed,
            rows=self.witness.rows,
            records=self.lives.archive.seq,
            lives=self.lives.count,
            answers=dict(self.answers),
        )

    # Deeds

    def _do(self, deed: AnyDeed) -> None:
        lives = self.lives
        process = lives.process
        if isinstance(deed, deeds.Misbehave):
            lives.misbehave(FaultPlan(deed.rules, deed.seed))
            self.history.late_fills |= any(rule.on is FaultPoint.FILL for rule in deed.rules)
        elif isinstance(deed, deeds.Trouble):
            lives.disk.trouble = deed.what
        elif isinstance(deed, deeds.PowerCut):
            lives.down_s = deed.down_ms / 1e3
            lives.armed = deed.point
            lives.whole_machine = deed.machine
            if not deed.point:
                lives.cut_power()
        elif process is not None and not process.dead and not process.desk.failure:
            self._do_with(process, deed)

    def _do_with(self, process: Process, deed: AnyDeed) -> None:
        """What needs a server that runs."""
        state = process.desk.state
        match deed:
            case deeds.Place():
                share = shares()[SHARE_KEYS[deed.share]]
                printed = process.exchange.shown(SHARE_KEYS[deed.share])[0]
                self._send(placement(deed, NAMES[deed.client], share, printed, state.day), deed.auth)
            case deeds.Cancel():
                other = NAMES[(deed.client + 1) % CLIENTS]
                self._send(cancellation(deed, NAMES[deed.client], other, state), deed.auth)
            case deeds.Modify():
                self._send(modification(deed, NAMES[deed.client], state, shares()), deed.auth)
            case deeds.Convert():
                share = shares()[SHARE_KEYS[deed.share]]
                self._send([conversion(deed, NAMES[deed.client], share, state)], deed.auth)
            case deeds.KillSwitch():
                self._send([everything(NAMES[deed.client])], 0)
            case deeds.Read():
                self._send(look(deed, NAMES[deed.client], state), deed.auth)
            case deeds.Listen():
                self._listen(process, NAMES[deed.client])
            case deeds.Print():
                self._print(process, tick_of(deed, shares()[SHARE_KEYS[deed.share]]), deed.by_hand)
            case deeds.NewTokens():
                self._renew(NAMES[deed.client], rotates=deed.rotates)
            case deeds.Turn():
                self._turn(early=deed.early)
            case _:
                raise TypeError(f"nobody does {deed!r}")

    def _print(self, process: Process, tick: Tick, by_hand: bool) -> None:
        if not sessions().phase(self.clock.now_ns()).trades:
            return
        if by_hand and tick.bids is None and tick.asks is None:
            self._send([pushed(tick, shares()[tick.instrument])], 0)
            return
        try:
            process.desk.feed_tick(tick)
        except NotServing:
            return

    def _turn(self, *, early: bool) -> None:
        """The clock jumps to the session's next turn, or to a second before it; what falls due happens on the way."""
        change = sessions().next_change_ns(self.clock.now_ns())
        if change is None:
            return
        for listener in self.listeners:
            listener.hang_up()
        self._jump_ns = max(0, change - self.clock.now_ns() - (10**9 if early else -1))

    def _renew(self, client: str, *, rotates: bool) -> None:
        """A client logs out, or the operator ends all its sessions."""
        if rotates:
            old = self._token[client]
            self.book.rotate(client)
            self._ended(client, old)
        else:
            self._send([log_out(client)], 0)

    def _ended(self, client: str, token: str) -> None:
        """A token has ended: from now on it opens nothing (22)."""
        if token in self.stale:
            return
        self.stale[token] = self.loop.time()
        if self._token[client] == token:
            self._new_token(client)
        self._send([everything(client)], 0, token=token)
        self.loop.create_task(self._look_for_outliving(token))

    async def _look_for_outliving(self, token: str) -> None:
        await asyncio.sleep(CUT_OFF_S)
        if any(listener.open and listener.token == token for listener in self.listeners):
            self.witness.accuse("a websocket outlives its token (22)")

    def _new_token(self, client: str) -> None:
        token = issue_for(self.book, KEY, client, 100 * HOUR_NS, "web", self.clock.now_ns(), self._tokens.randbytes)
        self._token[client] = token

    def _listen(self, process: Process, client: str) -> None:
        listener = Listener(
            client,
            self._token[client],
            lambda: book_of(process.desk.state, client),
            self._shown,
        )
        self.listeners.append(listener)
        listener.begin(process.connect(listener))

    def _cut_off(self) -> None:
        """A life has ended, and every connection with it."""
        self.listeners.clear()
        self._dialogues.clear()

    # Requests

    def ask(self, request: Request) -> None:
        """One request, by the plainest header."""
        self._send([request], 0)

    def _send(self, requests: Iterable[Request], auth: int, token: str = "") -> None:
        for request in requests:
            used = token or self._token.get(request.client, "")
            headers = auth_headers(auth, used) if request.client else []
            # One in four comes in two pieces, and now and then a client has no patience.
            cut = auth if auth % 4 == 0 else 0
            patience_s = PATIENCE_S[auth % len(PATIENCE_S)] if auth % 31 == 7 else 0.0
            task = self.loop.create_task(self._call(request, headers, used, cut, patience_s))
            self.calls.add(task)
            task.add_done_callback(self.calls.discard)

    async def _call(self, request: Request, headers: Headers, token: str, cut: int, patience_s: float) -> None:
        """One request, its bytes cut in two at `cut` (0: nowhere), and its reply, awaited so long (0: without end)."""
        process = self.lives.process
        if process is None:
            return
        self.witness.requests += 1
        stale = token in self.stale
        asked_ns = self.clock.now_ns()
        if request.kind == "logout":
            self._logged_out.add(token)
        self.pace.ask(request.client, request.kind, self.loop.now_ns)
        message = pieces(request.method, request.written, [*headers, *request.headers], cut)
        dialogue = self._dialogue(process)
        self.history.asked(request, asked_ns)
        heard = hearing()

        def leaving(status: int, body: bytes) -> bool:
            if process.dead or self.lives.reached(BEFORE_REPLY):
                return False
            self.answers[f"{request.kind} {status}"] += 1
            self.witness.hashed(request.kind, status, body, self.loop.now_ns)
            if request.kind == "logout" and status == 200:
                self._ended(request.client, token)
                return True
            if stale:
                if status != 401:
                    self.witness.accuse(f"a token that ended opens {request.kind}: {status} (22)")
            elif status == 401:
                if token in self.stale:
                    # It ended while the request was under way.
                    return True
                if token in self._logged_out:
                    # Nobody heard that it has ended.
                    self._ended(request.client, token)
                    return True
                self.witness.accuse(f"a good token is refused: {request.kind}")
            elif status < 500 and heard.needs_seq > self.lives.archive.kept_seq:
                self.witness.accuse(f"answered before it is on disk (20): {request.kind} {status} {body!r}")
            else:
                self._read(heard, request, asked_ns, status, body)
            self.lives.reached(AFTER_REPLY)
            return True

        reply = None
        try:
            reply = await dialogue.ask(message, leaving, patience_s)
        finally:
            # Also where the server died meanwhile, and the caller with it.
            if reply is None:
                self.history.unanswered(request, asked_ns)
            else:
                self.history.over(request, asked_ns)

    def _read(self, heard: Hearing, request: Request, asked_ns: int, status: int, body: bytes) -> None:
        """The client reads its reply, and holds it to all that clients have seen."""
        try:
            fields = decode(body)
            self._heard(heard, request, status, body, fields)
            self.history.answered(request, asked_ns, self.clock.now_ns(), status, fields)
        except (KeyError, TypeError, ValueError, DecodeError) as fault:
            self.witness.accuse(f"a reply is not as it should be: {fault!r} {request.kind} {status} {body!r}")
        for text in self.history.faults:
            self.witness.accuse(text)

    def _shown(self, client: str, rows: list[dict[str, Any]]) -> None:
        """A frame came."""
        self.witness.shown(client, rows, self.lives.archive.catch_up())
        for row in rows:
            self.history.pushed(row, self.clock.now_ns())

    def _dialogue(self, process: Process) -> Dialogue:
        """A connection that is free, or a new one."""
        for dialogue in self._dialogues:
            if dialogue.free:
                return dialogue
        dialogue = Dialogue()
        dialogue.line = process.connect(dialogue)
        self._dialogues = [each for each in self._dialogues if each.line is not None and not each.line.is_closing()]
        self._dialogues.append(dialogue)
        return dialogue

    def _heard(self, heard: Hearing, request: Request, status: int, body: bytes, fields: dict[str, Any]) -> None:
        """A reply that anybody may rely on leaves."""
        if request.kind == "tick" or status == 503:
            return
        if status == 429:
            fault = self.pace.fault(request.client, request.kind, self.loop.now_ns)
            if fault:
                self.witness.accuse(f"a request is turned away that may come: {fault}")
            return
        if request.kind.startswith("read"):
            if status != 200:
                self.witness.accuse(f"a look is refused: {request.kind} {status} {body!r}")
            elif request.kind in ("read orders", "read completed"):
                self.witness.shown(request.client, fields["data"]["orders"], self.lives.archive.catch_up())
            return
        self.witness.replied(heard, request, status, body, fields)

    def _lost_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.witness.accuse(f"an exception that nobody heard: {context.get('message')} {context.get('exception')!r}")
