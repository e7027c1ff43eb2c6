"""Changing a row: its status by the table, its activity reference, and its bracket's margin. For evolve alone."""

from bracketd.domain.bracket import Bracket
from bracketd.domain.ist import activity_reference
from bracketd.domain.order import Order
from bracketd.engine.margin import settle_margin
from bracketd.engine.state import State
from bracketd.engine.transitions import Happening, next_status

ACTIVITY_STEP_NS = 512
"""Successive references of one order stay this far apart, so that a float64 still tells them apart (wire.md 1.6)."""


def touch(order: Order, at_ns: int) -> None:
    """Mark the order as changed, in unix nanoseconds."""
    order.changed_ns = at_ns
    order.activity_reference = max(order.activity_reference + ACTIVITY_STEP_NS, activity_reference(at_ns))


def happen(order: Order, happening: Happening, at_ns: int) -> None:
    """Give the order the status that follows; raises InvariantBroken where none does."""
    order.status = next_status(order.status, happening, order.status_before)
    touch(order, at_ns)


def settle(state: State, bracket: Bracket) -> None:
    """Bring the account's sums up to date with the bracket."""
    settle_margin(state, bracket, state.accounts[bracket.client_id])
