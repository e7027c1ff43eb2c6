"""Instructions and reports: what passes between the engine and a venue, in both directions.

The engine decides, a venue executes and reports. Nothing here assumes that the answer comes at once: a venue may
acknowledge later, fill in parts, refuse or stay silent. Money is paise, quantity shares.
"""

import msgspec

from bracketd.domain.order import OrderType, Side, Validity


class SendEntry(msgspec.Struct, frozen=True, gc=False):
    """Put a new order to work."""

    order_id: str
    basket_id: str
    account: str
    instrument: str
    side: Side
    order_type: OrderType
    validity: Validity
    quantity: int
    price_paise: int
    trigger_paise: int
    protection_bp: int


class OpenPair(msgspec.Struct, frozen=True, gc=False):
    """Put target and stop-loss to work as one linked pair with one quantity."""

    basket_id: str
    stop_id: str
    target_id: str
    account: str
    instrument: str
    side: Side
    quantity: int
    target_paise: int
    trigger_paise: int


class AdjustPair(msgspec.Struct, frozen=True, gc=False):
    """Add `growth` to a pair's quantity and set both prices anew."""

    basket_id: str
    instrument: str
    growth: int
    target_paise: int
    trigger_paise: int


class MoveStop(msgspec.Struct, frozen=True, gc=False):
    """Give a pair's waiting stop another trigger; it keeps its place in the queue."""

    basket_id: str
    trigger_paise: int


class CancelWork(msgspec.Struct, frozen=True, gc=False):
    """Take an order out of work."""

    order_id: str


class ModifyWork(msgspec.Struct, frozen=True, gc=False):
    """Give a working order other terms: `growth` is by how much its quantity changes, less than 0 for a shrinking."""

    order_id: str
    growth: int
    price_paise: int
    trigger_paise: int


class ClosePair(msgspec.Struct, frozen=True, gc=False):
    """Turn a pair's stop-loss into a market order for all that is open."""

    basket_id: str
    stop_id: str
    quantity: int


Instruction = SendEntry | OpenPair | AdjustPair | MoveStop | CancelWork | ModifyWork | ClosePair


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The order works, under the venue's number."""

    order_id: str
    exchange_order_id: str
    priority: int


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The venue will not work the order."""

    order_id: str
    text: str


class Triggered(msgspec.Struct, frozen=True, gc=False):
    """A print reached the stop."""

    order_id: str


class Filled(msgspec.Struct, frozen=True, gc=False):
    """The order traded; a report counts once, by its trade id."""

    order_id: str
    trade_id: str
    price_paise: int
    quantity: int
    aggressive: bool


class Withdrawn(msgspec.Struct, frozen=True, gc=False):
    """The order's remainder no longer works."""

    order_id: str


class CancelDenied(msgspec.Struct, frozen=True, gc=False):
    """The venue will not cancel the order."""

    order_id: str
    text: str


class Modified(msgspec.Struct, frozen=True, gc=False):
    """The order works on its new terms, with this new place in the queue (0: it kept its own)."""

    order_id: str
    priority: int


class ModifyDenied(msgspec.Struct, frozen=True, gc=False):
    """The venue will not modify the order."""

    order_id: str
    text: str


class PairAdjusted(msgspec.Struct, frozen=True, gc=False):
    """The pair has grown; the target's new place in the queue (0: no target works)."""

    basket_id: str
    target_priority: int


class CloseTaken(msgspec.Struct, frozen=True, gc=False):
    """The stop-loss is the closing order now."""

    basket_id: str
    priority: int


class CloseDenied(msgspec.Struct, frozen=True, gc=False):
    """The venue will not take the closing order; the stop-loss is in force as it was."""

    basket_id: str
    text: str


Report = (
    Acknowledged
    | Rejected
    | Triggered
    | Filled
    | Withdrawn
    | CancelDenied
    | Modified
    | ModifyDenied
    | PairAdjusted
    | CloseTaken
    | CloseDenied
)
