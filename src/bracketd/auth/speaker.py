"""The gate of an engine: who speaks was found out by a gateway, and a link's proof vouches for the gateway.

The claims travel as a token of the engine's own, which no request from outside can hold: a link puts it in the place
of whatever headers the client sent.
"""

import base64
import functools
from collections.abc import Iterable
from typing import Final

import msgspec

from bracketd.auth.gate import Gate
from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import EXP_MS_MAX, Claims

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[str, str, int]).decode


@functools.lru_cache(10_000)
def speaker_token(account_id: str, device: str, exp_ms: int) -> bytes:
    """The token under which an engine knows an account that a gateway let in; `exp_ms` in unix milliseconds."""
    return base64.urlsafe_b64encode(_encode((account_id, device, exp_ms)))


@functools.lru_cache(10_000)
def _claims(token: str) -> Claims:
    account_id, device, exp_ms = _decode(base64.urlsafe_b64decode(token))
    return Claims(
        blacklist_key="", client_id=account_id, client_token="", device=device, exp=min(exp_ms, EXP_MS_MAX - 1)
    )


class LinkGate(Gate):
    """Takes a link's word. Revocation is the gateway's business; an expiry is compared here too."""

    def __init__(self) -> None:
        """Know nobody: there is no store."""

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> Claims:
        """The claims that a link put into a request's headers; raises Unauthorised where it put none."""
        return self.admit(presented_token(headers), now_ns)

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of a token that a link made; raises Unauthorised."""
        if token is None:
            raise Unauthorised(Refusal.NO_TOKEN)
        claims = _claims(token)
        self.recheck(claims, now_ns)
        return claims

    def recheck(self, claims: Claims, now_ns: int) -> None:
        """Raise Unauthorised once the token behind the claims has expired."""
        if now_ns >= claims.exp_ms * 1_000_000:
            raise Unauthorised(Refusal.EXPIRED)

    def logout(self, claims: Claims) -> None:
        """Nothing: a gateway has revoked it."""
