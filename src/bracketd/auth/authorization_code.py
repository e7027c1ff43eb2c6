"""Authorization codes: what a browser carries from the login page to an application, good once and for a minute."""

from typing import Final

import msgspec

from bracketd.auth.client_store import ClientStore
from bracketd.auth.opaque_token import OpaqueTokens, digest

LIFETIME_NS: Final = 60 * 1_000_000_000
KEPT_NS: Final = 43_200 * 1_000_000_000
"""A taken code is remembered for as long as its token lives: whoever brings it again ends that token."""

_KEEP: Final = (
    "INSERT INTO authorization_code (code_sha256, app_id, client_id, client_token, redirect_uri, scope,"
    " challenge, challenge_method, expires_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Grant(msgspec.Struct, frozen=True):
    """What a client granted: to which application, towards which redirect URI, for which scope, with which challenge.

    `client_token` is the client's generation at that moment; a rotation before the code is used makes it void.
    """

    app_id: str
    client_id: str
    client_token: str
    redirect_uri: str
    scope: str
    challenge: str | None = None
    challenge_method: str | None = None


class AuthorizationCodes:
    """The codes of one folder."""

    def __init__(self, store: ClientStore) -> None:
        """Keep them in the store's file."""
        self._store = store
        self._file = store.file

    def keep(self, code: str, grant: Grant, now_ns: int) -> None:
        """Let a new code be taken within LIFETIME_NS from now; old ones are forgotten on the way."""
        self._file.write_all(
            [
                ("DELETE FROM authorization_code WHERE expires_ns <= ?", (now_ns - KEPT_NS,)),
                (
                    _KEEP,
                    (digest(code), *msgspec.structs.astuple(grant), now_ns + LIFETIME_NS),
                ),
            ]
        )

    def take(self, code: str, app_id: str, now_ns: int) -> Grant | None:
        """The grant behind a code, once: whatever comes of it, the code is used up. None where it is not good.

        Not good are one that is unknown, expired or another application's, and one whose client was rotated or
        disabled meanwhile. One that was taken before also ends the token that it became (RFC 6749 section 4.1.2).
        """
        code_sha256 = digest(code)
        taken_now = self._file.write(
            "UPDATE authorization_code SET taken = 1 WHERE code_sha256 = ? AND taken = 0", (code_sha256,)
        )
        rows = self._file.read(
            "SELECT app_id, client_id, client_token, redirect_uri, scope, challenge, challenge_method, expires_ns,"
            " token_sha256 FROM authorization_code WHERE code_sha256 = ?",
            (code_sha256,),
        )
        if not rows:
            return None
        *granted, expires_ns, token_sha256 = rows[0]
        if not taken_now:
            if token_sha256 is not None:
                OpaqueTokens(self._store).revoke_digest(token_sha256)
            return None
        grant = Grant(*granted)
        client = self._store.get(grant.client_id)
        if client is None or client.disabled or client.client_token != grant.client_token:
            return None
        return grant if grant.app_id == app_id and now_ns < expires_ns else None

    def became(self, code: str, token: str) -> None:
        """Remember which token a taken code became."""
        self._file.write(
            "UPDATE authorization_code SET token_sha256 = ? WHERE code_sha256 = ?", (digest(token), digest(code))
        )
