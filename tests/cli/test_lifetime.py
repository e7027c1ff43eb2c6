"""Lifetimes and amounts, as the command line reads them."""

import click
import pytest

from bracketd.cli.lifetime import lifetime_s
from bracketd.cli.rupees import Rupees


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1_800),
        ("12h", 43_200),
        ("7d", 604_800),
        ("45", 45),
        ("45s", 45),
        (" 1H ", 3_600),
        ("3660d", 316_224_000),
    ],
)
def test_lifetime_is_read_as_written(text: str, seconds: int) -> None:
    """A lifetime is seconds, or a number with s, m, h or d."""
    assert lifetime_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "-1h", "1.5h", "12 h", "h", "1w", "3661d", "٣h", "1h30m"])
def test_what_is_no_lifetime_is_refused(text: str) -> None:
    """Nothing else is a lifetime, nor is none at all, nor more than ten years."""
    with pytest.raises(ValueError):
        lifetime_s(text)


@pytest.mark.parametrize(("text", "paise"), [("10000000", 10**9), ("1,00,00,000", 10**9), ("0.05", 5), ("0", 0)])
def test_rupees_are_read_as_written(text: str, paise: int) -> None:
    """Rupees may have commas where India puts them, and become whole paise."""
    assert Rupees().convert(text, None, None) == paise


@pytest.mark.parametrize("text", ["-1", "1.005", "ten", "", "1e7", "NaN"])
def test_what_is_no_cash_is_refused(text: str) -> None:
    """Opening cash is a plain number of rupees, not negative, and not finer than a paisa."""
    with pytest.raises(click.BadParameter):
        Rupees().convert(text, None, None)
