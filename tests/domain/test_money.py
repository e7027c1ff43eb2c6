"""Money: text becomes whole paise or is refused, and the tick grid is met from both sides."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bracketd.domain.money import (
    PAISE_LIMIT,
    NotMoney,
    ceil_to_tick,
    floor_to_tick,
    paise_and_remainder,
    parse_rupees,
    rupees_text,
)


@pytest.mark.parametrize(
    ("text", "paise"),
    [
        ("456.95", 45695),
        ("456.9", 45690),
        ("456.", 45600),
        ("456", 45600),
        ("0", 0),
        ("0.05", 5),
        ("-1.50", -150),
        ("+2", 200),
        ("007.10", 710),
        ("1.5000", 150),
    ],
)
def test_plain_decimal_becomes_paise(text: str, paise: int) -> None:
    """Rupees with up to two decimals are read exactly, signs, leading and trailing zeros included."""
    assert parse_rupees(text) == paise


@pytest.mark.parametrize(
    "text",
    ["", " ", ".5", "1e2", "NaN", "Infinity", "1,000", "1 ", "0x10", "--1", "1.2.3", "₹5", "٣", "1\n", "1" * 19],
)
def test_anything_else_is_not_money(text: str) -> None:
    """Exponents, NaN, separators, blanks, foreign digits and endless numbers are refused."""
    with pytest.raises(NotMoney):
        parse_rupees(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [("456.951", (45695, True)), ("456.9500", (45695, False)), ("-0.019", (-1, True)), ("0.001", (0, True))],
)
def test_finer_than_a_paisa_is_told_apart(text: str, read: tuple[int, bool]) -> None:
    """What is finer than a paisa is cut off toward zero, and the caller learns of it."""
    assert paise_and_remainder(text) == read


def test_finer_than_a_paisa_is_not_parsed() -> None:
    """Where whole paise are asked for, a third decimal is refused rather than rounded."""
    with pytest.raises(NotMoney):
        parse_rupees("1.005")


def test_ten_trillion_rupees_are_refused() -> None:
    """The largest amount is one paisa below the limit."""
    assert parse_rupees(rupees_text(PAISE_LIMIT - 1)) == PAISE_LIMIT - 1
    with pytest.raises(NotMoney):
        parse_rupees(rupees_text(PAISE_LIMIT))


@given(st.integers(-PAISE_LIMIT + 1, PAISE_LIMIT - 1))
def test_text_of_an_amount_is_read_back(paise: int) -> None:
    """An amount written as text is that many hundredths of a rupee and comes back as it went in."""
    assert Decimal(rupees_text(paise)) * 100 == paise
    assert parse_rupees(rupees_text(paise)) == paise


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**4))
def test_floor_and_ceiling_enclose_the_price(paise: int, tick_paise: int) -> None:
    """Floor and ceiling lie on the grid, less than a tick from the price, and agree exactly on the grid."""
    floor, ceiling = floor_to_tick(paise, tick_paise), ceil_to_tick(paise, tick_paise)
    assert floor % tick_paise == ceiling % tick_paise == 0
    assert paise - tick_paise < floor <= paise <= ceiling < paise + tick_paise
    assert (floor == ceiling) == (paise % tick_paise == 0)
