"""Turnover: a day in India is what parts the trades of today from what was carried in."""

import pytest
from tests.trading_floor import SBIN, Floor

from bracketd.domain.account import Position
from bracketd.domain.order import Side
from bracketd.runtime.client_rows import ClientRows
from bracketd.wire.turnover import Turnover, turnovers

DAY_NS = 86_400 * 10**9


def traded(floor: Floor, side: Side = Side.BUY) -> None:
    """One more bracket of ten shares, filled at 456.90."""
    floor.place("A", side, 10, price=457.0 if side is Side.BUY else 456.0)
    floor.tick(456.9, 100)


def only(floor: Floor, client: str = "A") -> Turnover:
    """The client's one position."""
    (turnover,) = turnovers(floor.state, ClientRows(floor.state), client, floor.now_ns)
    return turnover


def test_all_of_today() -> None:
    """On the day itself everything is today's, and nothing was before."""
    floor = Floor("A")
    traded(floor)
    turnover = only(floor)
    assert (turnover.instrument, turnover.product) == (SBIN, "MIS")
    assert turnover.today == Position(bought=10, bought_value_paise=456_900)
    assert turnover.before == turnover.carried == Position()


def test_the_next_day() -> None:
    """A day later the same trades were before, and the open part is carried at its cost."""
    floor = Floor("A")
    traded(floor)
    floor.now_ns += DAY_NS
    assert only(floor).today == Position()
    assert only(floor).carried == Position(bought=10, bought_value_paise=456_900)
    traded(floor)
    assert only(floor).today == Position(bought=10, bought_value_paise=456_900)
    assert only(floor).carried == Position(bought=10, bought_value_paise=456_900)


def test_the_day_begins_at_midnight_in_india() -> None:
    """A trade in the last second before 18:30 UTC is yesterday's in the next one."""
    floor = Floor("A")
    midnight_ns = (floor.now_ns // DAY_NS + 1) * DAY_NS - 19_800 * 10**9
    floor.now_ns = midnight_ns - 10 * 10**9
    traded(floor)
    (late,) = turnovers(floor.state, ClientRows(floor.state), "A", midnight_ns - 1)
    (early,) = turnovers(floor.state, ClientRows(floor.state), "A", midnight_ns)
    assert (late.today.bought, early.today.bought) == (10, 0)


def test_other_clients_are_left_out() -> None:
    """A client has its own turnover alone, also where another's name begins like its own."""
    floor = Floor("A", "AB")
    floor.place("AB", quantity=10, price=457.0)
    floor.tick(456.9, 100)
    assert list(turnovers(floor.state, ClientRows(floor.state), "A", floor.now_ns)) == []
    assert only(floor, "AB").today.bought == 10


@pytest.mark.parametrize(
    ("before", "carried"),
    [
        (Position(10, 1_000, 10, 1_100), Position()),
        (Position(10, 1_000, 4, 900), Position(bought=6, bought_value_paise=600)),
        (Position(3, 1_000, 1, 900), Position(bought=2, bought_value_paise=667)),
        (Position(4, 900, 10, 1_000), Position(sold=6, sold_value_paise=600)),
    ],
)
def test_what_is_carried(before: Position, carried: Position) -> None:
    """What was open when the day began is carried at average cost; what had been closed is gone."""
    assert Turnover(SBIN, "MIS", Position(), before).carried == carried
