"""The kill switch on a real desk: the order of its work, how long it waits, and what it leaves alone."""

import asyncio

import pytest
from tests.runtime.test_desk import MemoryJournal, SlowVenue, make_desk, placed, settle
from tests.trading_floor import SBIN, bracket

from bracketd.domain.events import decode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.order import Status
from bracketd.domain.outcomes import Cancelled, Placed, Unknown
from bracketd.runtime.desk import NotServing
from bracketd.runtime.kill_switch import cancel_everything


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
