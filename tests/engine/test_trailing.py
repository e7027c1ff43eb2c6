"""Trailing stops: the whole move, one way only, at prints alone (bracket.md section 2.6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading_floor import Floor, bracket, paise

from bracketd.domain.order import Side, Status
from bracketd.domain.outcomes import Placed, Refused
from bracketd.domain.reasons import Reason

SIDES = [Side.BUY, Side.SELL]


def opened(step: float = 0.5, s: float = 1.0, t: float = 20.0, quantity: int = 10) -> tuple[Floor, str]:
    """A bought bracket, filled whole at 456.95: trigger 455.95, anchor 456.95."""
    floor = Floor()
    floor.tick(457.5)
    entry = floor.place(price=456.95, quantity=quantity, s=s, t=t, step=step)
    floor.tick(456.95)
    return floor, entry


def trigger(floor: Floor, entry: str) -> int:
    """The stop's trigger in paise."""
    return floor.legs(entry)[0].trigger_paise


def test_a_print_below_a_whole_step_moves_nothing() -> None:
    """The stop stays while the market is less than a step beyond the anchor."""
    floor, entry = opened(step=0.5)
    floor.tick(457.40)
    assert trigger(floor, entry) == paise(455.95)


def test_the_whole_distance_is_moved() -> None:
    """A print a step or more beyond the anchor moves the stop by the distance itself, not by multiples of the step."""
    floor, entry = opened(step=0.5)
    floor.tick(457.65)
    assert trigger(floor, entry) == paise(456.65)
    floor.tick(458.10)
    assert trigger(floor, entry) == paise(456.65)
    floor.tick(458.15)
    assert trigger(floor, entry) == paise(457.15)


def test_the_stop_never_comes_back() -> None:
    """A market that falls again moves nothing, and at the trailed trigger the stop triggers."""
    floor, entry = opened(step=0.5)
    floor.tick(460.00)
    assert trigger(floor, entry) == paise(459.00)
    floor.tick(459.50)
    assert trigger(floor, entry) == paise(459.00)
    floor.tick(459.00)
    stop, target = floor.legs(entry)
    assert (stop.status, target.status, target.info) == (Status.COMPLETE, Status.CANCELLED, "OCO")


def test_sold_brackets_trail_downwards() -> None:
    """A sold bracket's stop follows the market down."""
    floor = Floor()
    floor.tick(456.0)
    entry = floor.place(side=Side.SELL, price=456.95, s=1.0, t=20.0, step=0.5)
    floor.tick(456.95)
    assert trigger(floor, entry) == paise(457.95)
    floor.tick(456.25)
    assert trigger(floor, entry) == paise(457.25)


def test_quotes_are_no_prints() -> None:
    """A quote beyond the step moves nothing."""
    floor, entry = opened(step=0.5)
    floor.tick(459.0, quantity=0)
    assert trigger(floor, entry) == paise(455.95)


def test_without_a_step_nothing_trails() -> None:
    """A bracket placed without a step has a stop that stands."""
    floor, entry = opened(step=0.0)
    floor.tick(470.0)
    assert trigger(floor, entry) == paise(455.95)


def test_an_offset_off_the_tick_puts_the_anchor_on_it() -> None:
    """The anchor is the rounded trigger plus the offset, rounded down to the tick."""
    floor, entry = opened(step=0.05, s=1.03)
    assert trigger(floor, entry) == paise(455.95)
    floor.tick(457.0)
    assert trigger(floor, entry) == paise(456.0)


def test_growth_before_the_first_move_rebases_both() -> None:
    """Until the stop has moved, a later entry fill sets trigger and anchor anew."""
    floor = Floor()
    floor.tick(457.5)
    entry = floor.place(price=456.95, quantity=10, s=1.0, t=20.0, step=2.0)
    floor.tick(456.95, 5)
    floor.tick(456.95, 5)
    floor.tick(458.90)
    assert trigger(floor, entry) == paise(455.95)
    floor.tick(458.95)
    assert trigger(floor, entry) == paise(457.95)


def test_growth_after_a_move_keeps_the_better_trigger() -> None:
    """A stop that has trailed is not thrown back by a later entry fill."""
    floor = Floor()
    floor.tick(457.5)
    entry = floor.place(price=456.95, quantity=10, s=2.0, t=20.0, step=0.5)
    floor.tick(456.95, 5)
    floor.tick(458.0)
    assert trigger(floor, entry) == paise(456.0)
    floor.tick(456.95, 3)
    stop, _ = floor.legs(entry)
    assert (stop.quantity, stop.trigger_paise) == (8, paise(456.0))
    floor.tick(458.05)
    assert trigger(floor, entry) == paise(456.0)
    floor.tick(458.5)
    assert trigger(floor, entry) == paise(456.5)


def test_a_restart_loses_no_move() -> None:
    """Trigger and anchor are on record: after a crash the next print moves the stop as it would have."""
    floor, entry = opened(step=0.5)
    floor.tick(457.65)
    floor.restart()
    floor.tick(458.10)
    assert trigger(floor, entry) == paise(456.65)
    floor.tick(458.20)
    assert trigger(floor, entry) == paise(457.20)
    floor.tick(457.20)
    assert floor.legs(entry)[0].status is Status.COMPLETE


def test_a_stop_in_force_trails_no_more() -> None:
    """Once triggered, or closing by rule X, a stop is moved by nothing."""
    floor, entry = opened(step=0.5)
    floor.tick(455.0, 100, bids=(), asks=())
    assert floor.legs(entry)[0].triggered
    floor.tick(470.0, 1, bids=(), asks=())
    assert floor.legs(entry)[0].trigger_paise == paise(455.95)
    assert not any(floor.state.trailing.values())
    floor, entry = opened(step=0.5)
    floor.tick(457.0, 0, bids=(), asks=())
    floor.cancel(entry, "TARGET")
    floor.tick(470.0, 1, bids=(), asks=())
    assert floor.legs(entry)[0].trigger_paise == 0


@pytest.mark.parametrize(("step", "finer"), [(0.01, ()), (-1.0, ()), (1.0, ("trailing_stop_loss",))])
def test_a_step_is_nothing_or_a_tick(step: float, finer: tuple[str, ...]) -> None:
    """A step below one tick, or one that the request contradicts, is refused by name."""
    outcome = Floor().command(bracket(step=step, finer=frozenset(finer)))
    assert outcome == Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    assert isinstance(Floor().command(bracket(step=0.05)), Placed)


@given(
    prints=st.lists(st.integers(-60, 60), min_size=1, max_size=40),
    step=st.integers(1, 30),
    side=st.sampled_from(SIDES),
)
def test_trailing_is_monotone_and_never_crosses(prints: list[int], step: int, side: Side) -> None:
    """The trigger moves one way, on the tick, and by its own move never to or across the last print (14)."""
    sided = Floor()
    up = 1 if side is Side.BUY else -1
    sided.tick(456.95 + up * 0.5)
    entry = sided.place(side=side, price=456.95, s=1.0, t=60.0, step=step * 0.05)
    sided.tick(456.95)
    last = trigger(sided, entry)
    for ticks in prints:
        price = 45_695 + 5 * ticks
        sided.tick(price / 100, 1, bids=(), asks=())
        stop, _ = sided.legs(entry)
        if stop.triggered:
            break
        assert up * (stop.trigger_paise - last) >= 0
        assert stop.trigger_paise % 5 == 0
        assert up * (price - stop.trigger_paise) > 0
        last = stop.trigger_paise
