"""A journal is checked from end to end without being touched, beside a running server too.

Format, tail, every record's sequence, epoch and digest, the snapshot, and SQLite's own integrity check, in this
order; the first fault is reported with the record it concerns.
"""

from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

from bracketd.journal.protocol import JournalDamaged, JournalTooNew
from bracketd.journal.reader import Reader
from bracketd.journal.schema import check_format, check_tail


class VerifyReport(Struct, frozen=True):
    """What was found: counts up to the first fault; `fault` is None for a sound journal.

    `fault_seq` is the first record concerned, None where the fault concerns no record.
    """

    path: str
    format: int | None = None
    records: int = 0
    last_seq: int = 0
    last_epoch: int = 0
    snapshot_seq: int | None = None
    fault: str | None = None
    fault_seq: int | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


def check(path: Path | str, *, vfs: str | None = None) -> VerifyReport:
    """Read the whole journal and report. Raises FileNotFoundError where there is no file; changes nothing.

    A running server's log grows during the last part, as SQLite's own check is one long read.
    """
    path = Path(path)
    if vfs is None and not path.is_file():
        raise FileNotFoundError(f"there is no journal at {path}")
    found: dict[str, int | None] = {}
    fault: str | None = None
    fault_seq: int | None = None
    try:
        reader = Reader(path, vfs)
        try:
            _examine(reader, found)
        finally:
            reader.close()
    except JournalDamaged as damage:
        fault, fault_seq = str(damage), damage.seq
    except (JournalTooNew, apsw.Error, OSError, UnicodeDecodeError) as error:
        fault = str(error)
    return VerifyReport(path=str(path), fault=fault, fault_seq=fault_seq, **found)  # type: ignore[arg-type]


def _examine(reader: Reader, found: dict[str, int | None]) -> None:
    """Fill in what is found, part after part, and raise at the first fault."""
    connection = reader.connection
    check_format(connection)
    found["format"] = _number(connection, "SELECT format FROM meta")
    tail_seq = check_tail(connection)
    for page in reader.pages(0):
        found["records"] = found["last_seq"] = page[-1].seq
        found["last_epoch"] = page[-1].epoch
    last_seq, last_epoch = found.get("last_seq") or 0, found.get("last_epoch") or 0
    if last_seq < tail_seq:
        raise JournalDamaged("missing at the end", last_seq + 1)
    lease_epoch = _number(connection, "SELECT epoch FROM lease")
    if lease_epoch < last_epoch:
        raise JournalDamaged(f"written under epoch {last_epoch}, the lease knows only {lease_epoch}", last_seq)
    snapshot = reader.snapshot()
    found["snapshot_seq"] = snapshot.seq if snapshot else None
    for (line,) in connection.execute("PRAGMA integrity_check(1)"):
        if line != "ok":
            raise JournalDamaged(f"SQLite finds: {line}")


def _number(connection: apsw.Connection, query: str) -> int:
    """The one number that a query gives."""
    rows: list[Any] = connection.execute(query).fetchall()
    return int(rows[0][0])
