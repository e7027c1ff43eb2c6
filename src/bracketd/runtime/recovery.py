"""Recovery: the state from snapshot and journal, and the paper exchange as it was."""

from collections.abc import Iterable, Mapping

import msgspec

from bracketd.domain.events import decode_step
from bracketd.domain.instrument import Instrument
from bracketd.engine.evolve import evolve
from bracketd.engine.invariants import check_state
from bracketd.engine.state import State, decode_state
from bracketd.journal.protocol import Record, Snapshot
from bracketd.venue.paper.exchange import PaperExchange


class RecoveryFailed(Exception):
    """The journal cannot be turned into a state; the text names the record at fault."""


def replay(records: Iterable[Record], snapshot: Snapshot | None = None) -> State:
    """The state that the snapshot and the records after it give. Raises RecoveryFailed."""
    state = State()
    if snapshot is not None:
        state = decode_state(snapshot.body)
    for record in records:
        try:
            for event in decode_step(record.body):
                evolve(state, event)
        except (msgspec.DecodeError, KeyError) as fault:
            raise RecoveryFailed(f"record {record.seq}: {fault}") from fault
    check_state(state)
    return state


def resume_paper(state: State, instruments: Mapping[str, Instrument]) -> PaperExchange:
    """A paper exchange with every working order in its old place. Raises RecoveryFailed for a lost instrument."""
    venue = PaperExchange(
        instruments,
        acknowledged=state.acknowledged,
        traded=len(state.trades),
        priority=state.last_priority,
    )
    working = [order for order in state.orders.values() if order.exchange_order_id and not order.terminal]
    for order in working:
        if order.instrument not in instruments:
            raise RecoveryFailed(f"order {order.order_id} works in {order.instrument}, which no instrument file names")
    for instrument, market in state.markets.items():
        if instrument in instruments:
            venue.restore_market(instrument, market.print_paise, market.bids, market.asks, market.taken)
    venue.resume(working)
    return venue
