"""The life of an order as a table: which status follows which, one row a rule (bracket.md section 2).

A pair that is not in the table cannot happen: `next_status` stops the engine. None as the next status means "the
status before the request", which is what a refused cancel or modify returns to.
"""

from enum import StrEnum

from bracketd.domain.order import Status
from bracketd.engine.invariant import InvariantBroken


class Happening(StrEnum):
    """What can happen to an order, as far as its status is concerned."""

    ACCEPTED = "accepted"
    ACCEPTED_STOP = "accepted, waits for its trigger"
    REFUSED = "refused"
    TRIGGERED = "triggered"
    FILLED_PART = "filled in part"
    FILLED = "filled"
    CANCEL_REQUESTED = "cancel requested"
    CANCEL_REFUSED = "cancel refused"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    MODIFY_REQUESTED = "modify requested"
    MODIFIED = "modified"
    MODIFIED_STOP = "modified, waits for its trigger"
    MODIFY_REFUSED = "modify refused"
    TRIGGERED_MODIFIED = "triggered, was modified before"
    CLOSING = "became the closing order"
    LEG_REFUSED = "refused by the venue as an exit"


_P, _C, _T, _X = Status.PENDING, Status.CONFIRMED, Status.TRIGGER_PENDING, Status.CANCEL_PENDING
_MP, _MC = Status.MODIFY_PENDING, Status.MODIFY_CONFIRMED
_DONE, _GONE, _NO = Status.COMPLETE, Status.CANCELLED, Status.REJECTED

TRANSITIONS: dict[tuple[Status, Happening], Status | None] = {
    (_P, Happening.ACCEPTED): _C,
    (_P, Happening.ACCEPTED_STOP): _T,
    (_P, Happening.REFUSED): _NO,
    (_P, Happening.TRIGGERED): _C,
    (_P, Happening.FILLED_PART): _P,
    (_P, Happening.FILLED): _DONE,
    (_P, Happening.CANCEL_REQUESTED): _X,
    (_P, Happening.CANCELLED): _GONE,
    (_P, Happening.COMPLETED): _DONE,
    (_P, Happening.CLOSING): _C,
    # A venue may tell of the trigger, or of the closing, before the acknowledgement that should have come first.
    (_C, Happening.ACCEPTED): _C,
    (_C, Happening.FILLED_PART): _C,
    (_C, Happening.FILLED): _DONE,
    (_C, Happening.CANCEL_REQUESTED): _X,
    (_C, Happening.CANCELLED): _GONE,
    (_C, Happening.COMPLETED): _DONE,
    (_C, Happening.CLOSING): _C,
    (_T, Happening.TRIGGERED): _C,
    (_T, Happening.FILLED_PART): _T,
    (_T, Happening.FILLED): _DONE,
    (_T, Happening.CANCEL_REQUESTED): _X,
    (_T, Happening.CANCELLED): _GONE,
    (_T, Happening.COMPLETED): _DONE,
    (_T, Happening.CLOSING): _C,
    (_X, Happening.ACCEPTED): _X,
    (_X, Happening.ACCEPTED_STOP): _X,
    (_X, Happening.REFUSED): _NO,
    (_X, Happening.TRIGGERED): _X,
    (_X, Happening.FILLED_PART): _X,
    (_X, Happening.FILLED): _DONE,
    (_X, Happening.CANCEL_REFUSED): None,
    (_X, Happening.CANCELLED): _GONE,
    (_X, Happening.COMPLETED): _DONE,
    (_C, Happening.MODIFY_REQUESTED): _MP,
    (_T, Happening.MODIFY_REQUESTED): _MP,
    (_MC, Happening.MODIFY_REQUESTED): _MP,
    (_MP, Happening.MODIFIED): _MC,
    (_MP, Happening.MODIFIED_STOP): _T,
    (_MP, Happening.MODIFY_REFUSED): None,
    (_MP, Happening.TRIGGERED): _MP,
    (_MP, Happening.TRIGGERED_MODIFIED): _MP,
    (_MP, Happening.FILLED_PART): _MP,
    (_MP, Happening.FILLED): _DONE,
    (_MP, Happening.CANCEL_REQUESTED): _X,
    (_MP, Happening.CANCELLED): _GONE,
    (_MP, Happening.COMPLETED): _DONE,
    (_MP, Happening.CLOSING): _C,
    (_MC, Happening.FILLED_PART): _MC,
    (_MC, Happening.FILLED): _DONE,
    (_MC, Happening.CANCEL_REQUESTED): _X,
    (_MC, Happening.CANCELLED): _GONE,
    (_MC, Happening.COMPLETED): _DONE,
    (_MC, Happening.CLOSING): _C,
    (_T, Happening.TRIGGERED_MODIFIED): _MC,
    # A stop-loss that the venue would not have, or not all of: UNPROTECTED until a closing order is taken (2.8).
    (_P, Happening.LEG_REFUSED): _P,
    (_C, Happening.LEG_REFUSED): _P,
    (_T, Happening.LEG_REFUSED): _P,
    (_MP, Happening.LEG_REFUSED): _P,
    (_MC, Happening.LEG_REFUSED): _P,
    # The acknowledgement of an order that a trigger made known before it.
    (_MP, Happening.ACCEPTED): _MP,
    (_MC, Happening.ACCEPTED): _MC,
    # A target whose growth is refused (2.8).
    (_C, Happening.REFUSED): _NO,
    (_MP, Happening.REFUSED): _NO,
    (_MC, Happening.REFUSED): _NO,
    # An exit decided while a modify is in flight asks for the entry's cancel all the same (2.4).
    (_X, Happening.TRIGGERED_MODIFIED): _X,
    (_X, Happening.MODIFIED): _X,
    (_X, Happening.MODIFIED_STOP): _X,
    (_X, Happening.MODIFY_REFUSED): _X,
}


def next_status(status: Status, happening: Happening, before: Status) -> Status:
    """The status after a happening; `before` is what a refused request returns to. Raises InvariantBroken."""
    try:
        return TRANSITIONS[status, happening] or before
    except KeyError:
        raise InvariantBroken(f"an order that is {status} cannot be {happening}") from None
