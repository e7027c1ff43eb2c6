"""The form ticket: proof that a login form was served by us, to this browser, for this very request, a while ago.

Another site can make a browser send a form here, but neither read our page nor the cookie that came with it. The
ticket in the page is an HMAC over the cookie's value, the request and the hour; nothing is kept.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final

LIFETIME_S: Final = 600
"""A page is good for ten minutes."""

_NONCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TICKET: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)
_S_NS: Final = 1_000_000_000


class FormTickets:
    """Makes and checks tickets with a key derived from the folder's signing key."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Derive a key of their own: a ticket is never mistaken for a token."""
        self._key = hmac.digest(key, b"bracketd login form", hashlib.sha256)
        self._random_bytes = random_bytes

    def nonce(self, cookie: str | None) -> str:
        """The browser's value: the one its cookie has, so that two tabs do not end each other's forms, or a new one."""
        return cookie if cookie and _NONCE.fullmatch(cookie) else self._random_bytes(16).hex()

    def make(self, nonce: str, request: str, now_ns: int) -> str:
        """A ticket for one browser and one request."""
        until_s = now_ns // _S_NS + LIFETIME_S
        return f"{until_s}.{self._seal(nonce, request, until_s)}"

    def good(self, ticket: str, nonce: str | None, request: str, now_ns: int) -> bool:
        """Whether a ticket was made for this browser and this request, and not too long ago."""
        match = _TICKET.fullmatch(ticket)
        if match is None or nonce is None or not _NONCE.fullmatch(nonce):
            return False
        until_s = int(match[1])
        return hmac.compare_digest(match[2], self._seal(nonce, request, until_s)) and now_ns < until_s * _S_NS

    def _seal(self, nonce: str, request: str, until_s: int) -> str:
        text = f"{until_s}\n{nonce}\n{request}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
