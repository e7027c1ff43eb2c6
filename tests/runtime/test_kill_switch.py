"""The kill switch on a real desk: the order of its work, how long it waits, and what it leaves alone."""

import asyncio
import gc

import pytest
from tests.runtime.test_desk import MemoryJournal, SlowVenue, make_desk, placed, settle
from tests.trading_floor import INSTRUMENTS, SBIN, bracket

from bracketd.domain.events import decode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.order import Leg, Status
from bracketd.domain.outcomes import Cancelled, Placed, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.runtime.desk import NotServing
from bracketd.runtime.kill_switch import cancel_everything
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point
from bracketd.venue.paper.faulty import FaultyExchange

REFUSED = Refused(Reason.VENUE_REFUSED, text="no")


def unwilling(*rules: tuple[Point, Leg | None]) -> FaultyExchange:
    """An exchange that refuses these."""
    venue = FaultyExchange(PaperExchange(INSTRUMENTS), (), lambda order_id: None)
    venue.plan = FaultPlan(tuple(FaultRule(on=on, action=Action.REFUSE, leg=leg, text="no") for on, leg in rules))
    return venue


async def test_everything_is_waited_for_at_once_and_no_longer_than_one_request() -> None:
    """With a silent venue a cancel of everything answers after one waiting time, unknown for each order."""
    venue = SlowVenue()
    desk = make_desk(MemoryJournal(), venue)
    entries = [await placed(desk, price=450.0) for _ in range(5)]
    started = asyncio.get_running_loop().time()
    results = await cancel_everything(desk, "A")
    assert asyncio.get_running_loop().time() - started < 3 * 0.05
    assert results == [(entry, Unknown(entry)) for entry in entries]
    assert len(venue.held) == 5
    for report in venue.answers():
        desk.deliver(report)
    assert await cancel_everything(desk, "A") == []


async def test_no_exit_is_judged_before_every_entry_is_cancelled() -> None:
    """Of one client's brackets every entry is cancelled before the first is closed; another client's are left alone."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    held = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 10))
    resting = await placed(desk, price=450.0)
    await desk.ensure_account("B")
    foreign = await desk.execute(bracket("B", price=450.0))
    assert isinstance(foreign, Placed)
    kept = len(journal.bodies)
    results = await cancel_everything(desk, "A")
    stop_id = desk.state.bracket_of(held).stop_id
    assert results == [(resting, Cancelled(resting)), (stop_id, Cancelled(stop_id))]
    first = [type(decode_step(body)[0]).__name__ for body in journal.bodies[kept:]]
    assert first == ["CancelRequested", "ExitRequested"]
    assert desk.state.orders[foreign.order_id].status is Status.CONFIRMED


async def test_a_held_entry_keeps_no_other_bracket_open() -> None:
    """A bracket whose venue is silent delays the closing of no other."""
    venue = SlowVenue()
    desk = make_desk(MemoryJournal(), venue, wait_s=5)
    held = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 10))
    await placed(desk, price=450.0)
    asked = asyncio.create_task(cancel_everything(desk, "A"))
    await settle()
    target_id = desk.state.bracket_of(held).target_id
    assert [instruction.order_id for instruction in venue.held][1:] == [target_id]
    while venue.held:
        for report in venue.answers():
            desk.deliver(report)
        await settle()
    assert [type(outcome) for _, outcome in await asked] == [Cancelled, Cancelled]


async def test_everything_is_not_half_done_for_a_slow_disk() -> None:
    """A disk that is behind turns the request away before its first cancel, or carries out all of it."""
    journal = MemoryJournal()
    desk = make_desk(journal, max_pending_records=2)
    entries = [await placed(desk, price=450.0) for _ in range(5)]
    journal.gate.clear()
    asked = asyncio.create_task(cancel_everything(desk, "A"))
    await settle()
    assert not asked.done()
    with pytest.raises(NotServing):
        await cancel_everything(desk, "A")
    journal.gate.set()
    assert await asked == [(entry, Cancelled(entry)) for entry in entries]


async def test_an_entry_that_will_not_go_keeps_no_other_order() -> None:
    """A refused entry is told as VENUE_REFUSED and works on; every other order goes, and a later try has them all."""
    venue = unwilling()
    desk = make_desk(MemoryJournal(), venue)
    first, second = [await placed(desk, price=450.0) for _ in range(2)]
    venue.plan = FaultPlan((FaultRule(on=Point.CANCEL, action=Action.REFUSE, order_id=first, text="no"),))
    assert await cancel_everything(desk, "A") == [(first, REFUSED), (second, Cancelled(second))]
    assert desk.state.orders[first].status is Status.CONFIRMED
    venue.plan = FaultPlan()
    assert await cancel_everything(desk, "A") == [(first, Cancelled(first))]
    assert await cancel_everything(desk, "A") == []


async def test_a_bracket_that_will_not_close_keeps_its_stop_and_no_other_bracket() -> None:
    """A refused closing is told as VENUE_REFUSED: remainder and TARGET gone, the stop in force; then tried afresh."""
    venue = unwilling()
    desk = make_desk(MemoryJournal(), venue)
    held = await placed(desk, quantity=10)
    other = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 8, (), ()))
    stop_id, target_id = desk.state.bracket_of(held).stop_id, desk.state.bracket_of(held).target_id
    venue.plan = FaultPlan((FaultRule(on=Point.CLOSE, action=Action.REFUSE, order_id=stop_id, text="no"),))
    results = dict(await cancel_everything(desk, "A"))
    assert results == {held: Cancelled(held), stop_id: REFUSED, other: Cancelled(other)}
    orders = desk.state.orders
    assert [orders[each].status for each in (held, target_id)] == [Status.CANCELLED, Status.CANCELLED]
    assert (orders[stop_id].status, orders[stop_id].remaining) == (Status.TRIGGER_PENDING, 8)
    venue.plan = FaultPlan()
    assert await cancel_everything(desk, "A") == [(stop_id, Cancelled(stop_id))]
    assert orders[stop_id].info == "CLOSING"


async def test_an_unprotected_bracket_is_closed_with_everything() -> None:
    """A bracket whose STOPLOSS was refused is tried at once: VENUE_REFUSED from an unwilling venue, else success."""
    venue = unwilling((Point.LEG, Leg.STOPLOSS), (Point.CLOSE, None))
    desk = make_desk(MemoryJournal(), venue)
    held = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 8, (), ()))
    stop_id = desk.state.bracket_of(held).stop_id
    assert desk.state.orders[held].info == "UNPROTECTED"
    assert await cancel_everything(desk, "A") == [(stop_id, REFUSED)]
    venue.plan = FaultPlan()
    assert await cancel_everything(desk, "A") == [(stop_id, Cancelled(stop_id))]
    assert desk.state.orders[held].info == ""


async def test_an_entry_that_will_not_go_is_not_closed_behind_its_back() -> None:
    """Of a partly filled bracket whose remainder will not go nothing is told as closed: VENUE_REFUSED for both."""
    desk = make_desk(MemoryJournal(), unwilling((Point.CANCEL, Leg.ENTRY)))
    held = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 8, (), ()))
    stop_id = desk.state.bracket_of(held).stop_id
    assert await cancel_everything(desk, "A") == [(held, REFUSED), (stop_id, REFUSED)]
    assert desk.state.orders[stop_id].status is Status.TRIGGER_PENDING


async def test_a_disk_that_fails_leaves_no_exception_that_nobody_hears() -> None:
    """A cancel of everything that a failing disk ends raises NotServing once, and leaves nothing behind for the log."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    for _ in range(3):
        await placed(desk, price=450.0)
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unheard.append(context))
    journal.broken = True
    with pytest.raises(NotServing):
        await cancel_everything(desk, "A")
    await settle()
    gc.collect()
    assert unheard == []
