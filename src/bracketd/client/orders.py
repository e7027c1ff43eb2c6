"""Orders to be placed and changed, as the bodies that the family's documents print (wire.md 1.3, 1.6)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bracketd.client.prices import Price, price, shares
from bracketd.client.rows import Order

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded: the exchange's word and the number that it knows the share by.

    >>> broker.find("SBIN")
    Instrument(exchange='NSE', token='3045', symbol='SBIN-EQ')
    """

    exchange: str
    token: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class BracketOrder:
    """A bracket to be placed, prices exact."""

    side: str
    quantity: int
    target: Decimal
    stop: Decimal
    price: Decimal
    trigger: Decimal
    trailing: Decimal
    validity: str

    @property
    def order_type(self) -> str:
        """By the prices that were given: LIMIT, SL, SLM or MARKET."""
        if self.price:
            return "SL" if self.trigger else "LIMIT"
        return "SLM" if self.trigger else "MARKET"

    def body(self, client_id: str, instrument: Instrument, key: str) -> dict[str, object]:
        """The body of the POST. Its `user_order_id` follows from the key, so that the order is known in the book."""
        return {
            "client_id": client_id,
            "device": "WEB",
            "disclosed_quantity": 0,
            "exchange": instrument.exchange,
            "execution_type": "BO",
            "instrument_token": instrument.token,
            "is_trailing": self.trailing > 0,
            "order_side": self.side,
            "order_type": self.order_type,
            "price": self.price,
            "product": "MIS",
            "quantity": self.quantity,
            "square_off_value": self.target,
            "stop_loss_value": self.stop,
            "trailing_stop_loss": self.trailing,
            "trigger_price": self.trigger,
            "user_order_id": user_order_id(key),
            "validity": self.validity,
        }


def bracket_order(
    side: str,
    quantity: int,
    target: Price,
    stop: Price,
    limit: Price | None,
    trigger: Price | None,
    trailing: Price,
    validity: str,
) -> BracketOrder:
    """A bracket from what a caller says. Raises TypeError for a float, ValueError for a price that is none."""
    return BracketOrder(
        side=side.upper(),
        quantity=shares(quantity),
        target=price(target, "target"),
        stop=price(stop, "stop"),
        price=_NOTHING if limit is None else price(limit, "price"),
        trigger=_NOTHING if trigger is None else price(trigger, "trigger"),
        trailing=price(trailing, "trailing"),
        validity=validity.upper(),
    )


def user_order_id(key: str) -> int:
    """A number of nine digits that follows from the key of a placing."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % 900_000_000 + 100_000_000


def cancel_body(client_id: str, order: Order, leg: str) -> dict[str, str]:
    """The six fields of a cancel; an exchange number that is not known yet is left out."""
    body = {
        "client_id": client_id,
        "execution_type": str(order.raw.get("execution_type") or "BO"),
        "leg_order_indicator": leg,
        "oms_order_id": order.order_id,
        "status": order.status,
    }
    if order.exchange_order_id:
        body["exchange_order_id"] = order.exchange_order_id
    return body


def modify_body(client_id: str, order: Order, changes: Mapping[str, object], guarded: bool) -> dict[str, object]:
    """The body of a PUT: the order as it was read, with the changes; `guarded` refuses it if it is not so any more."""
    raw = order.raw
    kept: dict[str, object] = {
        "client_id": client_id,
        "disclosed_quantity": raw.get("disclosed_quantity", 0),
        "exchange": order.exchange,
        "exchange_order_id": order.exchange_order_id,
        "execution_type": str(raw.get("execution_type") or "BO"),
        "filled_quantity": order.filled,
        "instrument_token": order.token,
        "oms_order_id": order.order_id,
        "order_type": order.order_type,
        "price": order.price,
        "product": raw.get("product", "MIS"),
        "quantity": order.quantity,
        "remaining_quantity": order.remaining,
        "trigger_price": order.trigger,
        "validity": raw.get("validity", "DAY"),
    }
    if guarded:
        kept["last_activity_reference"] = order.reference
    if not order.exchange_order_id:
        del kept["exchange_order_id"]
    if changes.get("trailing_stop_loss"):
        kept["is_trailing"] = True
    return {**kept, **changes}


Changes = Mapping[str, Decimal | int | None]
"""The fields that a modification changes; None is no change."""


def exact(value: Price | None, name: str) -> Decimal | None:
    """A price that may be absent."""
    return None if value is None else price(value, name)


def entry_changes(
    limit: Price | None,
    trigger: Price | None,
    quantity: int | None,
    target: Price | None,
    stop: Price | None,
    trailing: Price | None,
) -> Changes:
    """The fields of a change of the entry."""
    return {
        "price": exact(limit, "price"),
        "trigger_price": exact(trigger, "trigger"),
        "quantity": None if quantity is None else shares(quantity),
        "square_off_value": exact(target, "target"),
        "stop_loss_value": exact(stop, "stop"),
        "trailing_stop_loss": exact(trailing, "trailing"),
    }
