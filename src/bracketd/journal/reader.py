"""Records are read in order and checked one by one: sequence, epoch and digest, each against the one before."""

import struct
from collections.abc import Iterator
from pathlib import Path

import apsw

from bracketd.journal.chain import GENESIS, check_page, snapshot_digest
from bracketd.journal.protocol import JournalDamaged, Record, Snapshot
from bracketd.journal.schema import open_for_reading

PAGE_RECORDS = 1_024
"""Records fetched at once: some 3 ms of the event loop's time, and no transaction that outlives it."""

_PAGE = "SELECT seq, epoch, body, chain FROM event WHERE seq > ? ORDER BY seq LIMIT ?"


class Reader:
    """A connection that only reads. It belongs to one thread and may stand beside a writer, in whatever process."""

    def __init__(self, path: Path, vfs: str | None = None) -> None:
        """Open an existing journal; raises OSError where there is none."""
        self.connection = open_for_reading(path, vfs)

    def close(self) -> None:
        """End the connection; pages asked for later fail."""
        self.connection.close(True)

    def last_seq(self) -> int:
        """The sequence of the last record, 0 for an empty journal."""
        row = self.connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        return int(row[0]) if row else 0

    def pages(self, after_seq: int, page_records: int = PAGE_RECORDS) -> Iterator[list[Record]]:
        """Yield the records after `after_seq` page by page until the end is reached.

        No transaction stays open between two pages. Raises JournalDamaged at the first record that is missing,
        altered or unreadable, after a page with those before it; ValueError for a negative sequence.
        """
        if after_seq < 0:
            raise ValueError(f"no sequence is below 0: {after_seq}")
        try:
            epoch, digest = self._anchor(after_seq)
        except JournalDamaged:
            # Whoever asks for what comes after the end gets nothing; only a hole before the end is damage.
            if after_seq <= self.last_seq():
                raise
            return
        seq = after_seq
        while True:
            page: list[Record] = []
            try:
                epoch, digest = self._fill(page, seq, epoch, digest, page_records)
            except JournalDamaged:
                if page:
                    yield page
                raise
            if page:
                yield page
            if len(page) < page_records:
                return
            seq += page_records

    def snapshot(self) -> Snapshot | None:
        """The latest snapshot, None if there is none; raises JournalDamaged if it is not what was put."""
        try:
            row = self.connection.execute("SELECT seq, body, chain FROM snapshot ORDER BY seq DESC LIMIT 1").fetchone()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise JournalDamaged(f"the snapshot cannot be read: {error}") from error
        if row is None:
            return None
        seq, body, digest = row
        if seq > self.last_seq():
            raise JournalDamaged(f"missing, a snapshot stands for it and the journal ends at {self.last_seq()}", seq)
        _, at_seq = self._anchor(seq)
        if snapshot_digest(at_seq, seq, body) != digest:
            raise JournalDamaged("the snapshot made after it is not what was put", seq)
        return Snapshot(seq, body)

    def digest_at(self, seq: int) -> bytes | None:
        """The digest of all history up to a record, None for one that is not there. Raises JournalDamaged."""
        if seq and not 0 < seq <= self.last_seq():
            return None
        return self._anchor(seq)[1]

    def _anchor(self, seq: int) -> tuple[int, bytes]:
        """Epoch and digest of the record after which reading starts."""
        if seq == 0:
            return 0, GENESIS
        try:
            row = self.connection.execute("SELECT epoch, chain FROM event WHERE seq = ?", (seq,)).fetchone()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise JournalDamaged(f"cannot be read: {error}", seq) from error
        if row is None:
            raise JournalDamaged("missing", seq)
        return row[0], row[1]

    def _fill(
        self, page: list[Record], after_seq: int, epoch: int, digest: bytes, page_records: int
    ) -> tuple[int, bytes]:
        """Add the next records to the empty page; returns epoch and digest of the last one."""
        try:
            rows = self.connection.execute(_PAGE, (after_seq, page_records))
            return check_page(page, rows, after_seq, epoch, digest)
        except (apsw.Error, TypeError, UnicodeDecodeError, struct.error) as error:
            # A damaged header can also turn a body into text or an epoch into nothing.
            raise JournalDamaged(f"cannot be read: {error}", after_seq + len(page) + 1) from error
