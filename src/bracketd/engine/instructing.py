"""Instructing: which events send the venue to work, and with what."""

from bracketd.domain.events import (
    AnyEvent,
    BracketPlaced,
    CancelRequested,
    ClosingRequested,
    LegsGrown,
    LegsOpened,
    ModifyRequested,
    OrderModified,
    StopTrailed,
)
from bracketd.domain.instructions import (
    AdjustPair,
    CancelWork,
    ClosePair,
    Instruction,
    ModifyWork,
    MoveStop,
    OpenPair,
    SendEntry,
)
from bracketd.engine.state import State


def instruction_for(state: State, event: AnyEvent, growth: int) -> Instruction | None:
    """The instruction that an event just applied gives to the venue, None for most.

    `growth` is by how much the event grew the legs (see `growth_by`): the event itself only says to how much.
    """
    match event:
        case BracketPlaced():
            return SendEntry(
                order_id=event.entry_id,
                basket_id=event.basket_id,
                account=event.client_id,
                instrument=event.instrument,
                side=event.side,
                order_type=event.order_type,
                validity=event.validity,
                quantity=event.quantity,
                price_paise=event.price_paise,
                trigger_paise=event.trigger_paise,
                protection_bp=event.protection_bp,
            )
        case LegsOpened():
            bracket = state.brackets[event.basket_id]
            return OpenPair(
                basket_id=event.basket_id,
                stop_id=event.stop_id,
                target_id=event.target_id,
                account=bracket.client_id,
                instrument=bracket.instrument,
                side=bracket.side.opposite,
                quantity=event.quantity,
                target_paise=event.target_paise,
                trigger_paise=event.trigger_paise,
            )
        case LegsGrown():
            instrument = state.brackets[event.basket_id].instrument
            return AdjustPair(event.basket_id, instrument, growth, event.target_paise, event.trigger_paise)
        case ModifyRequested(order_id=order_id, terms=terms):
            by = terms.quantity - state.orders[order_id].quantity
            return ModifyWork(order_id, by, terms.price_paise, terms.trigger_paise)
        case OrderModified() if event.target_paise or event.trigger_paise:
            bracket = state.bracket_of(event.order_id)
            stop, target = state.orders[bracket.stop_id], state.orders[bracket.target_id]
            prices = target.price_paise, stop.trigger_paise
            return AdjustPair(bracket.basket_id, bracket.instrument, 0, *prices)
        case StopTrailed():
            return MoveStop(event.basket_id, event.trigger_paise)
        case CancelRequested():
            return CancelWork(event.order_id)
        case ClosingRequested():
            return ClosePair(event.basket_id, state.brackets[event.basket_id].stop_id, event.quantity)
    return None


def growth_by(state: State, event: AnyEvent) -> int:
    """By how many shares an event that is not applied yet will grow the legs."""
    if isinstance(event, LegsGrown):
        return event.quantity - state.orders[state.brackets[event.basket_id].stop_id].quantity
    return 0
