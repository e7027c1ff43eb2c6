"""The journal of one shard in PostgreSQL. An append is one statement, and durable on every disk that must have it.

Which disks those are is the database's business (`synchronous_standby_names`): one server has one, a replicated one
answers when a second has the record too. What it says is believed only when it says nothing else: see `database.link`.

Writing is fail-stop, as with a file: after an append or trim of which nobody knows the outcome this journal appends
nothing more, and the next owner's lease makes an end of it. To take a lease, renew it or give it back may be
tried again, since a second time changes nothing that matters.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from bracketd.database.address import Address, read_address
from bracketd.database.link import FAULTS, Connection, Doubtful, Link, Unreachable, words
from bracketd.database.tables import TablesTooNew
from bracketd.journal.chain import GENESIS, next_digest, snapshot_digest
from bracketd.journal.postgres import tables
from bracketd.journal.postgres.reader import ShardReader
from bracketd.journal.protocol import Fenced, JournalTooNew, Lease, Record, Snapshot, Unknown

NS_PER_S = 1_000_000_000
T = TypeVar("T")


class PostgresJournal:
    """A Journal (see protocol.py for the contract) in one shard of the database at `address`.

    The first call connects, makes the tables where there are none, and the shard's row. Up to three connections are
    used: for records, for leases and reading, and for snapshots, so that neither a renewal nor an append waits long for
    the others' work.
    `clock_ns` tells the time that leases end by, in unix nanoseconds; without it the database's own clock does.
    Beside what the protocol names, the first call raises JournalTooNew, and JournalDamaged for a server that does not
    sync.
    """

    def __init__(self, address: Address | str, shard: int = 0, *, clock_ns: Callable[[], int] | None = None) -> None:
        self.address = read_address(address) if isinstance(address, str) else address
        self.shard = shard
        self._clock_ns = clock_ns
        self._writing = Link(self.address, self._prepare)
        self._leasing = Link(self.address, self._prepare)
        self._storing = Link(self.address, self._prepare)
        self._reader = ShardReader(self._leasing, shard)
        self._stopped: Unknown | None = None
        self._closed = False
        self._tail_seq = 0
        self._tail_digest = GENESIS

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Take the shard under the next epoch; None while another owner's lease lasts. Raises Unknown.

        Raises JournalDamaged where lease and records disagree on the end.
        """
        if not owner:
            raise ValueError("an owner has a name")
        values = (self.shard, owner, self._now_ns(), _nanoseconds(ttl_s), address)

        async def take(connection: Connection) -> Any:
            return await connection.fetchrow(tables.ACQUIRE, *values)

        row = await self._on_lease(take)
        if row is None:
            return None
        # Only now: the grant is a commit like any other, so whatever can be seen after it is as durable as it is.
        await self._on_lease(lambda connection: tables.check_tail(connection, self.shard))
        return Lease(owner, row[0], row[1])

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Hold the lease for `ttl_s` seconds from now. Raises Fenced, Unknown."""
        values = (self.shard, lease.owner, self._now_ns(), _nanoseconds(ttl_s), lease.epoch)
        last_seq = await self._on_lease(lambda connection: connection.fetchval(tables.RENEW, *values))
        if last_seq is None:
            raise await self._fenced(lease)
        return Lease(lease.owner, lease.epoch, last_seq)

    async def release(self, lease: Lease) -> None:
        """Give the lease back. Raises Fenced, Unknown."""
        values = (self.shard, lease.owner, lease.epoch)
        if await self._on_lease(lambda connection: connection.fetchval(tables.RELEASE, *values)) is None:
            raise await self._fenced(lease)

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Write all bodies after record `expected_seq`, or none; returns the new last, durable sequence.

        Raises Fenced, Unknown; ValueError or TypeError for what is no batch of bytes. It has no time limit of its
        own, since to cancel it would leave it standing on one disk: whoever waits gives up when its lease has ended.
        """
        if not bodies:
            raise ValueError("an append has at least one record")
        for body in bodies:
            if type(body) is not bytes:
                raise TypeError(f"the body of a record is bytes, not {type(body).__name__}")
        digest = await self._digest_at(expected_seq)
        if digest is None:
            raise Fenced(f"the journal has no record {expected_seq} to append to")
        seq, epoch = expected_seq, lease.epoch
        chain = []
        for body in bodies:
            seq += 1
            digest = next_digest(digest, seq, epoch, body)
            chain.append(digest)
        values = (self.shard, epoch, expected_seq, list(bodies), chain)
        answer = await self._write(lambda connection: connection.execute(tables.APPEND, *values))
        if answer == "INSERT 0 0":
            raise await self._fenced(lease, expected_seq)
        if answer != f"INSERT 0 {len(bodies)}":
            raise self._stop(f"the database answers {answer!r} to an append of {len(bodies)} records")
        self._tail_seq, self._tail_digest = seq, digest
        return seq

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Yield the durable records after `after_seq`, fetched in pages of 1,024.

        Raises JournalDamaged at the first fault, after yielding the records before it, Trimmed, and Unknown.
        """
        self._require_open()
        async for page in self._reader.pages(after_seq):
            for record in page:
                yield record

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Keep the state after record `seq`. Appends go on meanwhile. Raises Fenced, Unknown, ValueError.

        One that is in doubt stops nothing: it is bound to its record's digest, so it is either whole or not there.
        """
        self._require_open()
        at_seq = self._tail_digest if seq == self._tail_seq else await self._reader.digest(seq)
        held = (self.shard, lease.epoch, lease.owner)
        if at_seq is None:
            last_seq = await self._on_lease(lambda connection: connection.fetchval(tables.LAST_SEQ, *held))
            if last_seq is None:
                raise await self._fenced(lease)
            raise ValueError(f"record {seq} is not durable, the last one is {last_seq}")
        digest = snapshot_digest(at_seq, seq, body)

        async def put(connection: Connection) -> bool:
            async with connection.transaction():
                answer = await connection.execute(tables.PUT_SNAPSHOT, *held, seq, body, digest)
                await connection.execute("DELETE FROM bracketd.snapshot WHERE shard = $1 AND seq < $2", self.shard, seq)
                return bool(answer == "INSERT 0 1")

        try:
            kept = await self._storing.use(put)
        except (Unreachable, Doubtful, *FAULTS) as fault:
            raise Unknown(f"whether the snapshot was kept: {words(fault)}") from fault
        if not kept:
            raise await self._fenced(lease)

    async def get_snapshot(self) -> Snapshot | None:
        """Return the latest snapshot, if there is one. Raises JournalDamaged, Unknown."""
        self._require_open()
        return await self._reader.snapshot()

    async def trim(self, lease: Lease, before_seq: int) -> int:
        """Remove the records before `before_seq`, for which a snapshot stands; returns how many were removed.

        The record `before_seq` stays, since what follows hangs on its digest. Raises Fenced, Unknown, and ValueError
        where no snapshot of that record or a later one is kept.
        """

        async def remove(connection: Connection) -> Any:
            async with connection.transaction():
                held = await connection.fetchrow(tables.HELD, self.shard, lease.epoch, lease.owner)
                if held is None:
                    return None
                stands = await connection.fetchval(
                    "SELECT max(seq) >= $2 FROM bracketd.snapshot WHERE shard = $1", self.shard, before_seq
                )
                if not stands:
                    return ""
                await connection.execute(
                    "UPDATE bracketd.shard SET first_seq = greatest(first_seq, $2) WHERE id = $1",
                    self.shard,
                    before_seq,
                )
                return await connection.execute(
                    "DELETE FROM bracketd.event WHERE shard = $1 AND seq < $2", self.shard, before_seq
                )

        answer = await self._write(remove)
        if answer is None:
            raise await self._fenced(lease)
        if not answer:
            raise ValueError(f"no snapshot stands for the records before {before_seq}")
        return int(answer.rpartition(" ")[2])

    async def close(self) -> None:
        """End the connections, also in the middle of an append; calls that come later raise Unknown."""
        self._closed = True
        await self._writing.close()
        await self._leasing.close()
        await self._storing.close()

    async def _prepare(self, connection: Connection) -> None:
        """What a new connection needs: tables in our format, and the shard's row."""
        await tables.prepare(connection)
        if await connection.fetchval("SELECT 1 FROM bracketd.shard WHERE id = $1", self.shard) is None:
            await connection.execute(tables.ADD_SHARD, self.shard)

    async def _on_lease(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something on the leases' connection; whatever leaves a doubt is Unknown."""
        self._require_open()
        try:
            return await self._leasing.use(work)
        except TablesTooNew as fault:
            raise JournalTooNew(fault.found_format, fault.known_format) from fault
        except (Unreachable, Doubtful, *FAULTS) as fault:
            raise Unknown(f"the lease is in doubt: {words(fault)}") from fault

    async def _write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something that must not be done twice; whatever leaves a doubt stops this journal."""
        self._require_writing()
        try:
            return await self._writing.use(work)
        except TablesTooNew as fault:
            raise JournalTooNew(fault.found_format, fault.known_format) from fault
        except (Unreachable, Doubtful, *FAULTS) as fault:
            raise self._stop(words(fault)) from fault
        except BaseException:
            # Cancelled, perhaps: the statement may stand all the same.
            self._stop("a write was given up")
            raise

    async def _digest_at(self, seq: int) -> bytes | None:
        """The digest of a record, None if there is no such record."""
        self._require_writing()
        return self._tail_digest if seq == self._tail_seq else await self._reader.digest(seq)

    async def _fenced(self, lease: Lease, expected_seq: int | None = None) -> Fenced:
        """Say who was refused and what stands in the way, as far as the database still answers."""
        asked = "" if expected_seq is None else f" at record {expected_seq}"
        refused = f"{lease.owner!r} under epoch {lease.epoch} was refused{asked}"
        query = "SELECT owner, epoch, last_seq FROM bracketd.shard WHERE id = $1"
        try:
            row = await self._on_lease(lambda connection: connection.fetchrow(query, self.shard))
        except Unknown:
            row = None
        if row is None:
            return Fenced(f"{refused}: the lease on shard {self.shard} is no longer its own")
        owner, epoch, last_seq = row
        holder = repr(owner) if owner else "nobody"
        return Fenced(f"{refused}: {holder} holds the journal under epoch {epoch}, its last record is {last_seq}")

    def _require_open(self) -> None:
        if self._closed:
            raise Unknown("the journal is closed")

    def _require_writing(self) -> None:
        self._require_open()
        if self._stopped is not None:
            raise Unknown(*self._stopped.args)

    def _stop(self, why: str) -> Unknown:
        """Write nothing more; gives what to raise."""
        self._stopped = Unknown(f"the journal has stopped: {why}")
        return Unknown(*self._stopped.args)

    def _now_ns(self) -> int | None:
        return None if self._clock_ns is None else self._clock_ns()


def _nanoseconds(duration_s: float) -> int:
    """A duration in whole nanoseconds."""
    return int(duration_s * NS_PER_S)
