"""What a bracket binds of its account's money, and what it has earned.

The entry's unfilled remainder blocks its reference price, the open position its cost, both divided by the leverage and
rounded up once. Exits never block more, and an unfilled bracket that is cancelled gives everything back (invariant 21).
"""

from bracketd.domain.account import Account
from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Side
from bracketd.engine.state import State

_BUY = Side.BUY


def blocked_paise(reference_paise: int, quantity: int, cost_paise: int, leverage: int) -> int:
    """Margin for `quantity` unfilled shares at the reference price and an open position of that cost, in paise."""
    return -(-(reference_paise * quantity + cost_paise) // leverage)


def settle_margin(state: State, bracket: Bracket, account: Account) -> None:
    """Bring the account's blocked and realised sums up to date with one bracket."""
    entry = state.orders[bracket.entry_id]
    if not entry.filled:
        blocked = blocked_paise(bracket.reference_paise, entry.remaining, 0, account.leverage)
        account.blocked_paise += blocked - bracket.blocked_paise
        bracket.blocked_paise = blocked
        return
    open_quantity = state.open_quantity(bracket)
    cost = -(-entry.traded_value_paise * open_quantity // entry.filled)
    blocked = blocked_paise(bracket.reference_paise, entry.remaining, cost, account.leverage)
    closed_for = sum(row.traded_value_paise for row in state.rows_of(bracket)[1:])
    gain = closed_for - (entry.traded_value_paise - cost)
    realised = gain if bracket.side is _BUY else -gain
    account.blocked_paise += blocked - bracket.blocked_paise
    account.realised_paise += realised - bracket.realised_paise
    bracket.blocked_paise = blocked
    bracket.realised_paise = realised
