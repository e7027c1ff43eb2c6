"""evolve, the part about orders that are held for the session (AMO): no venue knows of them yet."""

from bracketd.domain.events import HeldModified, OrderReleased
from bracketd.engine.changing import settle, touch
from bracketd.engine.evolve_modify import take_entry_terms
from bracketd.engine.state import State

HELD_INFO = "AMO"


def order_released(state: State, event: OrderReleased) -> None:
    """The order is on its way, as one that was placed this moment."""
    order = state.orders[event.order_id]
    order.held, order.info = False, ""
    touch(order, event.at_ns)


def held_modified(state: State, event: HeldModified) -> None:
    """The order takes the terms and goes on waiting; its place behind older ones it keeps."""
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    take_entry_terms(order, bracket, event.terms)
    touch(order, event.at_ns)
    settle(state, bracket)
