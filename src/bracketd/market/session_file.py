"""The session file: its rows and what must hold between them."""

import datetime
import itertools
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from bracketd.domain.session import Segment

ALL_SEGMENTS = tuple(Segment)


class SessionFault(ValueError):
    """A fault of the session file, with the place of the row and the value."""


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The times of a day, Indian wall clock; what is absent does not take place."""

    open: datetime.time
    close: datetime.time
    pre_open: datetime.time | None = None
    pre_open_end: datetime.time | None = None
    cut_off: datetime.time | None = None
    square_off: datetime.time | None = None
    closing_start: datetime.time | None = None
    closing_end: datetime.time | None = None

    def in_order(self) -> list[tuple[str, datetime.time]]:
        """The times that take place, by name, in the order in which they must come."""
        named = (
            ("pre_open", self.pre_open),
            ("pre_open_end", self.pre_open_end),
            ("open", self.open),
            ("cut_off", self.cut_off),
            ("square_off", self.square_off),
            ("close", self.close),
            ("closing_start", self.closing_start),
            ("closing_end", self.closing_end),
        )
        return [(name, time) for name, time in named if time is not None]


class HoursRow(Hours, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours of a segment's ordinary days from a date on."""

    segment: Segment
    since: datetime.date
    source: str


class YearRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year of which the table knows something; all of its holidays only where it is complete."""

    year: int
    complete: bool
    source: str


class HolidayRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day without a session."""

    date: datetime.date
    name: str
    source: str
    segments: tuple[Segment, ...] = ALL_SEGMENTS


class SpecialRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session that the calendar alone would not have, or with hours of its own.

    With neither `standard_hours` nor `hours` the times are not known, and the day is closed with a warning.
    """

    date: datetime.date
    name: str
    source: str
    segments: tuple[Segment, ...] = ALL_SEGMENTS
    standard_hours: bool = False
    hours: Hours | None = None


class SessionFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rows of the file."""

    hours: tuple[HoursRow, ...]
    years: tuple[YearRow, ...]
    holidays: tuple[HolidayRow, ...] = ()
    special_sessions: tuple[SpecialRow, ...] = ()


def load_session_file(path: Path | None) -> SessionFile:
    """Read the session file, the package's own without a path; raises SessionFault, or OSError where it cannot."""
    if path is None:
        data = resources.files("bracketd.market").joinpath("nse-sessions.toml").read_bytes()
    else:
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SessionFault(f"session file: no UTF-8: {error}") from error
    return read_session_file(text)


def read_session_file(text: str) -> SessionFile:
    """The rows of a file's text; raises SessionFault for the first fault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SessionFault(f"session file: no TOML: {error}") from error
    try:
        rows = msgspec.convert(document, SessionFile)
    except msgspec.ValidationError as error:
        raise SessionFault(f"session file: {error}{_value_named_in(str(error), document)}") from error
    for fault in _faults(rows):
        raise SessionFault(f"session file: {fault}")
    return rows


def _value_named_in(message: str, document: dict[str, Any]) -> str:
    """The value at the place that a message of msgspec ends with, such as `$.holidays[0].date`."""
    _, found, place = message.rpartition("`$.")
    if not found:
        return ""
    value: Any = document
    for step in place.rstrip("`").replace("[", ".[").split("."):
        if step.startswith("["):
            # "[...]" stands for any element: then no single value can be shown.
            if not step[1:-1].isdigit():
                return ""
            value = value[int(step[1:-1])]
        else:
            value = value[step]
    return f", value {value!r}"


def _faults(rows: SessionFile) -> Iterator[str]:
    """What is wrong between the rows, each with its place and value."""
    for segment in ALL_SEGMENTS:
        if not any(row.segment is segment for row in rows.hours):
            yield f"hours: no row for the segment {segment.value!r}"
    yield from _repeated("hours", [f"{row.segment.value} {row.since}" for row in rows.hours])
    yield from _repeated("years", [str(row.year) for row in rows.years])
    for number, hours in enumerate(rows.hours):
        yield from _time_faults(f"hours[{number}]", hours)
    for number, special in enumerate(rows.special_sessions):
        place = f"special_sessions[{number}]"
        if special.hours is not None:
            yield from _time_faults(f"{place}.hours", special.hours)
            if special.standard_hours:
                yield f"{place} {special.date}: both standard_hours and hours"
    days: list[HolidayRow | SpecialRow] = [*rows.holidays, *rows.special_sessions]
    named = [f"{segment.value} {day.date}" for day in days for segment in day.segments]
    yield from _repeated("holidays and special_sessions", named)
    years = {row.year for row in rows.years}
    for day in days:
        if day.date.year not in years:
            yield f"years: no row for {day.date.year}, but a row for {day.date}"
        if not day.segments:
            yield f"segments of {day.date}: empty"


def _repeated(place: str, names: list[str]) -> Iterator[str]:
    """What stands twice where it may stand once."""
    for position, name in enumerate(names):
        if name in names[:position]:
            yield f"{place}: {name} stands twice"


def _time_faults(place: str, hours: Hours) -> Iterator[str]:
    """Times that do not come in the order of a day, or that are not plain."""
    times = hours.in_order()
    for name, time in times:
        if time.tzinfo is not None or time.microsecond:
            yield f"{place}.{name}: {time} must be a time of day in whole seconds"
    for (earlier, first), (later, second) in itertools.pairwise(times):
        # Both may fall together, such as cut-off and square-off; only trading must last for a while.
        if second.replace(tzinfo=None) < first.replace(tzinfo=None):
            yield f"{place}.{later}: {second} is before {earlier} {first}"
    if hours.open == hours.close:
        yield f"{place}.close: {hours.close} is the time of open as well"
