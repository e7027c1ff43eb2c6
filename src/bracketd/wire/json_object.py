"""A JSON object read into fields, refusing whatever two readers could understand differently.

The standard library's scanner is used for one property: it hands over every pair of an object. A decoder that keeps
the last of two equal keys in silence would let one request carry two order ids.

Most objects are flat and without escapes. There a quick decoder's silence can be found out by counting: each pair has
two quotation marks around its key and two around its value if that is a text, so that a pair which was dropped is
missed. What does not add up is read by the scanner.
"""

import json
import re
from typing import Any, Final, NoReturn

import msgspec

from bracketd.wire.fields import BAD, Fields, Unreadable, Value
from bracketd.wire.numerals import ZEROS_MAX, shortest_text

DEPTH_MAX = 32
"""Objects and arrays inside one another, the outermost counted (bracket.md section 5, check 2)."""

_BLANKS = " \t\n\r"
# A string that never ends matches up to the end of the text, so that the search is linear whatever is sent.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_STEPS = {"{": 1, "[": 1, "}": -1, "]": -1}
_SHORT_INTEGER = 10**ZEROS_MAX
_WORDS = {None: "", True: "true", False: "false"}


def read_json_object(text: str) -> Fields:
    """The fields of the one JSON object that the text is; raises Unreadable where it is none.

    Refused besides what is no JSON: a value that is not an object, more than DEPTH_MAX levels, two values under one
    key at any level, NaN and Infinity, and halves of surrogate pairs. Numbers become their shortest text.
    """
    text = text.strip(_BLANKS)
    fields = _read_flat(text)
    return _scanned(text) if fields is None else fields


class _Numeral(str):
    """A number that is no integer, as it was sent."""

    __slots__ = ()


def _read_flat(text: str) -> Fields | None:
    """The fields of an object with nothing nested, escaped or twice in it; None where it may be something else."""
    if "\\" in text:
        return None
    try:
        found = _decode_quickly(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if found.__class__ is not dict:
        return None
    fields: Fields = {}
    texts = 0
    for name, value in found.items():
        kind = value.__class__
        if kind is str:
            texts += 1
            fields[name] = value.strip()
        elif kind is int and -_SHORT_INTEGER < value < _SHORT_INTEGER:
            fields[name] = str(value)
        elif kind is _Numeral:
            fields[name] = shortest_text(value)
        elif kind is bool or value is None:
            fields[name] = _WORDS[value]
        else:
            return None
    return fields if text.count('"') == 2 * (len(found) + texts) else None


def _scanned(text: str) -> Fields:
    """The fields of any object, pair by pair."""
    if text.count("{") + text.count("[") > DEPTH_MAX and _too_deep(text):
        raise Unreadable("nested too deep")
    try:
        found, end = _decoder.raw_decode(text)
    except (json.JSONDecodeError, RecursionError) as fault:
        raise Unreadable("not JSON") from fault
    if end != len(text) or found.__class__ is not dict:
        raise Unreadable("not one JSON object")
    if "\\u" in text:
        _refuse_half_characters(found)
    return {name: value.strip() if value.__class__ is str else _meaning(value) for name, value in found.items()}


def _meaning(value: Any) -> Value:
    """What a decoded value stands for as a field (bracket.md section 5, last paragraph)."""
    if isinstance(value, str):
        return value.strip()
    return BAD if isinstance(value, (dict, list)) else _WORDS[value]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs, each key with one value."""
    found = dict(pairs)
    if len(found) != len(pairs):
        for name, value in pairs:
            if value != found[name] and (_meaning(value) is BAD or _meaning(value) != _meaning(found[name])):
                raise Unreadable(f"{name[:32]!r} is given twice")
    return found


def _integer(numeral: str) -> str:
    """The text of a JSON integer; the grammar has left only "-0" and endless zeros to shorten."""
    return numeral if len(numeral) <= ZEROS_MAX and numeral != "-0" else shortest_text(numeral)


def _refuse_constant(word: str) -> NoReturn:
    raise Unreadable(f"{word} is no JSON")


def _refuse_half_characters(found: dict[str, Any]) -> None:
    r"""Raise Unreadable where an escape such as \ud800 left half a character, which no encoder can send on."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as fault:
        raise Unreadable("half a surrogate pair") from fault


def _too_deep(text: str) -> bool:
    """Whether objects and arrays nest more than DEPTH_MAX levels, brackets inside strings not counted."""
    depth = 0
    for mark in _STRING_OR_BRACKET.findall(text):
        depth += _STEPS.get(mark, 0)
        if depth > DEPTH_MAX:
            return True
    return False


_decode_quickly: Final = msgspec.json.Decoder(float_hook=_Numeral).decode

_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=shortest_text, parse_constant=_refuse_constant
)
