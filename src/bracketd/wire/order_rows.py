"""Order rows: the order book as the family's clients read it (wire.md 1.8, samples.md).

A row has the keys of the 2020 documents and of the 2024 ones, `square_off?` and `square_off` both. What this product
does not have stands as the documents' own empty value.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Leg, Order, Status
from bracketd.engine.state import State
from bracketd.wire.amounts import average_price, rupees
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

TERMINAL_BY_TYPE = {"pending": False, "completed": True, "complete": True, "traded": True}
"""The words of the query's `type`: whether they ask for rows that are terminal."""

_NS_PER_S = 1_000_000_000
_NO_OFFSETS = (Decimal(0), Decimal(0))


def wants_terminal(parameters: Parameters) -> bool:
    """Whether the request asks for terminal rows; raises FieldError for a missing or an unknown `type`."""
    word = parameters.text("type")
    if word is None or parameters.bad("type"):
        raise FieldError("type", blank=not parameters.bad("type"))
    if word.lower() not in TERMINAL_BY_TYPE:
        raise FieldError("type")
    return TERMINAL_BY_TYPE[word.lower()]


def order_rows(
    state: State, instruments: Mapping[str, Instrument], orders: Iterable[Order], terminal: bool
) -> list[dict[str, object]]:
    """The rows of those orders that are terminal, or of those that are not, in the order given."""
    return [
        order_row(state, order, instruments.get(order.instrument)) for order in orders if order.terminal is terminal
    ]


def order_row(state: State, order: Order, instrument: Instrument | None) -> dict[str, object]:
    """One row. The six keys at its beginning keep their place, so that a shell can search for them."""
    row: dict[str, object] = {
        "basket_id": "" if order.execution.single else order.basket_id,
        "oms_order_id": order.order_id,
        "parent_order_id": order.parent_id,
        "leg_order_indicator": order.shown_leg,
        "user_order_id": order.user_order_id,
        "order_status": order.status,
    }
    return row | _standing(order) | _terms(state, order) | contract_fields(order.instrument, instrument)


def _standing(order: Order) -> dict[str, object]:
    """What has become of the order: times in unix seconds, prices in rupees."""
    facts = {
        "order_status_info": order.info,
        "exchange_order_id": order.exchange_order_id,
        "quantity": order.quantity,
        "filled_quantity": order.filled,
        "remaining_quantity": order.remaining,
    }
    times = {
        "order_entry_time": order.placed_ns // _NS_PER_S,
        "exchange_time": max(order.accepted_ns, order.last_trade_ns) // _NS_PER_S,
        "last_activity_reference": order.activity_reference,
    }
    return facts | traded_fields(order) | times | rejection_fields(order)


def traded_fields(order: Order) -> dict[str, object]:
    """At which prices the order has traded, in rupees."""
    average = average_price(order)
    return {
        "average_price": average,
        "average_trade_price": average,
        "trade_price": rupees(order.last_trade_paise),
    }


def rejection_fields(order: Order) -> dict[str, object]:
    """Why the order was rejected."""
    return {
        "rejection_code": 0,
        # A cancel that was refused leaves its text in the order too, and rejects nothing.
        "rejection_reason": (order.rejection or "NONE") if order.status is Status.REJECTED else "NONE",
    }


def _terms(state: State, order: Order) -> dict[str, object]:
    """What was asked for; the two offsets stand on the entry."""
    square_off_value, stop_loss_value = _offsets(state, order)
    terms = {
        "price": rupees(order.price_paise),
        "trigger_price": rupees(order.trigger_paise),
        "disclosed_quantity": order.disclosed_quantity,
        "market_protection_percentage": rupees(order.protection_bp),
        "square_off_value": square_off_value,
        "stop_loss_value": stop_loss_value,
    }
    trailing = trailing_fields(_trailing_step_paise(state, order), order.client_id)
    return kind_fields(order) | terms | trailing | {"device": order.device or "UNKNOWN"}


def kind_fields(order: Order) -> dict[str, object]:
    """Which kind of order it is, in five words of the interface."""
    return {
        "execution_type": order.execution,
        "order_side": order.side,
        "order_type": order.order_type,
        "product": order.product,
        "validity": order.validity,
    }


def trailing_fields(step_paise: int, client_id: str) -> dict[str, object]:
    """By which step the stop trails, if it does, and whose order it is."""
    step = rupees(step_paise)
    return {
        "trailing_stop_loss": step,
        "is_trailing": step > 0,
        "target_price_type": "absolute",
        "client_id": client_id,
        "login_id": client_id,
    }


def _trailing_step_paise(state: State, order: Order) -> int:
    """The step by which the stop trails, on the two rows by whose id it can be named: the entry's and the stop's."""
    bracket = state.brackets.get(order.basket_id) if order.leg in (Leg.ENTRY, Leg.STOPLOSS) else None
    return bracket.trailing_step_paise if bracket is not None else 0


def _offsets(state: State, order: Order) -> tuple[Decimal, Decimal]:
    bracket = state.brackets.get(order.basket_id) if order.leg is Leg.ENTRY else None
    if bracket is None:
        return _NO_OFFSETS
    return rupees(bracket.target_offset_paise), rupees(bracket.stop_offset_paise)


def contract_fields(key: str, instrument: Instrument | None) -> dict[str, object]:
    """What is traded, by its key, to the end of the row; what the file no longer names is known by its key alone."""
    exchange, _, token = key.partition(":")
    contract: dict[str, object] = {
        "exchange": exchange,
        "instrument_token": int(token),
        "underlying_token": int(token),
        "trading_symbol": instrument.trading_symbol if instrument else "",
        "symbol": instrument.symbol if instrument else "",
        "series": instrument.series if instrument else "",
        "isin": instrument.isin if instrument else "",
        "lot_size": instrument.lot if instrument else 1,
    }
    return contract | _not_here()


def _not_here() -> dict[str, object]:
    """What the documents show and nothing here has: their own empty values, of their own types."""
    return {
        "pro_cli": "CLIENT",
        "mode": "NEW",
        "deposit": 0,
        "order_tag": "",
        "square_off?": False,
        "square_off": False,
        "segment": "",
        "contract_description": {},
        "nnf_id": 0,
        "source": "",
        "spread_token": 0,
        "tags": [],
        "sl_trigger_price": 0,
        "sl_order_price": 0,
        "sl_order_quantity": 0,
    }
