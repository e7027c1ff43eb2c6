"""Indian time by integers agrees with the calendar and with the family's own samples."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bracketd.domain.ist import (
    NotDate,
    activity_reference,
    date_of_day,
    day_number,
    day_start_ns,
    ist_date,
    ist_day_number,
    ist_seconds_of_day,
    weekday,
)

SECOND_NS = 10**9
INDIA = timezone(timedelta(hours=5, minutes=30))
SECONDS = st.integers(-(2**33), 2**35)
DATES = st.dates(date(1, 1, 1), date(9999, 12, 31))


@given(SECONDS, st.integers(0, SECOND_NS - 1))
def test_moment_in_india(seconds: int, fraction_ns: int) -> None:
    """Date and second of the day are those that the standard library gives for India."""
    wall = datetime.fromtimestamp(0, UTC).astimezone(INDIA) + timedelta(seconds=seconds)
    now_ns = seconds * SECOND_NS + fraction_ns
    assert ist_date(now_ns) == wall.strftime("%Y%m%d")
    assert ist_seconds_of_day(now_ns) == wall.hour * 3600 + wall.minute * 60 + wall.second


@given(DATES)
def test_every_date_has_its_number(day: date) -> None:
    """A date's number, weekday and way back are those of the standard library."""
    text = f"{day.year:04d}{day.month:02d}{day.day:02d}"
    assert day_number(text) == (day - date(1970, 1, 1)).days
    assert date_of_day(day_number(text)) == text
    assert weekday(text) == day.weekday()


@given(DATES)
def test_day_starts_at_midnight_in_india(day: date) -> None:
    """The start of a date is its first nanosecond: the one before belongs to the day before."""
    start_ns = day_start_ns(f"{day.year:04d}{day.month:02d}{day.day:02d}")
    assert ist_seconds_of_day(start_ns) == 0
    assert ist_day_number(start_ns) == ist_day_number(start_ns - 1) + 1


def test_date_changes_at_half_past_six_in_the_evening_of_utc() -> None:
    """Midnight in India is 18:30 UTC."""
    midnight_ns = int(datetime(2022, 1, 5, 18, 30, tzinfo=UTC).timestamp()) * SECOND_NS
    assert (ist_date(midnight_ns - 1), ist_date(midnight_ns)) == ("20220105", "20220106")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-1-5", "20260230", "20260431", "20260001", "20261301", "20260100", "20260132", "20270229"),
        *("2026010a", "٢٠٢٦٠١٠١", " 20260101", "20260101\n", "21000229"),
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    """A text that names no day of the calendar is no date."""
    with pytest.raises(NotDate):
        day_number(text)


@pytest.mark.parametrize("text", ["20240229", "20000229", "24000229"])
def test_leap_days_exist(text: str) -> None:
    """29 February exists in leap years, those of whole centuries by the rule of four hundred."""
    assert date_of_day(day_number(text)) == text


def test_reference_of_the_order_book_sample() -> None:
    """The sample with order_entry_time 1605682535 carries the reference 1290169535358022400."""
    assert activity_reference(1605682535 * SECOND_NS) == 1290169535 * SECOND_NS
    assert activity_reference(1605682535358022400) == 1290169535358022400


def test_reference_of_the_bracket_sample() -> None:
    """The sample 1325938440097498600 is 12:14:00 in India on the day of its order id, 6 January 2022."""
    wall = datetime(2022, 1, 6, 12, 14, 0, tzinfo=INDIA)
    now_ns = int(wall.timestamp()) * SECOND_NS + 97498600
    assert activity_reference(now_ns) == 1325938440097498600
    assert ist_date(now_ns) == "20220106"


def test_reference_begins_in_1980() -> None:
    """The reference is 0 at midnight in India on 1 January 1980."""
    assert activity_reference(day_start_ns("19800101")) == 0
