"""The races of bracket.md section 7 that a paper exchange can produce, for both sides.

A paper step is never torn apart, so a race is two requests or ticks in either order: the rule must hold in both.
"""

from itertools import permutations

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import levels

from bracketd.domain.events import ClosingAccepted, ExitAccepted, decode_step
from bracketd.domain.order import OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.state import encode_state

TOO_LATE = Refused(Reason.TOO_LATE)


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def bought(floor: SidedFloor, quantity: int = 10) -> str:
    """A bracket for 10 of which so many are bought."""
    entry = floor.place()
    floor.silent(456.95, quantity)
    return entry


def closing_orders(floor: SidedFloor) -> int:
    """How many closing orders the venue was given since the floor opened."""
    return sum(isinstance(event, ClosingAccepted) for body in floor.steps for event in decode_step(body))


def end_state(floor: SidedFloor, entry: str) -> list[tuple[object, ...]]:
    """What two histories that came to the same must agree on."""
    rows = [row for row in floor.rows(entry) if row is not None]
    return [(told(row), row.order_type, row.traded_value_paise, row.info) for row in rows]


def test_a_full_fill_before_the_cancel_is_too_late(floor: SidedFloor) -> None:
    """Cancel and full fill, the fill first: TOO_LATE, never success, and the legs protect what was bought."""
    entry = bought(floor)
    assert floor.cancel(entry) == TOO_LATE
    assert told(floor.order(entry)) == (Status.COMPLETE, 10, 10, 0, 0)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 10, 0, 10, 0)


def test_a_cancel_before_the_full_fill_leaves_nothing_to_fill(floor: SidedFloor) -> None:
    """Cancel and full fill, the cancel first: success, and no later entry trade exists."""
    entry = floor.place()
    assert floor.cancel(entry) == Cancelled(entry)
    floor.tick(456.00, 1_000)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)
    assert floor.trades(entry) == []


def test_a_partial_fill_before_the_cancel_is_booked_and_protected(floor: SidedFloor) -> None:
    """Cancel and partial fill: fill booked, legs grown, rest cancelled, all before the reply."""
    entry = bought(floor, 3)
    floor.silent(456.95, 1)
    assert floor.cancel(entry) == Cancelled(entry)
    stop, target = floor.legs(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert told(stop) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    assert told(target) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert floor.net() == 4


@pytest.mark.parametrize("word", [None, "TARGET", "STOPLOSS"])
@pytest.mark.parametrize("shown", [False, True])
def test_the_same_cancel_many_times_has_one_effect(floor: SidedFloor, word: str | None, shown: bool) -> None:
    """The same cancel N times: the state after the first is the state after the last, and all answers are equal."""
    entry = bought(floor, 4)
    if shown:
        floor.tick(456.95, 0, levels((456.90, 100)), ())
    first = floor.cancel(entry, word)
    after = encode_state(floor.state)
    assert isinstance(first, Cancelled)
    assert [floor.cancel(entry, word) for _ in range(9)] == [first] * 9
    assert encode_state(floor.state) == after


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
def test_entry_cancel_and_exit_come_to_the_same_in_either_order(floor: SidedFloor, word: str, shown: bool) -> None:
    """ENTRY cancel and exit at once: both succeed, and the end state does not depend on who was first."""
    ends = []
    for order in permutations((None, word)):
        one = SidedFloor(floor.side, "A")
        entry = bought(one, 4)
        if shown:
            one.tick(456.95, 0, levels((456.90, 3)), ())
        assert all(isinstance(one.cancel(entry, each), Cancelled) for each in order)
        ends.append(end_state(one, entry))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("shown", [0, 3, 100])
def test_two_exits_make_one_closing_order(floor: SidedFloor, shown: int) -> None:
    """TARGET and STOPLOSS at once: exactly one closing order, both succeed."""
    for order in permutations(("TARGET", "STOPLOSS")):
        one = SidedFloor(floor.side, "A")
        entry = bought(one)
        one.tick(456.95, 0, levels((456.90, shown)) if shown else (), ())
        assert all(isinstance(one.cancel(entry, word), Cancelled) for word in order)
        stop, target = one.legs(entry)
        assert closing_orders(one) == 1
        assert len(one.state.orders) == 3
        assert stop.filled == min(shown, 10)
        assert target.status is Status.CANCELLED


def test_an_exit_after_the_target_filled_a_part_closes_the_rest(floor: SidedFloor) -> None:
    """Exit while the target fills: open is what the target left, and the closing order is for exactly that."""
    entry = bought(floor)
    floor.silent(458.95, 9)
    stop, target = floor.legs(entry)
    assert floor.cancel(target.order_id) == Cancelled(target.order_id)
    assert told(target) == (Status.CANCELLED, 10, 9, 0, 1)
    assert told(stop) == (Status.CONFIRMED, 10, 0, 1, 9)
    floor.tick(457.00, 100)
    assert floor.trades(stop.order_id) == [(457.00, 1)]
    assert floor.net() == 0


def test_an_exit_after_the_target_filled_all_makes_no_closing_order(floor: SidedFloor) -> None:
    """Exit while the target fills, all of it: 0 open means no closing order, and the answer is the leg's own."""
    entry = bought(floor)
    floor.silent(458.95, 10)
    stop, target = floor.legs(entry)
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)
    assert floor.cancel(target.order_id) == TOO_LATE
    assert closing_orders(floor) == 0
    assert stop.order_type is OrderType.SLM
    assert floor.net() == 0


def test_an_exit_before_the_target_prints_leaves_no_target_to_fill(floor: SidedFloor) -> None:
    """The exit first: the target is gone, and the print that would have filled it closes at the market instead."""
    entry = bought(floor)
    stop, target = floor.legs(entry)
    floor.cancel(target.order_id)
    floor.tick(459.50, 10)
    assert floor.trades(target.order_id) == []
    assert floor.trades(stop.order_id) == [(459.50, 10)]


def test_an_exit_after_the_trigger_leaves_the_stop_as_the_exit(floor: SidedFloor) -> None:
    """Exit while the stop triggers: the stop is the exit, no second order, and it counts as an accepted exit."""
    entry = bought(floor)
    floor.silent(455.95)
    stop, target = floor.legs(entry)
    assert (target.status, target.info) == (Status.CANCELLED, "OCO")
    assert floor.cancel(entry, "TARGET") == Cancelled(target.order_id)
    assert closing_orders(floor) == 0
    assert sum(isinstance(event, ExitAccepted) for body in floor.steps for event in decode_step(body)) == 1
    floor.tick(455.00, 10)
    assert floor.trades(stop.order_id) == [(455.00, 10)]
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)


def test_an_exit_before_the_trigger_leaves_one_exit_order(floor: SidedFloor) -> None:
    """The exit first, then a print through the former trigger: the closing order alone sells, once."""
    entry = bought(floor)
    stop, _ = floor.legs(entry)
    floor.cancel(stop.order_id)
    floor.tick(455.00, 100)
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)
    assert not stop.triggered
    assert floor.net() == 0


@pytest.mark.parametrize("word", [None, "TARGET", "STOPLOSS"])
@pytest.mark.parametrize("shown", [0, 2, 100])
def test_a_retry_after_a_crash_finds_the_end_state(floor: SidedFloor, word: str | None, shown: int) -> None:
    """Reply lost, crash, restart, retry: the same answer as the lost one, and no second effect."""
    entry = bought(floor, 4)
    floor.tick(456.95, 0, levels((456.90, shown)) if shown else (), ())
    lost = floor.cancel(entry, word)
    after = encode_state(floor.state)
    floor.restart()
    assert floor.cancel(entry, word) == lost
    assert encode_state(floor.state) == after
    floor.tick(456.80, 100)
    floor.restart()
    assert floor.cancel(entry, word) == lost


def test_a_crash_before_the_cancel_changes_nothing_about_it(floor: SidedFloor) -> None:
    """Crash between placing, filling and cancelling: the same end state as without the crash."""
    ends = []
    for crashes in (False, True):
        one = SidedFloor(floor.side, "A")
        entry = one.place()
        steps = (
            lambda one=one: one.silent(456.95, 4),
            lambda one=one, entry=entry: one.cancel(entry, "TARGET"),
            lambda one=one: one.tick(456.00, 3),
            lambda one=one, entry=entry: one.cancel(entry),
            lambda one=one: one.tick(455.50, 3),
        )
        for step in steps:
            if crashes:
                one.restart()
            step()
        ends.append(encode_state(one.state))
    assert ends[0] == ends[1]
