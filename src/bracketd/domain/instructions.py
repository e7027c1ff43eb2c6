"""Instructions and reports: what passes between the engine and a venue, in both directions.

The engine decides, a venue executes and reports. Nothing here assumes that the answer comes at once: a venue may
acknowledge later, fill in parts, refuse or stay silent. Money is paise, quantity shares.
"""

import msgspec

from bracketd.domain.order import Leg, OrderType, Side, Validity


class SendEntry(msgspec.Struct, frozen=True, gc=False, tag=True):
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
    request: int = 0
    leg: Leg = Leg.ENTRY


class OpenPair(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Put target and stop-loss to work as one linked pair with one quantity; an id that is "" stands for no leg."""

    basket_id: str
    stop_id: str
    target_id: str
    account: str
    instrument: str
    side: Side
    quantity: int
    target_paise: int
    trigger_paise: int


class AdjustPair(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Add `growth` to a pair's quantity, which makes `total` of it in all, and set both prices anew."""

    basket_id: str
    instrument: str
    growth: int
    target_paise: int
    trigger_paise: int
    stop_id: str
    target_id: str
    total: int


class MoveStop(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Give a pair's waiting stop another trigger; it keeps its place in the queue."""

    basket_id: str
    trigger_paise: int


class CancelWork(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Take an order out of work. `request` counts what was asked of the order; the answer names it again."""

    order_id: str
    request: int = 0


class ModifyWork(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Give a working order other terms: `growth` is by how much its quantity changes, less than 0 for a shrinking.

    A trigger of 0 is left as it is.
    """

    order_id: str
    growth: int
    price_paise: int
    trigger_paise: int
    request: int = 0


class ClosePair(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Turn a pair's stop-loss into a market order for all that is open.

    `growth` is added to what the pair has. Where the venue has no such stop-loss, because it refused it, it makes one.
    `limit_paise` is a limit to send the order with, 0 for MARKET. `attempt` counts; the answer names it again.
    """

    basket_id: str
    stop_id: str
    quantity: int
    account: str
    instrument: str
    side: Side
    growth: int = 0
    limit_paise: int = 0
    attempt: int = 0


class DropPair(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Both legs of a pair have come to their end; it will not be spoken of again."""

    basket_id: str


class LastCall(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The session is at its end: from now on answers come at once and whole."""


class ClearBooks(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The session has ended: nothing works any more."""


class OpenBooks(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A session begins."""


Instruction = (
    SendEntry
    | OpenPair
    | AdjustPair
    | MoveStop
    | CancelWork
    | ModifyWork
    | ClosePair
    | DropPair
    | LastCall
    | ClearBooks
    | OpenBooks
)


class Acknowledged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order works, under the venue's number."""

    order_id: str
    exchange_order_id: str
    priority: int


class Rejected(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The venue will not work the order; `request` is that of the instruction answered, 0 where it does not say."""

    order_id: str
    text: str
    request: int = 0


class Triggered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A print reached the stop."""

    order_id: str


class Filled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order traded; a report counts once, by its trade id.

    `print_paise` was the last print then, 0 for none yet, and `tick` the name of the tick whose print or displayed
    quantity it traded against, "" for a nameless one.
    """

    order_id: str
    trade_id: str
    price_paise: int
    quantity: int
    aggressive: bool
    print_paise: int = 0
    tick: str = ""


class Withdrawn(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order's remainder no longer works."""

    order_id: str


class CancelDenied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The venue will not cancel the order. `gone`: it has come to its end there, and the report of that is on its way.

    `request` is that of the instruction answered, 0 where the venue does not say.
    """

    order_id: str
    text: str
    request: int = 0
    gone: bool = False


class Modified(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order works on its new terms, with this new place in the queue (0: it kept its own).

    `quantity` is its total at the venue, which is more than was asked for where more had traded; 0: as asked for.
    """

    order_id: str
    priority: int
    request: int = 0
    quantity: int = 0


class ModifyDenied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The venue will not modify the order; `gone` and `request` as for a cancel."""

    order_id: str
    text: str
    request: int = 0
    gone: bool = False


class GrowthDenied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The stop-loss does not grow: it works as it did. `total` is the quantity that the growth would have led to."""

    order_id: str
    text: str
    growth: int
    total: int


class PairAdjusted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The pair has grown; the target's new place in the queue (0: no target works)."""

    basket_id: str
    target_priority: int


class CloseTaken(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The stop-loss is the closing order now; `attempt` is that of the instruction, 0 where the venue does not say."""

    basket_id: str
    priority: int
    attempt: int = 0


class CloseDenied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The venue will not take the closing order; the stop-loss is in force as it was. `gone`: nothing is open there."""

    basket_id: str
    text: str
    attempt: int = 0
    gone: bool = False


class Held(msgspec.Struct, frozen=True, gc=False):
    """The paper exchange's fault plan keeps a letter back until `due_ns`; `copy`: it was told once already."""

    due_ns: int
    letter: "Letter"
    copy: bool = False


Report = (
    Acknowledged
    | Rejected
    | Triggered
    | Filled
    | Withdrawn
    | CancelDenied
    | Modified
    | ModifyDenied
    | GrowthDenied
    | PairAdjusted
    | CloseTaken
    | CloseDenied
)

Letter = Instruction | Report
"""What can be under way between the engine and a venue."""
