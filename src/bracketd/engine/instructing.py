"""Instructing: which events send the venue to work, and with what.

One small function for each, chosen by the event's type from the table at the end.
"""

from collections.abc import Callable
from typing import Any

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
    OrderCancelled,
    OrderModified,
    OrderReleased,
    OrderResent,
    RescuePlaced,
    StageReached,
    StopTrailed,
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

_ENTRY = Leg.ENTRY


def instruction_for(state: State, event: AnyEvent, growth: int) -> Instruction | None:
    """The instruction that an event just applied gives to the venue, None for most.

    `growth` is by how much the event grew the legs (see `growth_by`): the event itself only says to how much.
    """
    ask = _BY_EVENT.get(type(event))
    return None if ask is None else ask(state, event, growth)


def _cancel_requested(state: State, event: CancelRequested, _growth: int) -> Instruction:
    return CancelWork(event.order_id, state.orders[event.order_id].requests)


def _bracket_placed(state: State, event: BracketPlaced, _growth: int) -> Instruction | None:
    return None if event.held else _send(state.orders[event.entry_id])


def _order_sent(state: State, event: RescuePlaced | OrderResent | OrderReleased, _growth: int) -> Instruction:
    return _send(state.orders[event.order_id])


def _legs_opened(state: State, event: LegsOpened, _growth: int) -> Instruction:
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


def _legs_grown(state: State, event: LegsGrown, growth: int) -> Instruction | None:
    bracket = state.brackets[event.basket_id]
    # A stop that the venue would not have grows with its closing order.
    return None if state.orders[bracket.stop_id].refused else _adjust(state, bracket, growth)


def _modify_requested(state: State, event: ModifyRequested, _growth: int) -> Instruction:
    order, terms = state.orders[event.order_id], event.terms
    by = terms.quantity - order.quantity
    return ModifyWork(event.order_id, by, terms.price_paise, terms.trigger_paise, order.modify_request)


def _order_modified(state: State, event: OrderModified, _growth: int) -> Instruction | None:
    if event.target_paise or event.trigger_paise or event.late:
        return _adjust(state, state.bracket_of(event.order_id), 0)
    return None


def _stop_trailed(_state: State, event: StopTrailed, _growth: int) -> Instruction:
    return MoveStop(event.basket_id, event.trigger_paise)


def _closing_requested(state: State, event: ClosingRequested, _growth: int) -> Instruction:
    bracket = state.brackets[event.basket_id]
    return ClosePair(
        basket_id=event.basket_id,
        stop_id=bracket.stop_id,
        quantity=event.quantity,
        account=bracket.client_id,
        instrument=bracket.instrument,
        side=bracket.side.opposite,
        growth=event.growth,
        limit_paise=event.limit_paise,
        attempt=bracket.closings,
    )


def _leg_ended(state: State, event: OrderCancelled | LegCompleted, _growth: int) -> Instruction | None:
    """With both legs at their end the venue need not keep their pair: until then it might have to grow."""
    order = state.orders[event.order_id]
    if order.leg is _ENTRY:
        return None
    bracket = state.brackets[order.basket_id]
    if not bracket.stop_id:
        return None
    target = state.target_of(bracket)
    over = state.orders[bracket.stop_id].terminal and (target is None or target.terminal)
    return DropPair(bracket.basket_id) if over else None


def _stage_reached(_state: State, event: StageReached, _growth: int) -> Instruction | None:
    return _BY_STAGE.get(event.stage)


def _send(order: Order) -> SendEntry:
    # By position, as what is made for every order.
    return SendEntry(
        order.order_id,
        order.basket_id,
        order.client_id,
        order.instrument,
        order.side,
        order.order_type,
        order.validity,
        order.remaining,
        order.price_paise,
        order.trigger_paise,
        order.protection_bp,
        order.requests,
        order.leg,
    )


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


def growth_by(state: State, event: LegsGrown) -> int:
    """By how many shares an event that is not applied yet will grow the legs."""
    return event.quantity - state.orders[state.brackets[event.basket_id].stop_id].quantity


_BY_STAGE: dict[Stage, Instruction] = {
    Stage.TRADING: OpenBooks(),
    Stage.SQUARE_OFF: OpenBooks(),
    Stage.LAST_CALL: LastCall(),
    Stage.ENDED: ClearBooks(),
}

_BY_EVENT: dict[type, Callable[[State, Any, int], Instruction | None]] = {
    CancelRequested: _cancel_requested,
    BracketPlaced: _bracket_placed,
    RescuePlaced: _order_sent,
    OrderResent: _order_sent,
    OrderReleased: _order_sent,
    LegsOpened: _legs_opened,
    LegsGrown: _legs_grown,
    ModifyRequested: _modify_requested,
    OrderModified: _order_modified,
    StopTrailed: _stop_trailed,
    ClosingRequested: _closing_requested,
    OrderCancelled: _leg_ended,
    LegCompleted: _leg_ended,
    StageReached: _stage_reached,
}

INSTRUCTING = frozenset(_BY_EVENT)
"""The events that send the venue to work; all others are what it told us, or none of its business."""
