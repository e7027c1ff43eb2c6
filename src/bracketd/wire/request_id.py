"""Request ids: each reply and each log line of one request carry the same id.

A client's own is echoed where it is 1 to 64 letters, digits, dots, hyphens or underscores: anything else could forge a
line of the log. Where there is none the server makes one: 16 hexadecimal digits, drawn, so that they count nothing.
"""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

HEADER: Final = b"x-request-id"

current_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request in hand, "" outside of one."""

_VALID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z", re.ASCII)
_DIGITS: Final = 16
_DRAWN_TOGETHER: Final = 64
_draw: Final = random.Random().getrandbits
_drawn: Final[list[str]] = []
"""Ids for the requests to come: many are drawn in the time of one."""


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The id of a request with these ASGI headers; the log has it from now on, in this task."""
    for name, value in headers:
        if name == HEADER:
            return begin_id(valid_id(value))
    return begin_id(b"")


def valid_id(sent: bytes | None) -> bytes:
    """The id that a client sent where it may be echoed, else b""."""
    return sent if sent and _VALID.match(sent) else b""


def begin_id(valid: bytes) -> bytes:
    """The id of a request, drawn where the client sent no valid one; the log has it from now on, in this task."""
    if valid:
        current_id.set(valid.decode("ascii"))
        return valid
    try:
        made = _drawn.pop()
    except IndexError:
        digits = f"{_draw(_DRAWN_TOGETHER * _DIGITS * 4):0{_DRAWN_TOGETHER * _DIGITS}x}"
        _drawn.extend(digits[at : at + _DIGITS] for at in range(_DIGITS, len(digits), _DIGITS))
        made = digits[:_DIGITS]
    current_id.set(made)
    return made.encode("ascii")
