"""A shard is checked from its first kept record to its end without being touched, beside its owner too.

Format, tail, every record's sequence, epoch and digest, and the snapshot; the first fault is reported with the record
that it concerns. What lies below PostgreSQL's own tables is its own to check (`pg_amcheck`, data checksums).
"""

from bracketd.database.link import Link
from bracketd.database.tables import TablesTooNew
from bracketd.journal.postgres.reader import ShardReader, ask
from bracketd.journal.postgres.tables import FORMAT, tail
from bracketd.journal.protocol import JournalDamaged, Unknown
from bracketd.journal.verify import VerifyReport


async def check_shard(link: Link, shard: int) -> VerifyReport:
    """Read a whole shard and report. Raises Unknown where the database does not answer; changes nothing.

    A shard that nobody ever served is sound and empty. Of one that was trimmed the first kept record is taken as it is.
    """
    found: dict[str, int | None] = {"format": FORMAT}
    fault: str | None = None
    fault_seq: int | None = None
    try:
        await _examine(link, shard, found)
    except JournalDamaged as damage:
        fault, fault_seq = str(damage), damage.seq
    except TablesTooNew as later:
        fault = str(later)
    return VerifyReport(
        path=f"{link.address.shown} shard {shard}",
        fault=fault,
        fault_seq=fault_seq,
        **found,  # type: ignore[arg-type]
    )


async def first_read(link: Link, shard: int) -> int:
    """After which record a shard can be read: 0, or the first kept record of one that was trimmed. Raises Unknown."""
    first_seq, _ = await ShardReader(link, shard).bounds()
    return first_seq if first_seq > 1 else 0


async def _examine(link: Link, shard: int, found: dict[str, int | None]) -> None:
    """Fill in what is found, part after part, and raise at the first fault."""
    query = "SELECT epoch FROM bracketd.shard WHERE id = $1"
    lease_epoch = await ask(link, lambda connection: connection.fetchval(query, shard))
    if lease_epoch is None:
        return
    reader = ShardReader(link, shard)
    counted_seq, _ = await ask(link, lambda connection: tail(connection, shard))
    after_seq = await first_read(link, shard)
    last_seq = after_seq
    async for page in reader.pages(after_seq):
        last_seq = page[-1].seq
        found["last_seq"], found["last_epoch"] = last_seq, page[-1].epoch
        found["records"] = last_seq - after_seq
    if last_seq < counted_seq:
        raise JournalDamaged("missing at the end", last_seq + 1)
    _, still_counted_seq = await reader.bounds()
    if last_seq > still_counted_seq:
        raise JournalDamaged(f"not counted, the lease counts {still_counted_seq} records", still_counted_seq + 1)
    last_epoch = found.get("last_epoch") or 0
    now_epoch = await ask(link, lambda connection: connection.fetchval(query, shard))
    if now_epoch is None:
        raise Unknown(f"shard {shard} went while it was read")
    if now_epoch < last_epoch:
        raise JournalDamaged(f"written under epoch {last_epoch}, the lease knows only {now_epoch}", last_seq)
    snapshot = await reader.snapshot()
    found["snapshot_seq"] = snapshot.seq if snapshot else None
