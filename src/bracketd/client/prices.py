"""Prices: exact decimals, in rupees. A float is refused, because 456.95 is none."""

from decimal import Decimal, InvalidOperation

Price = Decimal | int | str
"""What a price may be given as.

>>> broker.place_bracket("SBIN", "BUY", 1, price="450.05", target=2, stop=1).entry.price
Decimal('450.05')
"""


def price(value: Price, name: str) -> Decimal:
    """The exact amount in rupees. Raises TypeError for a float, ValueError for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        kind = type(value).__name__
        raise TypeError(f"{name} is a Decimal, an int or a str such as '456.95', not a {kind}: prices are exact")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name} is no price: {value!r}") from None
    if not amount.is_finite():
        raise ValueError(f"{name} is no price: {value!r}")
    return amount


def shares(value: int, name: str = "quantity") -> int:
    """A whole number of shares. Raises TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number of shares, not a {type(value).__name__}")
    return value
