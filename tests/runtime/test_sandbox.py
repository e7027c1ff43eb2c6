"""The sandbox: time moves as far as asked and no further, everything due on the way happens at its own moment."""

import asyncio

import pytest
from tests.runtime.moved_desk import MovedDesk
from tests.trading_floor import SBIN, START_NS, paise

from bracketd.domain.commands import CancelOrder
from bracketd.domain.events import AnyEvent, ClosingRequested, LetterArrived, TradeBooked, decode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import NS_PER_SECOND
from bracketd.domain.order import Leg, Status
from bracketd.domain.outcomes import Cancelled, Unknown
from bracketd.engine.state import decode_state, encode_state
from bracketd.runtime import sandbox as module
from bracketd.runtime.sandbox import ADVANCE_NS_MAX, ClockRefused, ClockStands, ClockStopped, Sandbox, TimedPrint
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

MS = 1_000_000
NO_STOP = FaultRule(on=Point.LEG, action=Action.REFUSE, leg=Leg.STOPLOSS)
NO_CLOSE = FaultRule(on=Point.CLOSE, action=Action.REFUSE)


def late_cancel(delay_ms: int) -> FaultRule:
    """The venue's answers to cancels come after that time."""
    return FaultRule(on=Point.CANCEL_ANSWER, action=Action.DELAY, delay_ms=delay_ms)


def events_of(desk: MovedDesk, kind: type[AnyEvent]) -> list[AnyEvent]:
    """All events of a kind that the journal holds."""
    return [event for body in desk.journal.bodies for event in decode_step(body) if isinstance(event, kind)]


async def cancelling(desk: MovedDesk, entry_id: str) -> "asyncio.Task[object]":
    """A cancel that has been judged and waits for the venue."""
    task: asyncio.Task[object] = asyncio.create_task(desk.execute(CancelOrder(client_id="A", ids=(entry_id,))))
    await asyncio.sleep(0)
    assert desk.state.orders[entry_id].status is Status.CANCEL_PENDING
    return task


@pytest.mark.parametrize(
    ("wait_s", "delay_ms", "outcome"), [(2.0, 2_001, Unknown), (2.0, 2_000, Cancelled), (3.0, 2_001, Cancelled)]
)
async def test_a_request_waits_by_the_virtual_clock(wait_s: float, delay_ms: int, outcome: type[object]) -> None:
    """bracket.md 1: unknown after 2 s of the clock's time, though the answer lay on the way of the same advance."""
    desk = MovedDesk(wait_s=wait_s)
    entry_id = await desk.place()
    desk.plan(late_cancel(delay_ms))
    task = await cancelling(desk, entry_id)
    async with asyncio.timeout(1.5):
        await desk.sandbox.advance_by(10_000 * MS)
        assert isinstance(await task, outcome)
    assert desk.state.orders[entry_id].status is Status.CANCELLED


async def test_what_falls_due_happens_at_its_own_moment() -> None:
    """A letter of 5 s arrives 5 s after it was sent, and the clock ends where it was told to."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=5_000))
    entry_id = await desk.place()
    await desk.sandbox.advance_to(START_NS + 4_999 * MS)
    assert desk.state.orders[entry_id].status is Status.PENDING
    await desk.sandbox.advance_by(60_000 * MS)
    assert desk.state.orders[entry_id].status is Status.CONFIRMED
    assert [event.at_ns for event in events_of(desk, LetterArrived)] == [START_NS + 5_000 * MS]
    assert desk.now_ns() == START_NS + 64_999 * MS


async def test_what_was_refused_is_tried_again_each_second() -> None:
    """bracket.md 2.8: the closing order of a refused stop is sent again at least every second."""
    desk = MovedDesk()
    desk.plan(NO_STOP, NO_CLOSE)
    await desk.place()
    await desk.tick(456.95, 10)
    before = len(events_of(desk, ClosingRequested))
    await desk.sandbox.advance_by(10 * NS_PER_SECOND)
    assert len(events_of(desk, ClosingRequested)) == before + 10


@pytest.mark.parametrize("ns", [-1, ADVANCE_NS_MAX + 1])
async def test_the_clock_goes_neither_back_nor_too_far(ns: int) -> None:
    """A move back in time, or by more than 31 days, is refused and moves nothing."""
    desk = MovedDesk()
    with pytest.raises(ClockRefused):
        await desk.sandbox.advance_to(START_NS + ns)
    with pytest.raises(ClockRefused):
        await desk.sandbox.advance_by(ns)
    assert desk.now_ns() == START_NS


async def test_the_farthest_move() -> None:
    """31 days at once are passed, and so is no time at all."""
    desk = MovedDesk()
    await desk.sandbox.advance_by(0)
    await desk.sandbox.advance_by(ADVANCE_NS_MAX)
    assert desk.now_ns() == START_NS + ADVANCE_NS_MAX


async def test_the_machine_s_clock_is_not_moved() -> None:
    """Where time is the machine's, every move is refused."""
    desk = MovedDesk()
    sandbox = Sandbox(desk, desk.exchange, None)
    with pytest.raises(ClockStands):
        await sandbox.advance_by(0)
    assert (sandbox.virtual, desk.sandbox.virtual) == (False, True)


async def with_something_each_second(monkeypatch: pytest.MonkeyPatch) -> MovedDesk:
    """A desk with something to be tried again each second, whose clock stops after fifty such moments."""
    monkeypatch.setattr(module, "STOPS_MAX", 50)
    desk = MovedDesk()
    desk.plan(NO_STOP, NO_CLOSE)
    await desk.place()
    await desk.tick(456.95, 10)
    return desk


async def test_a_long_way_lets_others_pass_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """With something due each second others go between, and after so many stops the clock is left where it is."""
    desk = await with_something_each_second(monkeypatch)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(desk.now_ns())
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    with pytest.raises(ClockStopped):
        await desk.sandbox.advance_by(ADVANCE_NS_MAX)
    watching.cancel()
    assert desk.now_ns() == START_NS + 50 * NS_PER_SECOND
    assert len(set(seen)) > 40


async def test_two_moves_add_up() -> None:
    """Of two that move the clock at once, the second goes on where the first ended."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=500))
    await desk.place()
    await asyncio.gather(desk.sandbox.advance_by(NS_PER_SECOND), desk.sandbox.advance_by(NS_PER_SECOND))
    assert desk.now_ns() == START_NS + 2 * NS_PER_SECOND


def sbin(price: float, at_ns: int | None = None) -> TimedPrint:
    """A print of ten shares of SBIN."""
    return TimedPrint(Tick(SBIN, paise(price), 10), at_ns)


async def test_a_run_is_pushed_print_by_print_each_at_its_moment() -> None:
    """A limit that the second print reaches fills at that print's moment, and what fell due before came before."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=500, times=1))
    entry_id = await desk.place()
    moments = [START_NS + at * NS_PER_SECOND for at in (1, 2, 40 * 86_400 // 2, 40 * 86_400)]
    prices = (457.5, 456.9, 457.0, 457.0)
    assert await desk.sandbox.run([sbin(*each) for each in zip(prices, moments, strict=True)]) == 4
    assert desk.now_ns() == moments[-1]
    assert [event.at_ns for event in events_of(desk, LetterArrived)] == [START_NS + 500 * MS]
    filled = [event.at_ns for event in events_of(desk, TradeBooked) if event.order_id == entry_id]
    assert filled == [moments[1]]
    assert desk.commit.durable_seq == desk.commit.submitted_seq


async def test_requests_go_between_the_prints_of_a_run() -> None:
    """A run does not hold up the others: a task that looks sees the clock at each of its moments."""
    desk = MovedDesk()
    seen: set[int] = set()

    async def watch() -> None:
        while True:
            seen.add(desk.now_ns())
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    moments = [START_NS + at * NS_PER_SECOND for at in range(1, 51)]
    await desk.sandbox.run([sbin(457.0, at_ns) for at_ns in moments])
    watching.cancel()
    assert seen >= set(moments)


@pytest.mark.parametrize("seconds", [(-1,), (2, 1), (1, 31 * 86_400 + 2)])
async def test_a_run_whose_moments_cannot_be_pushes_nothing(seconds: tuple[int, ...]) -> None:
    """A moment in the past, one before that of the print in front of it, and one too far ahead are refused at once."""
    desk = MovedDesk()
    before = len(desk.journal.bodies)
    with pytest.raises(ClockRefused):
        await desk.sandbox.run([sbin(457.0, START_NS + at * NS_PER_SECOND) for at in seconds])
    assert (desk.now_ns(), len(desk.journal.bodies)) == (START_NS, before)


async def test_a_run_by_the_machine_s_clock() -> None:
    """Where time is the machine's a run names no moments, and with one it is refused."""
    desk = MovedDesk()
    sandbox = Sandbox(desk, desk.exchange, None)
    with pytest.raises(ClockStands):
        await sandbox.run([sbin(457.0), sbin(457.0, START_NS)])
    assert desk.quote(SBIN)[0] == 0
    assert await sandbox.run([sbin(457.0), sbin(456.9)]) == 2
    assert desk.quote(SBIN)[0] == paise(456.9)


async def test_a_run_stops_where_the_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much falls due on the way to a print, those before it were pushed; asking again goes on from there."""
    desk = await with_something_each_second(monkeypatch)
    far = sbin(457.0, START_NS + 60 * NS_PER_SECOND)
    assert await desk.sandbox.run([sbin(457.0, START_NS + NS_PER_SECOND), far]) == 1
    assert desk.now_ns() < START_NS + 60 * NS_PER_SECOND
    assert await desk.sandbox.run([far]) == 1
    assert desk.now_ns() == START_NS + 60 * NS_PER_SECOND


async def test_a_new_plan_leaves_letters_under_way() -> None:
    """Without rules nothing more goes wrong, and what was under way before still arrives."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=500))
    entry_id = await desk.place()
    desk.plan()
    assert (desk.sandbox.plan.rules, desk.sandbox.under_way) == ((), 1)
    await desk.sandbox.advance_by(500 * MS)
    assert (desk.state.orders[entry_id].status, desk.sandbox.under_way) == (Status.CONFIRMED, 0)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("point", [Point.PLACE, Point.ACKNOWLEDGEMENT])
async def test_letters_arrive_after_a_restart(bare: bool, point: Point) -> None:
    """A request or a report under way arrives after a restart, at the bare exchange too (bracket.md 8.20)."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=point, action=Action.DELAY, delay_ms=500))
    entry_id = await desk.place()
    again = MovedDesk(decode_state(encode_state(desk.state)), now_ns=START_NS + 400 * MS, bare=bare)
    again.keep_time()
    assert again.state.orders[entry_id].status is Status.PENDING
    again.pass_time(again.clock, START_NS + 500 * MS)
    assert again.state.orders[entry_id].status is Status.CONFIRMED
    await again.durable()
