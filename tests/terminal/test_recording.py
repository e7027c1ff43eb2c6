"""What the rows of a recording become, read from files and nothing else."""

from decimal import Decimal
from pathlib import Path

import pytest

from bracketd.terminal.recording import Print, Recording
from bracketd.terminal.verdict import Verdict

MINUTE_NS = 60 * 10**9
GOOD = "time,instrument,price,quantity\n2026-01-05T09:15:00+05:30,SBIN,456.95,1\n"
HEADER = "time_ns,instrument,open,high,low,close,volume\n"


def prints(folder: Path, text: str, instrument: str = "") -> list[Print]:
    """The prints of a CSV file."""
    file = folder / "x.csv"
    file.write_text(text)
    return list(Recording(file, instrument).prints())


def test_a_rise_goes_by_its_low_and_a_fall_by_its_high(tmp_path: Path) -> None:
    """Four prints, a quarter of the candle apart; the close has what is left of the volume."""
    rows = f"0,SBIN,10,12,9,11,10\n{MINUTE_NS},SBIN,11,12,9,10,3\n"
    made = prints(tmp_path, HEADER + rows)
    assert [(each.part, each.price, each.quantity) for each in made] == [
        ("open", 10, 2), ("low", 9, 2), ("high", 12, 2), ("close", 11, 4),
        ("open", 11, 1), ("high", 12, 1), ("low", 9, 1), ("close", 10, 1),
    ]  # fmt: skip
    assert [each.at_ns * 4 // MINUTE_NS for each in made] == list(range(8))
    assert [each.row for each in made] == [1] * 4 + [2] * 4


def test_candles_of_two_instruments_are_one_stream(tmp_path: Path) -> None:
    """What two candles of one minute print comes in the order of time, of one moment in that of the file."""
    rows = f"0,A,1,1,1,1,4\n0,B,1,1,1,1,4\n{MINUTE_NS},A,1,1,1,1,4\n{MINUTE_NS},B,1,1,1,1,4\n"
    made = prints(tmp_path, HEADER + rows)
    assert [each.instrument for each in made] == ["A", "B"] * 8
    assert [each.at_ns for each in made] == sorted(each.at_ns for each in made)
    assert Recording(tmp_path / "x.csv").check()[0] == 16


def test_candles_that_go_back_are_found(tmp_path: Path) -> None:
    """Also where the prints of two candles overlap."""
    with pytest.raises(Verdict, match="goes back in time in row 2"):
        prints(tmp_path, f"{HEADER}{MINUTE_NS},A,1,1,1,1,4\n{MINUTE_NS - 1},B,1,1,1,1,4\n")


def test_depth_that_is_absent_is_not_empty(tmp_path: Path) -> None:
    """A side without columns is absent; one whose levels are all empty shows nobody; one in between has its levels."""
    header = "time,price,quantity," + ",".join(f"bid{n},bid{n}_quantity" for n in range(1, 6))
    rows = "\n2026-01-05T09:15:00,456.95,1" + ",," * 5 + "\n2026-01-05T09:15:00,456.95,1,456.9,5,,,456.8,7,,,,\n"
    first, second = prints(tmp_path, header + rows, "SBIN")
    assert (first.bids, first.asks) == ((), None)
    assert second.bids == ((Decimal("456.9"), 5), (Decimal("456.8"), 7))
    # 09:15 in India.
    assert first.at_ns == 1_767_584_700 * 10**9


def test_a_level_without_its_shares_is_found(tmp_path: Path) -> None:
    """A price that nobody says the quantity of is no level."""
    with pytest.raises(Verdict, match="row 1: bid1_quantity is empty"):
        prints(tmp_path, "time_ns,price,quantity,bid1\n0,1,1,1\n", "SBIN")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "has neither"),
        ("time,price\n", "has neither"),
        ("price,quantity\n1,1\n", "one of the columns time"),
        ("time,open,high,low,close,price,quantity\n", "of candles and of ticks"),
        ("time,price,quantity\n2026-01-05,1,1\n", "no column instrument"),
        ("time,instrument,price,quantity\n", "has no rows"),
        (GOOD + "yesterday,SBIN,1,1\n", "row 2: time is no ISO 8601"),
        (GOOD + "2026-01-05T09:14:00+05:30,SBIN,1,1\n", "goes back in time in row 2"),
        (GOOD + "2026-01-05T09:16:00+05:30,SBIN,456.951,1\n", "row 2: price is no price"),
        (GOOD + "2026-01-05T09:16:00+05:30,SBIN,NaN,1\n", "row 2: price is no price"),
        (GOOD + "2026-01-05T09:16:00+05:30,SBIN,456.95,1.5\n", "row 2: quantity is no whole number"),
        (GOOD + "2026-01-05T09:16:00+05:30,SBIN,456.95\n", "cannot be read"),
        (GOOD + "2026-01-05T09:16:00+05:30,,456.95,1\n", "row 2: instrument is empty"),
        ("time_ns,instrument,open,high,low,close\n1,SBIN,5,4,3,4\n", "row 1: open and close are not between"),
    ],
)
def test_a_bad_file_is_told_by_its_row(tmp_path: Path, text: str, word: str) -> None:
    """A file that is no recording, or a row that is none, is one sentence."""
    with pytest.raises(Verdict) as refused:
        prints(tmp_path, text) or Recording(tmp_path / "x.csv").check()
    assert word in refused.value.message
    assert refused.value.message.endswith("Nothing was replayed.")
