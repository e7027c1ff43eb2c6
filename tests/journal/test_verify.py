"""The check of a whole journal: sound ones pass, each kind of damage is named with its record."""

from pathlib import Path

import apsw
import pytest

from bracketd.journal.sqlite import SqliteJournal
from bracketd.journal.verify import VerifyReport, check


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A sound, closed journal of 2,000 records under two epochs, with a snapshot after record 1,200."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    for epoch in (1, 2):
        lease = await journal.acquire("first", 10)
        assert lease is not None
        bodies = [b"record number %d" % (lease.last_seq + number) for number in range(1, 1_001)]
        await journal.append(lease, 1_000 * (epoch - 1), bodies)
    await journal.put_snapshot(lease, 1_200, b"state")
    await journal.close()
    return path


def tamper(path: Path, statement: str) -> None:
    """Change the file behind the journal's back."""
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()


def test_sound_journal(path: Path) -> None:
    """A sound journal is reported with its counts, and not a byte of it changes."""
    before = path.read_bytes()
    report = check(path)
    assert report == VerifyReport(str(path), 1, 2_000, 2_000, 2, 1_200)
    assert report.sound
    assert path.read_bytes() == before


def test_nothing_there(tmp_path: Path) -> None:
    """A journal that is not there is not sound, and is not made by looking."""
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "journal.db")
    assert list(tmp_path.iterdir()) == []


async def test_beside_a_running_journal(path: Path) -> None:
    """The check sees what an open journal has appended, and appending goes on after it."""
    journal = SqliteJournal(path)
    lease = await journal.acquire("first", 10)
    assert lease is not None
    await journal.append(lease, 2_000, [b"new"])
    assert check(path).last_seq == 2_001
    assert await journal.append(lease, 2_001, [b"newer"]) == 2_002
    report = check(path)
    assert (report.sound, report.last_seq, report.last_epoch) == (True, 2_002, 3)
    await journal.close()


def test_damaged_byte(path: Path) -> None:
    """One changed byte is found at its record, and what is before it is counted."""
    content = path.read_bytes()
    assert content.count(b"record number 1234") == 1
    path.write_bytes(content.replace(b"record number 1234", b"record number 1235"))
    report = check(path)
    assert not report.sound
    assert (report.fault_seq, report.records) == (1_234, 1_233)


@pytest.mark.parametrize(
    ("statement", "fault_seq", "word"),
    [
        ("DELETE FROM event WHERE seq = 1100", 1_100, "missing"),
        ("DELETE FROM event WHERE seq > 1998", 1_999, "missing"),
        ("UPDATE lease SET last_seq = 1999", 2_000, "not counted"),
        ("UPDATE event SET epoch = 1 WHERE seq = 1500", 1_500, "not what was written"),
        ("UPDATE event SET seq = 5000 WHERE seq = 2000", 2_001, "not counted"),
        ("UPDATE lease SET epoch = 1", 2_000, "epoch"),
        ("UPDATE snapshot SET seq = 2001", 2_001, "snapshot"),
        ("UPDATE snapshot SET body = x'00'", 1_200, "snapshot"),
        ("UPDATE meta SET format = 2", None, "format 2"),
        ("DELETE FROM lease", None, "lease"),
    ],
)
def test_first_fault_is_named(path: Path, statement: str, fault_seq: int | None, word: str) -> None:
    """Holes, a lost end, epochs, snapshots and formats that do not fit are each named, with the record concerned."""
    tamper(path, statement)
    report = check(path)
    assert report.fault is not None
    assert word in report.fault
    assert report.fault_seq == fault_seq


async def test_epoch_that_falls(tmp_path: Path) -> None:
    """Epochs never fall, even where each record by itself is what was written."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    lease = await journal.acquire("first", 10)
    assert lease is not None
    await journal.append(lease, 0, [b"a"])
    again = await journal.acquire("first", 10)
    assert again is not None
    await journal.append(again, 1, [b"b"])
    tamper(path, "UPDATE lease SET epoch = 1")
    await journal.append(lease, 2, [b"c"])
    await journal.close()
    report = check(path)
    assert report.fault == "record 3: epoch 1 after epoch 2"


def test_broken_page(path: Path) -> None:
    """A page that SQLite cannot read any more is a fault, not a crash of the check."""
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 20] = bytes(4096 * 15)
    path.write_bytes(bytes(content))
    assert not check(path).sound


def test_damage_outside_the_records(path: Path) -> None:
    """What SQLite's own check finds is reported even if all records are readable."""
    content = bytearray(path.read_bytes())
    # The header's count of free pages, which no query looks at.
    content[36:40] = (7).to_bytes(4, "big")
    path.write_bytes(bytes(content))
    report = check(path)
    assert report.fault is not None
    assert report.fault.startswith("SQLite finds")


def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is a fault."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"nothing of the kind" * 1_000)
    assert not check(path).sound
