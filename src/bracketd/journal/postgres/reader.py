"""Records of a shard are read page by page, by key, and checked as those of a file are.

No transaction and no cursor stays open between two pages: an old one would keep the database from tidying the shard's
row, which changes with every append. A page that a broken connection took along is asked for again.
"""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, cast

from bracketd.database.link import Connection, Link, Unreachable
from bracketd.journal.chain import GENESIS, check_page, snapshot_digest
from bracketd.journal.postgres.tables import PAGE
from bracketd.journal.protocol import JournalDamaged, Record, Snapshot, Trimmed, Unknown

PAGE_RECORDS = 1_024
"""Records fetched at once."""

T = TypeVar("T")


async def ask(link: Link, question: Callable[[Connection], Awaitable[T]]) -> T:
    """The answer to a question that changes nothing, asked again when the connection breaks. Raises Unknown."""
    try:
        return await link.ask(question)
    except Unreachable as fault:
        raise Unknown(str(fault)) from fault


class ShardReader:
    """Reads one shard over a link. Only the primary is asked: a standby may show things in another order."""

    def __init__(self, link: Link, shard: int) -> None:
        self._link = link
        self._shard = shard

    async def bounds(self) -> tuple[int, int]:
        """(first, last) sequence that is kept; the last is 0 where nothing is. Raises Unknown."""
        row = await ask(
            self._link,
            lambda connection: connection.fetchrow(
                "SELECT first_seq, last_seq FROM bracketd.shard WHERE id = $1", self._shard
            ),
        )
        return (1, 0) if row is None else (row[0], row[1])

    async def pages(self, after_seq: int, page_records: int = PAGE_RECORDS) -> AsyncIterator[list[Record]]:
        """Yield the records after `after_seq` page by page until the end is reached.

        Raises JournalDamaged at the first record that is missing or altered, after a page with those before it;
        Trimmed where records were removed that are asked for, Unknown, and ValueError for a negative sequence.
        """
        if after_seq < 0:
            raise ValueError(f"no sequence is below 0: {after_seq}")
        anchor = await self._anchor(after_seq)
        if anchor is None:
            return
        epoch, digest = anchor
        seq = after_seq
        while True:
            rows = await self._rows(seq, page_records)
            page: list[Record] = []
            fault: JournalDamaged | None = None
            try:
                epoch, digest = check_page(page, rows, seq, epoch, digest)
            except JournalDamaged as damage:
                fault = damage
            except (TypeError, struct.error) as error:
                fault = JournalDamaged(f"cannot be read: {error}", seq + len(page) + 1)
            if page:
                yield page
            if fault is not None:
                raise fault
            if len(page) < page_records:
                return
            seq += page_records

    async def snapshot(self) -> Snapshot | None:
        """The latest snapshot, None if there is none. Raises JournalDamaged if it is not what was put, Unknown."""
        row = await ask(
            self._link,
            lambda connection: connection.fetchrow(
                "SELECT seq, body, chain FROM bracketd.snapshot WHERE shard = $1 ORDER BY seq DESC LIMIT 1", self._shard
            ),
        )
        if row is None:
            return None
        seq, body, digest = row
        at_seq = await self.digest(seq)
        if at_seq is None:
            raise JournalDamaged("missing, a snapshot stands for it and the journal ends before", seq)
        if snapshot_digest(at_seq, seq, body) != digest:
            raise JournalDamaged("the snapshot made after it is not what was put", seq)
        return Snapshot(seq, body)

    async def digest(self, seq: int) -> bytes | None:
        """The digest of a record, None if there is no such record. Raises Unknown."""
        row = await self._record(seq)
        return None if row is None else row[1]

    async def _rows(self, after_seq: int, page_records: int) -> list[tuple[int, int, bytes, bytes]]:
        """The rows of one page."""

        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(PAGE, self._shard, after_seq, page_records)

        return cast(list[tuple[int, int, bytes, bytes]], await ask(self._link, fetch))

    async def _anchor(self, after_seq: int) -> tuple[int, bytes] | None:
        """Epoch and digest of the record after which reading starts, None where that is beyond the end."""
        first_seq, last_seq = await self.bounds()
        if first_seq > 1 and after_seq < first_seq:
            raise Trimmed(first_seq)
        anchor = await self._record(after_seq)
        if anchor is None and after_seq <= last_seq:
            raise JournalDamaged("missing", after_seq)
        return anchor

    async def _record(self, seq: int) -> tuple[int, bytes] | None:
        """Epoch and digest of a record."""
        if seq == 0:
            return 0, GENESIS
        row = await ask(
            self._link,
            lambda connection: connection.fetchrow(
                "SELECT epoch, chain FROM bracketd.event WHERE shard = $1 AND seq = $2", self._shard, seq
            ),
        )
        return None if row is None else (row[0], row[1])
