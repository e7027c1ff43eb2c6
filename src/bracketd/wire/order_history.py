"""The history of an order: what became of it and when, one row for each fact that the state keeps (wire.md 1.8).

The facts are its placement, the exchange's acknowledgement, each fill, and how it stands now. Terms are the present
ones in every row: a modification shows in the last row's `order_mode`, the terms it replaced are in the journal alone.
"""

import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Leg, Order, Status, Trade
from bracketd.domain.session import Segment
from bracketd.wire.amounts import average, rupees

_NS_PER_S = 1_000_000_000
_NAMES = uuid.uuid5(uuid.NAMESPACE_OID, "bracketd order")


class _Fact(NamedTuple):
    """How an order stood at a moment (unix nanoseconds): shares filled, at which value in paise, still working."""

    at_ns: int
    status: str
    filled: int
    value_paise: int
    remaining: int


def history_rows(trades: Iterable[Trade], order: Order, instrument: Instrument | None) -> list[dict[str, object]]:
    """The order's rows, the oldest first and its present standing last; `trades` are its own, among others or not."""
    facts = list(_facts(trades, order))
    return [_row(order, fact, instrument, last=fact is facts[-1]) for fact in facts]


def _facts(trades: Iterable[Trade], order: Order) -> Iterator[_Fact]:
    yield _Fact(order.placed_ns, Status.PENDING, 0, 0, order.quantity)
    if order.accepted_ns:
        # A stop that has triggered or become the closing order waited once.
        waited = order.waits or order.triggered or (order.leg is Leg.STOPLOSS and not order.rescue)
        yield _Fact(order.accepted_ns, Status.TRIGGER_PENDING if waited else Status.CONFIRMED, 0, 0, order.quantity)
    filled = value_paise = 0
    for trade in trades:
        if trade.order_id == order.order_id:
            filled += trade.quantity
            value_paise += trade.quantity * trade.price_paise
            yield _Fact(trade.at_ns, Status.CONFIRMED, filled, value_paise, max(0, order.quantity - filled))
    yield _Fact(order.changed_ns, order.status, order.filled, order.traded_value_paise, order.remaining)


def _row(order: Order, fact: _Fact, instrument: Instrument | None, *, last: bool) -> dict[str, object]:
    """One row: times in unix seconds, `last_modified` in unix nanoseconds, prices in rupees."""
    exchange, _, token = order.instrument.partition(":")
    acknowledged = bool(order.accepted_ns) and (last or fact.status != Status.PENDING)
    return {
        "oms_order_id": order.order_id,
        "order_id": str(uuid.uuid5(_NAMES, order.order_id)),
        "client_order_id": order.user_order_id,
        "exchange_order_id": order.exchange_order_id if acknowledged else "",
        "status": fact.status,
        "order_status_info": order.info if last else "",
        "reject_reason": (order.rejection or "NONE") if last and order.status is Status.REJECTED else "NONE",
        "order_mode": "MODIFY" if last and order.modified else "NEW",
        "quantity": order.quantity,
        "fill_quantity": fact.filled,
        "remaining_quantity": fact.remaining,
        "avg_price": average(fact.value_paise, fact.filled),
        "price": rupees(order.price_paise),
        "trigger_price": rupees(order.trigger_paise),
        "disclosed_quantity": order.disclosed_quantity,
        "created_at": order.placed_ns // _NS_PER_S,
        "modified_at": fact.at_ns // _NS_PER_S,
        "last_modified": fact.at_ns,
        "exchange_time": fact.at_ns // _NS_PER_S if acknowledged else 0,
        "order_side": order.side,
        "order_type": order.order_type,
        "product": order.product,
        "validity": order.validity,
        "leg_order_indicator": order.shown_leg,
        "exchange": exchange,
        "segment": Segment.CAPITAL,
        "symbol": instrument.symbol if instrument else "",
        "token": int(token),
        "underlying_token": int(token),
        "client_id": order.client_id,
        "login_id": order.client_id,
    }
