"""The check of ticks: the first wrong field is named, and what only looks odd is sound."""

import pytest

from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.market.instruments import load_instruments
from bracketd.market.tick_check import tick_fault

SBIN: Instrument = load_instruments()["NSE:3045"]
Side = tuple[Level, ...] | None
ON, OFF, BELOW, ABOVE = 45695, 45696, 36555, 54835


def fault(price: int = ON, quantity: int = 1, bids: Side = None, asks: Side = None) -> str | None:
    """The fault of a tick of the sample share."""
    return tick_fault(Tick("NSE:3045", price, quantity, bids, asks), SBIN)


@pytest.mark.parametrize("price", [OFF, BELOW, ABOVE, 0, -45695])
def test_last_price_must_be_a_price(price: int) -> None:
    """A last price off the tick or outside the band is refused."""
    assert fault(price) == "last_price"


@pytest.mark.parametrize("price", [36560, 45695, 54830])
def test_last_price_may_touch_the_band(price: int) -> None:
    """A last price in the band, limits included, is sound."""
    assert fault(price) is None


@pytest.mark.parametrize(
    ("quantity", "name"), [(-1, "last_quantity"), (0, None), (1, None), (10**12, None), (10**12 + 1, "last_quantity")]
)
def test_last_quantity_is_a_quantity(quantity: int, name: str | None) -> None:
    """A negative quantity is refused, and one beyond all measure; nought is a quote."""
    assert fault(quantity=quantity) == name


@pytest.mark.parametrize("level", [(OFF, 1), (BELOW, 1), (ABOVE, 1), (ON, -1)])
@pytest.mark.parametrize("before", [0, 1])
def test_a_wrong_level_is_its_side_s(level: tuple[int, int], before: int) -> None:
    """A level off the tick, outside the band or with a negative quantity is refused by its side, wherever it stands."""
    bids = (*[Level(54830, 5)] * before, Level(*level))
    asks = (*[Level(36560, 5)] * before, Level(*level))
    assert fault(bids=bids) == "bids"
    assert fault(asks=asks) == "asks"


def test_sides_are_ordered_best_first() -> None:
    """Bids fall and asks rise; the other way round is refused."""
    rising = (Level(45690, 1), Level(45695, 1))
    falling = rising[::-1]
    assert fault(bids=falling, asks=rising) is None
    assert fault(bids=rising) == "bids"
    assert fault(asks=falling) == "asks"


@pytest.mark.parametrize("side", [None, (), (Level(ON, 0),), (Level(ON, 1), Level(ON, 2))])
def test_an_absent_empty_or_flat_side_is_sound(side: Side) -> None:
    """A side may be absent, empty, without quantity or twice at one price."""
    assert fault(bids=side, asks=side) is None


def test_a_crossed_book_is_sound() -> None:
    """A best bid at or above the best ask is no fault: a side that stands for the last price does that all the time."""
    assert fault(bids=(Level(45700, 1),), asks=(Level(45690, 1),)) is None


def test_the_first_wrong_field_is_named() -> None:
    """Of several wrong fields the first answers, in the order last_price, last_quantity, bids, asks."""
    wrong = (Level(OFF, 1),)
    names = [
        fault(OFF, -1, wrong, wrong),
        fault(ON, -1, wrong, wrong),
        fault(ON, 1, wrong, wrong),
        fault(ON, 1, None, wrong),
    ]
    assert names == ["last_price", "last_quantity", "bids", "asks"]
