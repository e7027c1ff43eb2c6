"""evolve, the part about the trading day and about letters under way to and from the paper exchange."""

from bracketd.domain.account import Position
from bracketd.domain.events import DayBegun, LetterArrived, LetterSent, StageReached
from bracketd.domain.instructions import Acknowledged, CloseTaken, Filled, Modified, PairAdjusted
from bracketd.domain.session import Stage
from bracketd.engine.changing import take_displayed, trade_number
from bracketd.engine.exposure import baskets_under_way, is_over
from bracketd.engine.invariant import invariant
from bracketd.engine.stake import carry_stakes, plus
from bracketd.engine.state import State, UnderWay


def day_begun(state: State, event: DayBegun) -> None:
    """What is over leaves the state, and with it what it earned goes into the account's cash.

    What orders by themselves have left open is carried into the day (engine/stake.py).
    """
    state.day, state.stage, state.ends = event.date, event.stage, event.ends
    talked_of = baskets_under_way(state)
    for bracket in list(state.brackets.values()):
        if bracket.basket_id in talked_of or not is_over(state, bracket):
            continue
        account = state.accounts[bracket.client_id]
        account.cash_paise += bracket.realised_paise
        account.realised_paise -= bracket.realised_paise
        for row in state.rows_of(bracket):
            del state.orders[row.order_id]
            state.exchange_ids.pop(row.exchange_order_id, None)
        del state.brackets[bracket.basket_id]
    state.trades = {key: trade for key, trade in state.trades.items() if trade.order_id in state.orders}
    carry_stakes(state)
    carried = {key: stake.carried for key, stake in state.stakes.items() if stake.carried != Position()}
    state.positions = {key: plus(position, Position()) for key, position in carried.items()}
    for trade in state.trades.values():
        order = state.orders[trade.order_id]
        position = state.positions.setdefault(order.position_key, Position())
        position.book(order.side, trade.quantity, trade.price_paise * trade.quantity)


def stage_reached(state: State, event: StageReached) -> None:
    """The day has come further; only a market without hours opens again."""
    if event.stage is Stage.TRADING and state.stage.place > event.stage.place:
        state.ends = False
    state.stage = event.stage


def letter_sent(state: State, event: LetterSent) -> None:
    """A letter is under way. What a fill took of the displayed quantity is gone now, not when we hear of it."""
    state.letters += 1
    state.post[state.letters] = UnderWay(event.due_ns, event.letter, event.copy)
    if event.copy:
        return
    match event.letter:
        case Filled(order_id, trade_id, _, quantity, aggressive):
            state.traded = max(state.traded, trade_number(trade_id))
            if aggressive:
                take_displayed(state, state.orders[order_id], quantity)
        case Acknowledged(priority=priority) | Modified(priority=priority) | CloseTaken(priority=priority):
            state.last_priority = max(state.last_priority, priority)
        case PairAdjusted(target_priority=priority):
            state.last_priority = max(state.last_priority, priority)


def letter_arrived(state: State, event: LetterArrived) -> None:
    """A letter is under way no more."""
    invariant(event.number in state.post, "a letter arrives once", event.number)
    del state.post[event.number]
