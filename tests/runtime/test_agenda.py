"""The agenda: what fell due while no process ran is done at its start, as it would have been done (bracket.md 2.9).

20261123 is a Monday, 20261124 a holiday, 20261125 a Wednesday.
"""

import pytest
from tests.runtime.moved_desk import MovedDesk

from bracketd.domain.events import decode_step
from bracketd.domain.ist import day_start_ns
from bracketd.domain.order import Status
from bracketd.domain.session import Stage
from bracketd.engine.state import decode_state, encode_state
from bracketd.market.calendar import SessionTable
from bracketd.runtime.clock import VirtualClock

SESSIONS = SessionTable.load()
MINUTE_NS = 60 * 10**9


def at(date: str, hours: int, minutes: int) -> int:
    """A moment in India."""
    return day_start_ns(date) + (hours * 60 + minutes) * MINUTE_NS


MORNING_NS = at("20261123", 10, 0)


async def morning() -> tuple[MovedDesk, str, str]:
    """A desk on a Monday morning with an entry that rests and a bracket that holds ten shares: both entries' ids."""
    desk = MovedDesk(now_ns=MORNING_NS, sessions=SESSIONS)
    desk.keep_time()
    held = await desk.place()
    await desk.tick(456.95, 10)
    resting = await desk.place(price=400)
    return desk, resting, held


@pytest.mark.parametrize(
    ("now_ns", "day", "stage", "stop_info"),
    [
        (at("20261123", 15, 19), "20261123", Stage.TRADING, ""),
        (at("20261123", 15, 21), "20261123", Stage.SQUARE_OFF, "CLOSING"),
        (at("20261123", 15, 31), "20261123", Stage.ENDED, "SESSION_END"),
        (at("20261124", 12, 0), "20261123", Stage.ENDED, "SESSION_END"),
        (at("20261125", 0, 0), "20261125", Stage.BEFORE, "SESSION_END"),
        (at("20261125", 9, 15), "20261125", Stage.TRADING, "SESSION_END"),
        (at("20261130", 15, 25), "20261130", Stage.SQUARE_OFF, "SESSION_END"),
    ],
)
@pytest.mark.parametrize("slept", [True, False])
async def test_a_process_that_slept_and_one_that_did_not(
    now_ns: int, day: str, stage: Stage, stop_info: str, slept: bool
) -> None:
    """bracket.md 2.9 and 8.20: with a restart in between or without, day, stage and rows are the same."""
    desk, resting, held = await morning()
    if slept:
        desk = MovedDesk(decode_state(encode_state(desk.state)), now_ns=now_ns, sessions=SESSIONS)
        desk.keep_time()
    else:
        await desk.sandbox.advance_to(now_ns)
    assert (desk.state.day, desk.state.stage) == (day, stage)
    bracket = desk.state.bracket_of(held)
    assert desk.state.orders[bracket.stop_id].info == (
        # "A refused one": square-off is over when the process comes back, so that the session's end took the stop.
        stop_info
    )
    entry = desk.state.orders.get(resting)
    if stage is Stage.TRADING and day == "20261123":
        assert entry is not None
        assert entry.status is Status.CONFIRMED
    else:
        assert entry is None if day != "20261123" else entry is not None and entry.status is Status.CANCELLED
    assert bracket.unprotected is (stop_info == "SESSION_END" and not bracket.rescue_ids)
    await desk.durable()


async def test_each_turn_of_the_day_happens_at_its_moment() -> None:
    """However far the clock is moved at once, square-off is at 15:20 and the session's end at 15:30."""
    desk, _, _ = await morning()
    told = len(desk.journal.bodies)
    clock: VirtualClock = desk.clock
    desk.pass_time(clock, at("20261125", 12, 0))
    await desk.durable()
    moments = {event.at_ns for body in desk.journal.bodies[told:] for event in decode_step(body)}
    assert sorted(moments) == [
        at("20261123", 15, 20),
        at("20261123", 15, 30),
        at("20261125", 0, 0),
        at("20261125", 9, 15),
    ]


async def test_what_waits_for_a_print_is_not_due_each_second() -> None:
    """bracket.md 2.9: shares left open wait for the next session's first print, and make nothing due before it."""
    desk, _, _ = await morning()
    await desk.sandbox.advance_to(at("20261125", 9, 15))
    assert desk.keep_time() == at("20261125", 15, 20)
    await desk.tick(456.95, 1)
    assert [row.info for row in desk.state.orders.values() if row.info == "RESCUE"] == ["RESCUE"]
