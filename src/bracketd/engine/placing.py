"""Placing: whether an order may be taken on. The reasons are judged in the order of bracket.md section 6.

A bracket, or a cover order, is an intraday order (MIS) and taken on until the cut-off. An order by itself may be of any
product; what is not MIS is taken on while the market trades, and so is an AMO, which is held where it does not.
"""

from collections.abc import Mapping, Sequence

from bracketd.domain.account import Pending
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
from bracketd.engine.pricing import Offsets, leg_prices
from bracketd.engine.repeating import repeated
from bracketd.engine.stake import lacks_margin
from bracketd.engine.state import State

_PRICED = frozenset({OrderType.LIMIT, OrderType.SL})
_STOPS = frozenset({OrderType.SL, OrderType.SLM})

# A module's own names are found faster than an enumeration's members; these are asked for at every placement.
_MIS, _AMO, _OPEN = Product.MIS, Execution.AMO, SessionPhase.OPEN


def decide_place(state: State, command: PlaceBracket, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a placement: one event that takes the order on, or the first reason why not."""
    known = repeated(state, command, now.at_ns)
    if known is not None:
        return Decision(outcome=known)
    instrument = instruments.get(command.instrument)
    if instrument is None:
        return _refuse(Reason.UNKNOWN_INSTRUMENT, "instrument_token")
    if command.product is not _MIS and not command.execution.single:
        return _refuse(Reason.PRODUCT_NOT_ALLOWED, "product")
    held = command.execution is _AMO and not now.phase.trades
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
    # By position: so many fields by name would take four times as long.
    placed = BracketPlaced(
        now.at_ns,
        basket_id,
        entry_id,
        command.client_id,
        command.instrument,
        command.side,
        command.order_type,
        command.product,
        command.validity,
        command.quantity,
        command.price_paise if command.order_type in _PRICED else 0,
        command.trigger_paise if command.order_type in _STOPS else 0,
        command.target_offset_paise,
        command.stop_offset_paise,
        instrument.tick_paise,
        instrument.lower_band_paise,
        instrument.upper_band_paise,
        reference,
        command.disclosed_quantity,
        command.protection_bp,
        command.user_order_id,
        command.device,
        command.trailing_step_paise,
        command.idempotency_key,
        command.digest() if command.idempotency_key else b"",
        command.execution,
        held,
    )
    return Decision((placed,), Placed(basket_id, entry_id), None, "", entry_id)


def takes(phase: SessionPhase, execution: Execution, product: Product) -> bool:
    """Whether a new order, or a larger quantity, is taken in a phase: after the cut-off nothing intraday (2.9)."""
    if execution.single and product is not _MIS:
        return phase.trades
    return phase is _OPEN


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
    kind = command.order_type
    price = command.price_paise if kind in _PRICED else None
    return price_fault(instrument, price, command.trigger_paise if kind in _STOPS else None, command.finer)


def price_fault(
    instrument: Instrument, price_paise: int | None, trigger_paise: int | None, finer: frozenset[str]
) -> Refused | None:
    """What is wrong with a price and a trigger, None where there is none to judge: first the tick, then the band."""
    if price_paise is not None and ("price" in finer or not instrument.on_tick(price_paise)):
        return Refused(Reason.BAD_TICK, "price")
    if trigger_paise is not None and ("trigger_price" in finer or not instrument.on_tick(trigger_paise)):
        return Refused(Reason.BAD_TICK, "trigger_price")
    if price_paise is not None and not instrument.in_band(price_paise):
        return Refused(Reason.OUTSIDE_BAND, "price")
    if trigger_paise is not None and not instrument.in_band(trigger_paise):
        return Refused(Reason.OUTSIDE_BAND, "trigger_price")
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
    legs, tick = OFFSET_FIELDS[command.execution], instrument.tick_paise
    target, stop = command.target_offset_paise, command.stop_offset_paise
    if "square_off_value" in command.finer or (target < tick if "square_off_value" in legs else target):
        return Refused(Reason.OFFSET_INVALID, "square_off_value")
    if "stop_loss_value" in command.finer or (stop < tick if "stop_loss_value" in legs else stop):
        return Refused(Reason.OFFSET_INVALID, "stop_loss_value")
    step = command.trailing_step_paise
    if step and not legs:
        return Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    if "trailing_stop_loss" in command.finer or (step != 0 and step < tick):
        return Refused(Reason.OFFSET_INVALID, "trailing_stop_loss")
    if not legs:
        return None
    return leg_outside_band(Offsets(command.side, target, stop, tick), reference_paise, legs, instrument)


def leg_outside_band(
    offsets: Offsets, reference_paise: int, legs: Sequence[str], instrument: Instrument
) -> Refused | None:
    """The first of the `legs`, by its field, that an entry at the reference price would put outside the band."""
    target, stop = leg_prices(offsets, reference_paise, 1)
    low, high = instrument.lower_band_paise, instrument.upper_band_paise
    if not low <= target <= high and "square_off_value" in legs:
        return Refused(Reason.OFFSET_INVALID, "square_off_value")
    if not low <= stop <= high and "stop_loss_value" in legs:
        return Refused(Reason.OFFSET_INVALID, "stop_loss_value")
    return None


OFFSET_FIELDS: Mapping[Execution, Sequence[str]] = {
    Execution.BO: ("square_off_value", "stop_loss_value"),
    Execution.CO: ("stop_loss_value",),
    Execution.REGULAR: (),
    Execution.AMO: (),
}
"""The fields that price the legs which an order of each kind gets."""
