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
_draw: Final = random.Random().getrandbits


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The id of a request with these ASGI headers; the log has it from now on, in this task."""
    for name, value in headers:
        if name == HEADER:
            if _VALID.match(value):
                current_id.set(value.decode("ascii"))
                return value
            break
    made = f"{_draw(64):016x}"
    current_id.set(made)
    return made.encode("ascii")
