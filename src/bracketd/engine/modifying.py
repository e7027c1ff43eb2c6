"""Modifying: where a modification is decided (bracket.md section 4, "Modifying").

Judged in this order, and the first failure answers: what names the order, a modify or cancel in flight (which is waited
for), the order's state, the activity reference, fields that nobody can change, then the reasons of a placement. All or
nothing; what changes nothing succeeds and leaves no trace.
"""

from collections.abc import Iterator, Mapping

import msgspec

from bracketd.domain.account import Account, Pending
from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.commands import ModifyOrder
from bracketd.domain.events import HeldModified, ModifyRequested
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Leg, Order, OrderType, Side, Status, Terms
from bracketd.domain.outcomes import FieldFault, Modified, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancel_table import Named, Situation, situation_of
from bracketd.engine.cancelling import Decision, Ticket, already, name_row
from bracketd.engine.exposure import entry_must_go
from bracketd.engine.margin import blocked_paise
from bracketd.engine.moment import Moment
from bracketd.engine.placing import offset_fields, takes
from bracketd.engine.pricing import leg_prices
from bracketd.engine.repricing import repriced
from bracketd.engine.stake import lacks_margin
from bracketd.engine.state import State

_PRICED = frozenset({OrderType.LIMIT, OrderType.SL})
_STOPS = frozenset({OrderType.SL, OrderType.SLM})


class _Case(msgspec.Struct, frozen=True, gc=False):
    """What is judged: the order, its bracket, the terms asked for, and the last print or what stands in for it."""

    order: Order
    bracket: Bracket
    instrument: Instrument
    now: Terms
    asked: Terms
    finer: frozenset[str]
    last_paise: int

    @property
    def changes(self) -> bool:
        """Whether anything would be other than it is."""
        return bool(self.finer) or self.asked != self.now

    def changed(self, field: str) -> bool:
        """Whether the field would be other than it is."""
        if field in self.finer:
            return True
        name = _TERMS[field]
        return bool(getattr(self.asked, name) != getattr(self.now, name))


_TERMS = {
    "disclosed_quantity": "disclosed_quantity",
    "price": "price_paise",
    "quantity": "quantity",
    "square_off_value": "target_offset_paise",
    "stop_loss_value": "stop_offset_paise",
    "trailing_stop_loss": "trailing_step_paise",
    "trigger_price": "trigger_paise",
}
"""The fields that some order can be modified by, and what they are called in its terms."""


def decide_modify(state: State, command: ModifyOrder, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a modification: one event that asks the venue for it, the first reason why not, or nothing to do."""
    named = name_row(state, command)
    if not isinstance(named, tuple):
        return Decision(outcome=named)
    order, _, how = named
    # The id says which order is meant; a word that says another would be a guess.
    if how is Named.EXIT:
        return Decision(outcome=FieldFault("leg_order_indicator"))
    bracket = state.brackets[order.basket_id]
    waits = order.status is Status.PENDING and not order.held
    if waits or situation_of(state, bracket, False) is Situation.IN_FLIGHT:
        return Decision(waits_for=bracket.basket_id, named_id=order.order_id)
    instrument = instruments.get(order.instrument)
    if instrument is None:
        return Decision(outcome=Refused(Reason.UNKNOWN_INSTRUMENT, "instrument_token"))
    last_paise = now.print_paise or instrument.base_price_paise
    present = _present(order, bracket, last_paise)
    asked = _asked(command, present)
    case = _Case(order, bracket, instrument, present, asked, command.finer, last_paise)
    refusal = _state_fault(state, bracket, order) or _stale(order, command) or _fixed_field(command, case)
    if refusal is None and command.malformed:
        refusal = FieldFault(command.malformed[0])
    if refusal is None and case.changes:
        refusal = _term_fault(state, case, now.phase)
    if refusal is not None:
        return Decision(outcome=refusal, named_id=order.order_id)
    if not case.changes:
        return Decision(outcome=Modified(order.order_id), named_id=order.order_id)
    if order.held:
        return Decision((HeldModified(now.at_ns, order.order_id, asked),), Modified(order.order_id))
    if order.leg is Leg.STOPLOSS and not case.changed("trigger_price"):
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
    sent = {
        "quantity": command.quantity,
        "price_paise": command.price_paise,
        "trigger_paise": command.trigger_paise,
        "disclosed_quantity": command.disclosed_quantity,
        "target_offset_paise": command.target_offset_paise,
        "stop_offset_paise": command.stop_offset_paise,
        "trailing_step_paise": command.trailing_step_paise,
    }
    return msgspec.structs.replace(present, **{name: value for name, value in sent.items() if value})


def _state_fault(state: State, bracket: Bracket, order: Order) -> Refused | None:
    """A stop-loss that has triggered or is closing is as good as executed, an entry whose exit is decided too."""
    if order.terminal:
        return already(order)
    if order.leg is Leg.STOPLOSS and (order.at_market or order.refused):
        return Refused(Reason.TOO_LATE)
    if order.leg is not Leg.STOPLOSS and entry_must_go(state, bracket):
        going = order.leg is Leg.ENTRY or bracket.exit is not Exit.NONE or state.orders[bracket.stop_id].refused
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
    fixed = set(_fixed(command, case))
    order = (
        *("disclosed_quantity", "exchange", "instrument_token", "order_side", "order_type", "price", "product"),
        *("quantity", "square_off_value", "stop_loss_value", "trailing_stop_loss", "trigger_price"),
    )
    return next((Refused(Reason.CANNOT_MODIFY_FIELD, field) for field in order if field in fixed), None)


def _fixed(command: ModifyOrder, case: _Case) -> Iterator[str]:
    order = case.order
    exchange, _, token = order.instrument.partition(":")
    for field, sent, present in (
        ("exchange", command.exchange, exchange),
        ("instrument_token", command.instrument_token, token),
        ("order_side", command.side, order.side),
        ("order_type", command.order_type, order.order_type),
        ("product", command.product, order.product),
    ):
        if sent and sent != present:
            yield field
    modifiable = _modifiable(order)
    yield from (field for field in _TERMS if field not in modifiable and case.changed(field))


def _modifiable(order: Order) -> set[str]:
    """The fields that an order can be modified by."""
    if order.leg is Leg.TARGET:
        return {"price"}
    if order.leg is Leg.STOPLOSS:
        return {"trigger_price", "trailing_stop_loss"}
    fields = set(_TERMS) - {"square_off_value", "stop_loss_value"} | set(offset_fields(order.execution))
    if order.execution.single:
        fields.discard("trailing_stop_loss")
    if order.order_type not in _PRICED:
        fields.discard("price")
    if order.order_type not in _STOPS or order.triggered:
        fields.discard("trigger_price")
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
    if not case.changed("quantity"):
        return None
    quantity = case.asked.quantity
    if "quantity" in case.finer or quantity < max(1, case.order.filled) or quantity % case.instrument.lot:
        return Refused(Reason.BAD_LOT, "quantity")
    if quantity > case.instrument.freeze_quantity:
        return Refused(Reason.FREEZE_QUANTITY, "quantity")
    return None


def _price_fault(case: _Case) -> Refused | None:
    prices = [("price", case.asked.price_paise), ("trigger_price", case.asked.trigger_paise)]
    prices = [(field, paise) for field, paise in prices if case.changed(field)]
    for field, paise in prices:
        if field in case.finer or not case.instrument.on_tick(paise):
            return Refused(Reason.BAD_TICK, field)
    for field, paise in prices:
        if not case.instrument.in_band(paise):
            return Refused(Reason.OUTSIDE_BAND, field)
    return None


def _trigger_fault(state: State, case: _Case) -> Refused | None:
    """A stop stays on its side of the last print, and an SL's limit at or beyond its trigger (3.5)."""
    order, asked = case.order, case.asked
    sign = 1 if order.side is Side.BUY else -1
    wrong = case.changed("trigger_price") and sign * (asked.trigger_paise - case.last_paise) <= 0
    if order.order_type is OrderType.SL and not order.triggered:
        wrong = wrong or sign * (asked.price_paise - asked.trigger_paise) < 0
    if order.leg is Leg.ENTRY and case.changed("stop_loss_value"):
        # The stop-loss trades the other way.
        trigger_paise = repriced(state, order, asked).trigger_paise
        wrong = wrong or (trigger_paise > 0 and -sign * (trigger_paise - case.last_paise) <= 0)
    return Refused(Reason.TRIGGER_WRONG_SIDE, "trigger_price") if wrong else None


def _offset_fault(case: _Case) -> Refused | None:
    """Offsets and step are a tick at least, and both legs land in the band, from the price that counts (2.2)."""
    asked, tick = case.asked, case.instrument.tick_paise
    offsets = (("square_off_value", asked.target_offset_paise), ("stop_loss_value", asked.stop_offset_paise))
    for field, paise in (*offsets, ("trailing_stop_loss", asked.trailing_step_paise)):
        if case.changed(field) and (field in case.finer or paise < tick):
            return Refused(Reason.OFFSET_INVALID, field)
    if case.order.leg is not Leg.ENTRY:
        return None
    if not any(case.changed(field) for field in ("price", "trigger_price", "square_off_value", "stop_loss_value")):
        return None
    after = msgspec.structs.replace(
        case.bracket, target_offset_paise=asked.target_offset_paise, stop_offset_paise=asked.stop_offset_paise
    )
    legs = offset_fields(case.order.execution)
    for (field, _), paise in zip(offsets, leg_prices(after, _reference(case), 1), strict=True):
        if field in legs and not case.instrument.in_band(paise):
            return Refused(Reason.OFFSET_INVALID, field)
    return None


def _reference(case: _Case) -> int:
    """The price that offsets are judged from: the limit, an SL-M's trigger, a MARKET's last print."""
    if case.order.order_type in _PRICED:
        return case.asked.price_paise
    return case.asked.trigger_paise if case.order.order_type is OrderType.SLM else case.last_paise


def _margin_fault(state: State, case: _Case) -> Refused | None:
    """What the bracket, or the stake, would block beyond what it blocks already must be available."""
    order, bracket = case.order, case.bracket
    if order.leg is not Leg.ENTRY:
        return None
    account = state.accounts[bracket.client_id]
    if order.execution.single:
        return _stake_fault(state, case, account)
    open_quantity = state.open_quantity(bracket)
    cost = -(-order.traded_value_paise * open_quantity // order.filled) if order.filled else 0
    reference = bracket.reference_paise if order.order_type is OrderType.MARKET else _reference(case)
    blocked = blocked_paise(reference, case.asked.quantity - order.filled, cost, account.leverage)
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
