"""Cancelling: where a cancel is decided. Fields first (bracket.md section 5), then the decision table (section 4)."""

import msgspec

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.commands import CancelOrder, NamesOrder
from bracketd.domain.events import AnyEvent, CancelRequested, ExitAccepted, ExitRequested, OrderCancelled
from bracketd.domain.order import Execution, Leg, Order, Status
from bracketd.domain.outcomes import Cancelled, FieldFault, Modified, NotFound, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.cancel_table import BY_STATUS, Named, Verdict, by_entry, situation_of, verdict
from bracketd.engine.changing import ENDED_FIRST
from bracketd.engine.identity import find_order, leg_row
from bracketd.engine.state import State

EXECUTION_WORDS = {
    Execution.BO: frozenset({"BO"}),
    Execution.CO: frozenset({"CO"}),
    Execution.REGULAR: frozenset({"REGULAR"}),
    # Once the session is open it is a regular order like any other.
    Execution.AMO: frozenset({"AMO", "REGULAR"}),
}
"""What a request may call an order, by what it was placed as (bracket.md section 5, check 8)."""

LEG_WORDS = {
    "ENTRY": Leg.ENTRY,
    "TARGET": Leg.TARGET,
    "SECOND": Leg.TARGET,
    "STOPLOSS": Leg.STOPLOSS,
    "THIRD": Leg.STOPLOSS,
}
_REASONS = {
    Verdict.TOO_LATE: Reason.TOO_LATE,
    Verdict.ALREADY_REJECTED: Reason.ALREADY_REJECTED,
    Verdict.LEG_NOT_ACTIVE: Reason.LEG_NOT_ACTIVE,
    Verdict.MARKET_CLOSED: Reason.MARKET_CLOSED,
}

_ENDS = {
    Status.COMPLETE: Reason.TOO_LATE,
    Status.REJECTED: Reason.ALREADY_REJECTED,
    Status.CANCELLED: Reason.ALREADY_CANCELLED,
}


# A module's own names are found faster than an enumeration's members; these are asked for at every cancel.
_ENTRY_LEG, _BY_ENTRY_ID, _EXIT, _BY_LEG_ID = Leg.ENTRY, Named.ENTRY, Named.EXIT, Named.LEG
_WAIT, _RULE_E, _BY_ENTRY, _BY_LEG = Verdict.WAIT, Verdict.RULE_E, Verdict.BY_ENTRY, Verdict.BY_LEG
_SUCCESS = Verdict.SUCCESS


class Ticket(msgspec.Struct, frozen=True, gc=False):
    """An undertaking whose outcome is read from the state once it is known.

    `order_id` is the row that the request named; `closes` tells rule X from rule E, `modifies` a modification
    from both.
    """

    order_id: str
    basket_id: str
    closes: bool = False
    modifies: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What a command comes to: events now, and an outcome at once, by a ticket, or after a wait.

    With neither outcome nor ticket the command has to be judged again when `waits_for`, a bracket with something in
    flight, has moved. Who cannot wait for that leaves what he `intends` to be kept: ENTRY rule E, STOPLOSS rule X.
    """

    events: tuple[AnyEvent, ...] = ()
    outcome: Outcome | None = None
    ticket: Ticket | None = None
    waits_for: str = ""
    named_id: str = ""
    intends: Leg = Leg.NONE


def decide_cancel(state: State, command: CancelOrder, now_ns: int, session_over: bool) -> Decision:
    """Judge a cancel: the checks 5 to 10 of bracket.md section 5 in their order, then the table."""
    named = name_row(state, command)
    if not isinstance(named, tuple):
        return Decision(outcome=named)
    order, leg, how = named
    bracket = state.brackets[order.basket_id]
    row: Order | None = order
    if how is _EXIT:
        if not _has_exit(bracket, leg):
            return Decision(outcome=Refused(Reason.LEG_NOT_ACTIVE))
        row = leg_row(state, bracket, leg)
    said = verdict(situation_of(state, bracket, session_over), how)
    if said is _WAIT:
        intends = Leg.ENTRY if how is Named.ENTRY else Leg.STOPLOSS
        named_id = row.order_id if row is not None else order.order_id
        return Decision(waits_for=bracket.basket_id, named_id=named_id, intends=intends)
    return _carry_out(state, bracket, row, order, said, now_ns)


def _has_exit(bracket: Bracket, leg: Leg) -> bool:
    """Whether the bracket can have such an exit leg: an order by itself has none, a cover order no target."""
    return not bracket.execution.single and (leg is not Leg.TARGET or bracket.execution is not Execution.CO)


def outcome_of(state: State, ticket: Ticket) -> Outcome | None:
    """The outcome of what was undertaken, None while the venue's answer is awaited."""
    if ticket.modifies:
        return _modified(state, state.orders[ticket.order_id])
    if ticket.closes:
        bracket = state.brackets[ticket.basket_id]
        if bracket.exit is Exit.ACCEPTED:
            return Cancelled(ticket.order_id)
        if bracket.exit is Exit.REFUSED and not state.stage.trades:
            return Refused(Reason.MARKET_CLOSED)
        if bracket.exit is Exit.REFUSED:
            return Refused(Reason.VENUE_REFUSED, text=bracket.exit_refusal)
        return None
    entry = state.orders[state.brackets[ticket.basket_id].entry_id]
    if entry.status.terminal:
        said = BY_STATUS[entry.status]
        return Cancelled(ticket.order_id) if said is _SUCCESS else Refused(_REASONS[said])
    if entry.status is Status.CANCEL_PENDING:
        return None
    return Refused(Reason.VENUE_REFUSED, text=entry.rejection)


def already(order: Order) -> Refused | None:
    """Why an order that has come to its end cannot be changed any more; None for one that works."""
    reason = _ENDS.get(order.status)
    return None if reason is None else Refused(reason)


def _modified(state: State, order: Order) -> Outcome | None:
    if order.order_id in state.terms:
        return None
    if not order.modify_refusal:
        return Modified(order.order_id)
    # What came to its end, or closes the bracket by now, was executed before the venue could change it.
    return already(order) or (
        Refused(Reason.TOO_LATE)
        if order.modify_refusal == ENDED_FIRST or (order.leg is Leg.STOPLOSS and order.at_market)
        else Refused(Reason.VENUE_REFUSED, text=order.modify_refusal)
    )


def name_row(state: State, command: NamesOrder) -> tuple[Order, Leg, Named] | Outcome:
    """The order, the leg meant and how it was named; or what is wrong with the request's fields."""
    order = find_order(state, command.client_id, command.ids[0])
    if order is None:
        return NotFound()
    unreadable = command.unreadable
    if unreadable or command.conflicting or len(command.ids) > 1:
        fault = _reading_fault(state, order, command)
        if fault is not None:
            return fault
    said = command.execution_type
    if said is not None and said.upper() not in EXECUTION_WORDS[order.particulars.execution]:
        return FieldFault("execution_type")
    leg = _leg_named(state, order, command)
    if command.exchange_order_id is not None or "exchange_order_id" in unreadable:
        fault = _exchange_id_fault(state, order, leg, command)
        if fault is not None:
            return fault
    if order.leg is _ENTRY_LEG:
        if leg is _ENTRY_LEG:
            return order, leg, _BY_ENTRY_ID
        return FieldFault("leg_order_indicator") if leg is None else (order, leg, _EXIT)
    if leg is None or leg is _ENTRY_LEG:
        return FieldFault("leg_order_indicator")
    return order, leg, _BY_LEG_ID


def _reading_fault(state: State, order: Order, command: NamesOrder) -> FieldFault | None:
    """What body and query disagree on, and an id or execution type that could not be read; None for neither."""
    if "oms_order_id" in command.unreadable:
        return FieldFault("oms_order_id")
    for other in command.ids[1:]:
        if find_order(state, command.client_id, other) is not order:
            return FieldFault("oms_order_id")
    for field in ("execution_type", "exchange_order_id", "leg_order_indicator"):
        if field in command.conflicting:
            return FieldFault(field)
    return FieldFault("execution_type") if "execution_type" in command.unreadable else None


def _leg_named(state: State, order: Order, command: NamesOrder) -> Leg | None:
    """The leg that the indicator names; the order's own where it is absent, None where it names nothing."""
    if "leg_order_indicator" in command.unreadable:
        return None
    if command.leg is None:
        return order.leg
    leg = LEG_WORDS.get(command.leg) or LEG_WORDS.get("".join(command.leg.split()).upper())
    if leg is not None:
        return leg
    row = find_order(state, command.client_id, command.leg)
    return row.leg if row is not None and row.basket_id == order.basket_id else None


def _exchange_id_fault(state: State, order: Order, leg: Leg | None, command: NamesOrder) -> FieldFault | None:
    """Check 9: the exchange's number, where it is sent, is the path's order's or the named leg's."""
    if "exchange_order_id" in command.unreadable:
        return FieldFault("exchange_order_id")
    sent = command.exchange_order_id
    if not order.exchange_order_id:
        return None
    if not sent:
        return FieldFault("exchange_order_id", blank=True)
    row = leg_row(state, state.brackets[order.basket_id], leg) if leg is not None else None
    if sent == order.exchange_order_id or (row is not None and sent == row.exchange_order_id):
        return None
    return FieldFault("exchange_order_id")


def _carry_out(state: State, bracket: Bracket, row: Order | None, order: Order, said: Verdict, now_ns: int) -> Decision:
    named_id = row.order_id if row is not None else order.order_id
    if said is _BY_ENTRY:
        said = by_entry(state.orders[bracket.entry_id])
    elif said is _BY_LEG:
        # What came after the entry's end never had a target; a stop-loss that is not there is a rescue order's.
        said = BY_STATUS[row.status] if row is not None else Verdict.LEG_NOT_ACTIVE
    if said is _RULE_E:
        if order.marks.held:
            # No venue knows of it: it is gone when we say so.
            return Decision((OrderCancelled(now_ns, order.order_id, ""),), Cancelled(order.order_id))
        ticket = Ticket(named_id, bracket.basket_id)
        return Decision((CancelRequested(now_ns, bracket.entry_id),), None, ticket, "", named_id)
    if said is Verdict.RULE_X:
        request = ExitRequested(now_ns, bracket.basket_id)
        return Decision((request,), ticket=Ticket(named_id, bracket.basket_id, closes=True), named_id=named_id)
    if said is Verdict.COUNTS_AS_EXIT:
        remembered = () if bracket.exit_accepted else (ExitAccepted(now_ns, bracket.basket_id),)
        return Decision(remembered, Cancelled(named_id))
    if said is _SUCCESS:
        return Decision(outcome=Cancelled(named_id))
    if said is Verdict.NOT_FOUND:
        return Decision(outcome=NotFound())
    return Decision(outcome=Refused(_REASONS[said]))
