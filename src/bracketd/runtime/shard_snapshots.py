"""Snapshots of a shard while it is served: another process reads the journal and makes the state, the owner keeps it.

So the event loop, on which other shards are served and leases are renewed, is not held up by a large state. What is
kept is checked against the lease, as an append is: a snapshot of an owner of before is refused.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from bracketd.engine.state import encode_state
from bracketd.journal.protocol import Fenced, Journal, Snapshot, Unknown
from bracketd.journal.reader import Reader
from bracketd.runtime.cluster import folder_of, is_database
from bracketd.runtime.recovery import Replay
from bracketd.runtime.tenure import Tenure

_log = logging.getLogger(__name__)

EVERY_RECORDS: Final = 50_000
"""A snapshot is made when so many records have become durable since the last, unless said otherwise."""

LOOK_S: Final = 1.0
NICENESS: Final = 10
"""Whoever makes it takes what others leave."""

MODULE: Final = "bracketd.runtime.shard_snapshots"
SEQ_BYTES: Final = 8


async def keep_snapshots(
    tenure: Tenure,
    journal: str,
    every_records: int,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep one snapshot after another while the tenure lasts; one that fails is tried again after as many records."""
    tried_seq = tenure.snapshot_seq
    while every_records and not tenure.ended.is_set():
        await wait(LOOK_S)
        if tenure.commit.durable_seq - tried_seq < every_records:
            continue
        tried_seq = tenure.commit.durable_seq
        try:
            made = await made_beside(journal, tenure.shard)
            await tenure.keep(made)
            _log.info("shard %d has a snapshot after record %d: %d bytes", tenure.shard, made.seq, len(made.body))
        except (Fenced, Unknown, OSError, ValueError) as fault:
            _log.warning("no snapshot of shard %d was kept: %s", tenure.shard, fault)


async def made_beside(journal: str, shard: int) -> Snapshot:
    """The state after the shard's last record, made by another process. Raises OSError, ValueError where it failed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, str(shard)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        # By standard input, since everybody may read a process's arguments.
        told, said = await process.communicate(journal.encode())
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise ValueError(said.decode(errors="replace").strip().rpartition("\n")[2][-400:])
    return Snapshot(int.from_bytes(told[:SEQ_BYTES], "big"), told[SEQ_BYTES:])


async def make(journal: str, shard: int) -> Snapshot:
    """The state after the shard's last record, of its last snapshot and what came after it."""
    if is_database(journal):
        from bracketd.journal.postgres.journal import PostgresJournal

        return await _made(PostgresJournal(journal, shard))
    with contextlib.closing(Reader(folder_of(journal) / f"shard-{shard}" / "journal.db")) as reader:
        kept = reader.snapshot()
        replay, seq = Replay(kept), 0 if kept is None else kept.seq
        for page in reader.pages(seq):
            for record in page:
                replay.take(record)
                seq = record.seq
    return Snapshot(seq, encode_state(replay.finish()))


async def _made(journal: Journal) -> Snapshot:
    try:
        kept = await journal.get_snapshot()
        replay, seq = Replay(kept), 0 if kept is None else kept.seq
        async for record in journal.read(seq):
            replay.take(record)
            seq = record.seq
        return Snapshot(seq, encode_state(replay.finish()))
    finally:
        await journal.close()


def main() -> None:
    """What the other process does: the shard's number is its argument, the store's name its input."""
    os.nice(NICENESS)
    made = asyncio.run(make(sys.stdin.read(), int(sys.argv[1])))
    sys.stdout.buffer.write(made.seq.to_bytes(SEQ_BYTES, "big") + made.body)


if __name__ == "__main__":
    main()
