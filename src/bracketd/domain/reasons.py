"""Why a request was refused: the closed list of bracket.md section 6, stable words that clients may rely on."""

from enum import StrEnum


class Reason(StrEnum):
    """One word for every refusal. Its text and HTTP status are the wire's business."""

    TOO_LATE = "TOO_LATE"
    ALREADY_REJECTED = "ALREADY_REJECTED"
    ALREADY_CANCELLED = "ALREADY_CANCELLED"
    LEG_NOT_ACTIVE = "LEG_NOT_ACTIVE"
    VENUE_REFUSED = "VENUE_REFUSED"
    MARKET_CLOSED = "MARKET_CLOSED"
    SESSION_CLOSED = "SESSION_CLOSED"
    MARGIN_SHORT = "MARGIN_SHORT"
    STALE_REFERENCE = "STALE_REFERENCE"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    PRODUCT_NOT_ALLOWED = "PRODUCT_NOT_ALLOWED"
    BAD_LOT = "BAD_LOT"
    FREEZE_QUANTITY = "FREEZE_QUANTITY"
    BAD_TICK = "BAD_TICK"
    OUTSIDE_BAND = "OUTSIDE_BAND"
    TRIGGER_WRONG_SIDE = "TRIGGER_WRONG_SIDE"
    OFFSET_INVALID = "OFFSET_INVALID"
    CANNOT_MODIFY_FIELD = "CANNOT_MODIFY_FIELD"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    RATE_LIMITED = "RATE_LIMITED"
    NOT_SERVING = "NOT_SERVING"
    INTERNAL = "INTERNAL"


STATE_REASONS = frozenset(
    {
        Reason.TOO_LATE,
        Reason.ALREADY_REJECTED,
        Reason.ALREADY_CANCELLED,
        Reason.LEG_NOT_ACTIVE,
        Reason.VENUE_REFUSED,
        Reason.MARKET_CLOSED,
        Reason.SESSION_CLOSED,
        Reason.MARGIN_SHORT,
        Reason.STALE_REFERENCE,
    }
)
"""Refusals that lie in the state of things (409); the rest of the engine's refusals name a field (400)."""
