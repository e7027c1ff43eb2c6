"""Reports: what the venue says becomes an event, once. A report that tells nothing new becomes nothing.

One small function for each, chosen by the report's type from the tables at the end.
"""

from collections.abc import Callable
from typing import Any

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


def decide_report(state: State, report: Report, now_ns: int) -> AnyEvent | None:
    """The event that a report makes; None for one that was heard before or comes after the end.

    An answer counts for the request that it names only. One that says no more than "it is gone" is no end of its own:
    the report of the end is on its way. A report of an order that is not kept any more changes nothing.
    """
    kind = type(report)
    by_order = _BY_ORDER.get(kind)
    if by_order is None:
        return _BY_PAIR[kind](state, report, now_ns)
    order = state.orders.get(report.order_id)  # type: ignore[union-attr]
    return None if order is None else by_order(state, order, report, now_ns)


_CANCEL_PENDING, _TARGET, _STOPLOSS = Status.CANCEL_PENDING, Leg.TARGET, Leg.STOPLOSS


def _acknowledged(_state: State, order: Order, report: Acknowledged, now_ns: int) -> AnyEvent | None:
    # Also of one that was refused since, as a target for its growth: its number is given out and stays its own.
    if order.exchange_order_id:
        return None
    return OrderAccepted(now_ns, report.order_id, report.exchange_order_id, report.priority)


def _growth_denied(state: State, order: Order, report: GrowthDenied, now_ns: int) -> AnyEvent | None:
    known = order.terminal or report.total in state.brackets[order.basket_id].denied
    return None if known else StopRefused(now_ns, report.order_id, report.text, report.growth, report.total)


def _triggered(_state: State, order: Order, report: Triggered, now_ns: int) -> AnyEvent | None:
    # A stop that has become the closing order meanwhile has no trigger any more.
    return OrderTriggered(now_ns, report.order_id) if order.waits and not order.terminal else None


def _filled(state: State, _order: Order, report: Filled, now_ns: int) -> AnyEvent | None:
    if report.trade_id in state.trades:
        return None
    return TradeBooked(
        now_ns,
        report.order_id,
        report.trade_id,
        report.price_paise,
        report.quantity,
        report.aggressive,
        report.print_paise,
        report.tick,
    )


def _withdrawn(state: State, order: Order, report: Withdrawn, now_ns: int) -> AnyEvent | None:
    if order.status.terminal:
        return None
    return OrderCancelled(now_ns, report.order_id, _withdrawn_by(state, order) if order.leg is _TARGET else "")


def _cancel_denied(_state: State, order: Order, report: CancelDenied, now_ns: int) -> AnyEvent | None:
    pending = order.status is _CANCEL_PENDING and _answers(order, report.request) and not report.gone
    return CancelRefused(now_ns, report.order_id, report.text) if pending else None


def _modified(state: State, order: Order, report: Modified, now_ns: int) -> AnyEvent | None:
    if not _modifying(state, order, report.request):
        return None
    prices = repriced(state, order, state.terms[report.order_id])
    # Whatever moved the legs meanwhile went by prices that this answer makes old.
    late = now_ns > order.modify_asked_ns and bool(state.brackets[order.basket_id].stop_id)
    return OrderModified(now_ns, report.order_id, report.priority, *prices, late, report.quantity)


def _modify_denied(state: State, order: Order, report: ModifyDenied, now_ns: int) -> AnyEvent | None:
    pending = _modifying(state, order, report.request)
    return ModifyRefused(now_ns, report.order_id, ENDED_FIRST if report.gone else report.text) if pending else None


def _close_taken(state: State, report: CloseTaken, now_ns: int) -> AnyEvent | None:
    closing = _closing(state, report.basket_id, report.attempt)
    return ClosingAccepted(now_ns, report.basket_id, report.priority) if closing else None


def _close_denied(state: State, report: CloseDenied, now_ns: int) -> AnyEvent | None:
    closing = _closing(state, report.basket_id, report.attempt) and not report.gone
    return ClosingRefused(now_ns, report.basket_id, report.text) if closing else None


def _rejected(state: State, order: Order, report: Rejected, now_ns: int) -> AnyEvent | None:
    """An entry or a target is REJECTED; an exit that has to be there is only refused, and sent again (2.8)."""
    if order.terminal or order.refused or not _answers(order, report.request):
        return None
    if order.leg is not _STOPLOSS:
        return OrderRefused(now_ns, order.order_id, report.text)
    # A refusal repeated after the row found its way to the venue says nothing new.
    closing = order.order_type is OrderType.MARKET and order.order_id == state.brackets[order.basket_id].stop_id
    if closing or order.exchange_order_id:
        return None
    return StopRefused(now_ns, order.order_id, report.text, 0, 0)


def _withdrawn_by(state: State, order: Order) -> str:
    """What took a target out: a refused stop counts as its sibling (2.8), a cancel of its own is nobody's."""
    return "OCO" if state.orders[state.brackets[order.basket_id].stop_id].refused else ""


def _pair_adjusted(state: State, report: PairAdjusted, now_ns: int) -> AnyEvent | None:
    bracket = state.brackets.get(report.basket_id)
    target = None if bracket is None else state.target_of(bracket)
    if target is None or report.target_priority <= target.priority:
        return None
    return LegsAdjusted(now_ns, report.basket_id, report.target_priority)


def _answers(order: Order, request: int) -> bool:
    return request in (0, order.requests)


def _modifying(state: State, order: Order, request: int) -> bool:
    return order.order_id in state.terms and not order.terminal and request in (0, order.modify_request)


def _closing(state: State, basket_id: str, attempt: int) -> bool:
    bracket = state.brackets.get(basket_id)
    return bracket is not None and bracket.closing and attempt in (0, bracket.closings)


_BY_ORDER: dict[type, Callable[[State, Order, Any, int], AnyEvent | None]] = {
    Acknowledged: _acknowledged,
    Rejected: _rejected,
    GrowthDenied: _growth_denied,
    Triggered: _triggered,
    Filled: _filled,
    Withdrawn: _withdrawn,
    CancelDenied: _cancel_denied,
    Modified: _modified,
    ModifyDenied: _modify_denied,
}
"""The reports that speak of one order."""

_BY_PAIR: dict[type, Callable[[State, Any, int], AnyEvent | None]] = {
    PairAdjusted: _pair_adjusted,
    CloseTaken: _close_taken,
    CloseDenied: _close_denied,
}
"""The reports that speak of a pair."""
