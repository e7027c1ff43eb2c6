"""The session table: when a segment trades, asked with the time as a parameter (bracket.md section 2.9)."""

import datetime
from pathlib import Path

from bracketd.domain.ist import (
    NS_PER_SECOND,
    date_of_day,
    day_number,
    day_start_ns,
    ist_date,
    ist_day_number,
    weekday_of_day,
)
from bracketd.domain.session import Segment, SessionDay, SessionPhase, Stage, TradingDay
from bracketd.market.session_file import Hours, HoursRow, SessionFile, SpecialRow, YearRow, load_session_file

SEARCH_DAYS = 400
"""How far to look for a session before saying that there is none."""

REMEMBERED_DAYS = 1024
"""Days kept made out; past that all are forgotten, so that a long life or a long search holds little."""

SATURDAY = 5


class SessionTable:
    """Sessions by the table: Monday to Friday without the holidays, and the special sessions."""

    def __init__(self, rows: SessionFile) -> None:
        self._hours: dict[Segment, list[HoursRow]] = {
            segment: sorted((row for row in rows.hours if row.segment is segment), key=_since, reverse=True)
            for segment in Segment
        }
        self._years: dict[int, YearRow] = {row.year: row for row in rows.years}
        self._holidays = {(_text(row.date), segment) for row in rows.holidays for segment in row.segments}
        self._special: dict[tuple[str, Segment], SpecialRow] = {
            (_text(row.date), segment): row for row in rows.special_sessions for segment in row.segments
        }
        self._remembered: dict[tuple[int, Segment], SessionDay | None] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> "SessionTable":
        """Read a session file, the package's own without a path; raises SessionFault, or OSError."""
        return cls(load_session_file(path))

    def session_on(self, date: str, segment: Segment = Segment.CAPITAL) -> SessionDay | None:
        """The hours of the segment on a date (YYYYMMDD), None where it has no session; raises NotDate."""
        return self._day(day_number(date), segment)

    def warning_on(self, date: str, segment: Segment = Segment.CAPITAL) -> str:
        """Why what the table says of a date may be wrong, "" where it is sure; raises NotDate."""
        day_number(date)
        special = self._special.get((date, segment))
        if special is not None:
            known = special.standard_hours or special.hours is not None
            return "" if known else f"{special.name} on {date}: hours not known, taken for closed"
        if (date, segment) in self._holidays:
            return ""
        year = self._years.get(int(date[:4]))
        if year is None:
            return f"the session table knows no holidays of {date[:4]}: Monday to Friday are taken for sessions"
        if not year.complete:
            return f"the session table does not know all holidays of {date[:4]} ({year.source})"
        return ""

    def phase(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> SessionPhase:
        """What the segment does at the moment (unix nanoseconds)."""
        day = self._day(ist_day_number(now_ns), segment)
        return SessionPhase.CLOSED if day is None else day.phase_at(now_ns)

    def square_off_due(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> bool:
        """Whether brackets must be out by now and the session still trades."""
        day = self._day(ist_day_number(now_ns), segment)
        return day is not None and day.square_off_due(now_ns)

    def next_change_ns(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> int | None:
        """The first moment after the given one at which the phase changes or square-off falls due.

        None where the table has no session within more than a year.
        """
        today = ist_day_number(now_ns)
        for number in range(today, today + SEARCH_DAYS):
            day = self._day(number, segment)
            if day is not None:
                for moment_ns in day.changes_ns():
                    if moment_ns > now_ns:
                        return moment_ns
        return None

    def trading_date(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> str:
        """The trading day that the moment belongs to, YYYYMMDD: the latest date with a session that has begun in India.

        A day begins at midnight. A Saturday still belongs to Friday: the order book of the last session stands until
        the day of the next. Where the table has no session within more than a year it is the date itself.
        """
        today = ist_day_number(now_ns)
        for number in range(today, today - SEARCH_DAYS, -1):
            if self._day(number, segment) is not None:
                return date_of_day(number)
        return date_of_day(today)

    def trading_day(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> TradingDay:
        """The trading day that the moment belongs to, and how far it has come."""
        date = self.trading_date(now_ns, segment)
        day = self._day(day_number(date), segment)
        return TradingDay(date, Stage.ENDED if day is None else day.stage_at(now_ns))

    def _day(self, number: int, segment: Segment) -> SessionDay | None:
        """The session of a day number, made out once."""
        key = (number, segment)
        if key not in self._remembered:
            if len(self._remembered) >= REMEMBERED_DAYS:
                self._remembered.clear()
            self._remembered[key] = self._made_out(number, segment)
        return self._remembered[key]

    def _made_out(self, number: int, segment: Segment) -> SessionDay | None:
        date = date_of_day(number)
        special = self._special.get((date, segment))
        if special is not None:
            if special.hours is not None:
                return _session_day(date, segment, special.hours, special.name, "")
            if not special.standard_hours:
                return None
        elif weekday_of_day(number) >= SATURDAY or (date, segment) in self._holidays:
            return None
        name = special.name if special is not None else ""
        return _session_day(date, segment, self._hours_on(date, segment), name, self.warning_on(date, segment))

    def _hours_on(self, date: str, segment: Segment) -> HoursRow:
        """The hours in force on the date; before the first row's date that row's."""
        rows = self._hours[segment]
        return next((row for row in rows if _text(row.since) <= date), rows[-1])


class AlwaysOpen:
    """A market that never closes, for trying things out at any hour: no cut-off, no square-off, no change."""

    def session_on(self, date: str, segment: Segment = Segment.CAPITAL) -> SessionDay | None:
        """The whole date as a session, midnight to midnight in India; raises NotDate."""
        tomorrow = date_of_day(day_number(date) + 1)
        return SessionDay(date=date, segment=segment, open_ns=day_start_ns(date), close_ns=day_start_ns(tomorrow))

    def warning_on(self, date: str, segment: Segment = Segment.CAPITAL) -> str:
        """Nothing to warn of; raises NotDate."""
        day_number(date)
        return ""

    def phase(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> SessionPhase:
        """OPEN at every moment."""
        return SessionPhase.OPEN

    def square_off_due(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> bool:
        """Never."""
        return False

    def next_change_ns(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> int | None:
        """None: nothing changes."""
        return None

    def trading_day(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> TradingDay:
        """The moment's date in India, trading from midnight to midnight and without an end."""
        return TradingDay(ist_date(now_ns), Stage.TRADING, ends=False)

    def trading_date(self, now_ns: int, segment: Segment = Segment.CAPITAL) -> str:
        """The moment's date in India, YYYYMMDD."""
        return ist_date(now_ns)


Sessions = SessionTable | AlwaysOpen
"""What can be asked for the hours of trading."""


def _session_day(date: str, segment: Segment, hours: Hours, name: str, warning: str) -> SessionDay:
    """A date's hours as moments."""
    midnight_ns = day_start_ns(date)

    def moment(time: datetime.time | None) -> int | None:
        return None if time is None else midnight_ns + _seconds(time) * NS_PER_SECOND

    return SessionDay(
        date=date,
        segment=segment,
        name=name,
        open_ns=midnight_ns + _seconds(hours.open) * NS_PER_SECOND,
        close_ns=midnight_ns + _seconds(hours.close) * NS_PER_SECOND,
        pre_open_ns=moment(hours.pre_open),
        pre_open_end_ns=moment(hours.pre_open_end),
        cut_off_ns=moment(hours.cut_off),
        square_off_ns=moment(hours.square_off),
        closing_start_ns=moment(hours.closing_start),
        closing_end_ns=moment(hours.closing_end),
        warning=warning,
    )


def _seconds(time: datetime.time) -> int:
    """Seconds since midnight."""
    return time.hour * 3600 + time.minute * 60 + time.second


def _text(date: datetime.date) -> str:
    """The date as YYYYMMDD."""
    return f"{date.year:04d}{date.month:02d}{date.day:02d}"


def _since(row: HoursRow) -> datetime.date:
    return row.since
