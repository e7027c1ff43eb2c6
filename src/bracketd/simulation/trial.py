"""A trial: one story, told to the real application, from its first deed until everything has come to rest."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import closing
from random import Random
from typing import Any

from bracketd.auth.issuing import issue_for
from bracketd.domain.events import AnyEvent
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import day_start_ns
from bracketd.engine.state import State, encode_state
from bracketd.journal.protocol import Lease
from bracketd.runtime.desk import NotServing
from bracketd.simulation import deeds
from bracketd.simulation.archive import Archive
from bracketd.simulation.client_book import ClientBook
from bracketd.simulation.deeds import AnyDeed, Story
from bracketd.simulation.desk_clients import (
    Request,
    cancellation,
    everything,
    look,
    modification,
    placement,
    pushed,
    tick_of,
)
from bracketd.simulation.disk import AFTER_REPLY, BEFORE_REPLY, Disk, Point
from bracketd.simulation.disk_journal import Platter
from bracketd.simulation.encodings import Headers, auth_headers
from bracketd.simulation.exchange_image import differing, queues_of
from bracketd.simulation.line import exchange, http_scope
from bracketd.simulation.listener import Listener, book_of
from bracketd.simulation.premises import (
    CUT_OFF_S,
    DATE,
    HOUR_NS,
    MINUTE_NS,
    NAMES,
    SHARE_KEYS,
    Account,
    blacklist_key,
    sessions,
    shares,
)
from bracketd.simulation.process import KEY, Process, started
from bracketd.simulation.rest import come_to_rest
from bracketd.simulation.storyteller import CLIENTS
from bracketd.simulation.virtual_loop import LoopClock, VirtualLoop, no_collector
from bracketd.simulation.watched_desk import Hearing, hearing
from bracketd.simulation.witness import Witness
from bracketd.venue.paper.fault_plan import FaultPlan


def tried(story: Story, *, rest: bool = True) -> Account:
    """Try the story; nothing outside this call is touched, and the same story gives the same account.

    Without `rest` it ends with its last deed: enough for a lie that is found before.
    """
    with no_collector(), closing(VirtualLoop()) as loop:
        return loop.run_until_complete(Trial(loop, story).run(rest=rest))


class Trial:
    """The state of a trial; `run` is all of it."""

    def __init__(self, loop: VirtualLoop, story: Story) -> None:
        self.loop = loop
        self.story = story
        self.witness = Witness(shares())
        self.disk = Disk(Random(f"disk {story.seed}"), self._at)
        self.platter = Platter(self.disk)
        self.archive = Archive(self.platter)
        self.sessions = sessions()
        self.clock = LoopClock(loop, day_start_ns(DATE) + story.minute * MINUTE_NS)
        self.book = ClientBook(NAMES, Random(f"book {story.seed}"))
        self.process: Process | None = None
        self.listeners: list[Listener] = []
        self.calls: set[asyncio.Task[None]] = set()
        self.armed: Point = ""
        self.down_s = 0.0
        self.lives = 0
        self.plan = FaultPlan()
        self._tokens = Random(f"tokens {story.seed}")
        self._token: dict[str, str] = {}
        self.stale: dict[str, float] = {}
        self._over = False
        self._jump_ns = 0
        self._life: asyncio.Task[None] | None = None
        self._before: tuple[int, bytes, list[dict[str, Any]]] | None = None

    async def run(self, *, rest: bool) -> Account:
        """From the first start of the server to the last check."""
        self.loop.set_exception_handler(self._lost_exception)
        for name in NAMES:
            self._new_token(name)
        await self._start()
        self._life = self.loop.create_task(self._live())
        for deed in self.story.deeds:
            if self.witness.lie:
                break
            await asyncio.sleep(deed.gap_us / 1e6)
            self._do(deed)
            if self._jump_ns:
                jump_ns, self._jump_ns = self._jump_ns, 0
                await asyncio.sleep(jump_ns / 1e9)
        at_rest = not self.witness.lie
        if at_rest and rest:
            await come_to_rest(self)
        elif at_rest:
            # What the last deed began goes on for a moment.
            await asyncio.sleep(1)
        self._over = True
        await self._end_all()
        return Account(
            lie=self.witness.lie,
            at_rest=at_rest,
            digest=self.witness.digest,
            requests=self.witness.requests,
            placed=self.witness.placed,
            rows=self.witness.rows,
            records=self.archive.seq,
            lives=self.lives,
        )

    # The server's lives

    async def _start(self) -> None:
        def begin(state: State, lease: Lease) -> None:
            self.witness.say(lambda: self.archive.check_equal(state, lease.last_seq))
            self.witness.onlooker.begin_again(state)
            self.witness.survived(state)

        process: Process | None = None
        while process is None:
            faults = self.disk.faults
            try:
                process = await started(
                    self.platter,
                    begin,
                    self._stepped,
                    self.witness.onlooker.overhear,
                    watch=self.witness,
                    instruments=shares(),
                    sessions=sessions(),
                    clock=self.clock,
                    book=self.book,
                )
            except Exception as fault:  # noqa: BLE001 (whatever keeps a server from starting is a find)
                if self.disk.faults == faults:
                    self.witness.accuse(f"the server does not start again: {fault!r}")
                    return
                # Somebody sees to the disk, and starts it once more.
                self.disk.cut_power()
                self.disk.trouble = None
        self.process = process
        self.lives += 1
        process.misbehave(self.plan)
        self.loop.create_task(process.keep_timing())

    def _compare_queues(self) -> None:
        """Nothing was lost that had been decided: then everybody stands in the queue where he stood (20)."""
        process = self.process
        if self._before is None or process is None:
            return
        seq, state, queues = self._before
        self._before = None
        if seq == self.archive.seq and state == encode_state(process.desk.state):
            now = [queues_of(process.exchange, key) for key in SHARE_KEYS]
            if now != queues:
                self.witness.accuse(f"after a restart queues differ (20): {differing(queues, now)}")

    async def _live(self) -> None:
        """Each life of the server, until it dies; then what was not synced is torn, and another begins."""
        while self.process is not None:
            process, faults = self.process, self.disk.faults
            died = self.loop.create_task(process.desk.wait_failed())
            await asyncio.wait({died, process.power}, return_when=asyncio.FIRST_COMPLETED)
            if self._over:
                return
            if process.desk.failure and not process.dead:
                # A disk that refuses is a good reason, and the only one.
                if self.disk.faults == faults or "journal failed" not in process.desk.failure:
                    self.witness.accuse(f"the server stopped itself: {process.desk.failure}")
                # What is in flight is told so, and then the process ends.
                await asyncio.sleep(0.001)
            process.dead = True
            self.process = None
            self.witness.hashed("died", self.loop.now_ns, process.desk.failure)
            state = process.desk.state
            self._before = (
                process.desk.last_seq,
                encode_state(state),
                [queues_of(process.exchange, key) for key in SHARE_KEYS],
            )
            await self._end_all()
            self.disk.cut_power()
            self.disk.trouble = None
            await asyncio.sleep(self.down_s)
            await self._start()
            self._compare_queues()

    async def _end_all(self) -> None:
        """Everything that runs in the server, or waits for it, ends here."""
        keep = {asyncio.current_task(), self._life, *self._main()}
        others = [task for task in self.loop.tasks() if task not in keep]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self.listeners.clear()

    def _main(self) -> Iterable[asyncio.Task[Any]]:
        return self.loop.tasks()[:1]

    def _at(self, point: Point) -> "asyncio.Future[None] | None":
        """A point at which the power may be cut; whoever is there then waits for ever."""
        if point != self.armed or self.process is None:
            return None
        self.armed = ""
        self.process.cut_power()
        return self.loop.create_future()

    def _stepped(self, seq: int, events: list[AnyEvent]) -> None:
        process = self.process
        if process is not None and not process.dead:
            desk = process.desk
            self.witness.stepped(desk.state, process.exchange, seq, events, desk.judging)

    # Deeds

    def _do(self, deed: AnyDeed) -> None:
        process = self.process
        if isinstance(deed, deeds.Misbehave):
            self.plan = FaultPlan(deed.rules, deed.seed)
            if process is not None:
                process.misbehave(self.plan)
        elif isinstance(deed, deeds.Trouble):
            self.disk.trouble = deed.what
        elif isinstance(deed, deeds.PowerCut):
            self.down_s = deed.down_ms / 1e3
            self.armed = deed.point
            if not deed.point and process is not None:
                process.cut_power()
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
        """Old tokens end: none of them opens anything from then on (22)."""
        old = self._token[client]
        if rotates:
            self.book.rotate(client)
        else:
            self.book.revoke(blacklist_key(old), 0)
        self.stale[old] = self.loop.time()
        self._new_token(client)
        self._send([everything(client)], 0, token=old)
        self.loop.create_task(self._look_for_outliving(old))

    async def _look_for_outliving(self, token: str) -> None:
        await asyncio.sleep(CUT_OFF_S)
        if any(listener.open and listener.token == token for listener in self.listeners):
            self.witness.accuse("a websocket outlives its token (22)")

    def _new_token(self, client: str) -> None:
        token = issue_for(self.book, KEY, client, 100 * HOUR_NS, "web", self.clock.now_ns(), self._tokens.randbytes)
        self._token[client] = token

    def _listen(self, process: Process, client: str) -> None:
        def alive() -> bool:
            return not process.dead

        listener = Listener(
            client,
            self._token[client],
            lambda: book_of(process.desk.state, client),
            lambda who, rows: self.witness.shown(who, rows, self.archive.catch_up()),
            alive,
            self.loop.create_future,
        )
        self.listeners.append(listener)
        self.loop.create_task(listener.listen(process.app))

    def serves(self, process: Process) -> bool:
        """Whether this is the life in hand, and will answer."""
        return self.process is process and not process.dead and not process.desk.failure

    # Requests

    def ask(self, request: Request) -> None:
        """One request, by the plainest header."""
        self._send([request], 0)

    def _send(self, requests: Iterable[Request], auth: int, token: str = "") -> None:
        for request in requests:
            used = token or self._token.get(request.client, "")
            headers = auth_headers(auth, used) if request.client else []
            task = self.loop.create_task(self._call(request, headers, used))
            self.calls.add(task)
            task.add_done_callback(self.calls.discard)

    async def _call(self, request: Request, headers: Headers, token: str) -> None:
        process = self.process
        if process is None:
            return
        self.witness.requests += 1
        stale = token in self.stale
        scope = http_scope(request.method, request.written, [*headers, *request.headers])
        with hearing() as heard:

            def leaving(status: int, body: bytes) -> bool:
                if process.dead or self._at(BEFORE_REPLY) is not None:
                    return False
                self.witness.hashed(request.kind, status, body, self.loop.now_ns)
                if stale:
                    if status != 401:
                        self.witness.accuse(f"a token that ended opens {request.kind}: {status} (22)")
                elif status == 401:
                    if token in self.stale:
                        # It ended while the request was under way.
                        return True
                    self.witness.accuse(f"a good token is refused: {request.kind}")
                elif status < 500 and heard.needs_seq > self.platter.last_seq:
                    self.witness.accuse(f"answered before it is on disk (20): {request.kind} {status} {body!r}")
                else:
                    self._heard(heard, request, status, body)
                self._at(AFTER_REPLY)
                return True

            await exchange(process.app, scope, request.written.parts, leaving)

    def _heard(self, heard: Hearing, request: Request, status: int, body: bytes) -> None:
        """A reply that anybody may rely on leaves."""
        if request.kind == "tick" or status == 503:
            return
        if request.kind.startswith("read"):
            if status != 200:
                self.witness.accuse(f"a look is refused: {request.kind} {status} {body!r}")
            elif request.kind in ("read orders", "read completed"):
                rows = json.loads(body)["data"]["orders"]
                self.witness.shown(request.client, rows, self.archive.catch_up())
            return
        self.witness.replied(heard, request, status, body)

    def _lost_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.witness.accuse(f"an exception that nobody heard: {context.get('message')} {context.get('exception')!r}")
