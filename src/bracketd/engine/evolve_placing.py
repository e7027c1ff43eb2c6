"""evolve, the part about placing: a new order, or one held for the session (AMO), of which no venue knows yet."""

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import BracketPlaced, HeldModified, OrderReleased
from bracketd.domain.order import PLAIN, Leg, Marks, Order, Particulars, Status, kept_marks, kept_particulars
from bracketd.engine.changing import settle, touch
from bracketd.engine.evolve_modify import take_entry_terms
from bracketd.engine.invariant import invariant
from bracketd.engine.numbering import take_number
from bracketd.engine.repeating import remember
from bracketd.engine.sharing import shared, shared_number
from bracketd.engine.squaring import SQUARE_OFF_INFO
from bracketd.engine.stake import enter_stake
from bracketd.engine.state import State

HELD_INFO = "AMO"

_ENTRY, _PENDING = Leg.ENTRY, Status.PENDING
_HELD, _SQUARES = kept_marks(Marks(info=HELD_INFO, held=True)), kept_marks(Marks(info=SQUARE_OFF_INFO))


def bracket_placed(state: State, event: BracketPlaced) -> None:
    """A bracket with its entry, or an order by itself, which is the entry of a basket that gets no legs."""
    invariant(event.entry_id not in state.orders, "an order id is given once", event.entry_id)
    take_number(state, event.basket_id)
    take_number(state, event.entry_id)
    entry = state.orders[event.entry_id] = Order(
        order_id=event.entry_id,
        basket_id=event.basket_id,
        parent_id="",
        client_id=shared(event.client_id),
        instrument=shared(event.instrument),
        leg=_ENTRY,
        side=event.side,
        order_type=event.order_type,
        quantity=event.quantity,
        remaining=event.quantity,
        price_paise=shared_number(event.price_paise),
        trigger_paise=shared_number(event.trigger_paise),
        user_order_id=shared(event.user_order_id),
        particulars=kept_particulars(
            Particulars(
                execution=event.execution,
                product=event.product,
                validity=event.validity,
                device=event.device,
                disclosed_quantity=event.disclosed_quantity,
                protection_bp=event.protection_bp,
                squares=event.squares,
            )
        ),
        marks=_HELD if event.held else _SQUARES if event.squares else PLAIN,
        status=_PENDING,
        placed_ns=event.at_ns,
        changed_ns=event.at_ns,
    )
    bracket = state.brackets[event.basket_id] = Bracket(
        basket_id=event.basket_id,
        client_id=entry.client_id,
        instrument=entry.instrument,
        side=event.side,
        entry_id=event.entry_id,
        target_offset_paise=shared_number(event.target_offset_paise),
        stop_offset_paise=shared_number(event.stop_offset_paise),
        tick_paise=event.tick_paise,
        lower_band_paise=shared_number(event.lower_band_paise),
        upper_band_paise=shared_number(event.upper_band_paise),
        reference_paise=shared_number(event.reference_paise),
        trailing_step_paise=event.trailing_step_paise,
        execution=event.execution,
    )
    remember(state, event)
    if event.execution.single:
        enter_stake(state, entry)
    settle(state, bracket)


def order_released(state: State, event: OrderReleased) -> None:
    """The order is on its way, as one that was placed this moment."""
    order = state.orders[event.order_id]
    order.mark(held=False, info="")
    touch(order, event.at_ns)


def held_modified(state: State, event: HeldModified) -> None:
    """The order takes the terms and goes on waiting; its place behind older ones it keeps."""
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    take_entry_terms(order, bracket, event.terms)
    touch(order, event.at_ns)
    settle(state, bracket)
