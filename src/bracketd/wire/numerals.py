"""Numerals: one text for one number, however it was written, without the number ever becoming a float.

Clients of this family send 3, 3.0, "3" and 1.1e15 for the same thing (wire.md 1.3 and 1.6), and order numbers of 16
digits as JSON numbers, which a float would round.
"""

import re

ZEROS_MAX = 32
"""More zeros than this are never written out: 1e400 stays an exponent, so nine bytes cannot become a gigabyte."""

EXPONENT_MAX = 10**9
"""An exponent beyond a billion counts as a billion: no field of this dialect has a use for either."""

_PLAIN = re.compile(r"(?:0|-?[1-9][0-9]{0,31}+)(?:\.[0-9]{1,31})?")
"""Most numerals: without idle zeros each is the shortest, and it never has more zeros than ZEROS_MAX."""

_NUMERAL = re.compile(r"([+-]?)([0-9]++)(?:\.([0-9]*+))?(?:[eE]([+-]?)([0-9]++))?")


class NotNumeral(ValueError):
    """The text is no decimal number."""


def shortest_text(numeral: str) -> str:
    """The shortest JSON text of a number: plain where at most ZEROS_MAX zeros fill it up, else scientific.

    "3.0" is "3", "-0" is "0", "1.1e15" is "1100000000000000", "1E+400" is "1e400". Raises NotNumeral for a text that
    is no number, NaN and Infinity included.
    """
    if _PLAIN.fullmatch(numeral) is None:
        return _written_out(numeral)
    return numeral.rstrip("0").rstrip(".") if "." in numeral else numeral


def _written_out(numeral: str) -> str:
    """The same for any numeral."""
    match = _NUMERAL.fullmatch(numeral)
    if match is None:
        raise NotNumeral(numeral[:32])
    sign, whole, fraction, exponent_sign, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    # The number is 0.<digits> times ten to the power of `point`.
    point = len(digits) - len(fraction) + _power(exponent_sign, exponent)
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    text = _plain(digits, point) or _scientific(digits, point)
    return f"-{text}" if sign == "-" else text


def _power(sign: str, digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    power = int(digits) if len(digits) < 10 else EXPONENT_MAX
    return -power if sign == "-" else power


def _plain(digits: str, point: int) -> str:
    """The digits with the point in its place, "" where that takes too many zeros."""
    if point >= len(digits):
        zeros = point - len(digits)
        return digits + "0" * zeros if zeros <= ZEROS_MAX else ""
    if point > 0:
        return f"{digits[:point]}.{digits[point:]}"
    return f"0.{'0' * -point}{digits}" if -point <= ZEROS_MAX else ""


def _scientific(digits: str, point: int) -> str:
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}e{point - 1}"
