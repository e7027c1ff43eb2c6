"""Recovery: the state from snapshot and journal, and the paper exchange as it was."""

import logging
from collections.abc import Iterable, Mapping

import msgspec

from bracketd.domain.events import decode_step
from bracketd.domain.instrument import Instrument
from bracketd.engine.evolve import evolve
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.invariants import check_state
from bracketd.engine.numbering import venue_block
from bracketd.engine.state import State, decode_state, encode_state
from bracketd.journal.protocol import Journal, Lease, Record, Snapshot
from bracketd.runtime.venue_view import view_of
from bracketd.venue.paper.exchange import PaperExchange

_log = logging.getLogger(__name__)


class RecoveryFailed(Exception):
    """The journal cannot be turned into a state; the text names the record at fault."""


SNAPSHOT_TAIL_RECORDS = 20_000
"""A recovery that had to read more records than this after the last snapshot leaves a new one behind."""


class Replay:
    """A replay record by record, for whoever reads them with or without an event loop."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        """Start from nothing, or from a snapshot. Raises RecoveryFailed."""
        self._state = _start(snapshot)

    def take(self, record: Record) -> None:
        """Apply the next record. Raises RecoveryFailed."""
        _apply(self._state, record)

    def finish(self) -> State:
        """The state, its invariants checked. Raises InvariantBroken."""
        check_state(self._state)
        return self._state


def replay(records: Iterable[Record], snapshot: Snapshot | None = None) -> State:
    """The state that the snapshot and the records after it give. Raises RecoveryFailed, InvariantBroken."""
    state = _start(snapshot)
    for record in records:
        _apply(state, record)
    check_state(state)
    return state


async def recover(
    journal: Journal, lease: Lease, snapshot_tail_records: int | None = None, beside: Snapshot | None = None
) -> State:
    """The state that the journal gives: its snapshot and the records after it. Raises RecoveryFailed, InvariantBroken.

    Called after the lease was acquired, so that nothing can be appended behind its back. A long tail is shortened
    for the next start by a new snapshot; `snapshot_tail_records` says how long is long. `beside` is a snapshot that is
    kept elsewhere (runtime/snapshots.py) and stands for the same records; the later one that is a state is taken.
    """
    first, state = _latest(await journal.get_snapshot(), beside)
    last = first
    async for record in journal.read(last):
        _apply(state, record)
        last = record.seq
    if last != lease.last_seq:
        raise RecoveryFailed(f"the journal ends at record {last}, its lease says {lease.last_seq}")
    check_state(state)
    if last - first > (SNAPSHOT_TAIL_RECORDS if snapshot_tail_records is None else snapshot_tail_records):
        await journal.put_snapshot(lease, last, encode_state(state))
    return state


def _latest(*snapshots: Snapshot | None) -> tuple[int, State]:
    """The latest snapshot that is a state, and its record: (0, nothing) where none is."""
    for snapshot in sorted(filter(None, snapshots), key=lambda each: each.seq, reverse=True):
        try:
            return snapshot.seq, _start(snapshot)
        except RecoveryFailed as fault:
            # Another version's, perhaps. The records say the same.
            _log.warning("not started from %s", fault)
    return 0, State()


def _start(snapshot: Snapshot | None) -> State:
    if snapshot is None:
        return State()
    try:
        return decode_state(snapshot.body)
    except (msgspec.DecodeError, KeyError) as fault:
        raise RecoveryFailed(f"the snapshot after record {snapshot.seq}: {fault!r}") from fault


def _apply(state: State, record: Record) -> None:
    try:
        for event in decode_step(record.body):
            evolve(state, event)
    except msgspec.DecodeError as fault:
        raise RecoveryFailed(f"record {record.seq} holds no events that this version knows: {fault}") from fault
    except KeyError as fault:
        raise RecoveryFailed(f"record {record.seq} speaks of {fault}, which nothing before it made") from fault
    except InvariantBroken as fault:
        raise RecoveryFailed(f"record {record.seq}: {fault}") from fault


def resume_paper(state: State, instruments: Mapping[str, Instrument], shard: int = 0) -> PaperExchange:
    """A paper exchange with every working order in its old place. Raises RecoveryFailed for a lost instrument.

    What it numbers is in the block of that shard. The state has how many orders were, and the last number of a trade.
    """
    view, block = view_of(state), venue_block(shard)
    venue = PaperExchange(
        instruments,
        acknowledged=block + view.acknowledged,
        traded=max(block, state.traded),
        priority=state.last_priority,
    )
    for order in view.orders:
        if order.instrument not in instruments:
            raise RecoveryFailed(f"order {order.order_id} works in {order.instrument}, which no instrument file names")
    for instrument, market in state.markets.items():
        if instrument in instruments:
            venue.restore_market(instrument, market.print_paise, market.bids, market.asks, market.taken, market.name)
    venue.resume(view.orders, view.pairs)
    return venue
