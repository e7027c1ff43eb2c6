"""How the paper exchange had things when the journal ended: the engine's rows, and what it had told in letters since.

The paper exchange keeps nothing of its own on disk. What it did and the engine has not heard of is a letter in the
state; with those told, its orders and pairs are exactly what they were.
"""

from typing import NamedTuple

from bracketd.domain.instructions import (
    Acknowledged,
    CancelWork,
    ClosePair,
    CloseTaken,
    Filled,
    GrowthDenied,
    Modified,
    ModifyWork,
    PairAdjusted,
    Rejected,
    SendEntry,
    Triggered,
    Withdrawn,
)
from bracketd.domain.order import Leg, Order, OrderType, Terms
from bracketd.engine.state import State


class VenueView(NamedTuple):
    """The orders at work, to be read only, what each pair still has (shares, by basket), and the numbers given out."""

    orders: list[Order]
    pairs: dict[str, int]
    acknowledged: int


def view_of(state: State) -> VenueView:
    """The venue's side of a state."""
    # What a letter told changes the venue's rows and not the engine's. Without one they are the same and not copied:
    # at a start with a million orders that would be a third more memory, for a moment.
    rows = {key: order for key, order in state.orders.items() if not order.status.terminal}
    if state.post:
        rows = {key: _copy(order) for key, order in rows.items()}
    pairs = {
        bracket.basket_id: state.legs_open(bracket) - bracket.ungrown
        for bracket in state.brackets.values()
        if any(leg_id and not state.orders[leg_id].terminal for leg_id in (bracket.stop_id, bracket.target_id))
    }
    acknowledged = state.acknowledged
    for under_way in state.post.values():
        if under_way.copy:
            continue
        acknowledged += isinstance(under_way.letter, Acknowledged)
        letter = under_way.letter
        if isinstance(letter, Modified) and letter.order_id in rows and letter.order_id in state.terms:
            _modified(rows[letter.order_id], state.terms[letter.order_id], letter, superseded=under_way.superseded)
        else:
            _told(state, rows, pairs, letter)
    at_work = [row for row in rows.values() if row.exchange_order_id and (row.remaining > 0 or _is_leg(row))]
    return VenueView(at_work, pairs, acknowledged)


def request_due_ns(state: State, order_id: str) -> int | None:
    """When the last request under way for an order arrives (unix nanoseconds), None where none is."""
    if not state.post or not order_id:
        return None
    dues = [
        under_way.due_ns
        for under_way in state.post.values()
        if isinstance(under_way.letter, SendEntry | CancelWork | ModifyWork | ClosePair)
        and order_id in (getattr(under_way.letter, "order_id", ""), getattr(under_way.letter, "stop_id", ""))
    ]
    return max(dues, default=None)


def _told(state: State, rows: dict[str, Order], pairs: dict[str, int], letter: object) -> None:
    match letter:
        case Acknowledged(order_id, number, priority) if order_id in rows:
            row = rows[order_id]
            row.exchange_order_id, row.priority = number, max(row.priority, priority)
        case Triggered(order_id) if order_id in rows:
            rows[order_id].mark(triggered=True)
            if rows[order_id].leg is Leg.STOPLOSS:
                rows.pop(state.brackets[rows[order_id].basket_id].target_id, None)
        case Filled(order_id, _, _, quantity, _):
            _filled(state, rows, pairs, order_id, quantity)
        case Withdrawn(order_id):
            rows.pop(order_id, None)
        case Rejected(order_id) if order_id in rows and rows[order_id].leg is Leg.TARGET:
            # Thrown out for its growth. Whatever else was refused never got a number.
            del rows[order_id]
        case GrowthDenied(order_id, _, growth, _) if order_id in rows:
            pairs[rows[order_id].basket_id] -= growth
        case PairAdjusted(basket_id, priority) if basket_id in state.brackets:
            target = rows.get(state.brackets[basket_id].target_id)
            if target is not None:
                target.priority = max(target.priority, priority)
        case CloseTaken(basket_id, priority) if basket_id in pairs:
            bracket = state.brackets[basket_id]
            pairs[basket_id] += bracket.ungrown
            rows.pop(bracket.target_id, None)
            stop = rows[bracket.stop_id]
            stop.order_type, stop.trigger_paise, stop.priority = OrderType.MARKET, 0, priority


def _filled(state: State, rows: dict[str, Order], pairs: dict[str, int], order_id: str, quantity: int) -> None:
    order = state.orders.get(order_id)
    if order is None:
        return
    if _is_leg(order):
        if order.basket_id in pairs:
            pairs[order.basket_id] -= quantity
        return
    row = rows.get(order_id)
    if row is None:
        return
    row.filled += quantity
    row.remaining -= quantity


def _modified(row: Order, terms: Terms, letter: Modified, *, superseded: bool) -> None:
    row.priority = max(row.priority, letter.priority)
    if superseded:
        return
    row.price_paise = terms.price_paise
    if not row.triggered and (terms.trigger_paise or row.leg is Leg.ENTRY):
        row.trigger_paise = terms.trigger_paise
    if row.leg is Leg.ENTRY:
        row.quantity = letter.quantity or terms.quantity
        row.remaining = row.quantity - row.filled


def _is_leg(order: Order) -> bool:
    """Whether the order is one of a linked pair, which keeps its place while it might grow again."""
    return order.leg is not Leg.ENTRY and not order.rescue


def _copy(order: Order) -> Order:
    return Order(**{name: getattr(order, name) for name in Order.__struct_fields__})
