"""The desk: the single writer. It gives a command its time, asks the engine, keeps what was decided, and answers.

Everything happens on one event loop, one step after the other. The desk runs ahead of the disk; nobody outside sees
that, because an outcome is returned, and a read is sent, only when the journal's watermark has passed all that it
shows. If a step or the journal fails, the desk stops for good: the process must end, and a restart replays.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from bracketd.domain.account import Account
from bracketd.domain.commands import CancelOrder, Command, OpenAccount
from bracketd.domain.events import AnyEvent, IntentKept, encode_step
from bracketd.domain.instructions import Report
from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.ist import NS_PER_SECOND
from bracketd.domain.order import Leg
from bracketd.domain.outcomes import Outcome, Unknown
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancelling import Decision, outcome_of
from bracketd.engine.deciding import decide, judged_by
from bracketd.engine.moment import Moment
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.runtime.agenda import Agenda, Days
from bracketd.runtime.client_rows import ClientRows
from bracketd.runtime.clock import Clock, MovableClock
from bracketd.runtime.measures import Measures
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.protection_log import log_protection
from bracketd.runtime.sightings import Sightings
from bracketd.runtime.step import Step, Work
from bracketd.venue.protocol import MarketVenue

_log = logging.getLogger(__name__)

VENUE_WAIT_S = 2.0
"""How long a request waits for a venue's answer before it is told that the outcome is not known (bracket.md 1)."""


class NotServing(Exception):
    """The desk has stopped or is stopping; nothing may be acknowledged."""


class SessionsOfDay(Days, Protocol):
    """What the desk asks the session table."""

    def phase(self, now_ns: int) -> SessionPhase:
        """What the market does at the moment."""


class Deadline(NamedTuple):
    """Until when a request may wait: by the event loop's time (seconds), and by the desk's clock (nanoseconds)."""

    loop_s: float
    clock_ns: int


class Waiting(NamedTuple):
    """A command that was decided, and whose outcome is not known yet."""

    command: Command
    decision: Decision
    deadline: Deadline


class Desk:
    """Commands in, durable outcomes out.

    `state` is live: whoever shows any of it outside awaits `durable()` between rendering and sending. `account_terms`
    tells the opening cash (paise) and the leverage of a client that the engine does not know yet, None for nobody.
    `on_step` holds functions called with each step's sequence and events when the journal has them, which is before
    they are durable; `on_tick` holds functions called with each tick. Both are called at once, and must not raise.
    `due_sooner` is set when a step makes something due before what `keep_time` answered last.
    """

    def __init__(
        self,
        *,
        state: State,
        venue: MarketVenue,
        instruments: Mapping[str, Instrument],
        commit: GroupCommit,
        clock: Clock,
        sessions: SessionsOfDay,
        account_terms: Callable[[str], tuple[int, int] | None],
        venue_wait_s: float = VENUE_WAIT_S,
    ) -> None:
        self.state = state
        self.client_rows = ClientRows(state)
        self.instruments = instruments
        self.failure = ""
        self.on_step: list[Callable[[int, list[AnyEvent]], None]] = []
        self.on_tick: list[Callable[[Tick], None]] = []
        self._venue = venue
        self.commit = commit
        self.measures = Measures()
        self.on_tick.append(self.measures.ticked)
        commit.on_commit.append(self.measures.committed)
        self._clock = clock
        self._phase = sessions.phase
        self._account_terms = account_terms
        self._venue_wait_s = venue_wait_s
        self._sightings = Sightings(venue)
        self._pressing = Pressing(state)
        self._agenda = Agenda(state, self._pressing, sessions, clock.now_ns())
        self._told_due_ns = self._agenda.due_ns()
        self.due_sooner = asyncio.Event()
        self._last_seq = commit.durable_seq
        self._movement: dict[str, list[tuple[Deadline, asyncio.Future[bool]]]] = {}
        self._failed = asyncio.Event()
        commit.on_failure.append(lambda fault: self.fail(f"the journal failed: {fault!r}"))
        venue.start(self.deliver)

    @property
    def serving(self) -> bool:
        """Whether the desk may acknowledge anything."""
        return not self.failure

    @property
    def waited_for(self) -> bool:
        """Whether any request waits for a venue."""
        return bool(self._movement)

    def now_ns(self) -> int:
        """The time, in unix nanoseconds."""
        return self._clock.now_ns()

    def quote(self, instrument: str) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """(last print in paise or 0, bids, asks) of an instrument that can be traded, as the venue holds them."""
        return self._venue.shown(instrument)

    def account(self, client_id: str) -> Account | None:
        """The client's account, or what it will be opened with on first use; None where nobody is known by the name.

        A look: unlike `ensure_account` it opens nothing.
        """
        known = self.state.accounts.get(client_id)
        if known is not None:
            return known
        terms = self._account_terms(client_id)
        return None if terms is None else Account(client_id=client_id, cash_paise=terms[0], leverage=terms[1])

    async def execute(self, command: Command) -> Outcome:
        """Carry out one command; returns its outcome when that is on disk. Raises NotServing.

        A request that concerns a bracket with something in flight waits for the venue's answer, then is judged anew;
        after the waiting time the outcome is Unknown, and what was undertaken goes on.
        """
        return await self.carry_out(command, self.admit())

    def admit(self) -> Deadline:
        """Let a request in: until when it may wait for a venue. Raises NotServing."""
        if self.commit.full:
            raise NotServing("the disk is too far behind")
        return self._deadline()

    async def carry_out(self, command: Command, deadline: Deadline) -> Outcome:
        """As `execute`, for one of the commands that a request already let in comes to. Raises NotServing.

        Not turned away while the disk is behind: a request of many commands must not stop itself half way.
        """
        return await self.see_through(Waiting(command, self._judge(command), deadline))

    def undertake(self, command: Command) -> Outcome | Waiting:
        """Carry out one command as far as it goes without waiting for anybody. Raises NotServing.

        An outcome that is known at once may be told as soon as all that was decided is on disk (`when_durable`); what
        has to wait for a venue is `see_through`'s.
        """
        if self.commit.full:
            raise NotServing("the disk is too far behind")
        decision = self._judge(command)
        outcome = decision.outcome
        if outcome is None and decision.ticket is not None:
            outcome = outcome_of(self.state, decision.ticket)
        return Waiting(command, decision, self._deadline()) if outcome is None else outcome

    async def see_through(self, waiting: Waiting) -> Outcome:
        """Wait for what a decided command needs, judge it anew where that has to be, and wait for the disk."""
        command, decision, deadline = waiting
        while True:
            outcome = decision.outcome
            if outcome is None and decision.ticket is not None:
                while (outcome := outcome_of(self.state, decision.ticket)) is None:
                    if not await self._moved(decision.ticket.basket_id, deadline):
                        outcome = Unknown(decision.ticket.order_id)
                        break
            if outcome is None and not await self._moved(decision.waits_for, deadline):
                outcome = Unknown(decision.named_id)
                self._keep_intent(decision)
            if outcome is not None:
                await self.durable()
                return outcome
            decision = self._judge(command)

    def when_durable(self, told: Callable[[bool], None]) -> bool:
        """Have `told` called when all that the state shows now is on disk; with False if it may not be told at all.

        True, and nothing is called, where it is on disk already. Raises NotServing.
        """
        if self.failure:
            raise NotServing(self.failure)
        if self._last_seq <= self.commit.durable_seq:
            return True
        self.commit.tell(self._last_seq, lambda failure: told(failure is None and not self.failure))
        return False

    async def ensure_account(self, client_id: str) -> bool:
        """Open the engine's account of a client on first use; False where nobody of that name is known."""
        if client_id in self.state.accounts:
            return True
        terms = self._account_terms(client_id)
        if terms is None:
            return False
        await self.execute(OpenAccount(client_id, *terms))
        return True

    def feed_tick(self, tick: Tick) -> None:
        """One message of a feed. Nobody is told of it, so it is recorded only where it caused something."""
        self.keep_time()
        self._run(lambda step: step.tick(tick))
        self._tell_tick(tick)

    async def push_tick(self, tick: Tick) -> None:
        """One message pushed by hand; returns when it and all that it caused are on disk. Raises NotServing."""
        self.take_tick(tick)
        await self.durable()

    def take_tick(self, tick: Tick) -> None:
        """One message pushed by hand, without waiting for the disk. Raises NotServing."""

        def work(step: Step) -> None:
            step.tick(tick)
            step.see(tick.instrument)

        self.keep_time()
        self._run(work)
        self._tell_tick(tick)

    def keep_time(self) -> int:
        """Do what is due by now, each at its moment; returns when the next is due. Raises NotServing."""
        self._check_serving()
        self._do_due(self.now_ns())
        self._told_due_ns = self._agenda.due_ns()
        return self._told_due_ns

    def pass_time(self, clock: MovableClock, to_ns: int) -> None:
        """Move the clock on (unix nanoseconds), and do on the way what falls due. Raises NotServing.

        Requests that have waited for a venue as long as they may, by this clock, are told so; an answer that comes at
        the last moment still counts.
        """
        while (due_ns := self._agenda.due_ns()) <= to_ns:
            self._end_waits(due_ns - 1)
            clock.move_to(due_ns)
            self._do_due(due_ns)
        clock.move_to(to_ns)
        self._end_waits(to_ns)

    def deliver(self, report: Report) -> None:
        """A report that a venue brings later than its instruction."""
        self._run(lambda step: step.handle((report,)))

    async def durable(self, seq: int | None = None) -> None:
        """Wait until everything that the state shows now, or all up to step `seq`, is on disk. Raises NotServing."""
        await self._durable(self._last_seq if seq is None else seq)

    async def wait_failed(self) -> str:
        """Wait until the desk has stopped for good; returns why."""
        await self._failed.wait()
        return self.failure

    def fail(self, why: str) -> None:
        """Stop for good. The first reason stays."""
        if self.failure:
            return
        self.failure = why
        _log.critical("stopped serving: %s", why)
        self._failed.set()
        for waiting in self._movement.values():
            for _, future in waiting:
                if not future.done():
                    future.set_result(True)

    def _deadline(self) -> Deadline:
        wait_ns = round(self._venue_wait_s * NS_PER_SECOND)
        return Deadline(asyncio.get_running_loop().time() + self._venue_wait_s, self.now_ns() + wait_ns)

    def _judge(self, command: Command) -> Decision:
        """Decide a command and run what it decides."""
        if self.failure:
            raise NotServing(self.failure)
        now_ns = self._clock.now_ns()
        if self._agenda.due_ns() <= now_ns:
            self._do_due(now_ns)
        instrument = "" if type(command) is CancelOrder else judged_by(self.state, command)
        print_paise = self._venue.shown(instrument)[0] if instrument and instrument in self.instruments else 0
        decision = decide(self.state, command, self.instruments, Moment(now_ns, self._phase(now_ns), print_paise))
        if not decision.events:
            return decision

        def work(step: Step) -> None:
            if instrument:
                step.see(instrument)
            for event in decision.events:
                step.apply(event)

        self._run(work, now_ns)
        return decision

    def _keep_intent(self, decision: Decision) -> None:
        """What nobody waits for any more is done all the same once it can be judged (bracket.md section 4)."""
        if decision.intends is not Leg.NONE and decision.waits_for in self.state.brackets:
            kept = IntentKept(self.now_ns(), decision.waits_for, decision.intends)
            self._run(lambda step: step.apply(kept))

    def _end_waits(self, now_ns: int) -> None:
        """Tell those requests that may not wait any longer by the clock."""
        for waiting in self._movement.values():
            for deadline, future in waiting:
                if deadline.clock_ns <= now_ns and not future.done():
                    future.set_result(False)

    def _do_due(self, now_ns: int) -> None:
        while (item := self._agenda.next(now_ns)) is not None:
            at_ns, work = item
            self._run(work, at_ns)

    def _run(self, work: Work, now_ns: int | None = None) -> None:
        """One step from its first event to the journal. A fault in the middle leaves no way back: the desk stops."""
        if self.failure:
            raise NotServing(self.failure)
        at_ns = self.now_ns() if now_ns is None else now_ns
        step = Step(self.state, self._venue, self._sightings, self._pressing, at_ns)
        events = step.events
        try:
            work(step)
            step.finish()
            if events:
                self._last_seq = self.commit.submit(encode_step(events))
        except Exception as fault:
            _log.exception("a step failed")
            self.fail(f"a step failed: {fault!r}")
            raise NotServing(self.failure) from fault
        if events:
            for told in self.on_step:
                told(self._last_seq, events)
            log_protection(self.state, events)
        if self._agenda.due_ns() < self._told_due_ns:
            self.due_sooner.set()
        if not self._movement:
            return
        for basket_id in step.moved:
            for _, future in self._movement.pop(basket_id, ()):
                if not future.done():
                    future.set_result(True)

    def _tell_tick(self, tick: Tick) -> None:
        for told in self.on_tick:
            told(tick)

    async def _moved(self, basket_id: str, deadline: Deadline) -> bool:
        """Wait until a step touches the bracket; False when the deadline comes first."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        waiter = (deadline, future)
        self._movement.setdefault(basket_id, []).append(waiter)
        moved = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline.loop_s):
                moved = await future
        if not moved:
            waiting = self._movement.get(basket_id, [])
            if waiter in waiting:
                waiting.remove(waiter)
            if not waiting:
                self._movement.pop(basket_id, None)
        self._check_serving()
        return moved

    async def _durable(self, seq: int) -> None:
        try:
            if seq > self.commit.durable_seq:
                await self.commit.wait(seq)
        except Exception as fault:
            self.fail(f"the journal failed: {fault!r}")
            raise NotServing(self.failure) from fault
        self._check_serving()

    def _check_serving(self) -> None:
        if self.failure:
            raise NotServing(self.failure)
