"""The timeline: what a script does, and when. Time passes by being moved, or when somebody waits and nothing else can.

A request that waits for the exchange while everything is still moves the clock to the next thing that happens: a
letter that arrives, a step of the script, or the end of the wait. So nothing sleeps, and every run is the same.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

from bracketd.domain.order import Leg, Order
from bracketd.runtime.desk import VENUE_WAIT_S
from bracketd.testing.house import House, paise
from bracketd.testing.script import Do, Step, Steps, When

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000


class Timeline:
    """The steps that wait, and the clock's way past them. `drop_feeds` closes every websocket."""

    def __init__(self, house: House, drop_feeds: Callable[[], None]) -> None:
        self.house = house
        self.up = True
        self.log: list[str] = []
        self._drop_feeds = drop_feeds
        self._armed: list[list[object]] = []
        self._due: list[tuple[int, int, Step]] = []
        self._number = 0
        self._moving = asyncio.Lock()

    @property
    def waiting(self) -> tuple[Step, ...]:
        """Steps that have not happened yet, those of requests first."""
        armed = [step for step, _ in self._pending()]
        return (*armed, *(step for *_, step in sorted(self._due, key=lambda due: due[:2])))

    def play(self, steps: Steps) -> None:
        """Add steps; those of NOW without a delay happen at once. Raises ValueError, and then none is added."""
        for position, step in enumerate(steps):
            wrong = step.fault()
            if wrong:
                raise ValueError(f"steps[{position}].{wrong}")
        for step in steps:
            if step.when is When.NOW:
                self._schedule(step)
            else:
                self._armed.append([step, step.times])

    def clear(self) -> None:
        """No step is waited for any more, the plan of faults is empty, and the broker is up."""
        self._armed.clear()
        self._due.clear()
        self.come_back()
        self.house.sandbox.set_plan((), 0)

    def happens(self, when: When) -> set[Do]:
        """A request comes in or was carried out: do what belongs to it; returns what is to be done to itself."""
        own: set[Do] = set()
        for entry in tuple(self._armed):
            step, left = entry
            if not isinstance(step, Step) or not isinstance(left, int) or step.when is not when:
                continue
            if step.times:
                entry[1] = left - 1
                if left == 1:
                    self._armed.remove(entry)
            if step.do in (Do.LOSE_REPLY, Do.DROP_BODY):
                own.add(step.do)
            else:
                self._schedule(step)
        return own

    async def advance(self, ns: int) -> None:
        """Move the clock on, with all that happens on the way, each at its moment."""
        if ns < 0:
            raise ValueError("time goes one way")
        async with self._moving:
            target_ns = self.house.clock.now_ns() + ns
            while self._due and self._due[0][0] <= target_ns:
                await self._move(self._due[0][0])
                self._do_due()
            await self._move(target_ns)

    async def jump(self, at_most_ns: int = round(VENUE_WAIT_S * NS_PER_S)) -> None:
        """Move the clock to the next thing that happens, or by `at_most_ns`."""
        async with self._moving:
            now_ns = self.house.clock.now_ns()
            next_ns = self.house.desk.keep_time() if self.up else now_ns + at_most_ns
            step_ns = self._due[0][0] if self._due else next_ns
            await self._move(min(max(now_ns, next_ns), step_ns, now_ns + at_most_ns))
            self._do_due()

    async def _move(self, to_ns: int) -> None:
        if self.up:
            await self.house.sandbox.advance_to(max(to_ns, self.house.clock.now_ns()))
        else:
            self.house.clock.move_to(to_ns)

    def _pending(self) -> list[tuple[Step, int]]:
        return [(step, left) for step, left in self._armed if isinstance(step, Step) and isinstance(left, int)]

    def _schedule(self, step: Step) -> None:
        if step.after_ms == 0:
            self._perform(step)
            return
        self._number += 1
        due_ns = self.house.clock.now_ns() + step.after_ms * NS_PER_MS
        heapq.heappush(self._due, (due_ns, self._number, step))

    def _do_due(self) -> None:
        while self._due and self._due[0][0] <= self.house.clock.now_ns():
            self._perform(heapq.heappop(self._due)[2])

    def _perform(self, step: Step) -> None:
        """Do it now; what has nothing to happen to (no entry works any more) is logged and does nothing."""
        house = self.house
        match step.do:
            case Do.TICK:
                house.print_at(house.instrument(step.instrument), paise(step.price), step.quantity)
            case Do.FILL:
                entry = house.last_entry()
                self._print(step, entry, entry.quantity if entry else 0)
            case Do.PRINT_TARGET | Do.PRINT_STOP:
                leg = house.last_leg(Leg.TARGET if step.do is Do.PRINT_TARGET else Leg.STOPLOSS)
                self._print(step, leg, leg.remaining if leg else 0)
            case Do.FAULT if step.rule is not None:
                plan = house.sandbox.plan
                house.sandbox.set_plan((*plan.rules, step.rule), plan.seed)
            case Do.CALM:
                house.sandbox.set_plan((), 0)
            case Do.DROP_FEEDS:
                self._drop_feeds()
            case Do.EXPIRE_TOKENS:
                house.tokens.expire_all()
                self._drop_feeds()
            case Do.DOWN:
                self.go_down()
            case Do.UP:
                self.come_back()
            case Do.RESTART:
                self.go_down()
                self.come_back()
        self.log.append(f"{(house.clock.now_ns()) // NS_PER_MS} {step.do}")

    def go_down(self) -> None:
        """Requests get 503 and feeds are closed, until `come_back`."""
        if self.up:
            self.up = False
            self.house.desk.fail("taken down by the test")
            self._drop_feeds()

    def come_back(self) -> None:
        """Serve again, with everything that had been acknowledged."""
        if not self.up:
            self.house.restart()
            self.up = True

    def _print(self, step: Step, order: Order | None, whole: int) -> None:
        quantity = -(-whole * step.percent // 100)
        if order is None or not quantity:
            self.log.append(f"nothing for {step.do}")
            return
        self.house.print_at(self.house.instruments[order.instrument], self.house.open_price(order), quantity)
