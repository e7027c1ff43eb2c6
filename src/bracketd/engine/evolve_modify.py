"""evolve, the part about modifying: what an order is asked to be waits in the state until the venue has answered."""

import msgspec

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import ModifyRefused, ModifyRequested, OrderModified
from bracketd.domain.order import Leg, Order, OrderType, Status, Terms, kept_particulars
from bracketd.engine.changing import happen, settle, supersede, touch
from bracketd.engine.state import State
from bracketd.engine.transitions import Happening, next_status

# A module's own names are found faster than an enumeration's members; these are asked for at every modification.
_ENTRY, _MARKET, _SLM, _CANCEL_PENDING = Leg.ENTRY, OrderType.MARKET, OrderType.SLM, Status.CANCEL_PENDING
_MODIFY_REQUESTED, _MODIFIED = Happening.MODIFY_REQUESTED, Happening.MODIFIED
_MODIFIED_STOP = Happening.MODIFIED_STOP


def modify_requested(state: State, event: ModifyRequested) -> None:
    """The order is MODIFY_PENDING; nothing else of it has changed yet."""
    order = state.orders[event.order_id]
    state.terms[event.order_id] = event.terms
    order.status_before = order.status
    order.requests += 1
    order.mark(modify_refusal="", modify_request=order.requests, modify_asked_ns=event.at_ns)
    happen(order, _MODIFY_REQUESTED, event.at_ns)


def order_modified(state: State, event: OrderModified) -> None:
    """The order and its bracket take the terms; legs are priced as the event says."""
    terms = state.terms.pop(event.order_id)
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    _answered(order, _MODIFIED_STOP if order.waits else _MODIFIED, event.at_ns)
    order.mark(modified=True, modify_asked_ns=0)
    if event.priority:
        # A place in the queue that was lost meanwhile stays lost.
        order.priority = max(order.priority, event.priority)
        state.last_priority = max(state.last_priority, event.priority)
    if order.leg is _ENTRY:
        take_entry_terms(order, bracket, terms, event.quantity)
        if not order.remaining:
            happen(order, Happening.COMPLETED, event.at_ns)
    elif order.leg is Leg.TARGET and terms.price_paise != order.price_paise:
        order.price_paise = terms.price_paise
        bracket.turn(target_by_hand=True)
    elif order.leg is Leg.STOPLOSS and not order.triggered and terms.trigger_paise not in (0, order.trigger_paise):
        # A trigger set by hand begins anew: it has not trailed from there.
        order.trigger_paise = terms.trigger_paise
        bracket.turn(stop_by_hand=True, trailed=False)
    bracket.trailing_step_paise = terms.trailing_step_paise
    _price_legs(state, bracket, event)
    settle(state, bracket)


def modify_refused(state: State, event: ModifyRefused) -> None:
    """The order is what it was before it was asked for."""
    order = state.orders[event.order_id]
    state.terms.pop(event.order_id)
    _answered(order, Happening.MODIFY_REFUSED, event.at_ns)
    order.mark(modify_refusal=event.text, modify_asked_ns=0)
    if not order.remaining and order.leg is Leg.ENTRY:
        happen(order, Happening.COMPLETED, event.at_ns)
        settle(state, state.brackets[order.basket_id])


def _answered(order: Order, happening: Happening, at_ns: int) -> None:
    """The venue's answer; a cancel asked for meanwhile returns, if refused, to what the answer made of the order."""
    if order.status is _CANCEL_PENDING and order.status_before is Status.MODIFY_PENDING:
        working = Status.TRIGGER_PENDING if order.waits else Status.CONFIRMED
        if not order.waits and (order.modified or happening is Happening.MODIFIED):
            working = Status.MODIFY_CONFIRMED
        order.status_before = next_status(order.status_before, happening, working)
    happen(order, happening, at_ns)


def take_entry_terms(entry: Order, bracket: Bracket, terms: Terms, quantity: int = 0) -> None:
    """The entry and its bracket are as the terms say; `quantity` is the total that the venue told, 0 for none."""
    # More may have traded before the venue made it less, heard of or not.
    entry.quantity = max(quantity or terms.quantity, entry.filled)
    entry.remaining = entry.quantity - entry.filled
    entry.price_paise = terms.price_paise
    if terms.disclosed_quantity != entry.disclosed_quantity:
        entry.particulars = kept_particulars(
            msgspec.structs.replace(entry.particulars, disclosed_quantity=terms.disclosed_quantity)
        )
    if not entry.triggered:
        entry.trigger_paise = terms.trigger_paise
    if entry.order_type is not _MARKET:
        bracket.reference_paise = entry.trigger_paise if entry.order_type is _SLM else entry.price_paise
    # A changed offset takes a leg back that was priced by hand (2.2).
    if terms.target_offset_paise != bracket.target_offset_paise:
        bracket.target_offset_paise = terms.target_offset_paise
        bracket.turn(target_by_hand=False)
    if terms.stop_offset_paise != bracket.stop_offset_paise:
        bracket.stop_offset_paise = terms.stop_offset_paise
        bracket.turn(stop_by_hand=False)


def _price_legs(state: State, bracket: Bracket, event: OrderModified) -> None:
    if not bracket.stop_id:
        return
    stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
    if event.target_paise or event.trigger_paise or event.late:
        supersede(state, bracket.stop_id, bracket.target_id)
    if event.target_paise and target is not None:
        target.price_paise = event.target_paise
        touch(target, event.at_ns)
    if event.trigger_paise:
        stop.trigger_paise = event.trigger_paise
        touch(stop, event.at_ns)
    if event.anchor_paise:
        bracket.anchor_paise = event.anchor_paise
    if bracket.trailing_step_paise and not stop.terminal and not stop.triggered and stop.trigger_paise:
        state.trailing.setdefault(bracket.instrument, {})[bracket.basket_id] = True
