"""The session table: the days, the hours and the phases that the exchange published."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from bracketd.domain.ist import NotDate, date_of_day, day_number, day_start_ns, weekday
from bracketd.domain.session import Segment, SessionDay, SessionPhase
from bracketd.market.calendar import AlwaysOpen, SessionTable
from bracketd.market.session_file import load_session_file, read_session_file

TABLE = SessionTable.load()
MINUTE_NS = 60 * 10**9

# Typed from public lists and the weekday names that the circular prints, not from the file.
HOLIDAYS_2026 = """
Thu 15 Jan, Mon 26 Jan, Tue 3 Mar, Thu 26 Mar, Tue 31 Mar, Fri 3 Apr, Tue 14 Apr, Fri 1 May, Thu 28 May,
Fri 26 Jun, Mon 14 Sep, Fri 2 Oct, Tue 20 Oct, Tue 10 Nov, Tue 24 Nov, Fri 25 Dec
"""
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def second_list() -> dict[str, str]:
    """The holidays of 2026 in the second list: date, weekday."""
    entries = [entry.split() for entry in HOLIDAYS_2026.split(",")]
    return {f"2026{MONTHS.index(month) + 1:02d}{int(day):02d}": name for name, day, month in entries}


def dates_of(year: int) -> list[str]:
    """Every date of a year."""
    first = date(year, 1, 1)
    count = (date(year + 1, 1, 1) - first).days
    return [(first + timedelta(days=offset)).strftime("%Y%m%d") for offset in range(count)]


def at(day: str, clock: str) -> int:
    """The moment of a date and a time HH:MM in India."""
    hours, minutes = clock.split(":")
    return day_start_ns(day) + (int(hours) * 60 + int(minutes)) * MINUTE_NS


def clock_of(moment_ns: int | None, day: str) -> str | None:
    """The time HH:MM in India of a moment on a date."""
    if moment_ns is None:
        return None
    minutes, rest = divmod(moment_ns - day_start_ns(day), MINUTE_NS)
    assert rest == 0
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def table_with(rows: str) -> SessionTable:
    """A table of short days, 10:00 to 11:00 for shares and 10:00 to 12:00 for derivatives, with further rows."""
    hours = '[[hours]]\nsegment = "{}"\nsince = 2030-01-01\nsource = "test"\nopen = 10:00:00\nclose = {}:00:00\n'
    year = '[[years]]\nyear = 2030\ncomplete = true\nsource = "test"\n'
    return SessionTable(read_session_file(hours.format("Capital", 11) + hours.format("FutOpt", 12) + year + rows))


@pytest.mark.parametrize("segment", list(Segment))
def test_holidays_of_2026_are_those_of_the_second_list(segment: Segment) -> None:
    """The weekdays of 2026 without a session are the holidays of an independently typed list, day names included."""
    closed = [day for day in dates_of(2026) if weekday(day) < 5 and TABLE.session_on(day, segment) is None]
    assert {day: WEEKDAYS[weekday(day)] for day in closed} == second_list()


@pytest.mark.parametrize("segment", list(Segment))
def test_weekends_of_2026_are_closed_but_for_the_budget(segment: Segment) -> None:
    """The only session on a Saturday or Sunday of 2026 with known hours is the Budget's, on 1 February."""
    opened = [day for day in dates_of(2026) if weekday(day) >= 5 and TABLE.session_on(day, segment) is not None]
    assert opened == ["20260201"]


def test_the_budget_session_has_the_standard_hours() -> None:
    """On the Budget's Sunday the hours are those of the Monday after."""
    sunday, monday = TABLE.session_on("20260201"), TABLE.session_on("20260202")
    assert sunday is not None
    assert monday is not None
    assert sunday.name == "Union Budget (a Sunday)"
    shift = day_start_ns("20260202") - day_start_ns("20260201")
    assert [moment + shift for moment in sunday.changes_ns()] == monday.changes_ns()


def test_muhurat_trading_without_published_times_is_closed() -> None:
    """The day of Muhurat trading is in the table, closed for want of times, and says so."""
    assert TABLE.session_on("20261108") is None
    assert "hours not known" in TABLE.warning_on("20261108")


def test_no_warning_where_the_table_is_sure() -> None:
    """Of all dates of 2026 only that of Muhurat trading carries a warning, and no session does."""
    assert [day for day in dates_of(2026) if TABLE.warning_on(day)] == ["20261108"]
    sessions = [session for day in dates_of(2026) if (session := TABLE.session_on(day)) is not None]
    assert {session.warning for session in sessions} == {""}


def test_2027_knows_the_national_holidays_only() -> None:
    """In 2027 the one closed weekday is Republic Day, and every other weekday warns that the list is not complete."""
    weekdays = [day for day in dates_of(2027) if weekday(day) < 5]
    assert [day for day in weekdays if TABLE.session_on(day) is None] == ["20270126"]
    assert [day for day in weekdays if not TABLE.warning_on(day)] == ["20270126"]
    session = TABLE.session_on("20270104")
    assert session is not None
    assert "2027" in session.warning


def test_fixed_holidays_of_2027_are_rows() -> None:
    """Independence Day and Gandhi Jayanti of 2027, on a Sunday and a Saturday, are rows of the file and sure."""
    rows = {row.date for row in load_session_file(None).holidays}
    assert {date(2027, 1, 26), date(2027, 8, 15), date(2027, 10, 2)} <= rows
    assert TABLE.warning_on("20270815") == TABLE.warning_on("20271002") == ""


@pytest.mark.parametrize("year", [2025, 2028])
def test_outside_its_years_monday_to_friday_with_a_warning(year: int) -> None:
    """In a year that the table does not know every weekday has a session, with a warning, and no other day has."""
    for day in dates_of(year):
        session = TABLE.session_on(day)
        assert (session is not None) == (weekday(day) < 5), day
        if session is not None:
            assert str(year) in session.warning


def test_every_row_names_its_source() -> None:
    """No row of the file is without a source."""
    rows = load_session_file(None)
    named = [*rows.hours, *rows.years, *rows.holidays, *rows.special_sessions]
    assert len(named) > 20
    assert all(row.source.strip() for row in named)


@pytest.mark.parametrize(
    ("segment", "last"),
    [
        (Segment.CAPITAL, ["15:20", "15:20", "15:40", "16:00"]),
        (Segment.FUTURES_OPTIONS, ["15:25", "15:25", None, None]),
    ],
)
def test_hours_of_a_segment(segment: Segment, last: list[str | None]) -> None:
    """The normal day is 09:15 to 15:30 after a pre-open of 09:00 to 09:08; cut-off and closing are the segment's."""
    day: SessionDay | None = TABLE.session_on("20260105", segment)
    assert day is not None
    first = (day.pre_open_ns, day.pre_open_end_ns, day.open_ns, day.close_ns)
    assert [clock_of(moment, day.date) for moment in first] == ["09:00", "09:08", "09:15", "15:30"]
    end = (day.cut_off_ns, day.square_off_ns, day.closing_start_ns, day.closing_end_ns)
    assert [clock_of(moment, day.date) for moment in end] == last


@pytest.mark.parametrize(
    ("clock", "capital", "derivatives"),
    [
        ("00:00", "CLOSED", "CLOSED"),
        ("08:59", "CLOSED", "CLOSED"),
        ("09:00", "PRE_OPEN", "PRE_OPEN"),
        ("09:14", "PRE_OPEN", "PRE_OPEN"),
        ("09:15", "OPEN", "OPEN"),
        ("15:19", "OPEN", "OPEN"),
        ("15:20", "CUT_OFF", "OPEN"),
        ("15:25", "CUT_OFF", "CUT_OFF"),
        ("15:29", "CUT_OFF", "CUT_OFF"),
        ("15:30", "CLOSED", "CLOSED"),
        ("15:45", "CLOSED", "CLOSED"),
        ("23:59", "CLOSED", "CLOSED"),
    ],
)
def test_phases_of_a_day(clock: str, capital: str, derivatives: str) -> None:
    """Each moment of a trading day has its phase in each segment, and a holiday is closed at that moment."""
    assert TABLE.phase(at("20260105", clock)) == capital
    assert TABLE.phase(at("20260105", clock), Segment.FUTURES_OPTIONS) == derivatives
    assert TABLE.phase(at("20260126", clock)) is SessionPhase.CLOSED


def test_a_phase_begins_with_its_nanosecond() -> None:
    """The last nanosecond before the open is pre-open, the next one is open."""
    open_ns = at("20260105", "09:15")
    assert (TABLE.phase(open_ns - 1), TABLE.phase(open_ns)) == (SessionPhase.PRE_OPEN, SessionPhase.OPEN)


def test_square_off_is_due_from_its_time_to_the_close() -> None:
    """Square-off is due from 15:20 to 15:30 on a trading day and never on a holiday."""
    due = [TABLE.square_off_due(at("20260105", clock)) for clock in ("15:19", "15:20", "15:29", "15:30")]
    assert due == [False, True, True, False]
    assert not TABLE.square_off_due(at("20260126", "15:25"))


def test_changes_of_a_long_weekend() -> None:
    """Change by change from Friday noon leads over Saturday, Sunday and Republic Day to Tuesday's pre-open."""
    moment: int | None = at("20260123", "12:00")
    seen = []
    for _ in range(3):
        assert moment is not None
        moment = TABLE.next_change_ns(moment)
        seen.append(moment)
    assert seen == [at("20260123", "15:20"), at("20260123", "15:30"), at("20260127", "09:00")]


def test_a_change_is_always_later_than_asked() -> None:
    """Asked at a change, the table names the one after it; asked one nanosecond before, that one."""
    open_ns = at("20260105", "09:15")
    assert TABLE.next_change_ns(open_ns - 1) == open_ns
    assert TABLE.next_change_ns(open_ns) == at("20260105", "15:20")


def test_phase_is_constant_between_changes() -> None:
    """Minute by minute through a week the phase and square-off change where the table says, and only there."""
    start, end = at("20260123", "00:00"), at("20260130", "00:00")
    for segment in Segment:
        told = set()
        moment = TABLE.next_change_ns(start, segment)
        while moment is not None and moment < end:
            told.add(moment)
            moment = TABLE.next_change_ns(moment, segment)
        states = {
            now: (TABLE.phase(now, segment), TABLE.square_off_due(now, segment)) for now in range(start, end, MINUTE_NS)
        }
        assert told == {now for now in states if now > start and states[now] != states[now - MINUTE_NS]}


@pytest.mark.parametrize(
    ("day", "clock", "trading"),
    [
        ("20260123", "00:00", "20260123"),
        ("20260123", "23:59", "20260123"),
        ("20260124", "12:00", "20260123"),
        ("20260126", "12:00", "20260123"),
        ("20260127", "00:00", "20260127"),
        ("20260201", "10:00", "20260201"),
        ("20261108", "10:00", "20261106"),
    ],
)
def test_trading_date(day: str, clock: str, trading: str) -> None:
    """A moment belongs to its own date if that has a session, otherwise to the last date that had one."""
    assert TABLE.trading_date(at(day, clock)) == trading


def test_a_table_without_sessions_has_no_change() -> None:
    """Where no session comes within a year, there is no next change and the trading date is the date itself."""
    days = [date_of_day(number) for number in range(day_number("20300101"), day_number("20320301"))]
    years = "".join(f'[[years]]\nyear = {year}\ncomplete = true\nsource = "test"\n' for year in (2031, 2032))
    holidays = "".join(
        f'[[holidays]]\ndate = {day[:4]}-{day[4:6]}-{day[6:]}\nname = "Closed"\nsource = "test"\n' for day in days
    )
    table = table_with(years + holidays)
    assert table.next_change_ns(at("20300101", "00:00")) is None
    assert table.trading_date(at("20320110", "12:00")) == "20320110"


def test_a_special_session_may_have_hours_of_its_own() -> None:
    """Hours given with a special session hold on its day, and without a cut-off it is open to its end."""
    table = table_with(
        '[[special_sessions]]\ndate = 2030-01-06\nname = "Evening"\nsource = "test"\nsegments = ["Capital"]\n'
        "hours = { open = 18:00:00, close = 19:00:00 }\n"
    )
    phases = [table.phase(at("20300106", clock)) for clock in ("10:30", "18:00", "18:59", "19:00")]
    assert phases == ["CLOSED", "OPEN", "OPEN", "CLOSED"]
    assert table.session_on("20300106", Segment.FUTURES_OPTIONS) is None


def test_a_holiday_may_concern_one_segment() -> None:
    """A holiday of the derivatives leaves the shares trading."""
    table = table_with(
        '[[holidays]]\ndate = 2030-01-02\nname = "Half"\nsource = "test"\nsegments = ["FutOpt"]\n',
    )
    assert table.session_on("20300102") is not None
    assert table.session_on("20300102", Segment.FUTURES_OPTIONS) is None


def test_later_hours_hold_from_their_date() -> None:
    """Of several rows of hours the latest that has begun is in force, and before the first row the first."""
    later = '[[hours]]\nsegment = "Capital"\nsince = 2030-06-03\nsource = "test"\nopen = 09:00:00\nclose = 17:00:00\n'
    table = table_with(later)
    closes = {}
    for day in ("20291231", "20300102", "20300531", "20300603", "20301231"):
        session = table.session_on(day)
        assert session is not None
        closes[day] = clock_of(session.close_ns, day)
    assert list(closes.values()) == ["11:00", "11:00", "11:00", "17:00", "17:00"]


def test_a_file_of_one_s_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    """A table is read from the file that it is given."""
    path = tmp_path / "mine.toml"
    hours = '[[hours]]\nsegment = "{}"\nsince = 2030-01-01\nsource = "me"\nopen = 01:00:00\nclose = 02:00:00\n'
    path.write_text("years = []\n" + hours.format("Capital") + hours.format("FutOpt"), encoding="utf-8")
    table = SessionTable.load(path)
    assert table.phase(at("20300102", "01:30")) is SessionPhase.OPEN


@pytest.mark.parametrize("sessions", [TABLE, AlwaysOpen()])
@pytest.mark.parametrize("text", ["2026-01-05", "20260230", ""])
def test_what_is_no_date_is_refused(sessions: SessionTable | AlwaysOpen, text: str) -> None:
    """Sessions are asked for by a date of the calendar."""
    with pytest.raises(NotDate):
        sessions.session_on(text)
    with pytest.raises(NotDate):
        sessions.warning_on(text)


@pytest.mark.parametrize("clock", ["00:00", "03:00", "15:25", "23:59"])
@pytest.mark.parametrize("day", ["20260105", "20260126", "20260124"])
def test_always_open(day: str, clock: str) -> None:
    """The market that is always open is so on every day at every hour: nothing changes, is cut off or squared off."""
    sessions = AlwaysOpen()
    now_ns = at(day, clock)
    assert sessions.phase(now_ns) is SessionPhase.OPEN
    assert sessions.next_change_ns(now_ns) is None
    assert not sessions.square_off_due(now_ns)
    assert sessions.trading_date(now_ns) == day
    session = sessions.session_on(day)
    assert session is not None
    assert session.phase_at(now_ns) is SessionPhase.OPEN
    assert (session.cut_off_ns, session.square_off_ns, sessions.warning_on(day)) == (None, None, "")


def test_both_kinds_of_sessions_answer_the_same_questions() -> None:
    """The market that is always open has every public question of the table."""
    asked = {name for name in dir(SessionTable) if not name.startswith("_")} - {"load"}
    assert asked == {name for name in dir(AlwaysOpen) if not name.startswith("_")}
