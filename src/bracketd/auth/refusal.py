"""Why a request was not let in: for the log, never for the one who asked."""

from enum import StrEnum


class Refusal(StrEnum):
    """The closed list of reasons for a 401. They are words and hold nothing of what was presented."""

    NO_TOKEN = "no token"
    HEADERS_DIFFER = "headers carry different tokens"
    TOO_LONG = "token too long"
    MALFORMED = "not a signed token"
    WRONG_ALGORITHM = "algorithm is not HS256"
    BAD_SIGNATURE = "signature does not match"
    BAD_CLAIMS = "claims missing or of the wrong type"
    EXPIRED = "expired"
    CLIENT_UNKNOWN = "client unknown"
    CLIENT_DISABLED = "client disabled"
    CLIENT_TOKEN_ROTATED = "client_token is not the current one"
    REVOKED = "revoked"
    FOREIGN_BLACKLIST_KEY = "blacklist_key of another client"
    UNKNOWN_TOKEN = "opaque token unknown"


class Unauthorised(Exception):
    """The request proves no identity: 401 with one text, whatever the reason (bracket.md section 1).

    `reason` is for the log. It holds no secret, and the wire does not tell it: it would help only one who guesses.
    """

    def __init__(self, reason: Refusal) -> None:
        """Keep the reason; its words are also the text of the exception."""
        super().__init__(reason.value)
        self.reason = reason
