"""`bracketd verify`: the journal is checked, replayed from its first record, and the state it leads to is checked."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import click
import msgspec

from bracketd.domain.events import decode_step
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State
from bracketd.journal.protocol import JournalDamaged, Record
from bracketd.journal.verify import check
from bracketd.runtime.data_folder import journal_path, stored_records
from bracketd.runtime.recovery import RecoveryFailed, replay


class Tally:
    """Counts what passes through a replay: records, events and the sequence of the record in hand."""

    def __init__(self) -> None:
        self.records = 0
        self.events = 0
        self.seq = 0

    def count(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records themselves, counted; each is in hand until the next is asked for."""
        for record in records:
            self.seq = record.seq
            self.events += len(decode_step(record.body))
            self.records += 1
            yield record


def verify_folder(data: Path) -> None:
    """Print a summary of a sound folder; raises click.ClickException (exit code 1) with the first fault.

    Nothing is written and no lock is taken, so a server may run on the folder; what it appends meanwhile may or may
    not be counted.
    """
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
    state = _replayed(data, tally)
    click.echo(_summary(state, tally))


def _replayed(data: Path, tally: Tally) -> State:
    """The state after the whole journal, snapshots left aside; raises click.ClickException naming the record."""
    try:
        # A replay ends with a check of every invariant that one state can show.
        return replay(tally.count(stored_records(data, 0)))
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
        "sound",
    ]
    return "\n".join(lines)
