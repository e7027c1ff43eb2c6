"""Exposure: what of a bracket is open, and which of its orders would close it."""

from bracketd.domain.bracket import STRAIGHT, Bracket, Exit
from bracketd.domain.order import PLAIN, Execution, Order, Product, Status
from bracketd.domain.session import Stage
from bracketd.engine.state import State

EXIT_IN_FLIGHT = frozenset({Exit.REQUESTED, Exit.CLOSING})

# A module's own names are found faster than an enumeration's members; these are asked for at every event.
_NO_EXIT, _BO, _CANCEL_PENDING = Exit.NONE, Execution.BO, Status.CANCEL_PENDING
_SQUARE_OFF = Stage.SQUARE_OFF


def legs_of(state: State, bracket: Bracket) -> tuple[Order, Order | None] | None:
    """(stop, target), None before the first fill; a cover order's target is None."""
    return (state.orders[bracket.stop_id], state.target_of(bracket)) if bracket.stop_id else None


def untouched(bracket: Bracket, entry: Order) -> bool:
    """Whether nothing has filled and nobody asked for an exit: no rule of legs, exits or rescues has anything to say.

    Most of what rests, and most of what is cancelled, is like this; it is told apart first because it is so many.
    """
    if entry.filled or bracket.stop_id or entry.marks.held:
        return False
    if bracket.turns is not STRAIGHT and (bracket.rescue_ids or bracket.unprotected or bracket.leg_refused):
        return False
    return bracket.exit is _NO_EXIT and bracket.execution is _BO


def exit_decided(state: State, bracket: Bracket) -> bool:
    """Whether the bracket's exit is decided, so that its entry must not fill any more (bracket.md 2.4)."""
    if bracket.exit is not _NO_EXIT:
        return True
    legs = legs_of(state, bracket)
    if legs is None:
        return False
    stop, target = legs
    return stop.triggered or stop.filled > 0 or (target is not None and target.filled > 0)


def entry_must_go(state: State, bracket: Bracket) -> bool:
    """Whether the entry's remainder is to be cancelled: the exit is decided, a leg was refused, or it is square-off."""
    squared_off = state.stage is _SQUARE_OFF and squares_off(state.orders[bracket.entry_id])
    return bracket.leg_refused or squared_off or exit_decided(state, bracket)


def squares_off(entry: Order) -> bool:
    """Whether square-off takes the order: an intraday order that works, and that is not there to square off.

    What is not MIS may be kept overnight.
    """
    return entry.product is Product.MIS and not entry.held and not entry.squares


def release_due(state: State, entry: Order) -> bool:
    """Whether an order that was held for the session is to go to the venue. An intraday one not at square-off."""
    if not entry.held or entry.terminal:
        return False
    stages = (Stage.TRADING,) if entry.product is Product.MIS else (Stage.TRADING, Stage.SQUARE_OFF)
    return state.stage in stages


def may_be_cancelled(order: Order) -> bool:
    """Whether the venue can be asked to cancel the order, and has not refused to already."""
    if order.terminal or order.status is _CANCEL_PENDING:
        return False
    return order.marks is PLAIN or not (order.held or order.cancel_refused)


def unclaimed(state: State, bracket: Bracket) -> int:
    """Open shares that no row of the bracket is there to close: a rescue order is theirs (2.5, 2.9)."""
    return _left(state, bracket, refused_count=True)


def uncovered(state: State, bracket: Bracket) -> int:
    """Open shares that no order closes which the venue works or has been sent: above 0 is UNPROTECTED (2.8)."""
    return _left(state, bracket, refused_count=False)


def closes_unasked(bracket: Bracket, stop: Order) -> bool:
    """Whether the stop-loss is to become the closing order with nobody asking for it.

    It was refused (2.8), or more of the entry filled when the exit in force had reached zero (2.5).
    """
    return stop.refused or (bracket.overtaken and not stop.at_market and not stop.terminal)


def makes_way(target: Order | None) -> bool:
    """Whether the closing order need not wait for the target: it is gone, or the venue will not let it go."""
    return target is None or target.terminal or target.cancel_refused


def closing_under_way(state: State, bracket: Bracket) -> bool:
    """Whether the entry is at its end and orders that the venue works at market close all that is open (section 1)."""
    legs = legs_of(state, bracket)
    closed = legs is None or legs[0].at_market or legs[0].terminal or not state.legs_open(bracket)
    rescued = all(rescue.terminal or rescue.exchange_order_id for rescue in state.rescues_of(bracket))
    return state.orders[bracket.entry_id].terminal and closed and rescued and not uncovered(state, bracket)


def is_over(state: State, bracket: Bracket) -> bool:
    """Whether nothing can happen to the bracket any more, so that a new day need not know of it."""
    return all(row.terminal for row in state.rows_of(bracket)) and state.open_quantity(bracket) == 0


def baskets_under_way(state: State) -> set[str]:
    """The baskets that some letter under way is about: they may change though all of their rows are terminal."""
    letters = [each.letter for each in state.post.values()]
    named = (state.orders.get(getattr(letter, "order_id", "")) for letter in letters)
    return {getattr(letter, "basket_id", "") for letter in letters} | {order.basket_id for order in named if order}


def _left(state: State, bracket: Bracket, *, refused_count: bool) -> int:
    left = state.open_quantity(bracket)
    if left and bracket.stop_id:
        stop = state.orders[bracket.stop_id]
        if not stop.terminal and (refused_count or not stop.refused):
            left -= state.legs_open(bracket)
    for order_id in bracket.rescue_ids:
        rescue = state.orders[order_id]
        if refused_count or not rescue.refused:
            left -= rescue.remaining
    return left
