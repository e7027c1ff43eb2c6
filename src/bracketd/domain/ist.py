"""Indian Standard Time by integer arithmetic: dates, weekdays and the family's activity reference.

India keeps UTC+05:30 all year, so no time zone database is needed. A moment is unix nanoseconds, a date the text
YYYYMMDD, a day number counts days since 1 January 1970.
"""

import re
from functools import lru_cache

NS_PER_SECOND = 1_000_000_000
SECONDS_PER_DAY = 86_400
IST_OFFSET_S = 19_800
"""India is five and a half hours ahead of UTC."""

SECONDS_1970_TO_1980 = 315_532_800
"""NSE counts from 1 January 1980 (wire.md 1.6)."""

_NS_PER_DAY = SECONDS_PER_DAY * NS_PER_SECOND
_IST_OFFSET_NS = IST_OFFSET_S * NS_PER_SECOND
REFERENCE_OFFSET_NS = (IST_OFFSET_S - SECONDS_1970_TO_1980) * NS_PER_SECOND
"""What `activity_reference` adds to a moment; for whoever shows a hundred thousand of them."""

_DAYS_PER_ERA = 146_097
"""The Gregorian calendar repeats after 400 years."""

_DAYS_BEFORE_1970 = 719_468
"""From 1 March of the year 0, where an era begins, to 1 January 1970."""

_DATE = re.compile(r"\d{8}\Z", re.ASCII)


class NotDate(ValueError):
    """The text is no date of the calendar written YYYYMMDD."""


def ist_day_number(now_ns: int) -> int:
    """Days from 1 January 1970 to the moment's date in India."""
    return (now_ns + _IST_OFFSET_NS) // _NS_PER_DAY


def ist_date(now_ns: int) -> str:
    """The moment's date in India, YYYYMMDD."""
    return date_of_day(ist_day_number(now_ns))


def ist_seconds_of_day(now_ns: int) -> int:
    """Whole seconds since midnight in India, 0 to 86399."""
    return (now_ns + _IST_OFFSET_NS) // NS_PER_SECOND % SECONDS_PER_DAY


def day_start_ns(yyyymmdd: str) -> int:
    """The moment at which the date begins in India; raises NotDate."""
    return day_number(yyyymmdd) * _NS_PER_DAY - _IST_OFFSET_NS


def weekday(yyyymmdd: str) -> int:
    """The day of the week, Monday 0 to Sunday 6; raises NotDate."""
    return weekday_of_day(day_number(yyyymmdd))


def weekday_of_day(number: int) -> int:
    """The day of the week of a day number, Monday 0 to Sunday 6: 1 January 1970 was a Thursday."""
    return (number + 3) % 7


def day_number(yyyymmdd: str) -> int:
    """Days from 1 January 1970 to the date; raises NotDate for a text that names no day."""
    if _DATE.match(yyyymmdd) is None:
        raise NotDate(yyyymmdd)
    year, month, day = int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:])
    if not 1 <= month <= 12 or day < 1:
        raise NotDate(yyyymmdd)
    # Years are counted from March, so that a leap day is the last day of its year.
    march_year = year - (month <= 2)
    era, year_of_era = divmod(march_year, 400)
    day_of_year = (153 * ((month - 3) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    number = era * _DAYS_PER_ERA + day_of_era - _DAYS_BEFORE_1970
    # 31 April counts as 1 May above; only a day of the calendar comes back as it went in.
    if date_of_day(number) != yyyymmdd:
        raise NotDate(yyyymmdd)
    return number


@lru_cache(maxsize=64)
def date_of_day(number: int) -> str:
    """The date YYYYMMDD of a day number."""
    era, day_of_era = divmod(number + _DAYS_BEFORE_1970, _DAYS_PER_ERA)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = (month_from_march + 2) % 12 + 1
    year = era * 400 + year_of_era + (month <= 2)
    return f"{year:04d}{month:02d}{day:02d}"


def activity_reference(now_ns: int) -> int:
    """The moment as the family writes `last_activity_reference`: wall clock nanoseconds in India since 1980.

    Successive values of one order must still be told apart by clients that read them as float64, whose spacing is
    256 here: whoever issues them steps by at least 512 (wire.md 1.6).
    """
    return now_ns + REFERENCE_OFFSET_NS
