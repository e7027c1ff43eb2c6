"""The clients file: private, durable, brought up to date, and refusing what it does not know."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from tests.journal.failing_disk import FailingDisk

from bracketd.auth import clients_file
from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.clients_file import BUSY_TIMEOUT_MS, FILE_NAME, FORMAT, ClientsFile, UnknownFormat
from bracketd.database.write_ahead_log import PIECE_BYTES, let_go

REVOKE = "INSERT INTO revoked VALUES (?, ?)"


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    """A file layer that records what reaches it and fails when told to."""
    disk = FailingDisk("failing disk of clients")
    yield disk
    disk.unregister()


def failed(folder: Path, disk: FailingDisk, acknowledged: int = 1) -> tuple[ClientsFile, int]:
    """A file with revoked keys, whose next change failed to sync; and the size of its log before that."""
    file = ClientsFile(folder, disk.name)
    for number in range(acknowledged):
        file.write(REVOKE, (f"{number} {'x' * 3_000}", 1))
    on_disk = (folder / f"{FILE_NAME}-wal").stat().st_size
    disk.fail_sync_at = 1
    with pytest.raises(ClientsUnavailable, match="the disk failed to sync"):
        file.write_all([(REVOKE, (f"lost {number} {'y' * 3_000}", 1)) for number in range(5)])
    disk.fail_sync_at = None
    return file, on_disk


def revoked_in(folder: Path) -> list[str]:
    """The first word of every revoked key that the next opening finds."""
    file = ClientsFile(folder)
    assert file.read("PRAGMA integrity_check") == [("ok",)]
    found = sorted(key.split()[0] for (key,) in file.read("SELECT blacklist_key FROM revoked"))
    file.close()
    return found


def make_format_1(folder: Path) -> None:
    """A file as the first format had it, with one client."""
    connection = apsw.Connection(str(folder / FILE_NAME))
    connection.execute(clients_file._FORMAT_1)
    connection.execute("INSERT INTO client VALUES ('OLD', 'a hash', 7, 5, 't', 1, 0)")
    connection.close()


def test_older_format_is_brought_up_to_date(tmp_path: Path) -> None:
    """A file of the first format keeps its clients, gets the new tables once, and has the present format after."""
    make_format_1(tmp_path)
    for _ in range(2):
        with ClientStore(tmp_path) as store:
            assert [client.client_id for client in store.all()] == ["OLD"]
            assert store.file.read("SELECT count(*) FROM second_factor") == [(0,)]
            assert store.file.read("PRAGMA user_version") == [(FORMAT,)]


def test_two_open_an_older_format(tmp_path: Path) -> None:
    """Whoever finds that another process has brought the file up to date meanwhile leaves it as it is."""
    make_format_1(tmp_path)
    with ClientStore(tmp_path) as first, ClientStore(tmp_path) as second:
        first.rotate("OLD")
        assert first.get("OLD") == second.get("OLD")


def test_all_of_several_statements_or_none(tmp_path: Path) -> None:
    """When the second of two statements fails, the first has not happened, and the file can be written on."""
    file = ClientsFile(tmp_path)
    before = file.version()
    insert = "INSERT INTO revoked VALUES (?, ?)"
    with pytest.raises(apsw.ConstraintError):
        file.write_all([(insert, ("a", 1)), (insert, ("a", 2))])
    assert file.read("SELECT * FROM revoked") == []
    file.write_all([(insert, ("a", 1)), (insert, ("b", 2))])
    assert file.read("SELECT * FROM revoked") == [("a", 1), ("b", 2)]
    assert file.version() != before
    file.close()


def test_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    """A file of a newer format is refused with both numbers, and not touched."""
    path = tmp_path / FILE_NAME
    connection = apsw.Connection(str(path))
    connection.execute(f"CREATE TABLE client (x); PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        UnknownFormat, match=rf"clients\.db has format {FORMAT + 1}; this bracketd reads format {FORMAT}"
    ):
        ClientStore(tmp_path)
    assert path.read_bytes() == before


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    """Another program's database, or no database at all, is refused and not touched."""
    path = tmp_path / FILE_NAME
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE somebody_elses (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UnknownFormat):
        ClientStore(tmp_path)
    assert path.read_bytes() == before
    path.write_bytes(b"no database " * 500)
    with pytest.raises(UnknownFormat):
        ClientStore(tmp_path)
    assert path.read_bytes() == b"no database " * 500


def test_file_is_wal_and_fully_synchronous(tmp_path: Path, store: ClientStore) -> None:
    """A commit is in the write-ahead log and on disk when it returns, and a busy file is waited for."""
    connection = store.file._connection
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("busy_timeout") == BUSY_TIMEOUT_MS


def test_files_are_their_owners_alone(store: ClientStore, tmp_path: Path) -> None:
    """The database and its side files, which hold password hashes, have mode 0600."""
    store.rotate("CLIENT1")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys((FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"), 0o600)


def test_vfs_can_be_handed_in(tmp_path: Path) -> None:
    """The store opens its file through the VFS it is given."""
    with ClientStore(tmp_path, vfs="unix-excl") as store:
        assert store.file._connection.open_vfs == "unix-excl"
        store.add("A", "a hash", 0, 5, 0)
        assert store.get("A") is not None
    with pytest.raises(apsw.SQLError, match="no such vfs"):
        ClientStore(tmp_path, vfs="there is none")


def test_failed_sync_shuts_the_file(tmp_path: Path, disk: FailingDisk) -> None:
    """After a failed sync nothing is asked or changed any more, whoever serves is told once, and the log is left."""
    file, _ = failed(tmp_path, disk)
    told: list[str] = []
    file.on_failure.append(told.append)
    left = (tmp_path / f"{FILE_NAME}-wal").read_bytes()
    calls: list[Callable[[], object]] = [
        file.version,
        lambda: file.read("SELECT * FROM revoked"),
        lambda: file.write(REVOKE, ("a", 1)),
        lambda: file.write_all([(REVOKE, ("a", 1))]),
    ]
    for call in calls:
        with pytest.raises(ClientsUnavailable, match=r"clients\.db has been shut: IOError: the disk failed to sync"):
            call()
    file.close()
    assert (tmp_path / f"{FILE_NAME}-wal").read_bytes() == left
    assert told == []
    # What was being changed may stand, whole or not at all.
    assert revoked_in(tmp_path) in (["0"], ["0", *["lost"] * 5])


@pytest.mark.parametrize("several", [False, True])
def test_whoever_serves_is_told_of_a_failure_once(tmp_path: Path, disk: FailingDisk, several: bool) -> None:
    """The reason is handed on at the moment of the failure; a full disk is one too."""
    file = ClientsFile(tmp_path, disk.name)
    told: list[str] = []
    file.on_failure.append(told.append)
    disk.full = True
    for _ in range(2):
        with pytest.raises(ClientsUnavailable):
            file.write_all([(REVOKE, ("a", 1))]) if several else file.write(REVOKE, ("a", 1))
    assert told == [f"{tmp_path / FILE_NAME} has been shut: FullError: the disk is full"]
    disk.full = False
    file.close()
    assert revoked_in(tmp_path) == []


def test_what_is_refused_for_certain_shuts_nothing(tmp_path: Path) -> None:
    """A rule of the tables, a wrong statement and a file that is blocked are errors of one call."""
    file = ClientsFile(tmp_path)
    file.write(REVOKE, ("a", 1))
    with pytest.raises(apsw.ConstraintError):
        file.write(REVOKE, ("a", 1))
    with pytest.raises(apsw.SQLError):
        file.read("SELECT nothing FROM nowhere")
    file._connection.set_busy_timeout(1)
    other = apsw.Connection(str(tmp_path / FILE_NAME))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(apsw.BusyError):
        file.write_all([(REVOKE, ("b", 1))])
    other.close()
    file.write(REVOKE, ("b", 1))
    file.close()
    assert revoked_in(tmp_path) == ["a", "b"]


def test_opening_that_failed_leaves_the_log(tmp_path: Path, disk: FailingDisk) -> None:
    """After a failed sync of the log an opening does nothing more; the next one finds what was acknowledged."""
    file, _ = failed(tmp_path, disk)
    file.close()
    log = tmp_path / f"{FILE_NAME}-wal"
    left = log.read_bytes()
    disk.calls.clear()
    disk.fail_sync_at = 1
    with pytest.raises(apsw.IOError, match="the disk failed to sync"):
        ClientsFile(tmp_path, disk.name)
    assert disk.calls[-1] == ("failed sync", "wal")
    assert [call for call, _ in disk.calls].count("failed sync") == 1
    assert log.read_bytes() == left
    assert "0" in revoked_in(tmp_path)


def test_opening_that_failed_copies_nothing_that_was_thrown_away(
    tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older format whose bringing up fails at a sync that throws away what was not on disk: nothing is lost."""
    file, on_disk = failed(tmp_path, disk, acknowledged=5)
    file._connection.execute("PRAGMA user_version = 2; DROP TABLE pending_login").fetchall()
    let_go(file._connection)
    log = tmp_path / f"{FILE_NAME}-wal"
    on_disk = log.stat().st_size
    syncs = 0

    def throw_away(which: str) -> None:
        nonlocal syncs
        syncs += 1
        if syncs == 1:
            # The log, written again.
            return
        assert which == "wal"
        content = log.read_bytes()
        log.write_bytes(content[:on_disk] + bytes(len(content) - on_disk))
        # The next sync succeeds: the kernel has told of the failure once.
        monkeypatch.undo()
        raise apsw.IOError("the disk failed to sync")

    monkeypatch.setattr(disk, "synced", throw_away)
    with pytest.raises(apsw.IOError, match="the disk failed to sync"):
        ClientsFile(tmp_path, disk.name)
    assert syncs == 2
    assert revoked_in(tmp_path)[:5] == list("01234")


def test_log_is_on_disk_before_it_is_looked_at(tmp_path: Path, disk: FailingDisk) -> None:
    """Whoever opens the file alone writes its log again and syncs it; whoever finds it open does not touch it."""
    file, _ = failed(tmp_path, disk, acknowledged=5)
    file.close()
    size = (tmp_path / f"{FILE_NAME}-wal").stat().st_size
    disk.calls.clear()
    first = ClientsFile(tmp_path, disk.name)
    pieces = -(-size // PIECE_BYTES)
    assert disk.calls == [("write", "wal")] * pieces + [("sync", "wal")]
    disk.calls.clear()
    second = ClientsFile(tmp_path, disk.name)
    assert disk.calls == []
    second.close()
    first.close()


def test_disk_without_a_log_is_refused(tmp_path: Path) -> None:
    """Where SQLite silently keeps another journal mode than WAL, nothing is opened."""
    with pytest.raises(ClientsUnavailable, match="cannot be written durably here: journal_mode is delete"):
        ClientsFile(tmp_path, "unix-none")
