"""An account: the cash of one client and what of it is bound."""

from typing import NamedTuple

import msgspec

from bracketd.domain.order import Side

_BUY = Side.BUY


class Account(msgspec.Struct, gc=False, kw_only=True):
    """Cash in paise; `leverage` divides the value of intraday orders into the margin they block.

    `blocked_paise` and `realised_paise` are sums over the account's brackets and stakes, kept by evolve.
    """

    client_id: str
    cash_paise: int
    leverage: int
    blocked_paise: int = 0
    realised_paise: int = 0

    @property
    def available_paise(self) -> int:
        """What a new order may still block."""
        return self.cash_paise + self.realised_paise - self.blocked_paise


class Position(msgspec.Struct, gc=False):
    """What an account bought and sold of one instrument and product: shares and paise."""

    bought: int = 0
    bought_value_paise: int = 0
    sold: int = 0
    sold_value_paise: int = 0

    def book(self, side: Side, quantity: int, value_paise: int) -> None:
        """Count a trade."""
        if side is _BUY:
            self.bought += quantity
            self.bought_value_paise += value_paise
        else:
            self.sold += quantity
            self.sold_value_paise += value_paise

    @property
    def net(self) -> int:
        """Shares held; negative when short."""
        return self.bought - self.sold


class Pending(NamedTuple):
    """What an order may still trade: shares, and the price in paise by which it is valued."""

    side: Side
    quantity: int
    reference_paise: int


class Stake(msgspec.Struct, gc=False):
    """What an account has of one instrument and product by orders that are no bracket's.

    `total` is everything traded that counts, `carried` the part of it whose trades earlier days have taken with them;
    a day's beginning leaves of that what was still open, at its average cost. `working` are the orders that may still
    trade, by their ids, oldest first; `buying` and `selling` are their sums, in shares and paise. `blocked_paise` and
    `realised_paise` are the account's. `denied`: the venue refused to square it off, which is tried again.
    """

    total: Position
    carried: Position
    working: dict[str, Pending]
    blocked_paise: int = 0
    realised_paise: int = 0
    denied: bool = False
    buying: int = 0
    buying_paise: int = 0
    selling: int = 0
    selling_paise: int = 0
