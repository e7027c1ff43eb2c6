"""Amounts: paise as the JSON numbers in rupees that the family's replies show.

Decimal, not float: 45695 paise leave as 456.95 and never as 456.9500000001. `JSON` writes a Decimal as a number.
"""

from decimal import Decimal

import msgspec

from bracketd.domain.order import Order

JSON = msgspec.json.Encoder(decimal_format="number")
"""The encoder for bodies that hold amounts: compact, keys in the order given."""

_PAISE_PER_RUPEE = Decimal(100)
_PARTS_PER_RUPEE = Decimal(10_000)
_ZERO = Decimal(0)


def rupees(paise: int) -> Decimal:
    """The amount in rupees without idle zeros: 50000 is 500, 2780 is 27.8."""
    return Decimal(paise) / _PAISE_PER_RUPEE if paise else _ZERO


def average_price(order: Order) -> Decimal:
    """The exact quotient of value and quantity in rupees, rounded half up to 4 decimals; 0 before the first fill."""
    return average(order.traded_value_paise, order.filled)


def average(value_paise: int, quantity: int) -> Decimal:
    """The price in rupees at which so many shares come to that value, rounded half up to 4 decimals; 0 for none."""
    if not quantity:
        return _ZERO
    parts = (2 * 100 * value_paise + quantity) // (2 * quantity)
    return Decimal(parts) / _PARTS_PER_RUPEE
