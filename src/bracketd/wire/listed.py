"""Bodies with a list of objects: each is read as a request of its own is, and a wrong field is named with its place.

A fault's field is named as `rules[1].delay_ms`: the list, which of its objects, counted from 0, and the field.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from bracketd.wire.fields import Fields, Unreadable
from bracketd.wire.json_object import read_json_object
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

NAME_LENGTH_MAX: Final = 32
"""So much is told of the name of a field that is not known."""

T = TypeVar("T")


def read_document(body: bytes) -> tuple[Fields, dict[str, Any]]:
    """The fields of a JSON object, and the whole of it with all numbers as texts. Raises Unreadable."""
    try:
        text = body.decode()
    except UnicodeDecodeError as fault:
        raise Unreadable("not UTF-8") from fault
    # Read twice: numbers of what is nested stay texts, so that each is read as every other field is.
    return read_json_object(text), json.loads(text, parse_float=str, parse_int=str)


def listed_objects(document: dict[str, Any], name: str, at_most: int) -> list[object]:
    """What stands in a list. Raises FieldError where there is none, or one that is too long."""
    listed = document.get(name)
    if listed is None:
        raise FieldError(name, blank=True)
    if not isinstance(listed, list) or len(listed) > at_most:
        raise FieldError(name)
    return listed


def read_each(listed: list[object], name: str, read: Callable[[Parameters, dict[str, Any]], T]) -> list[T]:
    """What `read` makes of each object of a list, of its fields and of the whole of it. Raises FieldError."""
    return [_read(sent, f"{name}[{place}]", read) for place, sent in enumerate(listed)]


def refuse_others(fields: Iterable[str], known: tuple[str, ...]) -> None:
    """Raise FieldError for the first field that is not known."""
    for name in fields:
        if name not in known:
            raise FieldError(name[:NAME_LENGTH_MAX])


def _read(sent: object, place: str, read: Callable[[Parameters, dict[str, Any]], T]) -> T:
    if not isinstance(sent, dict):
        raise FieldError(place)
    try:
        return read(Parameters.of(None, read_json_object(json.dumps(sent)), {}), sent)
    except FieldError as fault:
        raise type(fault)(f"{place}.{fault.field}", fault.blank) from fault
