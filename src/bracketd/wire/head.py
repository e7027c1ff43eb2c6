"""The head: what the headers of a request say to order entry, read once and kept together.

A client of this family sends the same headers again and again; what they say can be remembered (`known_heads`), and is
the same whoever has read it.
"""

from collections.abc import Iterable

import msgspec

from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.wire.representation import wants_representation
from bracketd.wire.request_id import HEADER, valid_id


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the headers say. Nothing is judged yet: that is done in the order of bracket.md section 5.

    `content_type` and `key` (of Idempotency-Key) are as sent, None where there is none; `sent_id` is the client's
    request id, b"" where there is none that may be echoed; `prefers` says whether a representation is preferred.
    """

    token: str | None
    tokens_differ: bool
    content_type: bytes | None
    key: bytes | None
    sent_id: bytes
    prefers: bool

    def presented(self) -> str | None:
        """The one token, None where there is none; raises Unauthorised where the headers carry different ones."""
        if self.tokens_differ:
            raise Unauthorised(Refusal.HEADERS_DIFFER)
        return self.token


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """What ASGI headers say."""
    sent = list(headers)
    first: dict[bytes, bytes] = {}
    for name, value in sent:
        first.setdefault(name, value)
    try:
        token, differ = presented_token(sent), False
    except Unauthorised:
        token, differ = None, True
    return Head(
        token=token,
        tokens_differ=differ,
        content_type=first.get(b"content-type"),
        key=first.get(b"idempotency-key"),
        sent_id=valid_id(first.get(HEADER)),
        prefers=b"prefer" in first and wants_representation(sent),
    )
