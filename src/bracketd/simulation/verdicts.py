"""What a cancel may be answered, read from the rows of a bracket and bracket.md section 4, and from nothing else.

The engine has a table for it (engine/cancel_table.py); this is a second opinion, written without it.
"""

from bracketd.domain.bracket import Exit
from bracketd.domain.commands import CancelOrder
from bracketd.domain.order import Execution, Leg, Order, Status
from bracketd.domain.outcomes import Cancelled, FieldFault, NotFound, Outcome, Refused, Unknown
from bracketd.domain.reasons import STATE_REASONS, Reason
from bracketd.engine.cancelling import Decision
from bracketd.engine.state import State

NOT_FOUND, FIELD, WAIT, UNDERTAKEN, SUCCESS = "not found", "field", "wait", "undertaken", "success"

_LEGS = {
    "": Leg.NONE,
    "ENTRY": Leg.ENTRY,
    "TARGET": Leg.TARGET,
    "SECOND": Leg.TARGET,
    "STOPLOSS": Leg.STOPLOSS,
    "THIRD": Leg.STOPLOSS,
}
_ENDS = {Status.COMPLETE: Reason.TOO_LATE, Status.CANCELLED: SUCCESS, Status.REJECTED: Reason.ALREADY_REJECTED}


def may_be(state: State, command: CancelOrder) -> frozenset[str]:
    """The answers that a cancel may get at this moment; `verdict` words the one that it got."""
    order = state.orders.get(command.ids[0])
    if order is None or order.client_id != command.client_id:
        return frozenset({NOT_FOUND})
    leg = _LEGS[(command.leg or "").strip().upper()]
    if order.leg is not Leg.ENTRY and leg is Leg.ENTRY:
        return frozenset({FIELD})
    bracket = state.brackets[order.basket_id]
    rows = state.rows_of(bracket)
    entry = rows[0]
    names_exit = order.leg is Leg.ENTRY and leg in (Leg.TARGET, Leg.STOPLOSS)
    if names_exit and (order.execution.single or (order.execution is Execution.CO and leg is Leg.TARGET)):
        # No such leg will ever be there.
        return frozenset({Reason.LEG_NOT_ACTIVE})
    asked = any(row.status in (Status.CANCEL_PENDING, Status.MODIFY_PENDING) for row in rows)
    if asked or bracket.closing or bracket.exit in (Exit.REQUESTED, Exit.CLOSING):
        return frozenset({WAIT})
    if order.leg is Leg.ENTRY and leg in (Leg.ENTRY, Leg.NONE):
        # What waits for the session works nowhere: it is gone when somebody says so.
        return frozenset({_ENDS.get(entry.status, SUCCESS if entry.held else UNDERTAKEN)})
    return _of_exit(state, order, leg)


def _of_exit(state: State, order: Order, leg: Leg) -> frozenset[str]:
    bracket = state.brackets[order.basket_id]
    entry = state.orders[bracket.entry_id]
    if not entry.filled:
        rejected = entry.status is Status.REJECTED
        return frozenset({Reason.ALREADY_REJECTED if rejected else Reason.LEG_NOT_ACTIVE})
    if state.open_quantity(bracket) == 0 and entry.terminal:
        if bracket.exit is Exit.ACCEPTED:
            return frozenset({SUCCESS})
        named = order
        if order.leg is Leg.ENTRY:
            leg_id = bracket.target_id if leg is Leg.TARGET else bracket.stop_id
            if not leg_id:
                return frozenset({Reason.LEG_NOT_ACTIVE, SUCCESS, Reason.TOO_LATE})
            named = state.orders[leg_id]
        return frozenset({_ENDS[named.status]})
    if not state.stage.trades:
        return frozenset({Reason.MARKET_CLOSED})
    return frozenset({UNDERTAKEN, SUCCESS})


def verdict(decision: Decision) -> str:
    """What a decision comes to, in the words of `may_be`."""
    if decision.ticket is not None:
        return UNDERTAKEN
    outcome = decision.outcome
    if outcome is None:
        return WAIT
    if isinstance(outcome, Refused):
        return outcome.reason
    return {NotFound: NOT_FOUND, FieldFault: FIELD, Cancelled: SUCCESS}.get(type(outcome), UNDERTAKEN)


def http_of(outcome: Outcome) -> tuple[int, str]:
    """The status code and the reason with which section 1 has an outcome answered."""
    match outcome:
        case NotFound():
            return 404, ""
        case Unknown():
            return 202, ""
        case FieldFault():
            return 400, ""
        case Refused(reason=reason) if reason in STATE_REASONS:
            return 409, reason
        case Refused(reason=Reason.IDEMPOTENCY_KEY_REUSED):
            return 422, Reason.IDEMPOTENCY_KEY_REUSED
        case Refused(reason=reason):
            return 400, reason
    return 200, ""
