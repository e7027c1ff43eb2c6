"""The invariants of bracket.md section 8 that one state can show. The cheap ones are checked after every step."""

from bracketd.domain.account import Position, Stake
from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Execution, Leg, Order, OrderType, Side, Status
from bracketd.domain.session import Stage
from bracketd.engine.exposure import legs_of, uncovered, untouched
from bracketd.engine.invariant import broken, invariant
from bracketd.engine.stake import plus
from bracketd.engine.state import State

_ENDED, _COMPLETE, _ENTRY = Stage.ENDED, Status.COMPLETE, Leg.ENTRY


def check_bracket(state: State, bracket: Bracket) -> bool:
    """What must hold of one bracket between two steps; raises InvariantBroken naming the first that does not.

    Returns whether the bracket is untouched, so that nobody need find that out again.
    """
    entry = state.orders[bracket.entry_id]
    if untouched(bracket, entry):
        # What is left to check where nothing has filled: one row, no legs, nothing open, nothing to flag.
        _check_quantities(entry)
        if bracket.turns.late or bracket.target_id:
            raise broken("no leg before a fill (6)", bracket.basket_id)
        if state.stage is _ENDED:
            invariant(entry.terminal, "nothing works after the session (17)", bracket)
        return True
    for row in state.rows_of(bracket):
        _check_quantities(row)
    open_quantity = state.open_quantity(bracket)
    invariant(open_quantity >= 0, "a bracket never exits more than it entered (1)", bracket.basket_id)
    invariant(
        bracket.unprotected is (uncovered(state, bracket) > 0), "what is open is protected or flagged (2)", bracket
    )
    legs = legs_of(state, bracket)
    if bracket.execution.single:
        invariant(legs is None and not bracket.rescue_ids, "an order by itself has no legs (6)", entry.order_id)
    elif legs is None:
        invariant(entry.filled == bracket.late, "a filled entry has legs (6)", entry.order_id)
    else:
        _check_legs(state, bracket, *legs)
    if entry.terminal and open_quantity == 0:
        over = all(row.terminal for row in state.rows_of(bracket))
        invariant(over, "nothing of a closed bracket works (13)", bracket.basket_id)
    invariant(not entry.held or not entry.exchange_order_id, "what is held works nowhere (17)", entry.order_id)
    if state.stage is _ENDED:
        over = all(row.terminal or row.held for row in state.rows_of(bracket))
        invariant(over, "nothing works after the session (17)", bracket)
    return False


def _check_legs(state: State, bracket: Bracket, stop: Order, target: Order | None) -> None:
    legged, legs_open = state.legged_quantity(bracket), state.legs_open(bracket)
    invariant(legged > 0, "no leg before a fill (6)", bracket.basket_id)
    invariant((target is None) is (bracket.execution is Execution.CO), "a cover order has no target", bracket.basket_id)
    for leg in (stop,) if target is None else (stop, target):
        # While a closing order is in flight for a refused stop the growth waits for its answer.
        if bracket.closing and stop.refused:
            continue
        invariant(leg.quantity == legged, "a leg's quantity is the entry's filled quantity (6)", leg.order_id)
        invariant(
            leg.remaining == (0 if leg.terminal else legs_open),
            "what remains of a working leg is what is open (1)",
            leg.order_id,
        )
    if target is not None and (stop.triggered or stop.order_type is OrderType.MARKET):
        invariant(target.terminal, "a stop in force leaves no target (1)", bracket.basket_id)


def _check_quantities(order: Order) -> None:
    filled, remaining, status = order.filled, order.remaining, order.status
    if filled < 0 or remaining < 0 or filled + remaining > order.quantity:
        raise broken("no negative (4)", order.order_id)
    if status is _COMPLETE and order.leg is _ENTRY and filled != order.quantity:
        raise broken("COMPLETE means filled (4)", order.order_id)
    if remaining and status.terminal:
        raise broken("nothing remains of a terminal order (3)", order.order_id)


def check_state(state: State) -> None:
    """Everything that the whole state can show: brackets, trades, positions, margin and numbers."""
    for bracket in state.brackets.values():
        check_bracket(state, bracket)
    _check_trades(state)
    _check_margin(state)
    for exchange_id, order_id in state.exchange_ids.items():
        invariant(state.orders[order_id].exchange_order_id == exchange_id, "an exchange id is one order's (16)")


def _check_trades(state: State) -> None:
    filled: dict[str, int] = {}
    value: dict[str, int] = {}
    stakes = {key: plus(stake.carried, Position()) for key, stake in state.stakes.items()}
    positions = {key: plus(total, Position()) for key, total in stakes.items() if total != Position()}
    for trade in state.trades.values():
        order = state.orders[trade.order_id]
        worth = trade.price_paise * trade.quantity
        filled[trade.order_id] = filled.get(trade.order_id, 0) + trade.quantity
        value[trade.order_id] = value.get(trade.order_id, 0) + worth
        positions.setdefault(order.position_key, Position()).book(order.side, trade.quantity, worth)
        if order.execution.single:
            stakes[order.position_key].book(order.side, trade.quantity, worth)
    for order in state.orders.values():
        invariant(filled.get(order.order_id, 0) == order.filled, "trades equal fills (5)", order.order_id)
        invariant(value.get(order.order_id, 0) == order.traded_value_paise, "trades give the average (5)")
    invariant(positions == state.positions, "positions are the sum of trades (5)")
    for key, stake in state.stakes.items():
        invariant(stakes[key] == stake.total, "a stake is what was carried and traded (5)", key)


def _check_margin(state: State) -> None:
    brackets_of: dict[str, list[Bracket]] = {}
    for each_bracket in state.brackets.values():
        brackets_of.setdefault(each_bracket.client_id, []).append(each_bracket)
    stakes_of: dict[str, list[Stake]] = {}
    for key, each_stake in state.stakes.items():
        stakes_of.setdefault(key.split(" ")[0], []).append(each_stake)
    for account in state.accounts.values():
        brackets, stakes = brackets_of.get(account.client_id, []), stakes_of.get(account.client_id, [])
        blocked = sum(b.blocked_paise for b in brackets) + sum(each.blocked_paise for each in stakes)
        realised = sum(b.realised_paise for b in brackets) + sum(each.realised_paise for each in stakes)
        invariant(
            (account.blocked_paise, account.realised_paise) == (blocked, realised),
            "an account's sums are its brackets' and stakes' (21)",
            account.client_id,
        )
        for bracket in brackets:
            rows = state.rows_of(bracket)
            if all(row.terminal for row in rows) and state.open_quantity(bracket) == 0:
                invariant(bracket.blocked_paise == 0, "a closed bracket blocks nothing (21)", bracket.basket_id)
        for stake in stakes:
            _check_working(state, stake)
            if stake.total.net == 0 and all(state.orders[order_id].terminal for order_id in stake.working):
                invariant(stake.blocked_paise == 0, "what is closed and not asked for blocks nothing (21)", stake)


def _check_working(state: State, stake: Stake) -> None:
    """The sums of a stake are those of its orders, which are all that work, as the orders are."""
    sums = {Side.BUY: (0, 0), Side.SELL: (0, 0)}
    for order_id, pending in stake.working.items():
        order = state.orders[order_id]
        reference_paise = state.bracket_of(order_id).reference_paise
        same = pending == (order.side, order.remaining, reference_paise) and not order.terminal
        invariant(same, "a stake knows its orders (21)", order_id)
        shares, paise = sums[order.side]
        sums[order.side] = (shares + order.remaining, paise + order.remaining * reference_paise)
    counted = {
        Side.BUY: (stake.buying, stake.buying_paise),
        Side.SELL: (stake.selling, stake.selling_paise),
    }
    invariant(sums == counted, "a stake's sums are its orders' (21)", stake)
