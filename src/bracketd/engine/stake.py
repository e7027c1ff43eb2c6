"""Stakes: what an account has of one instrument and product by orders that are no bracket's, and what that binds.

The open part binds its average cost, working orders the value by which they would enlarge it: orders against it bind
nothing as far as they only reduce it, the oldest first. Both are divided by the leverage of the product, which is the
account's for MIS and 1 for CNC and NRML, and rounded up once. What was bought and sold again has earned the difference
of the averages.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bracketd.domain.account import Account, Position, Stake
from bracketd.domain.order import Order, Product, Side
from bracketd.engine.state import State


class Pending(NamedTuple):
    """What an order may still trade: shares, and the price in paise by which it is valued."""

    side: Side
    quantity: int
    reference_paise: int


def stake_of(state: State, key: str) -> Stake:
    """The stake of a position key; an empty one where there is none yet."""
    return state.stakes.get(key) or Stake(Position(), Position(), {})


def open_cost_paise(position: Position) -> int:
    """What the open part has cost, or brought in where it is short, at its average: paise, rounded up."""
    net = position.net
    if net > 0:
        return -(-position.bought_value_paise * net // position.bought)
    return -(position.sold_value_paise * net // position.sold) if net else 0


def realised_paise(position: Position) -> int:
    """What the closed part has earned, in paise: all that came in less all that went out, the open part at its cost."""
    cost = open_cost_paise(position)
    flow = position.sold_value_paise - position.bought_value_paise
    return flow + cost if position.net > 0 else flow - cost


def bound_paise(position: Position, pending: Iterable[Pending], leverage: int) -> int:
    """What a position and the orders that may still trade bind, in paise."""
    net = position.net
    value, against = open_cost_paise(position), Side.SELL if net > 0 else Side.BUY
    reducible = abs(net)
    for order in pending:
        reduces = min(reducible, order.quantity) if order.side is against else 0
        reducible -= reduces
        value += order.reference_paise * (order.quantity - reduces)
    return -(-value // leverage)


def leverage_of(account: Account, product: Product) -> int:
    """By what the value of a product's orders is divided: intraday orders have the account's leverage."""
    return account.leverage if product is Product.MIS else 1


def pending_of(state: State, stake: Stake, without: str = "") -> Iterator[Pending]:
    """What the working orders of a stake may still trade, oldest first, one of them left out if asked for."""
    for order_id in stake.working:
        order = state.orders[order_id]
        if order_id != without and order.remaining:
            yield Pending(order.side, order.remaining, state.bracket_of(order_id).reference_paise)


def sellable(state: State, stake: Stake, without: str = "") -> int:
    """Shares that are held and that no working order is selling already."""
    selling = sum(each.quantity for each in pending_of(state, stake, without) if each.side is Side.SELL)
    return stake.total.net - selling


def lacks_margin(
    state: State, account: Account, key: str, product: Product, asked: Pending, replaces: str = ""
) -> bool:
    """Whether an order of these terms, new or in the place of one that works, asks for more than there is.

    Of CNC no more can be sold than is held: shares that nobody has cannot be delivered.
    """
    stake = stake_of(state, key)
    if product is Product.CNC and asked.side is Side.SELL and asked.quantity > sellable(state, stake, replaces):
        return True
    pending = (*pending_of(state, stake, replaces), asked)
    more = bound_paise(stake.total, pending, leverage_of(account, product)) - stake.blocked_paise
    return more > 0 and more > account.available_paise


def settle_stake(state: State, key: str, account: Account, product: Product) -> None:
    """Bring a stake's sums, and with them its account's, up to date."""
    stake = state.stakes[key]
    for order_id in [each for each in stake.working if state.orders[each].terminal]:
        del stake.working[order_id]
    blocked = bound_paise(stake.total, pending_of(state, stake), leverage_of(account, product))
    realised = realised_paise(stake.total)
    account.blocked_paise += blocked - stake.blocked_paise
    account.realised_paise += realised - stake.realised_paise
    stake.blocked_paise, stake.realised_paise = blocked, realised


def enter_stake(state: State, order: Order) -> None:
    """A new order belongs to its stake from now on."""
    stake = state.stakes[order.position_key] = stake_of(state, order.position_key)
    stake.working[order.order_id] = True
    stake.denied = False


def carry_stakes(state: State) -> None:
    """A day has begun: of trades that are not kept any more only what is still open remains, at its average cost.

    What they have earned goes into the account's cash. A stake of which nothing is left goes with them.
    """
    kept: dict[str, Position] = {}
    for trade in state.trades.values():
        order = state.orders[trade.order_id]
        if order.execution.single:
            position = kept.setdefault(order.position_key, Position())
            position.book(order.side, trade.quantity, trade.price_paise * trade.quantity)
    for key, stake in list(state.stakes.items()):
        client_id, _, product = key.split(" ")
        account, of_day = state.accounts[client_id], kept.get(key, Position())
        gone = less(stake.total, of_day)
        account.cash_paise += realised_paise(gone)
        stake.carried = open_part(gone)
        stake.total = plus(stake.carried, of_day)
        stake.working = {order_id: True for order_id in stake.working if order_id in state.orders}
        settle_stake(state, key, account, Product(product))
        if stake.total == Position() and not stake.working:
            del state.stakes[key]


def open_part(position: Position) -> Position:
    """What of a position is still open, at its average cost."""
    net, cost = position.net, open_cost_paise(position)
    return Position(net, cost) if net > 0 else Position(0, 0, -net, cost)


def plus(one: Position, other: Position) -> Position:
    """Both together, as a position of its own."""
    return Position(
        one.bought + other.bought,
        one.bought_value_paise + other.bought_value_paise,
        one.sold + other.sold,
        one.sold_value_paise + other.sold_value_paise,
    )


def less(whole: Position, part: Position) -> Position:
    """What is left of the whole without the part."""
    return Position(
        whole.bought - part.bought,
        whole.bought_value_paise - part.bought_value_paise,
        whole.sold - part.sold,
        whole.sold_value_paise - part.sold_value_paise,
    )
