"""`bracketd verify` on journals made by hand: sound ones, altered ones, and ones that make no sense."""

import asyncio
import contextlib
from pathlib import Path

import apsw
from click.testing import CliRunner, Result

from bracketd.cli.main import main
from bracketd.domain.events import AccountOpened, AnyEvent, OrderTriggered, encode_step
from bracketd.engine.state import State, encode_state
from bracketd.journal.reader import Reader
from bracketd.journal.snapshot_file import FILE_NAME, write_snapshot
from bracketd.journal.sqlite import SqliteJournal
from bracketd.runtime.data_folder import journal_path
from bracketd.runtime.snapshots import LAYOUT, make_snapshot


def write_journal(folder: Path, bodies: list[bytes]) -> None:
    """A journal with these records."""

    async def write() -> None:
        journal = SqliteJournal(journal_path(folder))
        lease = await journal.acquire("test", 10)
        assert lease is not None
        await journal.append(lease, 0, bodies)
        await journal.release(lease)
        await journal.close()

    asyncio.run(write())


def step(*events: AnyEvent) -> bytes:
    """One record."""
    return encode_step(list(events))


def verify(folder: Path) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(main, ["verify", "--data", str(folder)])


TWO_ACCOUNTS = [step(AccountOpened(1, "A", 100, 5)), step(AccountOpened(2, "B", 100, 5), AccountOpened(3, "C", 1, 1))]


def test_sound_journal_is_summed_up(tmp_path: Path) -> None:
    """A sound journal gives its counts and exit code 0."""
    write_journal(tmp_path, TWO_ACCOUNTS)
    result = verify(tmp_path)
    assert result.exit_code == 0
    counts = dict(line.split() for line in result.stdout.splitlines() if line != "sound")
    assert counts == {"records": "2", "events": "3", "orders": "0", "brackets": "0", "trades": "0"}


def test_the_snapshot_beside_is_compared(tmp_path: Path) -> None:
    """A snapshot is summed up by its record; one that is not what the records lead to is a fault."""
    write_journal(tmp_path, TWO_ACCOUNTS)
    make_snapshot(tmp_path)
    assert "snapshot  2" in verify(tmp_path).stdout
    with contextlib.closing(Reader(journal_path(tmp_path))) as reader:
        at_seq = reader.digest_at(1)
    assert at_seq is not None
    (tmp_path / FILE_NAME).unlink()
    write_snapshot(tmp_path, 1, at_seq, LAYOUT, encode_state(State()))
    result = verify(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "snapshot after record 1" in result.stderr


def test_a_torn_snapshot_is_a_fault(tmp_path: Path) -> None:
    """A start does without it, and says so; whoever verifies wants to know."""
    write_journal(tmp_path, TWO_ACCOUNTS)
    make_snapshot(tmp_path)
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-1])
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "torn" in result.stderr


def test_altered_record_is_named(tmp_path: Path) -> None:
    """A record whose bytes changed is found by its digest and named, with exit code 1."""
    write_journal(tmp_path, TWO_ACCOUNTS)
    connection = apsw.Connection(str(journal_path(tmp_path)))
    connection.execute("UPDATE event SET body = ? WHERE seq = 2", (step(AccountOpened(2, "B", 10**9, 5)),))
    connection.close()
    result = verify(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "record 2" in result.stderr


def test_missing_record_is_named(tmp_path: Path) -> None:
    """A record that is gone from the end is missed."""
    write_journal(tmp_path, TWO_ACCOUNTS)
    connection = apsw.Connection(str(journal_path(tmp_path)))
    connection.execute("DELETE FROM event WHERE seq = 2")
    connection.close()
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "record 2" in result.stderr


def test_event_that_cannot_follow_is_named(tmp_path: Path) -> None:
    """A journal whose bytes are intact and whose events contradict each other fails at the record that does."""
    write_journal(tmp_path, [*TWO_ACCOUNTS, step(AccountOpened(4, "A", 100, 5))])
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "record 3" in result.stderr
    assert "opened once" in result.stderr


def test_event_about_nothing_is_named(tmp_path: Path) -> None:
    """An event about an order that never was fails at its record."""
    write_journal(tmp_path, [step(OrderTriggered(1, "20260101-1"))])
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "record 1" in result.stderr.lower()


def test_body_that_is_no_step_is_named(tmp_path: Path) -> None:
    """Bytes that are no events fail at their record."""
    write_journal(tmp_path, [*TWO_ACCOUNTS, b"\xc1"])
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "record 3" in result.stderr.lower()


def test_folder_without_a_journal_is_an_error(tmp_path: Path) -> None:
    """Where there is no journal there is nothing to call sound, and none is made."""
    result = verify(tmp_path)
    assert result.exit_code == 1
    assert "holds no journal" in result.stderr
    assert list(tmp_path.iterdir()) == []
