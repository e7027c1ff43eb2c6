"""The clients file: one SQLite database of who may speak, shared by the server and the command line.

What its tables mean is the business of the modules that read them: `client_store`, `second_factor`, `lockout`,
`applications`, `authorization_code` and `opaque_token`.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import apsw

from bracketd.auth.client_tables import ClientStoreError, Statement, Version
from bracketd.auth.commit_mark import CommitMark

FILE_NAME: Final = "clients.db"
FORMAT: Final = 3
LEVERAGE_DEFAULT: Final = 5
BUSY_TIMEOUT_MS: Final = 5_000

_SWITCH_ATTEMPTS: Final = 100

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

    Any number of processes may have the same file open. Calls raise apsw.Error when the disk fails or another process
    blocks for five seconds.
    """

    def __init__(self, data_dir: Path, vfs: str | None = None) -> None:
        """Open `clients.db` in the folder, making both if needed; raises UnknownFormat."""
        self._path = data_dir / FILE_NAME
        if vfs is None:
            _make_private(self._path)
        self._connection = apsw.Connection(str(self._path), vfs=vfs)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        self._own_changes = 0
        self._ask = self._connection.cursor().execute
        self._mark = self._find_mark() if vfs is None else None
        # Bound once: this is asked for with every request.
        self._last_commit: Callable[[], bytes | int] = self._data_version
        if self._mark is not None and self._mark.known:
            self._last_commit = self._mark.read

    def close(self) -> None:
        """Close the file."""
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
        return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: tuple[Any, ...]) -> int:
        """Run one statement as one durable transaction; gives the number of rows it touched."""
        try:
            self._connection.execute(sql, values)
        finally:
            # Also after an error: a commit whose fsync failed may stand.
            self._own_changes += 1
        return self._connection.changes()

    def write_all(self, statements: Iterable[Statement]) -> None:
        """Run several statements as one durable transaction: all of them or none."""
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
        finally:
            self._own_changes += 1

    def _data_version(self) -> int:
        """What SQLite itself counts: the same, by a transaction of its own."""
        # `get` runs the statement to its end; one left open would hold on to an old snapshot.
        return int(self._ask("PRAGMA data_version").get)

    def _find_mark(self) -> CommitMark | None:
        """The mark of the last commit, None where SQLite keeps its shared memory elsewhere."""
        # The shared memory is there once something was read in WAL mode.
        self._data_version()
        try:
            return CommitMark(self._path)
        except (OSError, ValueError):
            return None

    def _prepare(self) -> None:
        """Set the connection up and bring the tables up to date, unless another process has."""
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        try:
            # Looked at before anything is set: a file that is not ours stays as it is.
            ready = self._format() == FORMAT
            self._write_ahead()
            self._connection.execute("PRAGMA synchronous = FULL")
            if not ready:
                self._connection.execute("BEGIN IMMEDIATE")
                for step in _STEPS[self._format() :]:
                    self._connection.execute(step)
                self._connection.execute("COMMIT")
        except apsw.NotADBError as error:
            raise UnknownFormat(f"{self._path} is no SQLite database") from error

    def _write_ahead(self) -> None:
        """Put the file in WAL mode, where it then stays; in a file that has it this is a read.

        The switch needs the file alone and, unlike all else, does not wait for it. So whoever finds another process
        at its first opening queues behind it, which does wait, and tries again.
        """
        for attempts_left in reversed(range(_SWITCH_ATTEMPTS)):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except apsw.BusyError:
                if not attempts_left:
                    raise
                self._connection.execute("BEGIN IMMEDIATE; ROLLBACK")

    def _format(self) -> int:
        """The format of the tables that are there, 0 for none; raises UnknownFormat if others than ours are."""
        # One statement, so that another process cannot make the tables between the two numbers.
        sql = "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
        ((found, tables),) = self.read(sql)
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
