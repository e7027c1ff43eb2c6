"""Fields: the names and texts of a request once its encoding no longer matters.

A field's value is a text, trimmed; "" is a field that was sent null or blank, which means absent everywhere but in
check 9 of bracket.md section 5. An object or array is BAD: it is refused only where somebody needs the field.
"""

from enum import Enum
from typing import Final


class Unreadable(ValueError):
    """The body or the query cannot be read; the caller answers 400 "`body` is invalid" (bracket.md section 5, 2)."""


class Bad(Enum):
    """The one value that is no text."""

    BAD = "BAD"


BAD: Final = Bad.BAD
"""Stands where an object or an array was sent."""

Value = str | Bad
Fields = dict[str, Value]


def add_field(fields: Fields, name: str, value: Value) -> None:
    """Put a field among the others; raises Unreadable where it is there already with another value.

    Taking the first or the last of two is a guess about which order to cancel; the same value twice harms nobody.
    """
    if fields.setdefault(name, value) != value:
        raise Unreadable(f"{name[:32]!r} is given twice")
