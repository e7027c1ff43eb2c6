"""Opaque tokens: what an application gets for an authorization code. They are looked up, not read.

Two random parts with a dot between, as the family's servers print them. The file keeps their SHA-256 alone: 512
random bits cannot be guessed, so nothing slower is needed, and who reads the file cannot use them.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final

from bracketd.auth.client_store import ClientStore
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims, unpadded_base64

LIFETIME_S: Final = 43_199
"""What the family's servers say in `expires_in` (wire.md 1.9)."""

_KEEP: Final = (
    "INSERT INTO opaque_token (token_sha256, blacklist_key, client_id, client_token, app_id, scope, exp_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
DEVICE: Final = "oauth"
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}", re.ASCII)


def is_opaque(token: str) -> bool:
    """Whether a token has the shape of one of these."""
    return _SHAPE.fullmatch(token) is not None


def random_part(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """43 characters of unpadded base64url: 256 random bits."""
    return base64.urlsafe_b64encode(random_bytes(32)).rstrip(b"=").decode("ascii")


def new_token(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A token of two random parts, kept nowhere yet."""
    return f"{random_part(random_bytes)}.{random_part(random_bytes)}"


def digest(text: str) -> bytes:
    """What is kept of a token, a code or an application's secret. Whatever bytes it was made of, it has a digest."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class OpaqueTokens:
    """The opaque tokens of one folder."""

    def __init__(self, store: ClientStore) -> None:
        """Keep them in the store's file."""
        self._file = store.file

    def keep(self, token: str, client_id: str, client_token: str, app_id: str, scope: str, now_ns: int) -> None:
        """Let a new token in for LIFETIME_S from now; those that ended are forgotten on the way."""
        now_ms = now_ns // 1_000_000
        row = (
            digest(token),
            f"{client_id}:{unpadded_base64(digest(token)[:16])}",
            client_id,
            client_token,
            app_id,
            scope,
            now_ms + LIFETIME_S * 1_000,
        )
        self._file.write_all(
            [
                ("DELETE FROM opaque_token WHERE exp_ms <= ?", (now_ms,)),
                (
                    _KEEP,
                    row,
                ),
            ]
        )

    def claims_of(self, token: str) -> Claims:
        """Who the token speaks for; raises Unauthorised where nobody gave it out. Expiry and standing are not judged.

        The claims are those of a signed token, so that logout, rotation and open streams need not know the difference.
        """
        rows = self._file.read(
            "SELECT blacklist_key, client_id, client_token, exp_ms FROM opaque_token WHERE token_sha256 = ?",
            (digest(token),),
        )
        if not rows:
            raise Unauthorised(Refusal.UNKNOWN_TOKEN)
        blacklist_key, client_id, client_token, exp_ms = rows[0]
        return Claims(blacklist_key, client_id, client_token, DEVICE, exp_ms)

    def revoke_digest(self, token_sha256: bytes) -> None:
        """Revoke the token with this digest, as a logout of it would; one that is not there is nobody's loss."""
        self._file.write(
            "INSERT INTO revoked (blacklist_key, exp_ms)"
            " SELECT blacklist_key, exp_ms FROM opaque_token WHERE token_sha256 = ?"
            " ON CONFLICT (blacklist_key) DO NOTHING",
            (token_sha256,),
        )
