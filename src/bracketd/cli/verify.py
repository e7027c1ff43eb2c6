"""`bracketd verify`: the journal is checked, replayed from its first record, and the state it leads to is checked."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import apsw
import click
import msgspec

from bracketd.cli.place import Place, require_driver
from bracketd.database.address import Address
from bracketd.domain.events import decode_step
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State, encode_state
from bracketd.journal.protocol import JournalDamaged, Record, Snapshot, Unknown
from bracketd.journal.snapshot_file import SnapshotUnusable
from bracketd.journal.verify import check
from bracketd.runtime.data_folder import journal_path, stored_records
from bracketd.runtime.recovery import RecoveryFailed, replay
from bracketd.runtime.snapshots import kept_snapshot


class Tally:
    """Counts what passes through a replay: records, events and the sequence of the record in hand."""

    def __init__(self) -> None:
        self.records = 0
        self.events = 0
        self.seq = 0
        self.snapshot_seq = 0

    def count(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records themselves, counted; each is in hand until the next is asked for."""
        for record in records:
            self.seq = record.seq
            self.events += len(decode_step(record.body))
            self.records += 1
            yield record


def verify_place(data: Place) -> None:
    """Print a summary of a sound folder or cluster; raises click.ClickException (exit code 1) with the first fault.

    Nothing is written and no lock is taken, so servers may run; what they append meanwhile may or may not be counted.
    """
    if isinstance(data, Path):
        _verify_folder(data)
    else:
        require_driver()
        _verify_shards(data)


def _verify_folder(data: Path) -> None:
    path = journal_path(data)
    if not path.is_file():
        raise click.ClickException(f"{data} holds no journal.")
    try:
        report = check(path)
    except (OSError, apsw.Error) as error:
        raise click.ClickException(f"Cannot read the journal: {error}.") from error
    if not report.sound:
        raise click.ClickException(f"The journal is faulty: {report.fault}.")
    tally = Tally()
    state = _replayed(stored_records(data, 0), tally, kept=_kept(data))
    click.echo(_summary(state, tally))


def _kept(data: Path) -> Snapshot | None:
    """The snapshot beside the journal; raises click.ClickException for one that no start would take."""
    try:
        return kept_snapshot(data)
    except SnapshotUnusable as fault:
        raise click.ClickException(f"The snapshot is faulty, and a start does without it: {fault}.") from fault
    except JournalDamaged as fault:
        raise click.ClickException(f"The journal is faulty: {fault}.") from fault


def _verify_shards(address: Address) -> None:
    """Every shard of a cluster, one after the other; a shard that was trimmed is replayed from its snapshot."""
    from bracketd.runtime.shard_records import StoredShards

    try:
        with StoredShards(address) as shards:
            for shard in shards.numbers():
                report = shards.check(shard)
                if not report.sound:
                    raise click.ClickException(f"The journal of shard {shard} is faulty: {report.fault}.")
                snapshot = shards.snapshot(shard) if shards.first_read(shard) else None
                tally = Tally()
                after_seq = snapshot.seq if snapshot is not None else 0
                state = _replayed(shards.records(shard, after_seq), tally, snapshot)
                click.echo(f"shard     {shard}")
                click.echo(_summary(state, tally))
    except Unknown as fault:
        raise click.ClickException(f"Cannot read the journal: {fault}.") from fault


def _replayed(
    records: Iterator[Record], tally: Tally, snapshot: Snapshot | None = None, kept: Snapshot | None = None
) -> State:
    """The state after the whole journal; raises click.ClickException naming the record.

    A snapshot is where it starts only where the records before it have been removed. One that is `kept`
    beside them must be, to the byte, the state that the records before it lead to.
    """
    try:
        # A replay ends with a check of every invariant that one state can show.
        counted = tally.count(records)
        if kept is None:
            return replay(counted, snapshot)
        tally.snapshot_seq = kept.seq
        if encode_state(replay(islice(counted, kept.seq))) != kept.body:
            raise click.ClickException(f"The snapshot after record {kept.seq} is not what the records lead to.")
        return replay(counted, kept)
    except InvariantBroken as broken:
        raise click.ClickException(f"An invariant is broken at record {tally.seq}: {broken}.") from broken
    except (RecoveryFailed, JournalDamaged) as fault:
        raise click.ClickException(f"The journal cannot be replayed: {fault}.") from fault
    except (msgspec.DecodeError, KeyError, ValueError) as fault:
        raise click.ClickException(f"Record {tally.seq} cannot be replayed: {fault!r}.") from fault
    except (OSError, apsw.Error) as error:
        raise click.ClickException(f"Cannot read the journal: {error}.") from error


def _summary(state: State, tally: Tally) -> str:
    """What was found, one count a line."""
    by_status = Counter(str(order.status) for order in state.orders.values())
    lines = [
        f"records   {tally.records}",
        f"events    {tally.events}",
        f"orders    {len(state.orders)}",
        *(f"  {status:<16}{by_status[status]}" for status in sorted(by_status)),
        f"brackets  {len(state.brackets)}",
        f"trades    {len(state.trades)}",
        *([f"snapshot  {tally.snapshot_seq}"] if tally.snapshot_seq else []),
        "sound",
    ]
    return "\n".join(lines)
