"""What is due of a bracket: the rules that follow from its state, whoever or whatever changed it.

`due` names the next event that the rules of bracket.md section 2 demand, or None when the bracket is at rest. It is
asked again after every event, so the rules need not know what happened, only how things stand:

1. legs are made at the first entry fill and grow with every later one (2.1);
2. at the trigger of the stop the target is CANCELLED "OCO" (2.4);
3. the first exit fill, the trigger, an exit asked for, a refused leg or square-off takes the entry's remainder out;
4. with the entry terminal and nothing open, the leg that closed is COMPLETE, its sibling CANCELLED "OCO" (2.3, 2.5);
5. an exit asked for waits for the entry's and the target's outcome, then the stop becomes the closing order (rule X);
6. a refused stop, and one whose exit was overtaken, is sent as the closing order, twice at once and then as
   engine/retrying.py says (2.8, 2.5);
7. at square-off everything open is exited (2.9);
8. shares that no row is there to close get a rescue order (2.5); what nothing covers makes the bracket UNPROTECTED;
9. an order that was held for the session goes to the venue when it trades;
10. an intraday position of orders by themselves is closed at square-off (engine/squaring.py).

A cover order has no target: what is said of one is then nobody's. An order by itself knows rules 3 (at square-off,
where it is MIS), 9 and 10 only.

While the session does not trade, engine/ending.py says what is due instead.
"""

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.events import (
    AnyEvent,
    CancelRequested,
    ClosingRefused,
    ClosingRequested,
    ExitAccepted,
    ExitRequested,
    LegCompleted,
    LegsGrown,
    LegsOpened,
    OrderCancelled,
    OrderReleased,
    OrderResent,
    ProtectionLost,
    ProtectionRegained,
    RescuePlaced,
)
from bracketd.domain.order import Execution, Order, OrderType, Status
from bracketd.domain.session import Stage
from bracketd.engine.exposure import (
    closes_unasked,
    entry_must_go,
    exit_decided,
    legs_of,
    makes_way,
    may_be_cancelled,
    release_due,
    unclaimed,
    uncovered,
    untouched,
)
from bracketd.engine.numbering import next_numbers
from bracketd.engine.pricing import protection_limit, rebased_prices
from bracketd.engine.squaring import square_off_due
from bracketd.engine.state import State
from bracketd.engine.trailing import better

_SQUARE_OFF = Stage.SQUARE_OFF

Legs = tuple[Order, Order | None]
"""Stop and target; a cover order's target is None."""

TRIES_AT_ONCE = 2
"""A refused stop is sent as a limit at the protection price, then MARKET, in the same step (bracket.md 2.8)."""


def due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """The next event that the bracket's rules demand while the session trades, None when it is at rest."""
    entry = state.orders[bracket.entry_id]
    if untouched(bracket, entry) and state.stage is not _SQUARE_OFF:
        return None
    legs = legs_of(state, bracket)
    if release_due(state, entry):
        return OrderReleased(now_ns, entry.order_id)
    if bracket.execution.single and entry.terminal:
        return square_off_due(state, bracket.client_id, bracket.instrument, now_ns)
    if legs is None:
        if state.legged_quantity(bracket):
            return _open_legs(state, bracket, entry, now_ns)
        if entry_must_go(state, bracket) and may_be_cancelled(entry):
            return CancelRequested(now_ns, entry.order_id)
    else:
        event = _legs_due(state, bracket, entry, legs, now_ns)
        if event is not None:
            return event
    if bracket.exit is not Exit.ACCEPTED:
        event = _exit_due(state, bracket, entry, legs, now_ns)
        if event is not None:
            return event
    if legs is not None and closes_unasked(bracket, legs[0]):
        event = _unasked_closing_due(state, bracket, legs, now_ns)
        if event is not None:
            return event
    if bracket.rescue_ids or bracket.late:
        event = _rescue_due(state, bracket, now_ns)
        if event is not None:
            return event
    return flag_due(state, bracket, now_ns)


def flag_due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """The flag UNPROTECTED, where it is not as things stand."""
    if (uncovered(state, bracket) > 0) is bracket.unprotected:
        return None
    flagged = ProtectionRegained if bracket.unprotected else ProtectionLost
    return flagged(now_ns, bracket.basket_id)


def closing_requested(state: State, bracket: Bracket, now_ns: int) -> ClosingRequested:
    """The stop-loss is to become the closing order; the first try of a refused one carries a limit (2.8)."""
    limit = 0
    if state.orders[bracket.stop_id].refused and not bracket.denials:
        market = state.markets.get(bracket.instrument)
        limit = protection_limit(bracket, market.print_paise) if market is not None else 0
    return ClosingRequested(now_ns, bracket.basket_id, state.legs_open(bracket), bracket.ungrown, limit)


def rescue_placed(state: State, bracket: Bracket, now_ns: int) -> RescuePlaced:
    """A rescue order for what no row is there to close."""
    return RescuePlaced(now_ns, bracket.basket_id, next_numbers(state, now_ns, 1)[0], unclaimed(state, bracket))


def _legs_due(state: State, bracket: Bracket, entry: Order, legs: Legs, now_ns: int) -> AnyEvent | None:
    stop, target = legs
    # A refused stop's growth waits for the answer to a closing order in flight: it is said with the next.
    waits = bracket.closing and stop.refused
    if state.legged_quantity(bracket) > stop.quantity and not stop.terminal and not waits:
        return _grow_legs(state, bracket, entry, legs, now_ns)
    in_force = stop.triggered or stop.order_type is OrderType.MARKET
    if in_force and target is not None and not target.terminal:
        return OrderCancelled(now_ns, target.order_id, "OCO")
    if may_be_cancelled(entry) and entry_must_go(state, bracket):
        return CancelRequested(now_ns, entry.order_id)
    if entry.terminal and state.legs_open(bracket) == 0:
        return _settle_legs(bracket, stop, target, now_ns)
    return None


def _open_legs(state: State, bracket: Bracket, entry: Order, now_ns: int) -> LegsOpened:
    target, trigger = rebased_prices(bracket, entry.traded_value_paise, entry.filled)
    if bracket.execution is Execution.CO:
        (stop_id,) = next_numbers(state, now_ns, 1)
        return LegsOpened(now_ns, bracket.basket_id, stop_id, "", entry.filled, 0, trigger)
    stop_id, target_id = next_numbers(state, now_ns, 2)
    return LegsOpened(now_ns, bracket.basket_id, stop_id, target_id, entry.filled, target, trigger)


def _grow_legs(state: State, bracket: Bracket, entry: Order, legs: Legs, now_ns: int) -> LegsGrown:
    stop, target = legs
    target_paise = 0 if target is None else target.price_paise
    # A fill that arrives after the exit was decided is added to the exit in force and re-bases nothing (2.5).
    if exit_decided(state, bracket) or stop.refused:
        prices = target_paise, stop.trigger_paise
    else:
        rebased, trigger = rebased_prices(bracket, entry.traded_value_paise, entry.filled)
        # A stop that has trailed keeps the better of its own trigger and the re-based one (2.6).
        if bracket.trailed:
            trigger = better(bracket, trigger, stop.trigger_paise)
        # A leg priced by hand only grows (2.2).
        prices = (
            target_paise if target is None or bracket.target_by_hand else rebased,
            stop.trigger_paise if bracket.stop_by_hand else trigger,
        )
    return LegsGrown(now_ns, bracket.basket_id, state.legged_quantity(bracket), *prices)


def _settle_legs(bracket: Bracket, stop: Order, target: Order | None, now_ns: int) -> AnyEvent | None:
    closer, sibling = stop, target
    if target is not None and bracket.last_exit_id == target.order_id:
        closer, sibling = target, stop
    if not closer.terminal:
        return LegCompleted(now_ns, closer.order_id)
    if sibling is not None and not sibling.terminal:
        # A leg that was cancelled before its last fill was heard of is done; the other may have closed the rest.
        if closer.status is Status.CANCELLED and sibling.filled:
            return LegCompleted(now_ns, sibling.order_id)
        return OrderCancelled(now_ns, sibling.order_id, "OCO")
    return None


def _exit_due(state: State, bracket: Bracket, entry: Order, legs: Legs | None, now_ns: int) -> AnyEvent | None:
    if bracket.exit is Exit.REQUESTED:
        return _advance_exit(state, bracket, entry, legs, now_ns)
    if bracket.exit is Exit.CLOSING and entry.terminal and state.open_quantity(bracket) == 0:
        return ExitAccepted(now_ns, bracket.basket_id)
    if bracket.exit is Exit.NONE and state.stage is Stage.SQUARE_OFF and state.open_quantity(bracket) > 0:
        return ExitRequested(now_ns, bracket.basket_id)
    return None


def _advance_exit(state: State, bracket: Bracket, entry: Order, legs: Legs | None, now_ns: int) -> AnyEvent | None:
    for order in (entry, state.target_of(bracket)):
        if order is None or order.terminal:
            continue
        if order.cancel_refused:
            return ClosingRefused(now_ns, bracket.basket_id, order.rejection)
        return CancelRequested(now_ns, order.order_id) if may_be_cancelled(order) else None
    if legs is not None and not legs[0].terminal and state.legs_open(bracket):
        stop = legs[0]
        if bracket.closing:
            return None
        if stop.refused or not stop.at_market:
            return closing_requested(state, bracket, now_ns)
    for rescue in state.rescues_of(bracket):
        if rescue.resend:
            return OrderResent(now_ns, rescue.order_id)
        if rescue.refused:
            return ClosingRefused(now_ns, bracket.basket_id, rescue.rejection)
        if not rescue.terminal and not rescue.exchange_order_id:
            return None
    if unclaimed(state, bracket):
        return rescue_placed(state, bracket, now_ns)
    return ExitAccepted(now_ns, bracket.basket_id)


def _unasked_closing_due(state: State, bracket: Bracket, legs: Legs, now_ns: int) -> AnyEvent | None:
    """The target goes, then the row is sent as the closing order.

    A target that cannot be cancelled is no reason to wait: the venue keeps both under one quantity.
    """
    target = legs[1]
    if not state.legs_open(bracket) or bracket.closing:
        return None
    if target is not None and may_be_cancelled(target):
        return CancelRequested(now_ns, target.order_id)
    if makes_way(target) and bracket.denials < TRIES_AT_ONCE:
        return closing_requested(state, bracket, now_ns)
    return None


def _rescue_due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """What came after the entry's end is closed at once; what was left open at a session's end waits for a print."""
    for rescue in state.rescues_of(bracket):
        if rescue.resend:
            return OrderResent(now_ns, rescue.order_id)
    if bracket.unprotected or not unclaimed(state, bracket):
        return None
    return rescue_placed(state, bracket, now_ns)
