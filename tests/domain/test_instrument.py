"""An instrument: its names, its tick grid and its band."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bracketd.domain.instrument import Instrument, band_around, instrument_key


def share(series: str = "EQ") -> Instrument:
    """The share of the family's samples: 456.95 rupees, tick 0.05, band 20 percent."""
    return Instrument(
        exchange="NSE",
        token=3045,
        symbol="SBIN",
        series=series,
        company="State Bank of India",
        isin="INE062A01020",
        tick_paise=5,
        lot=1,
        base_price_paise=45695,
        lower_band_paise=36560,
        upper_band_paise=54830,
        freeze_quantity=1000,
    )


def test_key_is_exchange_and_token() -> None:
    """Orders and prints refer to an instrument by exchange and token."""
    assert share().key == instrument_key("NSE", 3045) == "NSE:3045"


@pytest.mark.parametrize(("series", "name"), [("EQ", "SBIN-EQ"), ("", "SBIN")])
def test_trading_symbol_carries_the_series(series: str, name: str) -> None:
    """The trading symbol is the symbol with its series, where there is one."""
    assert share(series).trading_symbol == name


@pytest.mark.parametrize(("paise", "on"), [(45695, True), (45700, True), (45696, False), (45694, False)])
def test_tick_grid(paise: int, on: bool) -> None:
    """A price is on the grid when it is a multiple of the tick."""
    assert share().on_tick(paise) is on


@pytest.mark.parametrize(
    ("paise", "inside", "kept"),
    [
        (36560, True, 36560),
        (36555, False, 36560),
        (54830, True, 54830),
        (54835, False, 54830),
        (45695, True, 45695),
        (0, False, 36560),
    ],
)
def test_band_is_inclusive(paise: int, inside: bool, kept: int) -> None:
    """The band holds its limits, and a price outside is brought to the nearer one."""
    assert share().in_band(paise) is inside
    assert share().keep_in_band(paise) == kept


def test_band_of_the_sample_share() -> None:
    """Twenty percent around 456.95 is 365.56 to 548.34, inwards to the tick 365.60 to 548.30."""
    assert band_around(45695, 20, 5) == (36560, 54830)


@given(st.integers(1, 10**7), st.sampled_from([1, 5, 10, 50, 100, 500]), st.integers(0, 99))
def test_band_is_the_outermost_ticks_within(ticks: int, tick_paise: int, percent: int) -> None:
    """Both limits lie on the grid and within the percentage, one tick further out lies outside, and the base within."""
    base = ticks * tick_paise
    lower, upper = band_around(base, percent, tick_paise)
    assert lower % tick_paise == upper % tick_paise == 0
    assert lower <= base <= upper
    assert lower * 100 >= base * (100 - percent) > (lower - tick_paise) * 100
    assert upper * 100 <= base * (100 + percent) < (upper + tick_paise) * 100
