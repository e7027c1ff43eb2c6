"""The gate that every request passes: a token is verified once, and looked at on every use."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import Version
from bracketd.auth.headers import presented_token
from bracketd.auth.opaque_token import OpaqueTokens, is_opaque
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims, verify

CACHE_TOKENS: Final = 10_000
"""How many verified tokens are remembered unless said otherwise; the one used longest ago goes first."""


class _Verified:
    """A token whose signature held, and the version of the store under which its standing was last good."""

    __slots__ = ("claims", "exp_ns", "version")

    def __init__(self, claims: Claims, version: Version) -> None:
        self.claims = claims
        self.exp_ns = claims.exp_ms * 1_000_000
        self.version = version


class Gate:
    """Lets a request in as one client, or raises Unauthorised.

    What is remembered of a token, under its whole text, is that its signature held, or, of an opaque one, that it was
    given out. Expiry is compared on every use.
    Revocation, client_token and disabled are in the store: while its version has not moved they cannot have changed,
    and when it has, whichever process moved it, they are read again before the token is let in.
    """

    def __init__(self, store: ClientStore, key: bytes, cache_tokens: int = CACHE_TOKENS) -> None:
        """Stand before one store, with the key of its data folder; used by the store's thread."""
        self._store = store
        # Bound once: this is asked for with every request.
        self._version = store.version
        self._opaque = OpaqueTokens(store)
        self._key = key
        self._cache_tokens = cache_tokens
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> Claims:
        """The claims of the token in a request's ASGI headers, good at `now_ns`; raises Unauthorised."""
        return self.admit(presented_token(headers), now_ns)

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of a token that was presented otherwise, as in a websocket's query; raises Unauthorised."""
        if token is None:
            raise Unauthorised(Refusal.NO_TOKEN)
        # Read before the standing: a change in between then shows as a newer version at the next use.
        version = self._version()
        known = self._verified.get(token)
        if known is not None and known.version == version and now_ns < known.exp_ns:
            self._verified.move_to_end(token)
            return known.claims
        return self._admit_afresh(token, known, version, now_ns)

    def recheck(self, claims: Claims, now_ns: int) -> None:
        """Raise Unauthorised unless claims that were let in before are still good, as an open websocket's must be."""
        if now_ns >= claims.exp_ms * 1_000_000:
            raise Unauthorised(Refusal.EXPIRED)
        self.check_client_token(claims)
        self.check_not_revoked(claims)

    def logout(self, claims: Claims) -> None:
        """Revoke the token of these claims, durably and for every process."""
        self._store.revoke(claims.blacklist_key, claims.exp_ms)

    def check_client_token(self, claims: Claims) -> None:
        """Raise Unauthorised unless the client is there, is not disabled, and has this client_token."""
        client = self._store.get(claims.client_id)
        if client is None:
            raise Unauthorised(Refusal.CLIENT_UNKNOWN)
        if client.disabled:
            raise Unauthorised(Refusal.CLIENT_DISABLED)
        if client.client_token != claims.client_token:
            raise Unauthorised(Refusal.CLIENT_TOKEN_ROTATED)

    def check_not_revoked(self, claims: Claims) -> None:
        """Raise Unauthorised if the token was logged out."""
        if self._store.is_revoked(claims.blacklist_key):
            raise Unauthorised(Refusal.REVOKED)

    def _admit_afresh(self, token: str, known: _Verified | None, version: Version, now_ns: int) -> Claims:
        """Verify a token not seen before, or look again at one that may have lost its standing."""
        if known is None:
            known = _Verified(self._first_look(token, now_ns), version)
            self._verified[token] = known
            if len(self._verified) > self._cache_tokens:
                self._verified.popitem(last=False)
            return known.claims
        # What is refused is forgotten; if it becomes good again, it is verified in full again.
        del self._verified[token]
        self.recheck(known.claims, now_ns)
        known.version = version
        self._verified[token] = known
        return known.claims

    def _first_look(self, token: str, now_ns: int) -> Claims:
        """The claims of a token whose shape says which kind it is; raises Unauthorised unless it is good."""
        if not is_opaque(token):
            return verify(self._key, token, now_ns, self)
        claims = self._opaque.claims_of(token)
        self.recheck(claims, now_ns)
        return claims
