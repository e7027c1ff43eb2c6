"""A folder's journal is taken over into a shard, record by record with its digests, in somebody's transaction."""

from collections.abc import AsyncIterator, Iterable, Iterator

from bracketd.database.link import Connection
from bracketd.journal.chain import GENESIS, check_page, next_digest, snapshot_digest
from bracketd.journal.postgres.tables import PAGE
from bracketd.journal.protocol import JournalDamaged, Lease, Record, Snapshot

PAGE_RECORDS = 1_024

_ADD_SHARD = """
INSERT INTO bracketd.shard (id, epoch, last_seq, created_ns) VALUES ($1, $2, $3, bracketd.now_ns())
"""


class TakingOver:
    """Writes one shard that is not there yet. `connection` is in a transaction that whoever opened it will end."""

    def __init__(self, connection: Connection, shard: int) -> None:
        self._connection = connection
        self._shard = shard

    async def write(self, records: Iterable[Record], lease: Lease, snapshot: Snapshot | None) -> bytes:
        """Copy all records, the snapshot and the epoch of the lease; returns the last record's digest.

        Raises JournalDamaged where the records do not end where the lease says.
        """
        chain = _Chain(snapshot.seq if snapshot is not None else 0)
        await self._connection.copy_records_to_table(
            "event",
            schema_name="bracketd",
            columns=("shard", "seq", "epoch", "body", "chain"),
            records=((self._shard, *row) for row in chain.rows(records)),
        )
        if chain.seq != lease.last_seq:
            raise JournalDamaged(f"the records end at {chain.seq}, the lease says {lease.last_seq}")
        await self._connection.execute(_ADD_SHARD, self._shard, lease.epoch, lease.last_seq)
        if snapshot is not None:
            digest = snapshot_digest(chain.at_snapshot, snapshot.seq, snapshot.body)
            await self._connection.execute(
                "INSERT INTO bracketd.snapshot VALUES ($1, $2, $3, $4)",
                self._shard,
                snapshot.seq,
                snapshot.body,
                digest,
            )
        return chain.digest

    async def read(self) -> AsyncIterator[Record]:
        """What the shard holds by now, each record checked. Raises JournalDamaged."""
        epoch, digest, seq = 0, GENESIS, 0
        while True:
            rows = await self._connection.fetch(PAGE, self._shard, seq, PAGE_RECORDS)
            page: list[Record] = []
            epoch, digest = check_page(page, rows, seq, epoch, digest)
            for record in page:
                yield record
            if len(page) < PAGE_RECORDS:
                return
            seq += PAGE_RECORDS


class _Chain:
    """Makes the digests again on the way, and keeps the one that the snapshot hangs on."""

    def __init__(self, snapshot_seq: int) -> None:
        self.seq = 0
        self.digest = self.at_snapshot = GENESIS
        self._snapshot_seq = snapshot_seq

    def rows(self, records: Iterable[Record]) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Each record as a row with its digest."""
        for record in records:
            self.seq = record.seq
            self.digest = next_digest(self.digest, record.seq, record.epoch, record.body)
            if record.seq == self._snapshot_seq:
                self.at_snapshot = self.digest
            yield record.seq, record.epoch, record.body, self.digest
