"""Trailing stops by the print that moves them (bracket.md section 2.6)."""

import pytest
from tests.trading_floor import SBIN, Floor, paise

from bracketd.domain.order import Side
from bracketd.engine.trailing import trail
from bracketd.runtime.pressing import Pressing


def opened(*steps: float, side: Side = Side.BUY) -> tuple[Floor, list[str]]:
    """A bracket for each step, all filled at 456.95, with the baskets in the order of their making."""
    floor = Floor()
    floor.tick(457.5 if side is Side.BUY else 456.0)
    for step in steps:
        floor.place(side=side, price=456.95, s=1.0, t=20.0, step=step)
    floor.tick(456.95, quantity=10_000)
    return floor, list(floor.state.brackets)


def by_looking_at_each(floor: Floor, print_rupees: float) -> set[str]:
    """The baskets that the rule itself moves, each one asked."""
    return {
        basket_id
        for basket_id in floor.state.trailing.get(SBIN, ())
        if trail(floor.state, floor.state.brackets[basket_id], paise(print_rupees), floor.now_ns) is not None
    }


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_index_finds_what_the_rule_finds(side: Side) -> None:
    """At every price around the anchor the index names just the baskets that the rule would move."""
    floor, _ = opened(0.5, 1.0, 0.0, 2.0, 0.5, side=side)
    trailing = Pressing(floor.state).trailing
    for tick in range(-60, 61):
        price = 456.95 + tick * 0.05
        found = trailing.moved_by(floor.state, SBIN, paise(price))
        assert set(found) == by_looking_at_each(floor, price)


def test_the_oldest_stop_is_first() -> None:
    """What one print moves is named in the time order of the stops, not in that of their thresholds."""
    floor, baskets = opened(2.0, 0.5, 1.0)
    assert Pressing(floor.state).trailing.moved_by(floor.state, SBIN, paise(460.0)) == baskets


def test_an_index_made_anew_is_the_one_that_was_kept() -> None:
    """After stops have moved, triggered and been cancelled, an index made of the state says what the kept one says."""
    floor, baskets = opened(0.5, 1.0, 2.0)
    kept = Pressing(floor.state)
    for price in (457.95, 456.9, 459.0):
        floor.tick(price)
        for basket_id in baskets:
            kept.note(floor.state, floor.state.brackets[basket_id], floor.now_ns)
    anew = Pressing(floor.state)
    for price in range(45_000, 47_000, 5):
        assert kept.trailing.moved_by(floor.state, SBIN, price) == anew.trailing.moved_by(floor.state, SBIN, price)


def test_what_is_dropped_is_named_no_more() -> None:
    """A basket that left the state moves nothing, and to drop it twice is no fault."""
    floor, baskets = opened(0.5, 0.5)
    trailing = Pressing(floor.state).trailing
    trailing.drop(baskets[0])
    trailing.drop(baskets[0])
    assert trailing.moved_by(floor.state, SBIN, paise(460.0)) == baskets[1:]
