"""Rows: orders, trades, positions and funds as values, read leniently and never wrongly.

Brokers of the family disagree about types: prices are numbers or texts, what is empty is `{}`, null, "" or "NA"
(wire.md 1.8). What a row cannot do without (an id, a status, a quantity) makes the whole reply Garbled when missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from bracketd.client.errors import Garbled

TERMINAL = frozenset({"COMPLETE", "CANCELLED", "REJECTED"})
_NOTHING = frozenset({"", "NA", "--", "NONE", "NULL"})
_LEGS = {"SECOND": "TARGET", "THIRD": "STOPLOSS"}


@dataclass(frozen=True, slots=True)
class Order:
    """One row of the order book; prices in rupees. `raw` is the row as the broker sent it.

    >>> order = broker.place_bracket("SBIN", "BUY", 5, price="450.05", target=2, stop=1).entry
    >>> order.leg, order.status, order.price, order.remaining, order.terminal
    ('ENTRY', 'CONFIRMED', Decimal('450.05'), 5, False)
    """

    order_id: str
    basket_id: str
    parent_id: str
    leg: str
    status: str
    info: str
    side: str
    order_type: str
    quantity: int
    filled: int
    remaining: int
    price: Decimal
    trigger: Decimal
    average_price: Decimal
    exchange_order_id: str
    user_order_id: str
    reference: int
    exchange: str
    token: str
    symbol: str
    rejection: str
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def terminal(self) -> bool:
        """Whether it works no more: COMPLETE, CANCELLED or REJECTED."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill; the price is in rupees.

    >>> _ = broker.place_bracket("SBIN", "BUY", 5, price="456.95", target=2, stop=1)
    >>> paper.tick("SBIN", "456.95", quantity=5)
    >>> broker.trades()[-1].quantity, broker.trades()[-1].price
    (5, Decimal('456.95'))
    """

    trade_id: str
    order_id: str
    side: str
    quantity: int
    price: Decimal
    symbol: str
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """One fact of an order's history: when it was (unix nanoseconds, 0 where the broker does not say), and its status.

    `filled` is what had filled by then, `average_price` is in rupees.

    >>> bracket = broker.place_bracket("SBIN", "BUY", 5, price="450.05", target=2, stop=1)
    >>> [moment.status for moment in broker.history(bracket.order_id)]
    ['PENDING', 'CONFIRMED', 'CONFIRMED']
    """

    order_id: str
    at_ns: int
    status: str
    info: str
    mode: str
    filled: int
    remaining: int
    average_price: Decimal
    exchange_order_id: str
    rejection: str
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Position:
    """What is held in one instrument: `net` is negative for sold short. Amounts in rupees.

    >>> _ = broker.place_bracket("SBIN", "SELL", 5, price="456.95", target=2, stop=1)
    >>> paper.tick("SBIN", "456.95", quantity=5)
    >>> [(position.symbol, position.net) for position in broker.positions()]
    [('SBIN-EQ', -5)]
    """

    exchange: str
    token: str
    symbol: str
    product: str
    net: int
    bought: int
    sold: int
    average_price: Decimal
    last_price: Decimal
    realised: Decimal
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Funds:
    """The purse, in rupees; `amounts` has every line under the broker's own title.

    >>> broker.funds().available
    Decimal('10000000.00')
    """

    available: Decimal
    used: Decimal
    amounts: Mapping[str, Decimal] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What the kill switch did to one order.

    >>> _ = broker.place_bracket("SBIN", "BUY", 5, price=450, target=2, stop=1)
    >>> [result.status for result in broker.cancel_everything()]
    ['CANCELLED']
    """

    order_id: str
    status: str
    message: str


def order_of(row: Mapping[str, Any]) -> Order:
    """An order from a row of the book or a frame of the feed. Raises Garbled."""
    leg = _text(row, "leg_order_indicator").upper()
    return Order(
        order_id=_needed(row, "oms_order_id"),
        basket_id=_text(row, "basket_id"),
        parent_id=_text(row, "parent_order_id"),
        leg=_LEGS.get(leg, leg),
        status=_needed(row, "order_status").upper(),
        info=_text(row, "order_status_info"),
        side=_text(row, "order_side").upper(),
        order_type=_text(row, "order_type").upper(),
        quantity=_whole(row, "quantity", needed=True),
        filled=_whole(row, "filled_quantity", needed=True),
        remaining=_whole(row, "remaining_quantity"),
        price=_amount(row, "price"),
        trigger=_amount(row, "trigger_price"),
        average_price=_amount(row, "average_price"),
        exchange_order_id=_text(row, "exchange_order_id"),
        user_order_id=_text(row, "user_order_id"),
        reference=_whole(row, "last_activity_reference"),
        exchange=_text(row, "exchange"),
        token=_text(row, "instrument_token"),
        symbol=_text(row, "trading_symbol"),
        rejection=_text(row, "rejection_reason"),
        raw=row,
    )


def trade_of(row: Mapping[str, Any]) -> Trade:
    """A trade from a row of the trade book or a frame of the feed. Raises Garbled."""
    quantity = "trade_quantity" if "trade_quantity" in row else "filled_quantity"
    return Trade(
        trade_id=_text(row, "trade_number") or _needed(row, "trade_id"),
        order_id=_needed(row, "oms_order_id"),
        side=_text(row, "order_side").upper(),
        quantity=_whole(row, quantity, needed=True),
        price=_amount(row, "trade_price"),
        symbol=_text(row, "trading_symbol"),
        raw=row,
    )


def moment_of(row: Mapping[str, Any]) -> Moment:
    """A moment from a row of a history; brokers without nanoseconds tell seconds. Raises Garbled."""
    return Moment(
        order_id=_needed(row, "oms_order_id"),
        at_ns=_whole(row, "last_modified") or _whole(row, "modified_at") * 1_000_000_000,
        status=_needed(row, "status").upper(),
        info=_text(row, "order_status_info"),
        mode=_text(row, "order_mode").upper(),
        filled=_whole(row, "fill_quantity"),
        remaining=_whole(row, "remaining_quantity"),
        average_price=_amount(row, "avg_price"),
        exchange_order_id=_text(row, "exchange_order_id"),
        rejection=_text(row, "reject_reason"),
        raw=row,
    )


def position_of(row: Mapping[str, Any]) -> Position:
    """A position from a row. Raises Garbled."""
    return Position(
        exchange=_text(row, "exchange"),
        token=_text(row, "instrument_token"),
        symbol=_text(row, "trading_symbol"),
        product=_text(row, "product"),
        net=_whole(row, "net_quantity", needed=True),
        bought=_whole(row, "buy_quantity"),
        sold=_whole(row, "sell_quantity"),
        average_price=_amount(row, "average_price"),
        last_price=_amount(row, "ltp"),
        realised=_amount(row, "realized_mtm"),
        raw=row,
    )


def funds_of(rows: list[Mapping[str, Any]]) -> Funds:
    """The purse from the rows of version 2: pairs of a title and an amount. Raises Garbled."""
    amounts = {_text(row, "0"): _amount(row, "1") for row in rows}
    if "Available Margin" not in amounts:
        raise Garbled("funds without an Available Margin", status=200)
    return Funds(amounts["Available Margin"], amounts.get("Margin Used", Decimal(0)), amounts)


def result_of(row: object) -> Result:
    """What became of one order, from a row of the kill switch. Raises Garbled."""
    if not isinstance(row, dict):
        raise Garbled("a result that is no object", status=200)
    return Result(_needed(row, "oms_order_id"), _text(row, "order_status"), _text(row, "message"))


def _text(row: Mapping[str, Any], name: str) -> str:
    """A text; "" for what is empty in any of the family's ways."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    text = str(value).strip()
    return "" if text.upper() in _NOTHING else text


def _needed(row: Mapping[str, Any], name: str) -> str:
    text = _text(row, name)
    if not text:
        raise Garbled(f"a row without {name}", status=200)
    return text


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    text = _text(row, name)
    try:
        amount = Decimal(text or 0)
    except InvalidOperation:
        raise Garbled(f"{name} is no number: {text[:40]!r}", status=200) from None
    if not amount.is_finite():
        raise Garbled(f"{name} is no number: {text[:40]!r}", status=200)
    return amount


def _whole(row: Mapping[str, Any], name: str, *, needed: bool = False) -> int:
    if needed:
        _needed(row, name)
    amount = _amount(row, name)
    if amount != amount.to_integral_value() or abs(amount) > 10**24:
        raise Garbled(f"{name} is no whole number", status=200)
    return int(amount)
