"""Reports: what the venue says becomes an event, once. A report that tells nothing new becomes nothing."""

from bracketd.domain.bracket import Exit
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
    TradeBooked,
)
from bracketd.domain.instructions import (
    Acknowledged,
    CancelDenied,
    CloseDenied,
    CloseTaken,
    Filled,
    Modified,
    ModifyDenied,
    PairAdjusted,
    Rejected,
    Report,
    Triggered,
    Withdrawn,
)
from bracketd.domain.order import Status
from bracketd.engine.repricing import repriced
from bracketd.engine.state import State


def decide_report(state: State, report: Report, now_ns: int) -> AnyEvent | None:
    """The event that a report makes; None for one that was heard before or comes after the end."""
    match report:
        case Acknowledged(order_id, exchange_order_id, priority):
            if state.orders[order_id].exchange_order_id or state.orders[order_id].terminal:
                return None
            return OrderAccepted(now_ns, order_id, exchange_order_id, priority)
        case Rejected(order_id, text):
            return None if state.orders[order_id].terminal else OrderRefused(now_ns, order_id, text)
        case Triggered(order_id):
            order = state.orders[order_id]
            return None if order.terminal or order.triggered else OrderTriggered(now_ns, order_id)
        case Filled(order_id, trade_id, price, quantity, aggressive):
            if trade_id in state.trades:
                return None
            return TradeBooked(now_ns, order_id, trade_id, price, quantity, aggressive)
        case Withdrawn(order_id):
            return None if state.orders[order_id].terminal else OrderCancelled(now_ns, order_id, "")
        case CancelDenied(order_id, text):
            pending = state.orders[order_id].status is Status.CANCEL_PENDING
            return CancelRefused(now_ns, order_id, text) if pending else None
        case Modified(order_id, priority):
            if not _modifying(state, order_id):
                return None
            prices = repriced(state, state.orders[order_id], state.terms[order_id])
            return OrderModified(now_ns, order_id, priority, *prices)
        case ModifyDenied(order_id, text):
            return ModifyRefused(now_ns, order_id, text) if _modifying(state, order_id) else None
        case PairAdjusted(basket_id, target_priority):
            return LegsAdjusted(now_ns, basket_id, target_priority) if target_priority else None
        case CloseTaken(basket_id, priority):
            return ClosingAccepted(now_ns, basket_id, priority) if _closing(state, basket_id) else None
        case CloseDenied(basket_id, text):
            return ClosingRefused(now_ns, basket_id, text) if _closing(state, basket_id) else None


def _modifying(state: State, order_id: str) -> bool:
    return order_id in state.terms and not state.orders[order_id].terminal


def _closing(state: State, basket_id: str) -> bool:
    return state.brackets[basket_id].exit is Exit.CLOSING
