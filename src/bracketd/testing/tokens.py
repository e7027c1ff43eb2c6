"""Tokens of the kit: given out without a login, and expired at a word."""

from collections.abc import Iterable
from typing import Final

from bracketd.auth.gate import Gate
from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims

NEVER_MS: Final = 2**52


class TokenBook(Gate):
    """The gate of a paper broker: it knows the tokens that it gave out, and keeps nothing on a disk."""

    def __init__(self) -> None:
        self._claims: dict[str, Claims] = {}
        self._given = 0

    def give(self, client_id: str) -> str:
        """A new token of a client."""
        self._given += 1
        token = f"paper-{client_id}-{self._given}"
        self._claims[token] = Claims(f"{client_id}:{self._given}", client_id, "paper", "web", NEVER_MS)
        return token

    def expire_all(self) -> None:
        """No token that was given out is good any more."""
        self._claims.clear()

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> Claims:
        """The claims of the token in a request's headers; raises Unauthorised."""
        return self.admit(presented_token(headers), now_ns)

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of a token; raises Unauthorised."""
        if token is None:
            raise Unauthorised(Refusal.NO_TOKEN)
        claims = self._claims.get(token)
        if claims is None:
            raise Unauthorised(Refusal.EXPIRED)
        return claims

    def recheck(self, claims: Claims, now_ns: int) -> None:
        """Raise Unauthorised unless the token is still good."""
        if claims not in self._claims.values():
            raise Unauthorised(Refusal.EXPIRED)

    def logout(self, claims: Claims) -> None:
        """Forget the token."""
        self._claims = {token: each for token, each in self._claims.items() if each != claims}
