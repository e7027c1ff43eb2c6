"""The SQLite journal's own promises: the order of syncs, what a failing disk leads to, and damage that is found."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.journal.failing_disk import FailingDisk

from bracketd.database.write_ahead_log import PIECE_BYTES
from bracketd.journal import schema, writer
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import FolderInUse, JournalDamaged, JournalTooNew, Lease, Unknown
from bracketd.journal.sqlite import SqliteJournal

FIRST = Lease("first", 1, 0)


async def make(path: Path, bodies: list[bytes], snapshot: bytes | None = None) -> None:
    """A closed journal with these records, all in one file."""
    journal = SqliteJournal(path)
    assert await journal.acquire("first", 10) == FIRST
    await journal.append(FIRST, 0, bodies)
    if snapshot is not None:
        await journal.put_snapshot(FIRST, len(bodies), snapshot)
    await journal.close()


async def bodies_in(path: Path) -> list[bytes]:
    """The bodies that a restart finds."""
    journal = SqliteJournal(path)
    try:
        return [record.body async for record in journal.read(0)]
    finally:
        await journal.close()


def tamper(path: Path, *statements: str) -> None:
    """Change the file behind the journal's back."""
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()


async def test_append_returns_after_the_sync(tmp_path: Path, disk: FailingDisk) -> None:
    """Each append writes the log and then syncs it exactly once, and only then returns."""
    journal = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    await journal.acquire("first", 10)
    for seq in range(5):
        disk.calls.clear()
        await journal.append(FIRST, seq, [b"body"])
        assert disk.calls[:-1] == [("write", "wal")] * (len(disk.calls) - 1)
        assert len(disk.calls) > 1
        assert disk.calls[-1] == ("sync", "wal")
    await journal.close()


async def test_lease_is_durable_when_granted(tmp_path: Path, disk: FailingDisk) -> None:
    """A granted lease has been synced."""
    journal = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    disk.calls.clear()
    await journal.acquire("first", 10)
    assert disk.calls[-1] == ("sync", "wal")
    await journal.close()


async def test_one_wake_up_for_each_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop is woken once for an append, however many records it has."""
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.acquire("first", 10)
    loop = asyncio.get_running_loop()
    wake_ups = []
    call = loop.call_soon_threadsafe

    def counted(callback: Callable[..., object], *arguments: object) -> asyncio.Handle:
        wake_ups.append(callback)
        return call(callback, *arguments)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    await journal.append(FIRST, 0, [b"x"] * 500)
    assert len(wake_ups) == 1
    await journal.close()


async def test_thread_is_the_one_handed_in(tmp_path: Path) -> None:
    """The journal has one thread, made by the factory, and it has ended when close returns."""
    made: list[threading.Thread] = []

    def factory(run: Callable[[], None]) -> threading.Thread:
        made.append(threading.Thread(target=run))
        return made[-1]

    journal = SqliteJournal(tmp_path / "journal.db", thread_factory=factory)
    assert [thread.is_alive() for thread in made] == [True]
    await journal.close()
    assert [thread.is_alive() for thread in made] == [False]


async def test_checkpoint_after_the_answer(tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the threshold the log is copied into the file between two appends: log synced first, then file."""
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 100_000)
    journal = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    await journal.acquire("first", 10)
    disk.calls.clear()
    await journal.append(FIRST, 0, [b"x" * 1_000] * 10)
    await journal.append(FIRST, 10, [b"x" * 1_000] * 100)
    await journal.renew(FIRST, 10)
    syncs = [file for call, file in disk.calls if call == "sync"]
    # Two appends, the copying, and a renewal that starts the log anew with a header of its own.
    assert syncs == ["wal", "wal", "wal", "db", "wal", "wal"]
    await journal.close()
    assert len(await bodies_in(tmp_path / "journal.db")) == 110


async def test_failed_checkpoint_stops_the_journal(
    tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that fails while the log is copied loses no acknowledged record and lets no further one in."""
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 100_000)
    journal = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    await journal.acquire("first", 10)
    disk.fail_sync_at = 2
    assert await journal.append(FIRST, 0, [b"x" * 1_000] * 100) == 100
    with pytest.raises(Unknown):
        await journal.append(FIRST, 100, [b"y"])
    await journal.close()
    assert len(await bodies_in(tmp_path / "journal.db")) == 100


@pytest.mark.parametrize("fault", ["sync 1", "sync 2", "sync 7", "full at 0", "full at 3"])
async def test_failing_disk(tmp_path: Path, disk: FailingDisk, fault: str) -> None:
    """A failed sync or a full disk is Unknown, all later calls are refused, and a restart finds a legal prefix."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, vfs=disk.name)
    await journal.acquire("first", 10)
    kind, _, number = fault.rpartition(" ")
    if kind == "sync":
        disk.fail_sync_at = int(number)
    offered = [b"body %d" % number for number in range(20)]
    acknowledged = 0

    async def append_all() -> None:
        nonlocal acknowledged
        for body in offered:
            disk.full = kind == "full at" and acknowledged == int(number)
            acknowledged = await journal.append(FIRST, acknowledged, [body])

    with pytest.raises(Unknown):
        await append_all()
    disk.fail_sync_at, disk.full = None, False

    refused = [
        journal.append(FIRST, acknowledged, [b"again"]),
        journal.renew(FIRST, 10),
        journal.acquire("first", 10),
        journal.put_snapshot(FIRST, 0, b""),
        journal.release(FIRST),
    ]
    for call in refused:
        with pytest.raises(Unknown):
            await call
    assert [record.body async for record in journal.read(0)] == offered[:acknowledged]
    await journal.close()

    found = await bodies_in(path)
    assert found == offered[: len(found)]
    assert acknowledged <= len(found) <= acknowledged + 1


async def test_failing_disk_acknowledges_no_waiter(tmp_path: Path, disk: FailingDisk) -> None:
    """Of many waiters, those whose record was synced hear so and all others get Unknown; a restart agrees."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, vfs=disk.name)
    await journal.acquire("first", 10)
    group = GroupCommit(journal, FIRST)
    disk.fail_sync_at = 4
    acknowledged: list[int] = []
    refused = 0

    async def client() -> None:
        nonlocal refused
        for _ in range(10):
            try:
                seq = group.submit(b"body")
                await group.wait(seq)
            except Unknown:
                refused += 1
                return
            acknowledged.append(seq)

    await asyncio.gather(*(client() for _ in range(30)))
    assert refused == 30
    assert acknowledged == list(range(1, 91))
    await journal.close()
    assert len(await bodies_in(path)) in (90, 120)


async def left_by_a_failed_sync(path: Path, disk: FailingDisk) -> None:
    """A journal with two acknowledged records, closed after the sync of a third has failed."""
    journal = SqliteJournal(path, vfs=disk.name)
    await journal.acquire("first", 10)
    await journal.append(FIRST, 0, [b"a", b"b"])
    disk.fail_sync_at = 1
    with pytest.raises(Unknown):
        await journal.append(FIRST, 2, [b"c"])
    await journal.close()


async def test_log_of_a_former_run_is_copied_before_use(tmp_path: Path, disk: FailingDisk) -> None:
    """Opening after a failure writes what the log holds anew and syncs it, before anything is built on it."""
    path = tmp_path / "journal.db"
    await left_by_a_failed_sync(path, disk)
    disk.fail_sync_at = None
    disk.calls.clear()
    again = SqliteJournal(path, vfs=disk.name)
    assert ("write", "db") in disk.calls
    assert disk.calls[disk.calls.index(("write", "db")) :].count(("sync", "db")) == 1
    await again.close()


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_opening_that_failed_leaves_the_log(tmp_path: Path, disk: FailingDisk, number: int) -> None:
    """After a failed sync of the log (1, 2) or the file (3) an opening does nothing more; the next has all records."""
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    await left_by_a_failed_sync(path, disk)
    left = log.read_bytes()
    disk.calls.clear()
    disk.fail_sync_at = number
    with pytest.raises(JournalDamaged, match="the disk failed to sync"):
        SqliteJournal(path, vfs=disk.name)
    assert disk.calls[-1] == ("failed sync", "db" if number == 3 else "wal")
    assert [call for call, _ in disk.calls].count("failed sync") == 1
    assert log.read_bytes() == left
    assert await bodies_in(path) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("number", [1, 2])
async def test_opening_that_failed_copies_nothing_that_was_thrown_away(
    tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A failed sync that throws away what was not on disk costs no record that was acknowledged."""
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    journal = SqliteJournal(path, vfs=disk.name)
    await journal.acquire("first", 10)
    acknowledged = [b"x" * 3_000] * 5
    await journal.append(FIRST, 0, acknowledged)
    on_disk = log.stat().st_size
    disk.fail_sync_at = 1
    with pytest.raises(Unknown):
        await journal.append(FIRST, 5, [b"y" * 3_000] * 5)
    await journal.close()
    assert on_disk < log.stat().st_size

    syncs = 0

    def throw_away(file: str) -> None:
        nonlocal syncs
        assert file == "wal"
        syncs += 1
        if syncs < number:
            return
        content = log.read_bytes()
        log.write_bytes(content[:on_disk] + bytes(len(content) - on_disk))
        # The next sync succeeds: the kernel has told of the failure once.
        monkeypatch.undo()
        disk.fail_sync_at = None
        raise apsw.IOError("the disk failed to sync")

    monkeypatch.setattr(disk, "synced", throw_away)
    with pytest.raises(JournalDamaged, match="the disk failed to sync"):
        SqliteJournal(path, vfs=disk.name)
    assert await bodies_in(path) == acknowledged


async def test_log_is_on_disk_before_it_is_looked_at(
    tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a failed sync left in the machine's cache alone is written again and synced before anything is copied.

    The cache forgets at the last moment, when the copying begins.
    """
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    journal = SqliteJournal(path, vfs=disk.name)
    await journal.acquire("first", 10)
    acknowledged = [b"x" * 3_000] * 5
    await journal.append(FIRST, 0, acknowledged)
    on_disk = log.read_bytes()
    disk.fail_sync_at = 1
    with pytest.raises(Unknown):
        await journal.append(FIRST, 5, [b"y" * 3_000] * 40)
    await journal.close()
    lost = slice(len(on_disk), len(log.read_bytes()))
    assert lost.stop > PIECE_BYTES
    disk.fail_sync_at = None
    written_again: list[str] = []
    prepare, synced = schema._prepare, disk.synced

    def keep(file: str) -> None:
        written_again.append(file)
        synced(file)

    def forget_first(connection: apsw.Connection, created_ns: int) -> None:
        # Recovery finds all records, and then the cache forgets what no sync has kept since.
        connection.execute("SELECT count(*) FROM event").fetchall()
        if "wal" not in written_again:
            content = log.read_bytes()
            log.write_bytes(content[: lost.start] + bytes(lost.stop - lost.start))
        prepare(connection, created_ns)

    monkeypatch.setattr(disk, "synced", keep)
    monkeypatch.setattr(schema, "_prepare", forget_first)
    await SqliteJournal(path, vfs=disk.name).close()
    monkeypatch.undo()
    assert await bodies_in(path) == [*acknowledged, *[b"y" * 3_000] * 40]


async def test_cancelled_caller_stops_nothing(tmp_path: Path) -> None:
    """An append whose caller was cancelled still happens or not, and the journal goes on."""
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.acquire("first", 10)
    task = asyncio.create_task(journal.append(FIRST, 0, [b"a"]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    renewed = await journal.renew(FIRST, 10)
    assert await journal.append(FIRST, renewed.last_seq, [b"b"]) == renewed.last_seq + 1
    await journal.close()


async def test_damaged_byte_is_found_by_reading(tmp_path: Path) -> None:
    """One changed byte of a body is found at its record, after the records before it have been read."""
    path = tmp_path / "journal.db"
    await make(path, [b"record number %d" % number for number in range(1, 2_001)])
    content = path.read_bytes()
    assert content.count(b"record number 1500") == 1
    path.write_bytes(content.replace(b"record number 1500", b"record number 1501"))
    journal = SqliteJournal(path)
    reading = journal.read(0)
    seen = [(await anext(reading)).seq for _ in range(1_499)]
    with pytest.raises(JournalDamaged) as damage:
        await anext(reading)
    assert damage.value.seq == 1_500
    assert seen == list(range(1, 1_500))
    await journal.close()


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("DELETE FROM event WHERE seq = 2", 2),
        ("DELETE FROM event WHERE seq = 1", 1),
        ("UPDATE event SET epoch = 2 WHERE seq = 3", 3),
        ("UPDATE event SET chain = zeroblob(16) WHERE seq = 4", 4),
        ("UPDATE event SET body = (SELECT body FROM event WHERE seq = 1) WHERE seq = 2", 2),
        ("UPDATE event SET body = x'' WHERE seq = 1", 1),
    ],
)
async def test_altered_history_is_found(tmp_path: Path, statement: str, seq: int) -> None:
    """A record that is missing, replaced, emptied or given another epoch is found and named."""
    path = tmp_path / "journal.db"
    await make(path, [b"a", b"b", b"c", b"d"])
    tamper(path, statement)
    with pytest.raises(JournalDamaged) as damage:
        await bodies_in(path)
    assert damage.value.seq == seq


async def test_reading_after_a_lost_record(tmp_path: Path) -> None:
    """Reading on from a record that is gone is damage, not an empty answer."""
    path = tmp_path / "journal.db"
    await make(path, [b"a", b"b", b"c"])
    tamper(path, "DELETE FROM event WHERE seq = 2")
    journal = SqliteJournal(path)
    with pytest.raises(JournalDamaged) as damage:
        async for _ in journal.read(2):
            pass
    assert damage.value.seq == 2
    await journal.close()


@pytest.mark.parametrize(
    ("statement", "seq"), [("DELETE FROM event WHERE seq = 3", 3), ("UPDATE lease SET last_seq = 1", 2)]
)
async def test_wrong_end_is_refused_at_opening(tmp_path: Path, statement: str, seq: int) -> None:
    """A journal whose lease and records disagree about the end is not opened."""
    path = tmp_path / "journal.db"
    await make(path, [b"a", b"b", b"c"])
    tamper(path, statement)
    with pytest.raises(JournalDamaged) as damage:
        SqliteJournal(path)
    assert damage.value.seq == seq


@pytest.mark.parametrize(
    "statement", ["UPDATE snapshot SET body = x'00'", "UPDATE snapshot SET seq = 1", "UPDATE snapshot SET seq = 9"]
)
async def test_damaged_snapshot_is_found(tmp_path: Path, statement: str) -> None:
    """A snapshot with other bytes, or for another record, is not handed out."""
    path = tmp_path / "journal.db"
    await make(path, [b"a", b"b"], snapshot=b"state")
    tamper(path, statement)
    journal = SqliteJournal(path)
    with pytest.raises(JournalDamaged):
        await journal.get_snapshot()
    await journal.close()


async def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A journal of a later program is not opened, and both formats are named."""
    path = tmp_path / "journal.db"
    await make(path, [b"a"])
    tamper(path, "UPDATE meta SET format = 7")
    with pytest.raises(JournalTooNew, match=f"format 7, .* up to {schema.FORMAT}"):
        SqliteJournal(path)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM meta", "DROP TABLE meta", "DROP TABLE snapshot", "DELETE FROM lease"]
)
async def test_incomplete_file_is_refused(tmp_path: Path, statement: str) -> None:
    """A database that lacks a part of a journal is damaged, and never filled up as if it were new."""
    path = tmp_path / "journal.db"
    await make(path, [b"a"])
    tamper(path, statement)
    with pytest.raises(JournalDamaged):
        SqliteJournal(path)


def test_other_file_is_refused(tmp_path: Path) -> None:
    """A file that is no database is damaged."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"nothing of the kind" * 1_000)
    with pytest.raises(JournalDamaged):
        SqliteJournal(path)


def test_missing_folder(tmp_path: Path) -> None:
    """A journal makes its file, not its folder."""
    with pytest.raises(OSError, match="cannot open"):
        SqliteJournal(tmp_path / "nowhere" / "journal.db")


def test_disk_without_a_log_is_refused(tmp_path: Path) -> None:
    """Where SQLite silently keeps another journal mode than WAL, nothing is opened."""
    with pytest.raises(JournalDamaged, match="journal_mode"):
        SqliteJournal(tmp_path / "journal.db", vfs="unix-none")


async def test_half_made_file_is_made_anew(tmp_path: Path) -> None:
    """A crash before the tables were there leaves a file that opens as a new journal."""
    path = tmp_path / "journal.db"
    tamper(path, "PRAGMA journal_mode = WAL")
    journal = SqliteJournal(path)
    assert await journal.acquire("first", 10) == FIRST
    await journal.close()


async def test_file_locked_by_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program has locked for itself is in use."""
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_MS", 1)
    path = tmp_path / "journal.db"
    await make(path, [b"a"])
    stranger = apsw.Connection(str(path))
    stranger.execute("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").fetchall()
    with pytest.raises(FolderInUse):
        SqliteJournal(path)
    stranger.close()
