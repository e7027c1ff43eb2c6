"""What is due of a bracket: the rules that follow from its state, whoever or whatever changed it.

`due` names the next event that the rules of bracket.md section 2 demand, or None when the bracket is at rest. It is
asked again after every event, so the rules need not know what happened, only how things stand:

1. legs are made at the first entry fill and grow with every later one (2.1);
2. at the trigger of the stop the target is CANCELLED "OCO" (2.4);
3. the first exit fill, the trigger or an exit asked for takes the entry's remainder out (2.4);
4. with the entry terminal and nothing open, the leg that closed is COMPLETE, its sibling CANCELLED "OCO" (2.3, 2.5);
5. an exit asked for waits for the entry's and the target's outcome, then the stop becomes the closing order (rule X).
"""

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.events import (
    AnyEvent,
    CancelRequested,
    ClosingRefused,
    ClosingRequested,
    ExitAccepted,
    LegCompleted,
    LegsGrown,
    LegsOpened,
    OrderCancelled,
)
from bracketd.domain.order import Order, OrderType, Status
from bracketd.engine.numbering import next_numbers
from bracketd.engine.pricing import rebased_prices
from bracketd.engine.state import State
from bracketd.engine.trailing import better

EXIT_IN_FLIGHT = frozenset({Exit.REQUESTED, Exit.CLOSING})


def due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """The next event that the bracket's rules demand, None when it is at rest."""
    entry = state.orders[bracket.entry_id]
    if not bracket.stop_id:
        if entry.filled:
            return _open_legs(state, bracket, entry, now_ns)
        return _exit_without_legs(bracket, entry, now_ns)
    stop, target = state.orders[bracket.stop_id], state.orders[bracket.target_id]
    if entry.filled > stop.quantity:
        return _grow_legs(bracket, entry, stop, target, now_ns)
    if stop.triggered and not target.terminal:
        return OrderCancelled(now_ns, target.order_id, "OCO")
    if exit_decided(bracket, stop, target) and _may_be_cancelled(entry):
        return CancelRequested(now_ns, entry.order_id)
    if entry.terminal and state.open_quantity(bracket) == 0:
        settled = _settle_legs(bracket, stop, target, now_ns)
        if settled is not None:
            return settled
    if bracket.exit is Exit.REQUESTED:
        return _advance_exit(state, bracket, (entry, stop, target), now_ns)
    return None


def exit_decided(bracket: Bracket, stop: Order, target: Order) -> bool:
    """Whether the bracket's exit is decided, so that its entry must not fill any more (bracket.md 2.4)."""
    return stop.triggered or stop.filled > 0 or target.filled > 0 or bracket.exit is not Exit.NONE


def _may_be_cancelled(order: Order) -> bool:
    return not order.terminal and order.status is not Status.CANCEL_PENDING and not order.cancel_refused


def _open_legs(state: State, bracket: Bracket, entry: Order, now_ns: int) -> LegsOpened:
    stop_id, target_id = next_numbers(state, now_ns, 2)
    target, trigger = rebased_prices(bracket, entry.traded_value_paise, entry.filled)
    return LegsOpened(now_ns, bracket.basket_id, stop_id, target_id, entry.filled, target, trigger)


def _grow_legs(bracket: Bracket, entry: Order, stop: Order, target: Order, now_ns: int) -> LegsGrown:
    # A fill that arrives after the exit was decided is added to the exit in force and re-bases nothing (2.5).
    if exit_decided(bracket, stop, target):
        prices = target.price_paise, stop.trigger_paise
    else:
        rebased, trigger = rebased_prices(bracket, entry.traded_value_paise, entry.filled)
        # A stop that has trailed keeps the better of its own trigger and the re-based one (2.6).
        if bracket.trailed:
            trigger = better(bracket, trigger, stop.trigger_paise)
        # A leg priced by hand only grows (2.2).
        prices = (
            target.price_paise if bracket.target_by_hand else rebased,
            stop.trigger_paise if bracket.stop_by_hand else trigger,
        )
    return LegsGrown(now_ns, bracket.basket_id, entry.filled, *prices)


def _settle_legs(bracket: Bracket, stop: Order, target: Order, now_ns: int) -> AnyEvent | None:
    closer, sibling = (target, stop) if bracket.last_exit_id == target.order_id else (stop, target)
    if not closer.terminal:
        return LegCompleted(now_ns, closer.order_id)
    if not sibling.terminal:
        return OrderCancelled(now_ns, sibling.order_id, "OCO")
    return None


def _exit_without_legs(bracket: Bracket, entry: Order, now_ns: int) -> AnyEvent | None:
    if bracket.exit is Exit.REQUESTED and entry.terminal:
        return ExitAccepted(now_ns, bracket.basket_id)
    return None


def _advance_exit(state: State, bracket: Bracket, rows: tuple[Order, Order, Order], now_ns: int) -> AnyEvent | None:
    entry, stop, target = rows
    for order in (entry, target):
        if order.terminal:
            continue
        if order.cancel_refused:
            return ClosingRefused(now_ns, bracket.basket_id, order.rejection)
        return CancelRequested(now_ns, order.order_id) if _may_be_cancelled(order) else None
    open_quantity = state.open_quantity(bracket)
    if open_quantity == 0 or stop.triggered or stop.order_type is OrderType.MARKET:
        return ExitAccepted(now_ns, bracket.basket_id)
    return ClosingRequested(now_ns, bracket.basket_id, open_quantity)
