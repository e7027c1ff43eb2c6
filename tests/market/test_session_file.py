"""The session file: every fault in one is named with its place and value."""

from pathlib import Path

import pytest

from bracketd.market.session_file import SessionFault, load_session_file, read_session_file

HOURS = """
[[hours]]
segment = "Capital"
since = 2030-01-01
source = "test"
open = 10:00:00
cut_off = 10:50:00
close = 11:00:00
[[hours]]
segment = "FutOpt"
since = 2030-01-01
source = "test"
open = 10:00:00
close = 12:00:00
"""
YEAR = '[[years]]\nyear = 2030\ncomplete = true\nsource = "test"\n'
HOLIDAY = '[[holidays]]\ndate = 2030-01-02\nname = "Closed"\nsource = "test"\n'
SPECIAL = '[[special_sessions]]\ndate = 2030-01-06\nname = "Open"\nsource = "test"\n'
SOUND = HOURS + YEAR + HOLIDAY + SPECIAL


def test_the_sound_file_has_no_fault() -> None:
    """The file that the other tests spoil is sound."""
    rows = read_session_file(SOUND)
    assert [len(rows.hours), len(rows.years), len(rows.holidays), len(rows.special_sessions)] == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("old", "new", "place", "value"),
    [
        ("2030-01-02", '"2 January"', "$.holidays[0].date", "'2 January'"),
        ("2030-01-02", "2030-02-30", "no TOML", ""),
        ("complete = true", "complete = 1", "$.years[0].complete", "value 1"),
        ('"FutOpt"', '"Currency"', "$.hours[1].segment", "'Currency'"),
        ('name = "Closed"', "name = 7", "$.holidays[0].name", "value 7"),
        ('name = "Closed"', 'title = "Closed"', "$.holidays[0]", "title"),
        ("year = 2030\n", "", "$.years[0]", "year"),
        ("open = 10:00:00", "", "$.hours[0]", "open"),
        ("10:00:00\ncut", "25:00:00\ncut", "no TOML", ""),
        ("11:00:00", "09:00:00", "hours[0].close", "09:00:00"),
        ("11:00:00", "10:50:00.5", "hours[0].close", "10:50:00.5"),
        ("10:50:00", "09:50:00", "hours[0].cut_off", "09:50:00"),
        ("12:00:00", "10:00:00", "hours[1].close", "10:00:00"),
        ('"FutOpt"', '"Capital"', "hours", "'FutOpt'"),
        ("year = 2030", "year = 2031", "years", "2030-01-02"),
        ("2030-01-06", "2030-01-02", "holidays and special_sessions", "2030-01-02 stands twice"),
    ],
)
def test_a_fault_is_named(old: str, new: str, place: str, value: str) -> None:
    """A spoiled file is refused, and the message holds the place of the row and the value."""
    assert old in SOUND
    with pytest.raises(SessionFault) as caught:
        read_session_file(SOUND.replace(old, new, 1))
    assert place in str(caught.value)
    assert value in str(caught.value)


@pytest.mark.parametrize(
    ("more", "place", "value"),
    [
        ("standard_hours = true\nhours = { open = 10:00:00, close = 11:00:00 }", "special_sessions[0]", "2030-01-06"),
        ("hours = { open = 10:00:00, close = 09:00:00 }", "special_sessions[0].hours.close", "09:00:00"),
        ("segments = []", "segments of 2030-01-06", "empty"),
        ('segments = ["Capital", "Capital"]', "special_sessions", "Capital 2030-01-06 stands twice"),
        ('[[years]]\nyear = 2030\ncomplete = true\nsource = "twice"', "years", "2030 stands twice"),
        ("[[weeks]]\nweek = 1", "weeks", ""),
    ],
)
def test_a_row_too_many_is_named(more: str, place: str, value: str) -> None:
    """What a special session or the file cannot hold together is refused by its place."""
    with pytest.raises(SessionFault) as caught:
        read_session_file(f"{SOUND}{more}\n")
    assert place in str(caught.value)
    assert value in str(caught.value)


def test_two_rows_of_hours_from_one_date_are_refused() -> None:
    """A segment has one row of hours for one date."""
    with pytest.raises(SessionFault, match="FutOpt 2030-01-01 stands twice"):
        read_session_file(SOUND + HOURS[HOURS.rindex("[[hours]]") :])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file that is no UTF-8 is refused."""
    path = tmp_path / "bad.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(SessionFault, match="no UTF-8"):
        load_session_file(path)
