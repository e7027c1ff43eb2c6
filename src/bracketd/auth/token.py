"""The bearer token: an HS256 JWT with five claims of its own, and no registered claim but `exp`.

The shape is that of the token printed in the family's documents, described in wire.md section 2. PyJWT does the JOSE
part (base64url, header, HMAC in constant time); the claims are checked here, because `exp` is in milliseconds and
because none of iat, nbf, iss, aud, sub and jti may be required.
"""

import base64
import secrets
from collections.abc import Callable
from typing import Annotated, Final, Protocol

import jwt
import msgspec

from bracketd.auth.refusal import Refusal, Unauthorised

TOKEN_CHARS_MAX: Final = 4096
"""A longer token is refused before anything of it is decoded."""

SESSION_NS: Final = 12 * 3_600 * 1_000_000_000
"""The longest life of a token from a login: twelve hours."""

EXP_MS_MIN: Final = 10**11
"""From here on `exp` is milliseconds (1973), below it seconds (the year 5138): the two cannot be confused."""

EXP_MS_MAX: Final = 2**53
"""`exp` stays below this, so that a JavaScript client reads it exactly and SQLite holds it."""

_NS_PER_MS: Final = 1_000_000
_DAY_NS: Final = 86_400 * 1_000_000_000
_SIX_IST_NS: Final = 1_800 * 1_000_000_000  # 06:00 in India (UTC+5:30, no summer time) is 00:30 UTC.
_ALGORITHM: Final = "HS256"

# An instance that knows one algorithm: whatever a header asks for, nothing else can run.
_JWS: Final = jwt.PyJWS(algorithms=[_ALGORITHM])


class Claims(msgspec.Struct, frozen=True):
    """What a token says, in the order in which it is written.

    `client_id` is the trading account, authoritative over any in body or query. `exp` stands as it was written:
    milliseconds, or seconds when below 10**11; `exp_ms` is the one to use.
    """

    blacklist_key: str
    client_id: str
    client_token: str
    device: str
    exp: Annotated[int, msgspec.Meta(lt=EXP_MS_MAX)]

    @property
    def exp_ms(self) -> int:
        """The first unix millisecond at which the token is no longer good."""
        return self.exp if self.exp >= EXP_MS_MIN else self.exp * 1000

    def __repr__(self) -> str:
        """Name client, device and expiry, and keep the two keys out of logs."""
        return f"Claims(client_id={self.client_id!r}, device={self.device!r}, exp={self.exp})"


_CLAIMS_DECODER: Final = msgspec.json.Decoder(Claims)


class Standing(Protocol):
    """What the books say about a token whose signature and expiry are good; each raises Unauthorised or returns."""

    def check_client_token(self, claims: Claims) -> None:
        """Refuse an unknown or disabled client, and a client_token that has been rotated."""

    def check_not_revoked(self, claims: Claims) -> None:
        """Refuse a blacklist_key that was logged out."""


def unpadded_base64(value: bytes) -> str:
    """Standard base64 without `=`, as the claims write their 16 random bytes. It may hold `/` and `+`."""
    return base64.b64encode(value).rstrip(b"=").decode("ascii")


def issue(
    key: bytes,
    client_id: str,
    client_token: str,
    device: str,
    exp_ms: int,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Sign a new token that is good until the unix millisecond `exp_ms`, with a fresh blacklist_key.

    Raises ValueError for an `exp_ms` outside [10**11, 2**53), which would be read back as something else, and for
    claims so long that the token would be refused.
    """
    if not EXP_MS_MIN <= exp_ms < EXP_MS_MAX:
        raise ValueError("exp_ms must be unix milliseconds")
    claims = Claims(
        blacklist_key=f"{client_id}:{unpadded_base64(random_bytes(16))}",
        client_id=client_id,
        client_token=client_token,
        device=device,
        exp=exp_ms,
    )
    token = _JWS.encode(msgspec.json.encode(claims), key, algorithm=_ALGORITHM)
    if len(token) > TOKEN_CHARS_MAX:
        raise ValueError("the claims are too long for a token")
    return token


def login_expiry_ms(now_ns: int) -> int:
    """When a token from a login at `now_ns` ends, in unix milliseconds: after 12 h or at the next 06:00 in India.

    The earlier of the two counts (wire.md section 2). A login at 06:00 exactly belongs to the new day.
    """
    days = (now_ns - _SIX_IST_NS) // _DAY_NS
    next_six_ns = (days + 1) * _DAY_NS + _SIX_IST_NS
    return min(now_ns + SESSION_NS, next_six_ns) // _NS_PER_MS


def verify(key: bytes, token: str, now_ns: int, standing: Standing) -> Claims:
    """The claims of a token that is good at `now_ns`; raises Unauthorised otherwise.

    The checks run in the order of wire.md section 2: size and three segments, `alg` exactly HS256 (`kid`, `jku` and the
    like are never looked up), HMAC, types of the claims, expiry, current client_token, revocation, and the client
    that the blacklist_key names.
    """
    claims = _signed_claims(key, token)
    if now_ns >= claims.exp_ms * _NS_PER_MS:
        raise Unauthorised(Refusal.EXPIRED)
    standing.check_client_token(claims)
    standing.check_not_revoked(claims)
    owner, colon, rest = claims.blacklist_key.partition(":")
    if owner != claims.client_id or not colon or not rest:
        raise Unauthorised(Refusal.FOREIGN_BLACKLIST_KEY)
    return claims


def _signed_claims(key: bytes, token: str) -> Claims:
    """The claims of a token that this key signed, whatever its age; raises Unauthorised.

    Causes are cut off (`from None`): PyJWT's and msgspec's messages quote what was presented.
    """
    if len(token) > TOKEN_CHARS_MAX:
        raise Unauthorised(Refusal.TOO_LONG)
    # PyJWT bears trailing padding; one spelling per token is better.
    if token.count(".") != 2 or "=" in token or not token.isascii():
        raise Unauthorised(Refusal.MALFORMED)
    try:
        payload = _JWS.decode(token, key, algorithms=[_ALGORITHM])
    except jwt.InvalidAlgorithmError:
        raise Unauthorised(Refusal.WRONG_ALGORITHM) from None
    except jwt.InvalidSignatureError:
        raise Unauthorised(Refusal.BAD_SIGNATURE) from None
    except jwt.InvalidTokenError:
        raise Unauthorised(Refusal.MALFORMED) from None
    try:
        return _CLAIMS_DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # msgspec looks at a text's bytes when it makes the text, and lets Python's own error through.
        raise Unauthorised(Refusal.BAD_CLAIMS) from None
