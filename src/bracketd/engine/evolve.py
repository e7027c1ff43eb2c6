"""evolve: the only function that changes state. Recovery folds the journal with the same one.

One small function for each event, chosen by the event's type from the table at the end.
"""

from collections.abc import Callable
from typing import Any

from bracketd.domain.account import Account, Position
from bracketd.domain.bracket import Bracket
from bracketd.domain.events import (
    AccountOpened,
    AnyEvent,
    BracketPlaced,
    CancelRefused,
    CancelRequested,
    ClosingAccepted,
    ClosingRefused,
    ClosingRequested,
    DayBegun,
    ExitAccepted,
    ExitRequested,
    HeldModified,
    IntentKept,
    LegCompleted,
    LegsAdjusted,
    LegsGrown,
    LegsOpened,
    LetterArrived,
    LetterSent,
    ModifyRefused,
    ModifyRequested,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRefused,
    OrderReleased,
    OrderResent,
    OrderTriggered,
    PositionConverted,
    ProtectionLost,
    ProtectionRegained,
    RescuePlaced,
    StageReached,
    StopRefused,
    StopTrailed,
    TickSeen,
    TradeBooked,
)
from bracketd.domain.order import PLAIN, Leg, Order, OrderType, Particulars, Product, Trade, Validity, kept_particulars
from bracketd.engine.changing import (
    born,
    end_modify,
    end_trailing,
    grows,
    happen,
    settle,
    supersede,
    take_displayed,
    touch,
    trade_number,
)
from bracketd.engine.evolve_convert import position_converted
from bracketd.engine.evolve_day import day_begun, letter_arrived, letter_sent, stage_reached
from bracketd.engine.evolve_exit import (
    closing_accepted,
    closing_refused,
    closing_requested,
    exit_accepted,
    exit_requested,
    intent_kept,
    order_resent,
    protection_lost,
    protection_regained,
    rescue_placed,
    stop_refused,
)
from bracketd.engine.evolve_modify import modify_refused, modify_requested, order_modified
from bracketd.engine.evolve_placing import bracket_placed, held_modified, order_released
from bracketd.engine.invariant import invariant
from bracketd.engine.numbering import take_number
from bracketd.engine.pricing import rebased_prices
from bracketd.engine.state import Market, State
from bracketd.engine.trailing import better, first_anchor
from bracketd.engine.transitions import Happening, next_status

# A module's own names are found faster than an enumeration's members; these are asked for at most events.
_ENTRY, _NO_LEG = Leg.ENTRY, Leg.NONE
_ACCEPTED, _ACCEPTED_STOP = Happening.ACCEPTED, Happening.ACCEPTED_STOP
_FILLED, _FILLED_PART = Happening.FILLED, Happening.FILLED_PART
_CANCEL_REQUESTED, _CANCELLED = Happening.CANCEL_REQUESTED, Happening.CANCELLED


def evolve(state: State, event: AnyEvent) -> None:
    """Apply one event. Raises InvariantBroken for an event that cannot follow what went before."""
    if event.at_ns > state.last_event_ns:
        state.last_event_ns = event.at_ns
    _BY_EVENT[type(event)](state, event)


def _account_opened(state: State, event: AccountOpened) -> None:
    invariant(event.client_id not in state.accounts, "an account is opened once", event.client_id)
    state.accounts[event.client_id] = Account(
        client_id=event.client_id, cash_paise=event.cash_paise, leverage=event.leverage
    )


def _tick_seen(state: State, event: TickSeen) -> None:
    state.markets[event.instrument] = Market(event.print_paise, event.bids, event.asks, {}, event.name)


def _order_accepted(state: State, event: OrderAccepted) -> None:
    order = state.orders[event.order_id]
    # A number that comes after the end is the order's all the same; its status is not touched any more.
    if not order.status.terminal and not order.marks.refused:
        happening = _ACCEPTED_STOP if order.waits else _ACCEPTED
        order.status_before = next_status(order.status_before, happening, order.status_before)
        happen(order, happening, event.at_ns)
    order.exchange_order_id = event.exchange_order_id
    order.accepted_ns = event.at_ns
    # A place in the queue that was lost meanwhile stays lost.
    if event.priority > order.priority:
        order.priority = event.priority
    state.exchange_ids[event.exchange_order_id] = order.order_id
    state.acknowledged += 1
    if event.priority > state.last_priority:
        state.last_priority = event.priority


def _order_refused(state: State, event: OrderRefused) -> None:
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    happen(order, Happening.REFUSED, event.at_ns)
    order.remaining = 0
    order.mark(rejection=event.text)
    if order.leg is Leg.TARGET:
        bracket.turn(leg_refused=True)
    if order.squares:
        state.stakes[order.position_key].denied = True
    end_modify(state, order)
    settle(state, bracket)


def _legs_opened(state: State, event: LegsOpened) -> None:
    bracket = state.brackets[event.basket_id]
    invariant(not bracket.stop_id, "legs are made once", event.basket_id)
    entry = state.orders[bracket.entry_id]
    birth = born(event.at_ns)
    for order_id, leg, order_type, price, trigger in (
        (event.stop_id, Leg.STOPLOSS, OrderType.SLM, 0, event.trigger_paise),
        (event.target_id, Leg.TARGET, OrderType.LIMIT, event.target_paise, 0),
    ):
        if not order_id:
            continue
        take_number(state, order_id)
        state.orders[order_id] = Order(
            order_id=order_id,
            basket_id=bracket.basket_id,
            parent_id=entry.order_id,
            client_id=entry.client_id,
            instrument=entry.instrument,
            leg=leg,
            side=entry.side.opposite,
            order_type=order_type,
            quantity=event.quantity,
            remaining=event.quantity,
            price_paise=price,
            trigger_paise=trigger,
            user_order_id=entry.user_order_id,
            particulars=kept_particulars(Particulars(entry.execution, Product.MIS, Validity.DAY, entry.device)),
            **birth,
        )
    bracket.stop_id, bracket.target_id = event.stop_id, event.target_id
    if bracket.trailing_step_paise:
        bracket.anchor_paise = first_anchor(bracket, event.trigger_paise)
        state.trailing.setdefault(bracket.instrument, {})[bracket.basket_id] = True


def _legs_grown(state: State, event: LegsGrown) -> None:
    bracket = state.brackets[event.basket_id]
    entry = state.orders[bracket.entry_id]
    stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
    growth = event.quantity - stop.quantity
    invariant(growth > 0, "legs only grow", event)
    if stop.refused:
        bracket.turn(ungrown=bracket.ungrown + growth)
    else:
        supersede(state, bracket.stop_id, bracket.target_id)
    if not stop.remaining and (stop.filled or (target is not None and target.filled)):
        bracket.turn(overtaken=True)
    for leg in (stop,) if target is None else (stop, target):
        leg.quantity = event.quantity
        # Also one that is at its end shows another quantity from now on.
        touch(leg, event.at_ns)
        if not leg.terminal:
            leg.remaining += growth
    if target is not None and not target.terminal:
        target.price_paise = event.target_paise
    if stop.trigger_paise and not stop.triggered:
        stop.trigger_paise = event.trigger_paise
        if bracket.trailing_step_paise and not bracket.stop_by_hand:
            anchor = first_anchor(bracket, _rebased_trigger(bracket, entry))
            bracket.anchor_paise = better(bracket, anchor, bracket.anchor_paise) if bracket.trailed else anchor


def _rebased_trigger(bracket: Bracket, entry: Order) -> int:
    return rebased_prices(bracket, entry.traded_value_paise, entry.filled)[1]


def _stop_trailed(state: State, event: StopTrailed) -> None:
    bracket = state.brackets[event.basket_id]
    stop = state.orders[bracket.stop_id]
    invariant(
        better(bracket, event.trigger_paise, stop.trigger_paise) == event.trigger_paise != stop.trigger_paise,
        "a stop trails one way only (14)",
        event,
    )
    supersede(state, stop.order_id)
    stop.trigger_paise, bracket.anchor_paise = event.trigger_paise, event.anchor_paise
    if not bracket.trailed:
        bracket.turn(trailed=True)
    touch(stop, event.at_ns)


def _legs_adjusted(state: State, event: LegsAdjusted) -> None:
    target = state.target_of(state.brackets[event.basket_id])
    if target is not None and event.target_priority and not target.terminal:
        target.priority = event.target_priority
        state.last_priority = max(state.last_priority, event.target_priority)


def _order_triggered(state: State, event: OrderTriggered) -> None:
    order = state.orders[event.order_id]
    order.mark(triggered=True)
    end_trailing(state, order)
    happening = Happening.TRIGGERED_MODIFIED if order.modified else Happening.TRIGGERED
    order.status_before = next_status(order.status_before, happening, order.status_before)
    happen(order, happening, event.at_ns)


def _trade_booked(state: State, event: TradeBooked) -> None:
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    invariant(event.trade_id not in state.trades, "a trade counts once", event.trade_id)
    growing = grows(state, order)
    # What a venue reports after the order's end is booked all the same: position truth beats status (section 7).
    room = (state.terms[order.order_id].quantity if growing else order.quantity) - order.filled
    if not order.terminal and not growing:
        room = order.remaining
    invariant(0 < event.quantity <= room, "a fill is within what remains", event)
    value = event.price_paise * event.quantity
    state.trades[event.trade_id] = Trade(
        event.trade_id,
        order.order_id,
        event.price_paise,
        event.quantity,
        event.at_ns,
        event.aggressive,
        event.print_paise,
        event.tick,
    )
    state.traded = max(state.traded, trade_number(event.trade_id))
    order.filled += event.quantity
    order.traded_value_paise += value
    order.last_trade_paise = event.price_paise
    order.last_trade_ns = event.at_ns
    if order.leg is _ENTRY:
        if order.terminal:
            if not order.execution.single:
                bracket.turn(late=bracket.late + event.quantity)
            touch(order, event.at_ns)
        else:
            # A fill may be the first that is heard of a growth; then only the answer to that tells whether it is all.
            order.quantity = max(order.quantity, order.filled)
            order.remaining = order.quantity - order.filled
            filled = not order.remaining and not growing
            happen(order, _FILLED if filled else _FILLED_PART, event.at_ns)
            end_modify(state, order)
    elif order.order_id in bracket.rescue_ids:
        order.remaining -= event.quantity
        happen(order, _FILLED_PART if order.remaining else _FILLED, event.at_ns)
    else:
        _take_from_legs(state, bracket, order, event)
    if event.aggressive:
        take_displayed(state, order, event.quantity)
    state.positions.setdefault(order.position_key, Position()).book(order.side, event.quantity, value)
    if order.execution.single:
        state.stakes[order.position_key].total.book(order.side, event.quantity, value)
    settle(state, bracket)


def _take_from_legs(state: State, bracket: Bracket, order: Order, event: TradeBooked) -> None:
    """One exit budget: what one leg trades is gone from the other in the same event."""
    bracket.last_exit_id = order.order_id
    for leg in (state.orders[bracket.stop_id], state.target_of(bracket)):
        if leg is not None and not leg.terminal:
            leg.remaining -= event.quantity
            touch(leg, event.at_ns)
    if order.terminal:
        touch(order, event.at_ns)
    else:
        happen(order, _FILLED_PART, event.at_ns)


def _cancel_requested(state: State, event: CancelRequested) -> None:
    order = state.orders[event.order_id]
    order.status_before = order.status
    if order.marks is not PLAIN:
        order.mark(cancel_refused=False)
    order.requests += 1
    happen(order, _CANCEL_REQUESTED, event.at_ns)
    bracket = state.brackets[order.basket_id]
    if order.leg is bracket.intended:
        bracket.intended = _NO_LEG


def _order_cancelled(state: State, event: OrderCancelled) -> None:
    order = state.orders[event.order_id]
    bracket = state.brackets[order.basket_id]
    happen(order, _CANCELLED, event.at_ns)
    order.remaining = 0
    info = event.info
    if bracket.turns.unprotected and order.leg is _ENTRY:
        bracket.turn(info_before=info)
        info = order.info
    if info or order.marks is not PLAIN:
        order.mark(info=info, refused=False, held=False)
    if state.terms:
        end_modify(state, order)
    if order.leg is not _ENTRY:
        end_trailing(state, order)
    settle(state, bracket)


def _cancel_refused(state: State, event: CancelRefused) -> None:
    order = state.orders[event.order_id]
    happen(order, Happening.CANCEL_REFUSED, event.at_ns)
    order.mark(cancel_refused=True, rejection=event.text)


def _leg_completed(state: State, event: LegCompleted) -> None:
    order = state.orders[event.order_id]
    happen(order, Happening.COMPLETED, event.at_ns)
    order.remaining = 0
    if order.marks is not PLAIN:
        order.mark(refused=False)
    end_modify(state, order)
    end_trailing(state, order)


_BY_EVENT: dict[type, Callable[[State, Any], None]] = {
    AccountOpened: _account_opened,
    TickSeen: _tick_seen,
    BracketPlaced: bracket_placed,
    OrderAccepted: _order_accepted,
    OrderRefused: _order_refused,
    LegsOpened: _legs_opened,
    LegsGrown: _legs_grown,
    LegsAdjusted: _legs_adjusted,
    OrderTriggered: _order_triggered,
    TradeBooked: _trade_booked,
    CancelRequested: _cancel_requested,
    OrderCancelled: _order_cancelled,
    CancelRefused: _cancel_refused,
    LegCompleted: _leg_completed,
    ExitRequested: exit_requested,
    ClosingRequested: closing_requested,
    ClosingAccepted: closing_accepted,
    ClosingRefused: closing_refused,
    ExitAccepted: exit_accepted,
    StopTrailed: _stop_trailed,
    StopRefused: stop_refused,
    RescuePlaced: rescue_placed,
    OrderResent: order_resent,
    ProtectionLost: protection_lost,
    ProtectionRegained: protection_regained,
    DayBegun: day_begun,
    StageReached: stage_reached,
    LetterSent: letter_sent,
    LetterArrived: letter_arrived,
    IntentKept: intent_kept,
    ModifyRequested: modify_requested,
    OrderModified: order_modified,
    ModifyRefused: modify_refused,
    OrderReleased: order_released,
    PositionConverted: position_converted,
    HeldModified: held_modified,
}
