"""The journal's tables in PostgreSQL, and the statements that write them.

A shard is one journal: its lease, its records, its snapshot. Many shards share one database, and each has at most one
owner. The lease's end is told by the database's clock, so that owners need not agree on the time; safety is the epoch,
which every statement that writes compares.
"""

from typing import Final

from bracketd.database.link import Connection
from bracketd.database.tables import bring_up, require
from bracketd.journal.chain import DIGEST_BYTES
from bracketd.journal.protocol import JournalDamaged

PART: Final = "journal"
FORMAT: Final = 1
"""The format this program writes, and the latest it reads."""

# A shard's row is written with every append. Most of its page is left free, so that the new version of the row stays on
# the page and no index is touched (a HOT update); that works only while no reader holds an old transaction open.
# Bodies are small and dense: nothing is gained by compressing them. An event's shard is no foreign key: each row would
# look the shard up, and the statement that inserts it has just found it.
_FORMAT_1: Final = f"""
CREATE TABLE bracketd.shard (
    id integer PRIMARY KEY CHECK (id >= 0),
    owner text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    last_seq bigint NOT NULL DEFAULT 0,
    first_seq bigint NOT NULL DEFAULT 1,
    expires_ns bigint NOT NULL DEFAULT 0,
    created_ns bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE TABLE bracketd.event (
    shard integer NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    epoch bigint NOT NULL,
    body bytea NOT NULL,
    chain bytea NOT NULL CHECK (length(chain) = {DIGEST_BYTES}),
    PRIMARY KEY (shard, seq)
);
ALTER TABLE bracketd.event ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE bracketd.snapshot (
    shard integer NOT NULL REFERENCES bracketd.shard,
    seq bigint NOT NULL,
    body bytea NOT NULL,
    chain bytea NOT NULL,
    PRIMARY KEY (shard, seq)
);
ALTER TABLE bracketd.snapshot ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE bracketd.slot_map (
    version bigint PRIMARY KEY CHECK (version > 0),
    shards integer[] NOT NULL
);
CREATE FUNCTION bracketd.now_ns() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 $$;
"""

STEPS: Final = (_FORMAT_1,)

_NOW: Final = "coalesce($3::bigint, bracketd.now_ns())"

ACQUIRE: Final = f"""
UPDATE bracketd.shard SET epoch = epoch + 1, owner = $2, address = $5, expires_ns = {_NOW} + $4
WHERE id = $1 AND (owner IN ('', $2) OR expires_ns <= {_NOW}) RETURNING epoch, last_seq
"""
"""Take the lease; bind shard, owner, the time or NULL for the database's own, how long in nanoseconds, address."""

RENEW: Final = f"""
UPDATE bracketd.shard SET expires_ns = {_NOW} + $4
WHERE id = $1 AND owner = $2 AND epoch = $5 RETURNING last_seq
"""
"""Move the lease's end; bind shard, owner, the time or NULL, how long in nanoseconds, epoch."""

RELEASE: Final = """
UPDATE bracketd.shard SET owner = '', address = '', expires_ns = 0
WHERE id = $1 AND owner = $2 AND epoch = $3 RETURNING 1
"""
"""Leave the shard without an owner; the epoch stays, so that the next one is higher."""

APPEND: Final = """
WITH held AS (
    UPDATE bracketd.shard SET last_seq = $3 + cardinality($4::bytea[])
    WHERE id = $1 AND epoch = $2 AND last_seq = $3 AND owner <> '' RETURNING id
)
INSERT INTO bracketd.event (shard, seq, epoch, body, chain)
SELECT held.id, $3 + batch.place, $2, batch.body, batch.chain
FROM held, unnest($4::bytea[], $5::bytea[]) WITH ORDINALITY AS batch (body, chain, place)
"""
"""Append a batch; bind shard, epoch, expected sequence, bodies, digests. It writes all of them, or none.

One statement is one transaction and one round trip. Where a takeover is under way, its UPDATE is waited for, and the
conditions are looked at again on the row that it leaves.
"""

HELD: Final = """
SELECT last_seq, first_seq FROM bracketd.shard WHERE id = $1 AND epoch = $2 AND owner = $3 FOR NO KEY UPDATE
"""
"""Hold the shard's row until the transaction ends, if the lease is good."""

PUT_SNAPSHOT: Final = """
INSERT INTO bracketd.snapshot (shard, seq, body, chain)
SELECT id, $4, $5, $6 FROM bracketd.shard WHERE id = $1 AND epoch = $2 AND owner = $3
ON CONFLICT (shard, seq) DO UPDATE SET body = excluded.body, chain = excluded.chain
"""
"""Keep a snapshot if the lease is good; bind shard, epoch, owner, sequence, body, digest.

The shard's row is read and not held: appends go on. An owner that is replaced at this moment may still keep one, and
it is as good as any other, since it stands for durable records and hangs on the digest of the last of them.
"""

LAST_SEQ: Final = "SELECT last_seq FROM bracketd.shard WHERE id = $1 AND epoch = $2 AND owner = $3"

PAGE: Final = """
SELECT seq, epoch, body, chain FROM bracketd.event WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""

TAIL: Final = """
SELECT last_seq, coalesce((SELECT max(seq) FROM bracketd.event WHERE shard = $1), first_seq - 1)
FROM bracketd.shard WHERE id = $1
"""
"""The last sequence as the lease counts it, and as the records do."""

ADD_SHARD: Final = """
INSERT INTO bracketd.shard (id, created_ns) VALUES ($1, bracketd.now_ns()) ON CONFLICT (id) DO NOTHING
"""


async def prepare(connection: Connection) -> None:
    """Make the tables or bring them up to date. Raises TablesTooNew, JournalDamaged where nothing would be durable."""
    await _check_durable(connection)
    await bring_up(connection, PART, STEPS)


async def prepare_reading(connection: Connection) -> None:
    """Raise NoTables or TablesTooNew unless there is a journal to read; changes nothing."""
    await require(connection, PART, FORMAT)


async def check_tail(connection: Connection, shard: int) -> int:
    """The last sequence, agreed upon by the lease and the records; raises JournalDamaged where they differ."""
    lease_seq, event_seq = await tail(connection, shard)
    if lease_seq > event_seq:
        raise JournalDamaged(f"missing, the lease counts {lease_seq} records", event_seq + 1)
    if lease_seq < event_seq:
        raise JournalDamaged(f"not counted, the lease counts {lease_seq} records", lease_seq + 1)
    return lease_seq


async def _check_durable(connection: Connection) -> None:
    """Raise JournalDamaged where a server was told not to sync: nothing that it says can be believed."""
    for setting in ("fsync", "full_page_writes"):
        found = await connection.fetchval("SELECT current_setting($1)", setting)
        if found != "on":
            raise JournalDamaged(f"the journal cannot be written durably here: {setting} is {found}, not on")


async def tail(connection: Connection, shard: int) -> tuple[int, int]:
    """The last sequence as the lease counts it, and as the records do. Raises JournalDamaged for a lost lease row."""
    row = await connection.fetchrow(TAIL, shard)
    if row is None:
        raise JournalDamaged(f"the journal has lost the row of shard {shard}")
    return int(row[0]), int(row[1])
