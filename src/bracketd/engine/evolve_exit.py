"""evolve, the part about exits: asked for, closing, refused, rescued; and whether a bracket is protected."""

from bracketd.domain.bracket import STRAIGHT, Exit
from bracketd.domain.events import (
    ClosingAccepted,
    ClosingRefused,
    ClosingRequested,
    ExitAccepted,
    ExitRequested,
    IntentKept,
    OrderResent,
    ProtectionLost,
    ProtectionRegained,
    RescuePlaced,
    StopRefused,
)
from bracketd.domain.order import (
    PLAIN,
    Leg,
    Marks,
    Order,
    OrderType,
    Particulars,
    Product,
    Validity,
    kept_marks,
    kept_particulars,
)
from bracketd.engine.changing import born, end_trailing, happen, touch
from bracketd.engine.exposure import EXIT_IN_FLIGHT
from bracketd.engine.invariant import invariant
from bracketd.engine.numbering import take_number
from bracketd.engine.state import State
from bracketd.engine.transitions import Happening

REFUSED_INFO = "UNPROTECTED_LEG_REFUSED"
UNPROTECTED_INFO = "UNPROTECTED"
RESCUE_INFO = "RESCUE"
CLOSING_INFO = "CLOSING"
CLOSED_INSTEAD = "the order became the closing order"


def exit_requested(state: State, event: ExitRequested) -> None:
    """Somebody wants the bracket closed."""
    bracket = state.brackets[event.basket_id]
    bracket.exit, bracket.intended = Exit.REQUESTED, Leg.NONE
    if bracket.turns is not STRAIGHT:
        bracket.turn(exit_refusal="")
    # What a venue refused an earlier exit does not count against this one: it is tried afresh (section 4, rule X).
    for order in state.rows_of(bracket):
        if order.marks is not PLAIN:
            order.mark(cancel_refused=False, resend=order.refused and order.order_id in bracket.rescue_ids)


def closing_requested(state: State, event: ClosingRequested) -> None:
    """The closing order is on its way."""
    bracket = state.brackets[event.basket_id]
    bracket.turn(closing=True, closings=bracket.closings + 1)
    if bracket.exit is Exit.REQUESTED and state.orders[bracket.entry_id].terminal:
        bracket.exit = Exit.CLOSING


def closing_accepted(state: State, event: ClosingAccepted) -> None:
    """The stop-loss is the closing order; its own terms are gone, and so is a modify of them."""
    bracket = state.brackets[event.basket_id]
    stop = state.orders[bracket.stop_id]
    if state.terms.pop(stop.order_id, None) is not None:
        stop.mark(modify_refusal=CLOSED_INSTEAD, modify_asked_ns=0)
    bracket.turn(closing=False, denials=0, ungrown=0)
    if bracket.exit is Exit.CLOSING:
        bracket.exit = Exit.ACCEPTED
    if stop.terminal:
        return
    happen(stop, Happening.CLOSING, event.at_ns)
    stop.order_type, stop.price_paise, stop.trigger_paise = OrderType.MARKET, 0, 0
    stop.mark(info=CLOSING_INFO, refused=False)
    end_trailing(state, stop)
    stop.priority = event.priority
    state.last_priority = max(state.last_priority, event.priority)


def closing_refused(state: State, event: ClosingRefused) -> None:
    """The venue would not close, or what has to go first did not; the stop-loss is in force as it was."""
    bracket = state.brackets[event.basket_id]
    # A try for a refused stop's own sake is not the answer to an exit that still waits for the entry's end.
    own = bracket.closing and bracket.exit is Exit.REQUESTED
    if bracket.closing:
        bracket.turn(closing=False, denials=bracket.denials + 1)
    if bracket.exit in EXIT_IN_FLIGHT and not own:
        bracket.exit = Exit.REFUSED
        bracket.turn(exit_refusal=event.text)


def exit_accepted(state: State, event: ExitAccepted) -> None:
    """The exit stands, for good."""
    bracket = state.brackets[event.basket_id]
    bracket.exit, bracket.intended = Exit.ACCEPTED, Leg.NONE
    if bracket.closing:
        bracket.turn(closing=False)


def intent_kept(state: State, event: IntentKept) -> None:
    """Rule X takes the entry's remainder out as well, so that it stands before rule E."""
    bracket = state.brackets[event.basket_id]
    if event.leg is not Leg.ENTRY or bracket.intended is not Leg.STOPLOSS:
        bracket.intended = event.leg


def stop_refused(state: State, event: StopRefused) -> None:
    """A stop-loss, its growth or a rescue order that the venue would not have: UNPROTECTED until one is taken (2.8)."""
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    happen(order, Happening.LEG_REFUSED, event.at_ns)
    order.mark(refused=True, rejection=event.text)
    if state.terms.pop(order.order_id, None) is not None:
        order.mark(modify_refusal=CLOSED_INSTEAD, modify_asked_ns=0)
    if order.order_id in bracket.rescue_ids:
        return
    order.mark(info=REFUSED_INFO)
    end_trailing(state, order)
    denied = (*bracket.denied, event.total) if event.total else bracket.denied
    bracket.turn(leg_refused=True, denials=0, ungrown=bracket.ungrown + event.growth, denied=denied)


def rescue_placed(state: State, event: RescuePlaced) -> None:
    """A row of its own, leg STOPLOSS, at market."""
    bracket = state.brackets[event.basket_id]
    entry = state.orders[bracket.entry_id]
    invariant(event.order_id not in state.orders, "an order id is given once", event.order_id)
    take_number(state, event.order_id)
    state.orders[event.order_id] = Order(
        order_id=event.order_id,
        basket_id=bracket.basket_id,
        parent_id=entry.order_id,
        client_id=entry.client_id,
        instrument=entry.instrument,
        leg=Leg.STOPLOSS,
        side=entry.side.opposite,
        order_type=OrderType.MARKET,
        quantity=event.quantity,
        remaining=event.quantity,
        price_paise=0,
        trigger_paise=0,
        marks=kept_marks(Marks(info=RESCUE_INFO)),
        user_order_id=entry.user_order_id,
        particulars=kept_particulars(
            Particulars(entry.execution, Product.MIS, Validity.DAY, entry.device, rescue=True)
        ),
        requests=1,
        **born(event.at_ns),
    )
    bracket.turn(rescue_ids=(*bracket.rescue_ids, event.order_id))


def order_resent(state: State, event: OrderResent) -> None:
    """On its way again."""
    order = state.orders[event.order_id]
    order.mark(refused=False, resend=False)
    order.requests += 1
    touch(order, event.at_ns)


def protection_lost(state: State, event: ProtectionLost) -> None:
    """The flag, in the entry's own row for all to see (2.8)."""
    bracket = state.brackets[event.basket_id]
    entry = state.orders[bracket.entry_id]
    bracket.turn(unprotected=True, info_before=entry.info)
    entry.mark(info=UNPROTECTED_INFO)
    touch(entry, event.at_ns)


def protection_regained(state: State, event: ProtectionRegained) -> None:
    """The flag is gone; the entry's row says again what it said before."""
    bracket = state.brackets[event.basket_id]
    entry = state.orders[bracket.entry_id]
    entry.mark(info=bracket.info_before)
    bracket.turn(unprotected=False, info_before="")
    touch(entry, event.at_ns)
