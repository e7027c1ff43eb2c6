"""Words: the enumerated words and the numbers of the dialect, read from a request's parameters.

Spellings are those that the family's documents and clients show (wire.md 1.3, 1.6), in any case. A reader without a
`default` needs its field: absent or blank is FieldError(field, blank=True). Whatever is no word of the list is
FieldError(field, blank=False), and so is an object or array, looked at here because here the value is first needed.

A reader takes the parameters and the field's name. One with `_of` takes the text that was sent (`agreed`) instead, for
those who read many fields.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from bracketd.domain.money import NotMoney, paise_and_remainder
from bracketd.domain.order import OrderType, Product, Side, Validity
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.parameters import Parameters

T = TypeVar("T")

SIDES = {"BUY": Side.BUY, "B": Side.BUY, "SELL": Side.SELL, "S": Side.SELL}
ORDER_TYPES = {
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "SL": OrderType.SL,
    "SLM": OrderType.SLM,
    "SL-M": OrderType.SLM,
}
VALIDITIES = {"DAY": Validity.DAY, "IOC": Validity.IOC}
PRODUCTS = {"MIS": Product.MIS, "CNC": Product.CNC, "NRML": Product.NRML, "NMRL": Product.NRML}
BOOLEANS = {"TRUE": True, "1": True, "FALSE": False, "0": False}

QUANTITY_LIMIT = 10**15
"""Larger counts are read as this one: beyond any freeze quantity, and safe in the journal's 64 bits."""

_LIMIT_DIGITS = len(str(QUANTITY_LIMIT))

REFERENCE_IGNORED_MAX = 10.0
"""Activity references up to this one mean "no check": the documents' samples send 0 and 10 (wire.md 1.6)."""

_PLAIN_WHOLE = re.compile(r"-?[0-9]+")


class FieldError(ValueError):
    """A field is wrong, or with `blank` needed and not there: 400, "is invalid" or "can't be blank"."""

    def __init__(self, field: str, blank: bool = False) -> None:
        super().__init__(field)
        self.field = field
        self.blank = blank


def agreed(parameters: Parameters) -> Callable[[str], str | None]:
    """A function that gives a field's text, "" or None where it is blank or absent.

    It raises FieldError where body and query disagree on the field (check 7), and for an object or array.
    """
    only = parameters.only
    if only is not None:
        return only.get

    def sent(field: str) -> str | None:
        if parameters.conflict(field):
            raise FieldError(field)
        return _sent(parameters, field)

    return sent


def text(parameters: Parameters, field: str, default: str | None = None) -> str:
    """The text of a field as it was sent, trimmed."""
    return text_of(_sent(parameters, field), field, default)


def side(parameters: Parameters, field: str = "order_side", default: Side | None = None) -> Side:
    """BUY or SELL, also as B or S."""
    return word(parameters, field, SIDES, default)


def product(parameters: Parameters, field: str = "product", default: Product | None = None) -> Product:
    """MIS, CNC or NRML, the last also as the documents' NMRL."""
    return word(parameters, field, PRODUCTS, default)


def word(parameters: Parameters, field: str, words: Mapping[str, T], default: T | None = None) -> T:
    """The value that the field's word stands for, the default where nothing was sent."""
    return word_of(_sent(parameters, field), field, words, default)


def rupees(parameters: Parameters, field: str, default: tuple[int, bool] | None = None) -> tuple[int, bool]:
    """An amount in rupees as (whole paise, whether it was finer than a paisa): see `rupees_of`."""
    return rupees_of(_sent(parameters, field), field, default)


def quantity(parameters: Parameters, field: str = "quantity", default: int | None = None) -> int:
    """A count of shares: see `quantity_of`."""
    return quantity_of(_sent(parameters, field), field, default)


def whole(parameters: Parameters, field: str, default: int | None = None) -> int:
    """A number that is whole, kept within QUANTITY_LIMIT: half a share must not turn into a quote."""
    number = quantity(parameters, field, default)
    sent = _sent(parameters, field)
    if not number and sent is not None and _numeral(sent, field) != "0":
        raise FieldError(field)
    return number


def text_of(sent: str | None, field: str, default: str | None = None) -> str:
    """The text that a field was sent with, the default where that is blank or absent."""
    return sent or _fallback(field, default)


def word_of(sent: str | None, field: str, words: Mapping[str, T], default: T | None = None) -> T:
    """The value that the word a field was sent with stands for, in any case."""
    if not sent:
        return default if default is not None else _fallback(field, default)
    found = words.get(sent)
    if found is None:
        found = words.get(sent.upper())
        if found is None:
            raise FieldError(field)
    return found


def rupees_of(sent: str | None, field: str, default: tuple[int, bool] | None = None) -> tuple[int, bool]:
    """The amount that a field was sent with, as (whole paise, whether it was finer than a paisa).

    A JSON number and its text mean the same, exponents included: 1e2 and "1e2" are 10000 paise.
    """
    if not sent:
        return _fallback(field, default)
    try:
        return paise_and_remainder(sent)
    except NotMoney:
        # Rare: an exponent, or more zeros than the plain form may have.
        try:
            return paise_and_remainder(shortest_text(sent))
        except (NotMoney, NotNumeral) as fault:
            raise FieldError(field) from fault


def quantity_of(sent: str | None, field: str, default: int | None = None) -> int:
    """The count of shares that a field was sent with, kept within QUANTITY_LIMIT; 0 for a number that is not whole.

    No lot is 0 shares, so the lot rule refuses 2.5 by name (BAD_LOT) and only what is no number is a FieldError.
    """
    if not sent:
        return _fallback(field, default)
    if len(sent) < _LIMIT_DIGITS and sent.isascii() and sent.isdigit():
        return int(sent)
    numeral = _numeral(sent, field)
    if _PLAIN_WHOLE.fullmatch(numeral) is not None:
        # Cut before int(): Python refuses to read more than 4300 digits.
        return max(-QUANTITY_LIMIT, min(QUANTITY_LIMIT, int(numeral[:20])))
    if "e" in numeral and "e-" not in numeral:
        return -QUANTITY_LIMIT if numeral.startswith("-") else QUANTITY_LIMIT
    return 0


def reference_of(sent: str | None, field: str) -> float | None:
    """The activity reference that a field was sent with, as float64; None where there is nothing to check.

    None stands for absent, blank and REFERENCE_IGNORED_MAX or less. Browsers have rounded the reference to a float64
    already, so an exact comparison would refuse every one of them (wire.md 1.6).
    """
    if not sent:
        return None
    reference = float(_numeral(sent, field))
    if not math.isfinite(reference):
        raise FieldError(field)
    return reference if reference > REFERENCE_IGNORED_MAX else None


def execution_type(sent: str) -> str:
    """The execution type in capitals, for its case is ignored (bracket.md section 5, check 8)."""
    return sent.upper()


def _sent(parameters: Parameters, field: str) -> str | None:
    """The field's text, None where it is absent or blank."""
    if parameters.bad(field):
        raise FieldError(field)
    return parameters.text(field)


def _fallback(field: str, default: T | None) -> T:
    """What an absent field stands for."""
    if default is None:
        raise FieldError(field, blank=True)
    return default


def _numeral(sent: str, field: str) -> str:
    try:
        return shortest_text(sent)
    except NotNumeral as fault:
        raise FieldError(field) from fault
