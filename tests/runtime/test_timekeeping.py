"""Timekeeping: what is due is done at its time, on whatever clock, and a fault in it stops the desk."""

import asyncio
from collections.abc import Callable

import pytest
from tests.runtime.moved_desk import MovedDesk
from tests.trading_floor import START_NS

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.domain.order import Status
from bracketd.runtime.clock import VirtualClock
from bracketd.runtime.desk import NotServing
from bracketd.runtime.timekeeping import NAP_S_MAX, keep_timing, nap
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

LATE_ACK = FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=300)


class TimedDesk:
    """A desk that has something to do at each of `due_ns`, and stops serving after the last."""

    def __init__(self, *due_ns: int, fault: Exception | None = None) -> None:
        self.clock = VirtualClock(0)
        self.due = list(due_ns)
        self.done: list[int] = []
        self.fault = fault
        self.failure = ""
        self.due_sooner = asyncio.Event()
        self.waits: list[float] = []

    def now_ns(self) -> int:
        """The clock's time."""
        return self.clock.now_ns()

    def keep_time(self) -> int:
        """Do what is due and tell the next."""
        while self.due and self.due[0] <= self.now_ns():
            self.due.pop(0)
            self.done.append(self.now_ns())
        if not self.due:
            raise self.fault or NotServing("no more")
        return self.due[0]

    def fail(self, why: str) -> None:
        """Remember why."""
        self.failure = why

    async def wait(self, woken: asyncio.Event, timeout_s: float) -> None:
        """Pass the time that would be slept through."""
        assert woken is self.due_sooner
        self.waits.append(timeout_s)
        self.clock.move_to(self.now_ns() + round(timeout_s * NS_PER_SECOND))


async def test_each_thing_is_done_at_its_moment() -> None:
    """It sleeps until the next thing is due, never longer than it may, and ends with the desk."""
    desk = TimedDesk(NS_PER_SECOND // 4, 3 * NS_PER_SECOND)
    await keep_timing(desk, desk.wait)
    assert desk.done == [NS_PER_SECOND // 4, 3 * NS_PER_SECOND]
    assert desk.waits == [0.25, NAP_S_MAX, NAP_S_MAX, 0.75]
    assert desk.failure == ""


async def test_a_fault_stops_the_desk(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong in it stops the desk with the reason, and is logged whole."""
    desk = TimedDesk(1, fault=RuntimeError("no table"))
    await keep_timing(desk, desk.wait)
    assert desk.failure == "timekeeping failed: RuntimeError('no table')"
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [("no table",)]


async def test_a_nap_ends_when_it_is_woken() -> None:
    """The event ends a nap that would have lasted an hour; one that is not woken ends by itself."""
    woken = asyncio.Event()
    asyncio.get_running_loop().call_soon(woken.set)
    async with asyncio.timeout(5):
        await nap(woken, 3_600.0)
        await nap(asyncio.Event(), 0.0)


async def run_beside(desk: MovedDesk, body: Callable[[], None]) -> list[float]:
    """Timekeeping on the desk; `body` is called in its first nap, and the second nap ends it. Returns both lengths."""
    naps: list[float] = []

    async def wait(woken: asyncio.Event, timeout_s: float) -> None:
        naps.append(timeout_s)
        if len(naps) == 2:
            desk.fail("enough")
            return
        body()
        async with asyncio.timeout(5):
            await woken.wait()

    await keep_timing(desk, wait)
    return naps


async def test_a_step_that_makes_something_due_earlier_wakes_it() -> None:
    """A letter of 300 ms, sent while it slept until the next day, is waited for and not slept through."""
    desk = MovedDesk()
    await desk.ensure_account("A")
    desk.plan(LATE_ACK)
    placing: list[asyncio.Future[str]] = []
    naps = await run_beside(desk, lambda: placing.append(asyncio.ensure_future(desk.place())))
    assert naps == [NAP_S_MAX, 0.3]
    placing[0].cancel()
    await asyncio.gather(placing[0], return_exceptions=True)


async def test_a_letter_arrives_though_nobody_asks() -> None:
    """An acknowledgement under way arrives when its time has come, with no request to bring it along."""
    desk = MovedDesk()
    desk.plan(LATE_ACK)
    entry_id = await desk.place()
    assert desk.state.orders[entry_id].status is Status.PENDING

    async def wait(woken: asyncio.Event, timeout_s: float) -> None:
        if not desk.state.post:
            desk.fail("enough")
            return
        desk.clock.move_to(desk.now_ns() + round(timeout_s * NS_PER_SECOND))

    await keep_timing(desk, wait)
    assert desk.state.orders[entry_id].status is Status.CONFIRMED
    assert desk.now_ns() == START_NS + 300_000_000


async def test_it_does_not_drive_a_clock_that_stands() -> None:
    """On a clock that nobody moves nothing falls due, however often it looks."""
    desk = MovedDesk()
    desk.plan(LATE_ACK)
    await desk.place()
    naps: list[float] = []

    async def wait(woken: asyncio.Event, timeout_s: float) -> None:
        naps.append(timeout_s)
        if len(naps) == 5:
            desk.fail("enough")

    await keep_timing(desk, wait)
    assert (naps, len(desk.state.post), desk.now_ns()) == ([0.3] * 5, 1, START_NS)
