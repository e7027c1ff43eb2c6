"""Placing: whether an order may be taken on. The reasons are judged in the order of bracket.md section 6.

A bracket, or a cover order, is an intraday order (MIS) and taken on until the cut-off. An order by itself may be of any
product; what is not MIS is taken on while the market trades, and so is an AMO, which is held where it does not.
"""

from collections.abc import Mapping

from bracketd.domain.account import Pending
from bracketd.domain.bracket import Bracket
from bracketd.domain.commands import PlaceBracket
from bracketd.domain.events import BracketPlaced
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Execution, OrderType, Product, Side, position_key
from bracketd.domain.outcomes import Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancelling import Decision
from bracketd.engine.margin import blocked_paise
from bracketd.engine.moment import Moment
from bracketd.engine.numbering import next_numbers
from bracketd.engine.pricing import leg_prices
from bracketd.engine.repeating import repeated
from bracketd.engine.stake import lacks_margin
from bracketd.engine.state import State

_PRICED = frozenset({OrderType.LIMIT, OrderType.SL})
_STOPS = frozenset({OrderType.SL, OrderType.SLM})


def decide_place(state: State, command: PlaceBracket, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a placement: one event that takes the order on, or the first reason why not."""
    known = repeated(state, command, now.at_ns)
    if known is not None:
        return Decision(outcome=known)
    instrument = instruments.get(command.instrument)
    if instrument is None:
        return _refuse(Reason.UNKNOWN_INSTRUMENT, "instrument_token")
    if command.product is not Product.MIS and not command.execution.single:
        return _refuse(Reason.PRODUCT_NOT_ALLOWED, "product")
    held = command.execution is Execution.AMO and not now.phase.trades
    if not held and not takes(now.phase, command.execution, command.product):
        return _refuse(Reason.SESSION_CLOSED)
    last = now.print_paise or instrument.base_price_paise
    reference = _reference(command, last)
    refusal = (
        _quantity_fault(command, instrument)
        or _price_fault(command, instrument)
        or _trigger_fault(command, last)
        or _offset_fault(command, instrument, reference)
    )
    if refusal is not None:
        return Decision(outcome=refusal)
    if _margin_short(state, command, reference):
        return _refuse(Reason.MARGIN_SHORT)
    basket_id, entry_id = next_numbers(state, now.at_ns, 2)
    placed = BracketPlaced(
        at_ns=now.at_ns,
        basket_id=basket_id,
        entry_id=entry_id,
        client_id=command.client_id,
        instrument=command.instrument,
        side=command.side,
        order_type=command.order_type,
        product=command.product,
        validity=command.validity,
        quantity=command.quantity,
        price_paise=command.price_paise if command.order_type in _PRICED else 0,
        trigger_paise=command.trigger_paise if command.order_type in _STOPS else 0,
        target_offset_paise=command.target_offset_paise,
        stop_offset_paise=command.stop_offset_paise,
        tick_paise=instrument.tick_paise,
        lower_band_paise=instrument.lower_band_paise,
        upper_band_paise=instrument.upper_band_paise,
        reference_paise=reference,
        disclosed_quantity=command.disclosed_quantity,
        protection_bp=command.protection_bp,
        user_order_id=command.user_order_id,
        device=command.device,
        trailing_step_paise=command.trailing_step_paise,
        idempotency_key=command.idempotency_key,
        digest=command.digest() if command.idempotency_key else b"",
        execution=command.execution,
        held=held,
    )
    return Decision((placed,), Placed(basket_id, entry_id), named_id=entry_id)


def takes(phase: SessionPhase, execution: Execution, product: Product) -> bool:
    """Whether a new order, or a larger quantity, is taken in a phase: after the cut-off nothing intraday (2.9)."""
    if execution.single and product is not Product.MIS:
        return phase.trades
    return phase is SessionPhase.OPEN


def _refuse(reason: Reason, field: str = "") -> Decision:
    return Decision(outcome=Refused(reason, field))


def _reference(command: PlaceBracket, last_paise: int) -> int:
    """The price that offsets and margin are judged from: the limit, an SL-M's trigger, a MARKET's last print."""
    if command.order_type in _PRICED:
        return command.price_paise
    return command.trigger_paise if command.order_type is OrderType.SLM else last_paise


def _margin_short(state: State, command: PlaceBracket, reference_paise: int) -> bool:
    account = state.accounts[command.client_id]
    if not command.execution.single:
        return blocked_paise(reference_paise, command.quantity, 0, account.leverage) > account.available_paise
    key = position_key(command.client_id, command.instrument, command.product)
    asked = Pending(command.side, command.quantity, reference_paise)
    return lacks_margin(state, account, key, command.product, asked)


def _quantity_fault(command: PlaceBracket, instrument: Instrument) -> Refused | None:
    if command.quantity <= 0 or command.quantity % instrument.lot:
        return Refused(Reason.BAD_LOT, "quantity")
    if command.quantity > instrument.freeze_quantity:
        return Refused(Reason.FREEZE_QUANTITY, "quantity")
    return None


def _price_fault(command: PlaceBracket, instrument: Instrument) -> Refused | None:
    prices = []
    if command.order_type in _PRICED:
        prices.append(("price", command.price_paise))
    if command.order_type in _STOPS:
        prices.append(("trigger_price", command.trigger_paise))
    for field, paise in prices:
        if field in command.finer or not instrument.on_tick(paise):
            return Refused(Reason.BAD_TICK, field)
    for field, paise in prices:
        if not instrument.in_band(paise):
            return Refused(Reason.OUTSIDE_BAND, field)
    return None


def _trigger_fault(command: PlaceBracket, last_paise: int) -> Refused | None:
    """A stop entry's trigger lies strictly beyond the last print, an SL's limit at or beyond its trigger (3.5)."""
    if command.order_type not in _STOPS:
        return None
    sign = 1 if command.side is Side.BUY else -1
    behind = sign * (command.trigger_paise - last_paise) <= 0
    if command.order_type is OrderType.SL:
        behind = behind or sign * (command.price_paise - command.trigger_paise) < 0
    return Refused(Reason.TRIGGER_WRONG_SIDE, "trigger_price") if behind else None


def _offset_fault(command: PlaceBracket, instrument: Instrument, reference_paise: int) -> Refused | None:
    """Offsets are at least one tick and put their legs inside the band (bracket.md 2.2), a step is 0 or a tick.

    An offset of a leg that there will not be is refused too: it would be a stop or a target that somebody counts on.
    """
    offsets = {
        "square_off_value": command.target_offset_paise,
        "stop_loss_value": command.stop_offset_paise,
    }
    legs = offset_fields(command.execution)
    for field, paise in offsets.items():
        wrong = paise < instrument.tick_paise if field in legs else paise != 0
        if field in command.finer or wrong:
            return Refused(Reason.OFFSET_INVALID, field)
    step = command.trailing_step_paise
    if step and not legs:
        return Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    if "trailing_stop_loss" in command.finer or (step != 0 and step < instrument.tick_paise):
        return Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    probe = Bracket(
        basket_id="",
        client_id="",
        instrument=instrument.key,
        side=command.side,
        entry_id="",
        target_offset_paise=command.target_offset_paise,
        stop_offset_paise=command.stop_offset_paise,
        tick_paise=instrument.tick_paise,
        lower_band_paise=instrument.lower_band_paise,
        upper_band_paise=instrument.upper_band_paise,
        reference_paise=reference_paise,
    )
    for field, paise in zip(offsets, leg_prices(probe, reference_paise, 1), strict=True):
        if field in legs and not instrument.in_band(paise):
            return Refused(Reason.OFFSET_INVALID, field)
    return None


def offset_fields(execution: Execution) -> tuple[str, ...]:
    """The fields that price the legs which an order of this kind gets."""
    if execution.single:
        return ()
    return ("stop_loss_value",) if execution is Execution.CO else ("square_off_value", "stop_loss_value")
