"""The clients file: one SQLite database of who may speak, shared by the server and the command line.

Like the journal's writer it is fail-stop: after an error of the disk nobody can say what is there, so it answers
nothing any more, to nobody, until it is opened again; and whoever opens it alone writes its log again first. A token
that was logged out or rotated, and a password that was replaced, do not come back by way of a failed sync.

What its tables mean is the business of the modules that read them: `client_store`, `second_factor`, `lockout`,
`applications`, `authorization_code` and `opaque_token`.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import apsw

from bracketd.auth.client_tables import ClientStoreError, ClientsUnavailable, Statement, Version
from bracketd.auth.commit_mark import CommitMark
from bracketd.database.write_ahead_log import let_go, write_again

FILE_NAME: Final = "clients.db"
FORMAT: Final = 3
LEVERAGE_DEFAULT: Final = 5
BUSY_TIMEOUT_MS: Final = 5_000

_SWITCH_ATTEMPTS: Final = 100
_LOOKS: Final = 3

_CERTAIN: Final = (apsw.BusyError, apsw.ConstraintError, apsw.SQLError)
"""Errors after which it is certain that nothing was changed; after any other nobody knows what the disk has."""

_FORMAT_1: Final = f"""
CREATE TABLE client (
    client_id TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT NOT NULL,
    cash_paise INTEGER NOT NULL CHECK (cash_paise >= 0),
    leverage INTEGER NOT NULL DEFAULT {LEVERAGE_DEFAULT} CHECK (leverage >= 1),
    client_token TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))
) STRICT;
CREATE TABLE revoked (
    blacklist_key TEXT NOT NULL PRIMARY KEY,
    exp_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_exp_ms ON revoked (exp_ms);
PRAGMA user_version = 1;
"""

_FORMAT_2: Final = """
CREATE TABLE second_factor (
    client_id TEXT NOT NULL PRIMARY KEY,
    pin_hash TEXT,
    totp_secret TEXT,
    totp_timecode INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE failed_login (
    login_id TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE application (
    app_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE redirect_uri (
    app_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    PRIMARY KEY (app_id, uri)
) STRICT, WITHOUT ROWID;
CREATE TABLE authorization_code (
    code_sha256 BLOB NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_token TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    challenge TEXT,
    challenge_method TEXT,
    expires_ns INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1)),
    token_sha256 BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE opaque_token (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    blacklist_key TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_token TEXT NOT NULL,
    app_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    exp_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX opaque_token_exp_ms ON opaque_token (exp_ms);
PRAGMA user_version = 2;
"""

_FORMAT_3: Final = """
CREATE TABLE pending_login (
    ticket_sha256 BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_token TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    device TEXT NOT NULL,
    factor TEXT NOT NULL,
    until_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 3;
"""

_STEPS: Final = (_FORMAT_1, _FORMAT_2, _FORMAT_3)
"""What leads from each format to the next; a file of an older bracketd is brought up to date when it is opened."""


class UnknownFormat(ClientStoreError):
    """The file was written by a newer bracketd, or is some other database."""


class ClientsFile:
    """ClientTables in the file of a data folder, by one connection; every change is on disk at once.

    Any number of processes may have the same file open. Calls raise apsw.BusyError when another process blocks for five
    seconds, apsw.ConstraintError for what the tables refuse, and ClientsUnavailable when the disk fails and ever after.
    """

    def __init__(self, data_dir: Path, vfs: str | None = None) -> None:
        """Open `clients.db` in the folder, making both if needed; raises UnknownFormat and apsw.Error."""
        self.on_failure: list[Callable[[str], None]] = []
        self._path = data_dir / FILE_NAME
        self._shut = ""
        if vfs is None:
            _make_private(self._path)
        try:
            self._write_log_again(vfs)
            self._connection = self._connect(vfs)
            try:
                self._prepare()
            except BaseException:
                let_go(self._connection)
                raise
        except apsw.NotADBError as error:
            raise UnknownFormat(f"{self._path} is no SQLite database") from error
        self._own_changes = 0
        self._ask = self._connection.cursor().execute
        self._mark = self._find_mark() if vfs is None else None
        # Bound once: this is asked for with every request.
        self._last_commit: Callable[[], bytes | int] = self._data_version
        if self._mark is not None and self._mark.known:
            self._last_commit = self._mark.read

    def close(self) -> None:
        """Close the file."""
        if self._shut:
            let_go(self._connection)
        else:
            self._connection.close()
        if self._mark is not None:
            self._mark.close()

    def version(self) -> Version:
        """A value that differs after every change of the file, by this instance or by any other, in any process.

        It costs one look at SQLite's shared memory. Read it before what it is to vouch for.
        """
        return self._last_commit(), self._own_changes

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        self._require_open()
        try:
            return self._connection.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise self._judged(error) from error

    def write(self, sql: str, values: tuple[Any, ...]) -> int:
        """Run one statement as one durable transaction; gives the number of rows it touched."""
        self._require_open()
        try:
            self._connection.execute(sql, values)
        except apsw.Error as error:
            raise self._judged(error) from error
        finally:
            # Also after an error: a commit whose fsync failed may stand.
            self._own_changes += 1
        return self._connection.changes()

    def write_all(self, statements: Iterable[Statement]) -> None:
        """Run several statements as one durable transaction: all of them or none."""
        self._require_open()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for sql, values in statements:
                    self._connection.execute(sql, values)
                self._connection.execute("COMMIT")
            except BaseException:
                # A COMMIT that failed may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except apsw.Error as error:
            raise self._judged(error) from error
        finally:
            self._own_changes += 1

    def _data_version(self) -> int:
        """What SQLite itself counts: the same, by a transaction of its own."""
        try:
            # `get` runs the statement to its end; one left open would hold on to an old snapshot.
            return int(self._ask("PRAGMA data_version").get)
        except apsw.Error as error:
            raise self._judged(error) from error

    def _find_mark(self) -> CommitMark | None:
        """The mark of the last commit, None where SQLite keeps its shared memory elsewhere."""
        # The shared memory is there once something was read in WAL mode.
        self._data_version()
        try:
            return CommitMark(self._path)
        except (OSError, ValueError):
            return None

    def _require_open(self) -> None:
        if self._shut:
            raise ClientsUnavailable(self._shut)

    def _judged(self, error: apsw.Error) -> Exception:
        """What to raise for an error: itself where it says for certain that nothing was changed."""
        if isinstance(error, _CERTAIN):
            return error
        self._shut = f"{self._path} has been shut: {type(error).__name__}: {error}"
        self._last_commit = self._refuse
        for told in self.on_failure:
            told(self._shut)
        return ClientsUnavailable(self._shut)

    def _refuse(self) -> bytes:
        raise ClientsUnavailable(self._shut)

    def _connect(self, vfs: str | None) -> apsw.Connection:
        return apsw.Connection(str(self._path), vfs=vfs)

    def _write_log_again(self, vfs: str | None) -> None:
        """Where no other process has the file open, have on disk what its log shows.

        Where one has, that one did so, or whoever was before it, and what it shows is on disk.
        """
        for _ in range(_LOOKS):
            connection = self._connect(vfs)
            try:
                # In this mode a look at the file is refused at once where anybody else has it open.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                self._format(connection)
                write_again(connection.filename_wal, connection.open_vfs)
            except (apsw.NotADBError, apsw.CorruptError):
                # Perhaps the machine's cache forgot a part of the log while it was looked at.
                continue
            except apsw.BusyError:
                return
            finally:
                # What this connection found in the log it found before it was on disk.
                let_go(connection)
            return

    def _prepare(self) -> None:
        """Set the connection up and bring the tables up to date, unless another process has."""
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        # Looked at before anything is set: a file that is not ours stays as it is.
        ready = self._format(self._connection) == FORMAT
        self._write_ahead()
        self._connection.execute("PRAGMA synchronous = FULL")
        if not ready:
            self._connection.execute("BEGIN IMMEDIATE")
            for step in _STEPS[self._format(self._connection) :]:
                self._connection.execute(step)
            self._connection.execute("COMMIT")

    def _write_ahead(self) -> None:
        """Put the file in WAL mode, where it then stays; in a file that has it this is a read.

        The switch needs the file alone and, unlike all else, does not wait for it. So whoever finds another process
        at its first opening queues behind it, which does wait, and tries again.
        """
        for attempts_left in reversed(range(_SWITCH_ATTEMPTS)):
            try:
                # `get` runs it to its end, where a sync may fail: nobody would hear of that, and a log beside a file
                # that never came to the disk is nothing to SQLite, which deletes it.
                mode = self._connection.execute("PRAGMA journal_mode = WAL").get
            except apsw.BusyError:
                if not attempts_left:
                    raise
                self._connection.execute("BEGIN IMMEDIATE; ROLLBACK")
                continue
            if mode != "wal":
                # SQLite answers a setting it cannot fulfil with silence.
                raise ClientsUnavailable(f"{self._path} cannot be written durably here: journal_mode is {mode}")
            return

    def _format(self, connection: apsw.Connection) -> int:
        """The format of the tables that are there, 0 for none; raises UnknownFormat if others than ours are."""
        # One statement, so that another process cannot make the tables between the two numbers.
        sql = "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
        rows: list[Any] = connection.execute(sql).fetchall()
        ((found, tables),) = rows
        if (found == 0 and tables == 0) or 0 < found <= FORMAT:
            return int(found)
        raise UnknownFormat(f"{self._path} has format {found}; this bracketd reads format {FORMAT}")


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, for its owner alone; its -wal and -shm take the same mode.

    A file that is there is not opened: closing a descriptor of it would drop the locks SQLite holds in this process.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
