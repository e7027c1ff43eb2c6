"""The cancel decision table: what a cancel means in every state of a bracket (bracket.md section 4).

Rows are situations, columns are how the request names its leg. The docs' table is drawn from this data.
"""

from enum import StrEnum

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.order import Order, Status
from bracketd.engine.exposure import EXIT_IN_FLIGHT, closing_under_way, legs_of
from bracketd.engine.state import State


class Named(StrEnum):
    """How a request names what it wants gone."""

    ENTRY = "id of the entry, ENTRY or none"
    EXIT = "id of the entry, TARGET or STOPLOSS"
    LEG = "id of a leg"


class Situation(StrEnum):
    """How a bracket can stand when a cancel is judged."""

    UNACKNOWLEDGED = "placed, venue has not acknowledged"
    WORKING = "working, nothing filled"
    IN_FLIGHT = "a modify or cancel in flight"
    PARTLY_FILLED = "partly filled, remainder working"
    ENTRY_COMPLETE = "entry COMPLETE, legs working"
    ENTRY_CANCELLED = "entry CANCELLED after a fill, legs working"
    STOP_TRIGGERED = "STOPLOSS triggered, open > 0"
    CLOSING = "closing or rescue order under way"
    LEG_REFUSED = "a leg REJECTED, or an exit refused before, stop in force"
    UNPROTECTED = "UNPROTECTED, in the session"
    NOTHING_FILLED = "entry CANCELLED, nothing filled"
    CLOSED_BY_EXIT = "closed by an accepted exit"
    CLOSED_OTHERWISE = "closed otherwise (target, stop, rescue)"
    SESSION_OVER = "open > 0 after the session's end"
    ENTRY_REJECTED = "entry REJECTED"


class Verdict(StrEnum):
    """What the table says."""

    RULE_E = "rule E"
    RULE_X = "rule X"
    SUCCESS = "success, nothing to do"
    COUNTS_AS_EXIT = "success, no second order; counts as an accepted exit"
    WAIT = "after its answer"
    TOO_LATE = "TOO_LATE"
    ALREADY_REJECTED = "ALREADY_REJECTED"
    LEG_NOT_ACTIVE = "LEG_NOT_ACTIVE"
    MARKET_CLOSED = "MARKET_CLOSED"
    NOT_FOUND = "not found"
    BY_ENTRY = "by the entry's state"
    BY_LEG = "by the named leg's state"


_V = Verdict
CANCEL_TABLE: dict[Situation, tuple[Verdict, Verdict, Verdict]] = {
    Situation.UNACKNOWLEDGED: (_V.RULE_E, _V.LEG_NOT_ACTIVE, _V.NOT_FOUND),
    Situation.WORKING: (_V.RULE_E, _V.LEG_NOT_ACTIVE, _V.NOT_FOUND),
    Situation.IN_FLIGHT: (_V.WAIT, _V.WAIT, _V.WAIT),
    Situation.PARTLY_FILLED: (_V.RULE_E, _V.RULE_X, _V.RULE_X),
    Situation.ENTRY_COMPLETE: (_V.TOO_LATE, _V.RULE_X, _V.RULE_X),
    Situation.ENTRY_CANCELLED: (_V.SUCCESS, _V.RULE_X, _V.RULE_X),
    Situation.STOP_TRIGGERED: (_V.BY_ENTRY, _V.COUNTS_AS_EXIT, _V.COUNTS_AS_EXIT),
    Situation.CLOSING: (_V.BY_ENTRY, _V.COUNTS_AS_EXIT, _V.COUNTS_AS_EXIT),
    Situation.LEG_REFUSED: (_V.BY_ENTRY, _V.RULE_X, _V.RULE_X),
    Situation.UNPROTECTED: (_V.BY_ENTRY, _V.RULE_X, _V.RULE_X),
    Situation.NOTHING_FILLED: (_V.SUCCESS, _V.LEG_NOT_ACTIVE, _V.NOT_FOUND),
    Situation.CLOSED_BY_EXIT: (_V.BY_ENTRY, _V.SUCCESS, _V.SUCCESS),
    Situation.CLOSED_OTHERWISE: (_V.BY_ENTRY, _V.BY_LEG, _V.BY_LEG),
    Situation.SESSION_OVER: (_V.BY_ENTRY, _V.MARKET_CLOSED, _V.MARKET_CLOSED),
    Situation.ENTRY_REJECTED: (_V.ALREADY_REJECTED, _V.ALREADY_REJECTED, _V.NOT_FOUND),
}

BY_STATUS: dict[Status, Verdict] = {
    Status.COMPLETE: _V.TOO_LATE,
    Status.CANCELLED: _V.SUCCESS,
    Status.REJECTED: _V.ALREADY_REJECTED,
}
"""What "by the state" of a terminal row means; an entry that still works is cancelled by rule E."""


def by_entry(entry: Order) -> Verdict:
    """What "by the entry's state" means: one that still works is cancelled by rule E."""
    return BY_STATUS.get(entry.status, Verdict.RULE_E)


ANSWER_DUE = frozenset({Status.CANCEL_PENDING, Status.MODIFY_PENDING})
"""The statuses of an order whose venue has been asked and has not answered."""

_COLUMN = {Named.ENTRY: 0, Named.EXIT: 1, Named.LEG: 2}


def verdict(situation: Situation, named: Named) -> Verdict:
    """What the table says for a situation and a way of naming the leg."""
    return CANCEL_TABLE[situation][_COLUMN[named]]


def situation_of(state: State, bracket: Bracket, session_over: bool) -> Situation:
    """Which row of the table a bracket stands in."""
    entry = state.orders[bracket.entry_id]
    turns = bracket.turns
    if turns.closing or bracket.exit in EXIT_IN_FLIGHT or entry.status in ANSWER_DUE:
        return Situation.IN_FLIGHT
    if bracket.execution.single or (not bracket.stop_id and not turns.late):
        by_status, working = _LEGLESS_FILLED if entry.filled else _LEGLESS_UNFILLED
        return by_status.get(entry.status, working)
    if any(row.status in ANSWER_DUE for row in state.rows_of(bracket)):
        return Situation.IN_FLIGHT
    if state.open_quantity(bracket) == 0 and entry.terminal:
        return Situation.CLOSED_BY_EXIT if bracket.exit_accepted else Situation.CLOSED_OTHERWISE
    if session_over:
        return Situation.SESSION_OVER
    return _while_open(state, bracket, entry.status)


_ENDS = {
    Status.PENDING: Situation.UNACKNOWLEDGED,
    Status.COMPLETE: Situation.ENTRY_COMPLETE,
    Status.REJECTED: Situation.ENTRY_REJECTED,
}
_LEGLESS_FILLED = {**_ENDS, Status.CANCELLED: Situation.ENTRY_CANCELLED}, Situation.PARTLY_FILLED
_LEGLESS_UNFILLED = {**_ENDS, Status.CANCELLED: Situation.NOTHING_FILLED}, Situation.WORKING
"""The row by the status of an entry without legs, and the row of one that works."""


def _while_open(state: State, bracket: Bracket, entry_status: Status) -> Situation:
    """The row of a bracket with legs, or with something open, while the session trades."""
    if bracket.unprotected:
        return Situation.UNPROTECTED
    legs = legs_of(state, bracket)
    if closing_under_way(state, bracket):
        by_trigger = legs is not None and legs[0].triggered and not legs[0].terminal
        return Situation.STOP_TRIGGERED if by_trigger else Situation.CLOSING
    target = state.target_of(bracket)
    if bracket.exit is Exit.REFUSED or (target is not None and target.status is Status.REJECTED):
        return Situation.LEG_REFUSED
    return {
        Status.COMPLETE: Situation.ENTRY_COMPLETE,
        Status.CANCELLED: Situation.ENTRY_CANCELLED,
    }.get(entry_status, Situation.PARTLY_FILLED)
