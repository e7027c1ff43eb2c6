"""The clients file: private, durable, brought up to date, and refusing what it does not know."""

import stat
from pathlib import Path

import apsw
import pytest

from bracketd.auth import clients_file
from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_file import BUSY_TIMEOUT_MS, FILE_NAME, FORMAT, ClientsFile, UnknownFormat


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
