"""Modifying: where a modification is decided (bracket.md section 4, "Modifying").

Judged in this order, and the first failure answers: what names the order, a modify or cancel in flight (which is waited
for), the order's state, the activity reference, fields that nobody can change, then the reasons of a placement. All or
nothing; what changes nothing succeeds and leaves no trace.
"""

from collections.abc import Mapping
from functools import cache

import msgspec

from bracketd.domain.account import Account, Pending
from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.commands import ModifyOrder
from bracketd.domain.events import HeldModified, ModifyRequested
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Execution, Leg, Order, OrderType, Side, Status, Terms
from bracketd.domain.outcomes import FieldFault, Modified, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancel_table import Named, Situation, situation_of
from bracketd.engine.cancelling import Decision, Ticket, already, name_row
from bracketd.engine.exposure import entry_must_go
from bracketd.engine.margin import blocked_paise
from bracketd.engine.moment import Moment
from bracketd.engine.placing import OFFSET_FIELDS, leg_outside_band, price_fault, takes
from bracketd.engine.pricing import Offsets
from bracketd.engine.repricing import repriced
from bracketd.engine.stake import lacks_margin
from bracketd.engine.state import State

_PRICED = frozenset({OrderType.LIMIT, OrderType.SL})
_STOPS = frozenset({OrderType.SL, OrderType.SLM})


class _Case(msgspec.Struct, frozen=True, gc=False):
    """What is judged: the order, its bracket, the terms asked for, and the last print or what stands in for it.

    `changed` are the fields that would be other than they are.
    """

    order: Order
    bracket: Bracket
    instrument: Instrument
    now: Terms
    asked: Terms
    finer: frozenset[str]
    last_paise: int
    changed: frozenset[str]


_FIELDS = frozenset(
    {
        *("disclosed_quantity", "price", "quantity", "square_off_value", "stop_loss_value"),
        *("trailing_stop_loss", "trigger_price"),
    }
)
"""The fields that some order can be modified by."""

_SAMPLE_ORDER = (
    *("disclosed_quantity", "exchange", "instrument_token", "order_side", "order_type", "price", "product"),
    *("quantity", "square_off_value", "stop_loss_value", "trailing_stop_loss", "trigger_price"),
)
"""The fields in the order of the family's sample."""

# A module's own names are found faster than an enumeration's members; these are asked for at every modification.
_ENTRY, _STOPLOSS, _EXIT, _IN_FLIGHT = Leg.ENTRY, Leg.STOPLOSS, Named.EXIT, Situation.IN_FLIGHT
_BUY, _SL, _MARKET = Side.BUY, OrderType.SL, OrderType.MARKET


def decide_modify(state: State, command: ModifyOrder, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a modification: one event that asks the venue for it, the first reason why not, or nothing to do."""
    named = name_row(state, command)
    if not isinstance(named, tuple):
        return Decision(outcome=named)
    order, _, how = named
    # The id says which order is meant; a word that says another would be a guess.
    if how is _EXIT:
        return Decision(outcome=FieldFault("leg_order_indicator"))
    bracket = state.brackets[order.basket_id]
    waits = order.status is Status.PENDING and not order.held
    if waits or situation_of(state, bracket, False) is _IN_FLIGHT:
        return Decision(waits_for=bracket.basket_id, named_id=order.order_id)
    instrument = instruments.get(order.instrument)
    if instrument is None:
        return Decision(outcome=Refused(Reason.UNKNOWN_INSTRUMENT, "instrument_token"))
    last_paise = now.print_paise or instrument.base_price_paise
    present = _present(order, bracket, last_paise)
    asked = _asked(command, present)
    changed = _changed(present, asked, command.finer)
    case = _Case(order, bracket, instrument, present, asked, command.finer, last_paise, changed)
    refusal = _state_fault(state, bracket, order) or _stale(order, command) or _fixed_field(command, case)
    if refusal is None and command.malformed:
        refusal = FieldFault(command.malformed[0])
    if refusal is None and changed:
        refusal = _term_fault(state, case, now.phase)
    if refusal is not None:
        return Decision(outcome=refusal, named_id=order.order_id)
    if not changed:
        return Decision(outcome=Modified(order.order_id), named_id=order.order_id)
    if order.held:
        return Decision((HeldModified(now.at_ns, order.order_id, asked),), Modified(order.order_id))
    if order.leg is _STOPLOSS and "trigger_price" not in changed:
        # It may trail before the venue comes to this: what was not asked for stays as it is then.
        asked = msgspec.structs.replace(asked, trigger_paise=0)
    request = ModifyRequested(now.at_ns, order.order_id, asked)
    ticket = Ticket(order.order_id, bracket.basket_id, modifies=True)
    return Decision((request,), ticket=ticket, named_id=order.order_id)


def _present(order: Order, bracket: Bracket, last_paise: int) -> Terms:
    return Terms(
        order.quantity,
        order.price_paise,
        order.trigger_paise,
        order.disclosed_quantity,
        bracket.target_offset_paise,
        bracket.stop_offset_paise,
        bracket.trailing_step_paise,
        last_paise,
    )


def _asked(command: ModifyOrder, present: Terms) -> Terms:
    """The present terms with what the command gives in their place; 0 gives nothing."""
    return Terms(
        command.quantity or present.quantity,
        command.price_paise or present.price_paise,
        command.trigger_paise or present.trigger_paise,
        command.disclosed_quantity or present.disclosed_quantity,
        command.target_offset_paise or present.target_offset_paise,
        command.stop_offset_paise or present.stop_offset_paise,
        command.trailing_step_paise or present.trailing_step_paise,
        present.print_paise,
    )


def _changed(now: Terms, asked: Terms, finer: frozenset[str]) -> frozenset[str]:
    """The fields that would be other than they are; one that is finer than it can be is."""
    if asked == now:
        return finer
    changed = set(finer)
    if asked.disclosed_quantity != now.disclosed_quantity:
        changed.add("disclosed_quantity")
    if asked.price_paise != now.price_paise:
        changed.add("price")
    if asked.quantity != now.quantity:
        changed.add("quantity")
    if asked.target_offset_paise != now.target_offset_paise:
        changed.add("square_off_value")
    if asked.stop_offset_paise != now.stop_offset_paise:
        changed.add("stop_loss_value")
    if asked.trailing_step_paise != now.trailing_step_paise:
        changed.add("trailing_stop_loss")
    if asked.trigger_paise != now.trigger_paise:
        changed.add("trigger_price")
    return frozenset(changed)


def _state_fault(state: State, bracket: Bracket, order: Order) -> Refused | None:
    """A stop-loss that has triggered or is closing is as good as executed, an entry whose exit is decided too."""
    if order.status.terminal:
        return already(order)
    if order.leg is _STOPLOSS and (order.at_market or order.refused):
        return Refused(Reason.TOO_LATE)
    if order.leg is not _STOPLOSS and entry_must_go(state, bracket):
        going = order.leg is _ENTRY or bracket.exit is not Exit.NONE or state.orders[bracket.stop_id].refused
        return Refused(Reason.TOO_LATE) if going else None
    return None


def _stale(order: Order, command: ModifyOrder) -> Outcome | None:
    """Both references as float64: browsers have rounded theirs already (wire.md 1.6)."""
    if "last_activity_reference" in command.malformed:
        return FieldFault("last_activity_reference")
    if command.reference is None or float(order.activity_reference) == command.reference:
        return None
    return Refused(Reason.STALE_REFERENCE)


def _fixed_field(command: ModifyOrder, case: _Case) -> Refused | None:
    """The first field, in the order of the family's sample, that this order cannot be modified by."""
    order = case.order
    fixed = set(case.changed - _modifiable(order.leg, order.execution, order.order_type, order.triggered))
    exchange, _, token = order.instrument.partition(":")
    if command.exchange and command.exchange != exchange:
        fixed.add("exchange")
    if command.instrument_token and command.instrument_token != token:
        fixed.add("instrument_token")
    if command.side and command.side is not order.side:
        fixed.add("order_side")
    if command.order_type and command.order_type is not order.order_type:
        fixed.add("order_type")
    if command.product and command.product is not order.product:
        fixed.add("product")
    if not fixed:
        return None
    return next((Refused(Reason.CANNOT_MODIFY_FIELD, field) for field in _SAMPLE_ORDER if field in fixed), None)


@cache
def _modifiable(leg: Leg, execution: Execution, order_type: OrderType, triggered: bool) -> frozenset[str]:
    """The fields that such an order can be modified by."""
    if leg is Leg.TARGET:
        return frozenset({"price"})
    if leg is Leg.STOPLOSS:
        return frozenset({"trigger_price", "trailing_stop_loss"})
    fields = _FIELDS - {"square_off_value", "stop_loss_value"} | set(OFFSET_FIELDS[execution])
    if execution.single:
        fields -= {"trailing_stop_loss"}
    if order_type not in _PRICED:
        fields -= {"price"}
    if order_type not in _STOPS or triggered:
        fields -= {"trigger_price"}
    return fields


def _term_fault(state: State, case: _Case, phase: SessionPhase) -> Refused | None:
    """The reasons of a placement, in their order. What is held for the session can be changed at any time."""
    grows = case.asked.quantity > case.now.quantity
    order = case.order
    closed = not phase.trades or (grows and not takes(phase, order.execution, order.product))
    if closed and not order.held:
        return Refused(Reason.SESSION_CLOSED)
    return (
        _quantity_fault(case)
        or _price_fault(case)
        or _trigger_fault(state, case)
        or _offset_fault(case)
        or _margin_fault(state, case)
    )


def _quantity_fault(case: _Case) -> Refused | None:
    if "quantity" not in case.changed:
        return None
    quantity = case.asked.quantity
    if "quantity" in case.finer or quantity < max(1, case.order.filled) or quantity % case.instrument.lot:
        return Refused(Reason.BAD_LOT, "quantity")
    if quantity > case.instrument.freeze_quantity:
        return Refused(Reason.FREEZE_QUANTITY, "quantity")
    return None


def _price_fault(case: _Case) -> Refused | None:
    asked, finer, instrument = case.asked, case.finer, case.instrument
    priced, triggers = "price" in case.changed, "trigger_price" in case.changed
    return price_fault(
        instrument, asked.price_paise if priced else None, asked.trigger_paise if triggers else None, finer
    )


def _trigger_fault(state: State, case: _Case) -> Refused | None:
    """A stop stays on its side of the last print, and an SL's limit at or beyond its trigger (3.5)."""
    order, asked = case.order, case.asked
    sign = 1 if order.side is _BUY else -1
    wrong = "trigger_price" in case.changed and sign * (asked.trigger_paise - case.last_paise) <= 0
    if order.order_type is _SL and not order.triggered:
        wrong = wrong or sign * (asked.price_paise - asked.trigger_paise) < 0
    if order.leg is _ENTRY and "stop_loss_value" in case.changed:
        # The stop-loss trades the other way.
        trigger_paise = repriced(state, order, asked).trigger_paise
        wrong = wrong or (trigger_paise > 0 and -sign * (trigger_paise - case.last_paise) <= 0)
    return Refused(Reason.TRIGGER_WRONG_SIDE, "trigger_price") if wrong else None


def _offset_fault(case: _Case) -> Refused | None:
    """Offsets and step are a tick at least, and both legs land in the band, from the price that counts (2.2)."""
    asked, bracket, changed, tick = case.asked, case.bracket, case.changed, case.instrument.tick_paise
    if changed.isdisjoint(_OFFSETS_COUNT):
        return None
    if "square_off_value" in changed and ("square_off_value" in case.finer or asked.target_offset_paise < tick):
        return Refused(Reason.OFFSET_INVALID, "square_off_value")
    if "stop_loss_value" in changed and ("stop_loss_value" in case.finer or asked.stop_offset_paise < tick):
        return Refused(Reason.OFFSET_INVALID, "stop_loss_value")
    if "trailing_stop_loss" in changed and ("trailing_stop_loss" in case.finer or asked.trailing_step_paise < tick):
        return Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    legs = OFFSET_FIELDS[case.order.execution]
    if case.order.leg is not _ENTRY or not legs or changed.isdisjoint(_LEGS_COUNT):
        return None
    offsets = Offsets(bracket.side, asked.target_offset_paise, asked.stop_offset_paise, bracket.tick_paise)
    return leg_outside_band(offsets, _reference(case), legs, case.instrument)


_LEGS_COUNT = frozenset({"price", "trigger_price", "square_off_value", "stop_loss_value"})
_OFFSETS_COUNT = _LEGS_COUNT | {"trailing_stop_loss"}
"""The fields that say where the legs will be, and those by which offsets and step are judged."""


def _reference(case: _Case) -> int:
    """The price that offsets are judged from: the limit, an SL-M's trigger, a MARKET's last print."""
    if case.order.order_type in _PRICED:
        return case.asked.price_paise
    return case.asked.trigger_paise if case.order.order_type is OrderType.SLM else case.last_paise


def _margin_fault(state: State, case: _Case) -> Refused | None:
    """What the bracket, or the stake, would block beyond what it blocks already must be available."""
    order, bracket = case.order, case.bracket
    if order.leg is not _ENTRY:
        return None
    account = state.accounts[bracket.client_id]
    if order.execution.single:
        return _stake_fault(state, case, account)
    filled = order.filled
    cost = -(-order.traded_value_paise * state.open_quantity(bracket) // filled) if filled else 0
    reference = bracket.reference_paise if order.order_type is _MARKET else _reference(case)
    blocked = blocked_paise(reference, case.asked.quantity - filled, cost, account.leverage)
    more = blocked - bracket.blocked_paise
    return Refused(Reason.MARGIN_SHORT) if more > 0 and more > account.available_paise else None


def _stake_fault(state: State, case: _Case, account: Account) -> Refused | None:
    """As for a placement, with these terms in the place of the present ones. A smaller order asks for nothing."""
    order = case.order
    reference = case.bracket.reference_paise if order.order_type is OrderType.MARKET else _reference(case)
    asked = Pending(order.side, case.asked.quantity - order.filled, reference)
    if asked.quantity <= order.remaining and reference <= case.bracket.reference_paise:
        return None
    short = lacks_margin(state, account, order.position_key, order.product, asked, order.order_id)
    return Refused(Reason.MARGIN_SHORT) if short else None
