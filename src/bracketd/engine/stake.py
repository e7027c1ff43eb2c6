"""Stakes: what an account has of one instrument and product by orders that are no bracket's, and what that binds.

The open part binds its average cost, working orders the value by which they would enlarge it: orders against it bind
nothing as far as they only reduce it, the oldest first. Both are divided by the leverage of the product, which is the
account's for MIS and 1 for CNC and NRML, and rounded up once. What was bought and sold again has earned the difference
of the averages.
"""

from bracketd.domain.account import Account, Pending, Position, Stake
from bracketd.domain.order import Order, Product, Side
from bracketd.engine.state import State


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


def bound_paise(stake: Stake, leverage: int, asked: Pending | None = None, replaces: str = "") -> int:
    """What a stake binds, in paise; with `asked` what it would with that order, in the place of one that works."""
    value = open_cost_paise(stake.total) + stake.buying_paise + stake.selling_paise
    value += _value(asked) - _value(stake.working.get(replaces)) - _reduction(stake, asked, replaces)
    return -(-value // leverage)


def _value(order: Pending | None) -> int:
    return 0 if order is None else order.reference_paise * order.quantity


def _reduction(stake: Stake, asked: Pending | None, replaces: str) -> int:
    """The value of what only reduces the position: orders against it, the oldest first, until nothing is left of it."""
    net = stake.total.net
    against = Side.SELL if net > 0 else Side.BUY
    left = abs(net)
    if not left:
        return 0
    shares, paise = (stake.selling, stake.selling_paise) if net > 0 else (stake.buying, stake.buying_paise)
    if not replaces and shares <= left:
        # All that stands against it reduces; there may be many of them, and there is no need to look at each.
        more = min(left - shares, asked.quantity) if asked is not None and asked.side is against else 0
        return paise + (asked.reference_paise * more if asked is not None else 0)
    value = 0
    orders = [order for order_id, order in stake.working.items() if order_id != replaces]
    for order in orders if asked is None else [*orders, asked]:
        if order.side is against:
            reduces = min(left, order.quantity)
            left -= reduces
            value += order.reference_paise * reduces
        if not left:
            break
    return value


def leverage_of(account: Account, product: Product) -> int:
    """By what the value of a product's orders is divided: intraday orders have the account's leverage."""
    return account.leverage if product is Product.MIS else 1


def sellable(stake: Stake, without: str = "") -> int:
    """Shares that are held and that no working order is selling already, one of them left out if asked for."""
    left_out = stake.working.get(without)
    selling = stake.selling - (left_out.quantity if left_out is not None and left_out.side is Side.SELL else 0)
    return stake.total.net - selling


def lacks_margin(
    state: State, account: Account, key: str, product: Product, asked: Pending, replaces: str = ""
) -> bool:
    """Whether an order of these terms, new or in the place of one that works, asks for more than there is.

    Of CNC no more can be sold than is held: shares that nobody has cannot be delivered.
    """
    stake = stake_of(state, key)
    if product is Product.CNC and asked.side is Side.SELL and asked.quantity > sellable(stake, replaces):
        return True
    more = bound_paise(stake, leverage_of(account, product), asked, replaces) - stake.blocked_paise
    return more > 0 and more > account.available_paise


def settle_stake(state: State, order: Order, account: Account) -> None:
    """Bring the sums of an order's stake, and with them its account's, up to date with the order."""
    stake = state.stakes[order.position_key]
    known = stake.working.get(order.order_id)
    if known is not None:
        _count(stake, known, -1)
        reference_paise = state.bracket_of(order.order_id).reference_paise
        now = stake.working[order.order_id] = Pending(order.side, order.remaining, reference_paise)
        _count(stake, now, 1)
        if order.terminal:
            del stake.working[order.order_id]
    settle_account(stake, account, order.product)


def _count(stake: Stake, order: Pending, sign: int) -> None:
    if order.side is Side.BUY:
        stake.buying += sign * order.quantity
        stake.buying_paise += sign * _value(order)
    else:
        stake.selling += sign * order.quantity
        stake.selling_paise += sign * _value(order)


def settle_account(stake: Stake, account: Account, product: Product) -> None:
    """Bring a stake's sums, and with them its account's, up to date with what it has."""
    blocked = bound_paise(stake, leverage_of(account, product))
    realised = realised_paise(stake.total)
    account.blocked_paise += blocked - stake.blocked_paise
    account.realised_paise += realised - stake.realised_paise
    stake.blocked_paise, stake.realised_paise = blocked, realised


def enter_stake(state: State, order: Order) -> None:
    """A new order belongs to its stake from now on."""
    stake = state.stakes[order.position_key] = stake_of(state, order.position_key)
    stake.working[order.order_id] = Pending(order.side, 0, 0)
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
        settle_account(stake, account, Product(product))
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
