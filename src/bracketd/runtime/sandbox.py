"""The sandbox: a clock that goes only when it is told to, and a paper exchange that misbehaves as planned.

It is what somebody who tries a program out may do to the world around it, and never to an order: those go the way of
every order.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from bracketd.domain.instrument import Tick
from bracketd.domain.ist import NS_PER_SECOND, SECONDS_PER_DAY
from bracketd.domain.session import Stage
from bracketd.runtime.clock import VirtualClock
from bracketd.runtime.desk import Desk
from bracketd.venue.paper.fault_plan import FaultPlan, FaultRule
from bracketd.venue.paper.faulty import FaultyExchange

ADVANCE_NS_MAX: Final = 31 * SECONDS_PER_DAY * NS_PER_SECOND
"""The clock is moved by at most this much at once."""

STOPS_MAX: Final = 100_000
"""So many moments at which something is due are passed at once: what is refused again and again has one each second."""

STOPS_BETWEEN_DISK: Final = 1_000
"""After so many the disk is waited for, so that it never falls far behind."""

RUN_PRINTS_MAX: Final = 1_000
"""A run has at most so many prints."""

PRINTS_BETWEEN_DISK: Final = 100
"""After so many of a run the disk is waited for."""


class ClockStands(Exception):
    """The clock is the machine's: nobody can move it."""


class ClockRefused(ValueError):
    """The clock cannot be moved there: it lies back in time, or further ahead than ADVANCE_NS_MAX."""


class ClockStopped(Exception):
    """So much fell due on the way that the clock was left where it had come to."""


class TimedPrint(NamedTuple):
    """A print of a run, and the moment (unix nanoseconds) to which the clock is moved for it; None leaves the clock."""

    tick: Tick
    at_ns: int | None = None


class Sandbox:
    """What the sandbox's routes do. `clock` is None where time is the machine's."""

    def __init__(self, desk: Desk, exchange: FaultyExchange, clock: VirtualClock | None) -> None:
        self._desk = desk
        self._exchange = exchange
        self._clock = clock
        self._moving = asyncio.Lock()

    @property
    def plan(self) -> FaultPlan:
        """What goes wrong at the paper exchange."""
        return self._exchange.plan

    @property
    def under_way(self) -> int:
        """How many letters are on their way between the engine and the paper exchange."""
        return len(self._desk.state.post)

    @property
    def virtual(self) -> bool:
        """Whether the clock can be moved."""
        return self._clock is not None

    def time(self) -> tuple[int, str, Stage]:
        """(now in unix nanoseconds, trading day YYYYMMDD, how far it has come)."""
        return self._desk.now_ns(), self._desk.state.day, self._desk.state.stage

    def set_plan(self, rules: tuple[FaultRule, ...], seed: int) -> None:
        """Replace the plan; lots are drawn anew from the seed. Letters under way arrive all the same."""
        self._exchange.plan = FaultPlan(rules, seed)

    async def advance_by(self, ns: int) -> None:
        """Move the clock on by so many nanoseconds. Raises as `advance_to`."""
        await self._advance(ns, None)

    async def advance_to(self, to_ns: int) -> None:
        """Move the clock to that moment, doing all that falls due on the way, and wait until that is on disk.

        Raises ClockStands, ClockRefused (nothing was moved), ClockStopped and NotServing. Other requests go between
        two moments at which something is due; of two that move the clock the second waits for the first.
        """
        await self._advance(0, to_ns)

    async def run(self, prints: Sequence[TimedPrint]) -> int:
        """Push prints one after the other, each at its moment, and wait until all that they caused is on disk.

        Returns how many were pushed: fewer than asked for where so much fell due before the next that the clock
        stopped on the way. Raises ClockStands, ClockRefused (a moment lies before the one in front of it, or too far
        ahead of that; nothing was pushed) and NotServing. Nobody else moves
        the clock meanwhile; requests go between prints.
        """
        async with self._moving:
            self._check_moments(prints)
            for pushed, (tick, at_ns) in enumerate(prints):
                if at_ns is not None and self._clock is not None and not await self._pass(self._clock, at_ns):
                    await self._desk.durable()
                    return pushed
                self._desk.take_tick(tick)
                # Requests go between two prints, and see what a program would see that waits for each.
                await (asyncio.sleep(0) if (pushed + 1) % PRINTS_BETWEEN_DISK else self._desk.durable())
        await self._desk.durable()
        return len(prints)

    async def durable(self) -> None:
        """Wait until everything that is shown now is on disk. Raises NotServing."""
        await self._desk.durable()

    async def _advance(self, ns: int, to_ns: int | None) -> None:
        clock = self._clock
        if clock is None:
            raise ClockStands
        async with self._moving:
            now_ns = clock.now_ns()
            target_ns = now_ns + ns if to_ns is None else to_ns
            if not 0 <= target_ns - now_ns <= ADVANCE_NS_MAX:
                raise ClockRefused
            there = await self._pass(clock, target_ns)
        await self._desk.durable()
        if not there:
            raise ClockStopped

    async def _pass(self, clock: VirtualClock, target_ns: int) -> bool:
        """Move the clock there; False where it had to stop on the way."""
        for stop in range(STOPS_MAX):
            if stop % STOPS_BETWEEN_DISK == STOPS_BETWEEN_DISK - 1:
                await self._desk.durable()
            due_ns = self._desk.keep_time()
            if due_ns > target_ns:
                self._desk.pass_time(clock, target_ns)
                return True
            self._desk.pass_time(clock, due_ns)
            # Who waits for what just happened goes on at that moment, and not at the end of the way.
            await asyncio.sleep(0)
        return False

    def _check_moments(self, prints: Sequence[TimedPrint]) -> None:
        """Raise where the moments of a run are none to which the clock can be moved in turn."""
        moments_ns = [at_ns for _, at_ns in prints if at_ns is not None]
        if not moments_ns:
            return
        if self._clock is None:
            raise ClockStands
        before_ns = self._clock.now_ns()
        for at_ns in moments_ns:
            if not 0 <= at_ns - before_ns <= ADVANCE_NS_MAX:
                raise ClockRefused
            before_ns = at_ns
