"""Reports: what the venue says becomes an event, once. A report that tells nothing new becomes nothing."""

from bracketd.domain.events import (
    AnyEvent,
    CancelRefused,
    ClosingAccepted,
    ClosingRefused,
    LegsAdjusted,
    ModifyRefused,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRefused,
    OrderTriggered,
    StopRefused,
    TradeBooked,
)
from bracketd.domain.instructions import (
    Acknowledged,
    CancelDenied,
    CloseDenied,
    CloseTaken,
    Filled,
    GrowthDenied,
    Modified,
    ModifyDenied,
    PairAdjusted,
    Rejected,
    Report,
    Triggered,
    Withdrawn,
)
from bracketd.domain.order import Leg, Order, OrderType, Status
from bracketd.engine.changing import ENDED_FIRST
from bracketd.engine.repricing import repriced
from bracketd.engine.state import State

OrderReport = (
    Acknowledged | Rejected | GrowthDenied | Triggered | Filled | Withdrawn | CancelDenied | Modified | ModifyDenied
)
"""The reports that speak of one order; the others speak of a pair."""


def decide_report(state: State, report: Report, now_ns: int) -> AnyEvent | None:
    """The event that a report makes; None for one that was heard before or comes after the end.

    An answer counts for the request that it names only. One that says no more than "it is gone" is no end of its own:
    the report of the end is on its way. A report of an order that is not kept any more changes nothing.
    """
    match report:
        case PairAdjusted(basket_id, target_priority):
            return _pair_adjusted(state, basket_id, target_priority, now_ns)
        case CloseTaken(basket_id, priority, attempt):
            closing = _closing(state, basket_id, attempt)
            return ClosingAccepted(now_ns, basket_id, priority) if closing else None
        case CloseDenied(basket_id, text, attempt, gone):
            closing = _closing(state, basket_id, attempt) and not gone
            return ClosingRefused(now_ns, basket_id, text) if closing else None
    order = state.orders.get(report.order_id)
    return None if order is None else _of_order(state, order, report, now_ns)


def _of_order(state: State, order: Order, report: OrderReport, now_ns: int) -> AnyEvent | None:
    match report:
        case Acknowledged(order_id, exchange_order_id, priority):
            if order.exchange_order_id or order.status is Status.REJECTED:
                return None
            return OrderAccepted(now_ns, order_id, exchange_order_id, priority)
        case Rejected(_, text, request):
            return _rejected(state, order, text, request, now_ns)
        case GrowthDenied(order_id, text, growth, total):
            known = order.terminal or total in state.brackets[order.basket_id].denied
            return None if known else StopRefused(now_ns, order_id, text, growth, total)
        case Triggered(order_id):
            # A stop that has become the closing order meanwhile has no trigger any more.
            return OrderTriggered(now_ns, order_id) if order.waits and not order.terminal else None
        case Filled(order_id, trade_id, price, quantity, aggressive):
            if trade_id in state.trades:
                return None
            return TradeBooked(now_ns, order_id, trade_id, price, quantity, aggressive)
        case Withdrawn(order_id):
            return None if order.terminal else OrderCancelled(now_ns, order_id, _withdrawn_by(state, order))
        case CancelDenied(order_id, text, request, gone):
            pending = order.status is Status.CANCEL_PENDING and _answers(order, request) and not gone
            return CancelRefused(now_ns, order_id, text) if pending else None
        case Modified(order_id, priority, request, quantity):
            if not _modifying(state, order, request):
                return None
            prices = repriced(state, order, state.terms[order_id])
            # Whatever moved the legs meanwhile went by prices that this answer makes old.
            late = now_ns > order.modify_asked_ns and bool(state.brackets[order.basket_id].stop_id)
            return OrderModified(now_ns, order_id, priority, *prices, late, quantity)
        case ModifyDenied(order_id, text, request, gone):
            pending = _modifying(state, order, request)
            return ModifyRefused(now_ns, order_id, ENDED_FIRST if gone else text) if pending else None


def _rejected(state: State, order: Order, text: str, request: int, now_ns: int) -> AnyEvent | None:
    """An entry or a target is REJECTED; an exit that has to be there is only refused, and sent again (2.8)."""
    if order.terminal or order.refused or not _answers(order, request):
        return None
    if order.leg is not Leg.STOPLOSS:
        return OrderRefused(now_ns, order.order_id, text)
    # A refusal repeated after the row found its way to the venue says nothing new.
    closing = order.order_type is OrderType.MARKET and order.order_id == state.brackets[order.basket_id].stop_id
    if closing or order.exchange_order_id:
        return None
    return StopRefused(now_ns, order.order_id, text, 0, 0)


def _withdrawn_by(state: State, order: Order) -> str:
    """What took a target out: a refused stop counts as its sibling (2.8), a cancel of its own is nobody's."""
    if order.leg is Leg.TARGET and state.orders[state.brackets[order.basket_id].stop_id].refused:
        return "OCO"
    return ""


def _pair_adjusted(state: State, basket_id: str, target_priority: int, now_ns: int) -> AnyEvent | None:
    bracket = state.brackets.get(basket_id)
    target = None if bracket is None else state.target_of(bracket)
    if target is None or target_priority <= target.priority:
        return None
    return LegsAdjusted(now_ns, basket_id, target_priority)


def _answers(order: Order, request: int) -> bool:
    return request in (0, order.requests)


def _modifying(state: State, order: Order, request: int) -> bool:
    return order.order_id in state.terms and not order.terminal and request in (0, order.modify_request)


def _closing(state: State, basket_id: str, attempt: int) -> bool:
    bracket = state.brackets.get(basket_id)
    return bracket is not None and bracket.closing and attempt in (0, bracket.closings)
