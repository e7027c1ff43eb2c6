"""The journal's SQLite file: its tables, how it is opened, and what must hold before a byte is trusted to it.

The file runs in WAL mode with synchronous=FULL: a commit has synced the log before it returns. Both settings are read
back after they are set, since SQLite answers a setting it cannot fulfil with silence.
"""

from pathlib import Path
from typing import Any

import apsw

from bracketd.database.durable_names import sync_folder
from bracketd.database.write_ahead_log import let_go, write_again
from bracketd.journal.chain import DIGEST_BYTES
from bracketd.journal.protocol import FolderInUse, JournalDamaged, JournalTooNew

FORMAT = 1
"""The format this program writes, and the latest it reads."""

BUSY_TIMEOUT_MS = 5_000
"""How long a stranger's lock on the file is waited for. The server itself never contends: it has one writer."""

_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    # On a Mac, an ordinary sync leaves the bytes in the drive's own memory.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    # The writer copies the log itself, between two appends.
    "wal_autocheckpoint = 0",
    "temp_store = MEMORY",
)

_TABLES = f"""
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK(id = 1), format INTEGER NOT NULL, created_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE lease(
    id INTEGER PRIMARY KEY CHECK(id = 1), owner TEXT NOT NULL, epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE event(
    seq INTEGER PRIMARY KEY CHECK(seq > 0), epoch INTEGER NOT NULL, body BLOB NOT NULL,
    chain BLOB NOT NULL CHECK(length(chain) = {DIGEST_BYTES})
) STRICT;
CREATE TABLE snapshot(seq INTEGER PRIMARY KEY, body BLOB NOT NULL, chain BLOB NOT NULL) STRICT;
INSERT INTO lease VALUES(1, '', 0, 0, 0);
"""

# An append is one statement, and so one implicit transaction and one release of the interpreter's lock: each further
# release costs the writer thread up to a switch interval while the event loop is busy. The whole batch arrives as one
# array of digest || body; the first row compares and moves the lease, and if that finds nothing, all is undone.
# Views and triggers are temporary: they belong to the writing connection and are no part of the file.
_APPENDING = f"""
CREATE TEMP VIEW batch AS SELECT seq, epoch, body AS packed, 0 AS expected_seq, 0 AS last_seq FROM main.event;
CREATE TEMP TRIGGER append_batch INSTEAD OF INSERT ON batch BEGIN
    UPDATE lease SET last_seq = new.last_seq
        WHERE new.seq = new.expected_seq + 1
        AND id = 1 AND epoch = new.epoch AND last_seq = new.expected_seq AND owner <> '';
    SELECT RAISE(ABORT, 'fenced') WHERE new.seq = new.expected_seq + 1 AND changes() <> 1;
    INSERT INTO event VALUES(
        new.seq, new.epoch, substr(new.packed, {DIGEST_BYTES + 1}), substr(new.packed, 1, {DIGEST_BYTES})
    );
END;
"""

APPEND = "INSERT INTO batch SELECT ?1 + rowid, ?2, value, ?1, ?3 FROM carray(?4)"
"""Append a batch; bind expected_seq, epoch, the new last sequence, and the array of digest || body in order.

A refusal by the lease is a ConstraintError with the extended code SQLITE_CONSTRAINT_TRIGGER.
"""


def open_for_writing(path: Path, vfs: str | None, created_ns: int) -> apsw.Connection:
    """Open the file, make it durably if it is new, and prove that it can be trusted with an append.

    Everything found in the log of a former run is written again where it stands, then copied into the database file,
    and synced both times before this returns, so that nothing is built on pages which a failed sync may have left in
    memory only. An opening that fails leaves the log as it is. Nobody else may write meanwhile. Raises JournalTooNew,
    JournalDamaged, FolderInUse (the file is locked by another process) and OSError.
    """
    try:
        connection = apsw.Connection(str(path), vfs=vfs)
    except apsw.CantOpenError as error:
        raise OSError(f"cannot open the journal {path}: {error}") from error
    try:
        write_again(connection.filename_wal, connection.open_vfs)
        _prepare(connection, created_ns)
    except BaseException as error:
        let_go(connection)
        if isinstance(error, apsw.BusyError):
            raise FolderInUse(f"the journal {path} is locked by another process") from error
        if isinstance(error, apsw.Error):
            raise JournalDamaged(f"the journal {path} cannot be used: {error}") from error
        raise
    sync_folder(path.parent)
    return connection


def open_for_reading(path: Path, vfs: str | None) -> apsw.Connection:
    """Open an existing file beside whoever writes it; this connection can change nothing in it. Raises OSError."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
    except apsw.CantOpenError as error:
        raise OSError(f"cannot open the journal {path}: {error}") from error
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Only the writer decides when the log is copied into the database file.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return connection


def check_format(connection: apsw.Connection) -> None:
    """Raise JournalTooNew or JournalDamaged unless the file is a journal in a format this program knows."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "meta" not in tables:
        raise JournalDamaged("the file is a database, but no journal of this program")
    formats = connection.execute("SELECT format FROM meta").fetchall()
    if len(formats) != 1 or not isinstance(formats[0][0], int) or formats[0][0] < 1:
        raise JournalDamaged("the journal does not say which format it has")
    if formats[0][0] > FORMAT:
        raise JournalTooNew(formats[0][0], FORMAT)
    missing = {"lease", "event", "snapshot"} - tables
    if missing:
        raise JournalDamaged(f"the journal has lost its table {min(missing)}")


def check_tail(connection: apsw.Connection) -> int:
    """The last sequence, agreed upon by the lease and the records; raises JournalDamaged where they differ."""
    rows: list[Any] = connection.execute(
        "SELECT last_seq, (SELECT coalesce(max(seq), 0) FROM event) FROM lease"
    ).fetchall()
    if len(rows) != 1:
        raise JournalDamaged("the journal has lost its lease row")
    lease_seq, event_seq = rows[0]
    if lease_seq > event_seq:
        raise JournalDamaged(f"missing, the lease counts {lease_seq} records", event_seq + 1)
    if lease_seq < event_seq:
        raise JournalDamaged(f"not counted, the lease counts {lease_seq} records", lease_seq + 1)
    return int(lease_seq)


def _prepare(connection: apsw.Connection, created_ns: int) -> None:
    """Settings, tables, checks, and the former run's log copied to its place."""
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}").fetchall()
    _require_setting(connection, "journal_mode", "wal")
    _require_setting(connection, "synchronous", 2)
    _require_setting(connection, "wal_autocheckpoint", 0)
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        with connection:
            connection.execute(_TABLES)
            connection.execute("INSERT INTO meta VALUES(1, ?, ?)", (FORMAT, created_ns))
    check_format(connection)
    check_tail(connection)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        # A reader beside us keeps the log from being emptied; its pages can be copied and synced all the same.
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    connection.execute(_APPENDING)


def _require_setting(connection: apsw.Connection, name: str, wanted: str | int) -> None:
    """Raise JournalDamaged unless the connection really has the setting without which nothing is durable."""
    found = connection.execute(f"PRAGMA {name}").fetchone()
    if found != (wanted,):
        raise JournalDamaged(f"the journal cannot be written durably here: {name} is {found}, not {wanted}")
