"""The headers in which a client may present its token: three, because the family's clients use three."""

from collections.abc import Iterable
from typing import Final

from bracketd.auth.refusal import Refusal, Unauthorised

TOKEN_HEADERS: Final = (b"x-authorization-token", b"x-auth-token", b"authorization")
"""Names as ASGI gives them, lower case, the one that counts most first (wire.md section 1.2)."""

_NAMES: Final = frozenset(TOKEN_HEADERS)
_BEARER_INITIALS: Final = frozenset((b"B", b"b"))


def presented_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The one token that a request's ASGI headers carry, without `Bearer`, or None when there is none.

    A prefix `Bearer ` in any case is taken off whichever header carries it; a blank value counts as absent. Headers
    that carry different tokens raise Unauthorised: to pick one would be to guess who is meant (wire.md section 1.2).
    So the precedence of the names never decides between two identities, and equal tokens need no order.
    """
    found: bytes | None = None
    for name, value in headers:
        if name in _NAMES:
            token = _without_bearer(value)
            if token and token != found:
                if found is not None:
                    raise Unauthorised(Refusal.HEADERS_DIFFER)
                found = token
    # Latin-1 cannot fail; what is not ASCII is refused by the verifier.
    return None if found is None else found.decode("latin-1")


def _without_bearer(value: bytes) -> bytes:
    """A header value without surrounding blanks and without one `Bearer` before a blank or the end."""
    value = value.strip()
    # A JWT begins with e: the first letter spares it the rest.
    if value[:1] in _BEARER_INITIALS and value[:6].lower() == b"bearer" and value[6:7] in (b" ", b"\t", b""):
        return value[6:].lstrip()
    return value
