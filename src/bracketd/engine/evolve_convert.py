"""evolve, the part about conversions: a position leaves one product and enters another, at what it had cost."""

from bracketd.domain.account import Position
from bracketd.domain.events import PositionConverted
from bracketd.domain.order import Product, Side, position_key
from bracketd.engine.stake import settle_account, stake_of
from bracketd.engine.state import State


def moves(event: PositionConverted) -> tuple[tuple[Product, Side], tuple[Product, Side]]:
    """The product that is left and the one that is entered, each with the side that does it."""
    entered = Side.BUY if event.quantity > 0 else Side.SELL
    return (event.product, entered.opposite), (event.new_product, entered)


def position_converted(state: State, event: PositionConverted) -> None:
    """Both stakes, both positions and the account's sums are as the conversion makes them."""
    account = state.accounts[event.client_id]
    for product, side in moves(event):
        key = position_key(event.client_id, event.instrument, product)
        stake = state.stakes[key] = stake_of(state, key)
        # What no trade of the day accounts for is carried.
        for position in (stake.total, stake.carried, state.positions.setdefault(key, Position())):
            position.book(side, abs(event.quantity), event.value_paise)
        settle_account(stake, account, product)
