"""Instructing: which events send the venue to work, and with what."""

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import (
    AnyEvent,
    BracketPlaced,
    CancelRequested,
    ClosingRequested,
    LegCompleted,
    LegsGrown,
    LegsOpened,
    ModifyRequested,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderReleased,
    OrderResent,
    RescuePlaced,
    StageReached,
    StopTrailed,
    TradeBooked,
)
from bracketd.domain.instructions import (
    AdjustPair,
    CancelWork,
    ClearBooks,
    ClosePair,
    DropPair,
    Instruction,
    LastCall,
    ModifyWork,
    MoveStop,
    OpenBooks,
    OpenPair,
    SendEntry,
)
from bracketd.domain.order import Leg, Order
from bracketd.domain.session import Stage
from bracketd.engine.state import State


def instruction_for(state: State, event: AnyEvent, growth: int) -> Instruction | None:
    """The instruction that an event just applied gives to the venue, None for most.

    `growth` is by how much the event grew the legs (see `growth_by`): the event itself only says to how much.
    """
    if type(event) in _SILENT:
        return None
    match event:
        case CancelRequested(order_id=order_id):
            return CancelWork(order_id, state.orders[order_id].requests)
        case BracketPlaced(entry_id=order_id):
            return None if event.held else _send(state.orders[order_id])
        case RescuePlaced(order_id=order_id) | OrderResent(order_id=order_id) | OrderReleased(order_id=order_id):
            return _send(state.orders[order_id])
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
        case LegsGrown(basket_id=basket_id):
            # A stop that the venue would not have grows with its closing order.
            refused = state.orders[state.brackets[basket_id].stop_id].refused
            return None if refused else _adjust(state, state.brackets[basket_id], growth)
        case ModifyRequested(order_id=order_id, terms=terms):
            order = state.orders[order_id]
            by = terms.quantity - order.quantity
            return ModifyWork(order_id, by, terms.price_paise, terms.trigger_paise, order.modify_request)
        case OrderModified(order_id=order_id) if event.target_paise or event.trigger_paise or event.late:
            return _adjust(state, state.bracket_of(order_id), 0)
        case StopTrailed():
            return MoveStop(event.basket_id, event.trigger_paise)
        case ClosingRequested(basket_id=basket_id):
            bracket = state.brackets[basket_id]
            return ClosePair(
                basket_id=basket_id,
                stop_id=bracket.stop_id,
                quantity=event.quantity,
                account=bracket.client_id,
                instrument=bracket.instrument,
                side=bracket.side.opposite,
                growth=event.growth,
                limit_paise=event.limit_paise,
                attempt=bracket.closings,
            )
        case OrderCancelled(order_id=order_id) | LegCompleted(order_id=order_id):
            return _drop(state, order_id)
        case StageReached(stage=stage):
            return _BY_STAGE.get(stage)
    return None


_SILENT = frozenset({OrderAccepted, TradeBooked})
"""Events that are many and never tell the venue anything: they are what it told us."""

_BY_STAGE: dict[Stage, Instruction] = {
    Stage.TRADING: OpenBooks(),
    Stage.SQUARE_OFF: OpenBooks(),
    Stage.LAST_CALL: LastCall(),
    Stage.ENDED: ClearBooks(),
}


def _send(order: Order) -> SendEntry:
    return SendEntry(
        order_id=order.order_id,
        basket_id=order.basket_id,
        account=order.client_id,
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        validity=order.validity,
        quantity=order.remaining,
        price_paise=order.price_paise,
        trigger_paise=order.trigger_paise,
        protection_bp=order.protection_bp,
        request=order.requests,
        leg=order.leg,
    )


def _drop(state: State, order_id: str) -> DropPair | None:
    """With both legs at their end the venue need not keep their pair: until then it might have to grow."""
    bracket = state.bracket_of(order_id)
    if state.orders[order_id].leg is Leg.ENTRY or not bracket.stop_id:
        return None
    target = state.target_of(bracket)
    over = state.orders[bracket.stop_id].terminal and (target is None or target.terminal)
    return DropPair(bracket.basket_id) if over else None


def _adjust(state: State, bracket: Bracket, growth: int) -> AdjustPair | None:
    """The pair as it is to be; None where there is none at the venue that works."""
    if not bracket.stop_id or state.orders[bracket.stop_id].refused:
        return None
    stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
    return AdjustPair(
        basket_id=bracket.basket_id,
        instrument=bracket.instrument,
        growth=growth,
        target_paise=0 if target is None else target.price_paise,
        trigger_paise=stop.trigger_paise,
        stop_id=bracket.stop_id,
        target_id=bracket.target_id,
        total=stop.quantity,
    )


def growth_by(state: State, event: AnyEvent) -> int:
    """By how many shares an event that is not applied yet will grow the legs."""
    if type(event) is LegsGrown:
        return event.quantity - state.orders[state.brackets[event.basket_id].stop_id].quantity
    return 0
