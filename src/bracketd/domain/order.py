"""An order: one row of the order book, whether it is an entry, a target, a stop-loss or nobody's leg."""

from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from bracketd.domain.ist import activity_reference


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that closes what this side opened."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order is priced. SLM is the family's SL-M: a stop that becomes a market order."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    SL = "SL"
    SLM = "SLM"


class Validity(StrEnum):
    """How long an order may work."""

    DAY = "DAY"
    IOC = "IOC"


class Product(StrEnum):
    """What happens to the position overnight; brackets and cover orders are MIS only."""

    MIS = "MIS"
    CNC = "CNC"
    NRML = "NRML"


class Execution(StrEnum):
    """What an order was placed as: a bracket, a cover order (a bracket without a target), or an order by itself.

    AMO is a regular order that may be placed while the market is closed and is held until it trades.
    """

    BO = "BO"
    CO = "CO"
    REGULAR = "REGULAR"
    AMO = "AMO"

    def __init__(self, word: str) -> None:
        """`single`: whether it is one order by itself, which never gets legs. Each member knows it."""
        self.single = word in ("REGULAR", "AMO")


class Leg(StrEnum):
    """Which part of a bracket an order is; NONE is how an order that is no bracket's is shown."""

    ENTRY = "ENTRY"
    TARGET = "TARGET"
    STOPLOSS = "STOPLOSS"
    NONE = ""


class Status(StrEnum):
    """The status words of the order book (bracket.md section 2)."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    TRIGGER_PENDING = "TRIGGER_PENDING"
    MODIFY_PENDING = "MODIFY_PENDING"
    MODIFY_CONFIRMED = "MODIFY_CONFIRMED"
    CANCEL_PENDING = "CANCEL_PENDING"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    def __init__(self, word: str) -> None:
        """`terminal`: whether nothing can happen any more to an order that has it. Each member knows it."""
        self.terminal = word in ("COMPLETE", "CANCELLED", "REJECTED")


TERMINAL = frozenset(status for status in Status if status.terminal)

_STOPS = frozenset({OrderType.SL, OrderType.SLM})
_MARKET, _SLM = OrderType.MARKET, OrderType.SLM


class Particulars(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How an order was placed, in what many orders have alike: one object for all of them. Quantities are shares.

    `rescue` is an order of its own that closes what the legs do not (bracket.md 2.5), `squares` one of our own that
    closes an intraday position at square-off.
    """

    execution: Execution = Execution.BO
    product: Product = Product.MIS
    validity: Validity = Validity.DAY
    device: str = ""
    disclosed_quantity: int = 0
    protection_bp: int = 0
    rescue: bool = False
    squares: bool = False


class Marks(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What has become of few orders: one object for all that nothing of it has happened to. Times are unix ns.

    `modify_request` is the request that asked for a modify, so that an answer is taken for its own request only.
    `refused` is an exit that the venue would not work (bracket.md 2.8), `resend` one that is to be sent at once. `held`
    is an AMO that waits here for the session and that no venue knows of.
    """

    info: str = ""
    triggered: bool = False
    held: bool = False
    cancel_refused: bool = False
    refused: bool = False
    resend: bool = False
    rejection: str = ""
    modified: bool = False
    modify_refusal: str = ""
    modify_request: int = 0
    modify_asked_ns: int = 0


PLAIN: Marks = Marks()
"""The marks of most orders. Others may be equal to it; that it is this one only says so sooner."""

_DIFFERENT = 8_192
"""As many different ones are remembered, of either kind."""


@lru_cache(maxsize=_DIFFERENT)
def kept_particulars(found: Particulars) -> Particulars:
    """The one object that is equal to this."""
    return found


def kept_marks(found: Marks) -> Marks:
    """The one object that is equal to this; of a modify in flight there is no other."""
    if found == PLAIN:
        return PLAIN
    return found if found.modify_asked_ns else _kept_marks(found)


@lru_cache(maxsize=_DIFFERENT)
def _kept_marks(found: Marks) -> Marks:
    return found


def through(path: str) -> Any:
    """A field of a part of a row, read as the row's own. Its type is the one that it is declared with."""
    return property(attrgetter(path))


class Order(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """The present state of one order. Prices are paise, quantities shares, times unix nanoseconds.

    A leg's `quantity` is its entry's filled quantity. `remaining` of a leg is kept by the bracket's exit budget;
    what the sibling took counts as cancelled, so that quantity = filled + remaining + cancelled always holds.
    `requests` counts what the venue was asked to do with the order. A regular order is the entry of a basket that never
    gets legs. `ahead_ns` is by how much the activity reference is ahead of the time of the last change.

    There is one of these for each row of the day, so that what most rows have alike, and what few rows have at all,
    stands in an object that they share. It is read as the row's own; `mark` changes the second kind.
    """

    order_id: str
    basket_id: str
    parent_id: str
    client_id: str
    instrument: str
    leg: Leg
    side: Side
    order_type: OrderType
    quantity: int
    remaining: int
    price_paise: int
    trigger_paise: int
    status: Status
    placed_ns: int
    changed_ns: int
    ahead_ns: int = 0
    filled: int = 0
    traded_value_paise: int = 0
    last_trade_paise: int = 0
    last_trade_ns: int = 0
    status_before: Status = Status.PENDING
    exchange_order_id: str = ""
    accepted_ns: int = 0
    priority: int = 0
    user_order_id: str = ""
    requests: int = 0
    particulars: Particulars
    marks: Marks = PLAIN

    # To whoever reads they are fields; nobody can write them past the shared object.
    execution: ClassVar[Execution] = through("particulars.execution")
    product: ClassVar[Product] = through("particulars.product")
    validity: ClassVar[Validity] = through("particulars.validity")
    device: ClassVar[str] = through("particulars.device")
    disclosed_quantity: ClassVar[int] = through("particulars.disclosed_quantity")
    protection_bp: ClassVar[int] = through("particulars.protection_bp")
    rescue: ClassVar[bool] = through("particulars.rescue")
    squares: ClassVar[bool] = through("particulars.squares")
    info: ClassVar[str] = through("marks.info")
    triggered: ClassVar[bool] = through("marks.triggered")
    held: ClassVar[bool] = through("marks.held")
    cancel_refused: ClassVar[bool] = through("marks.cancel_refused")
    refused: ClassVar[bool] = through("marks.refused")
    resend: ClassVar[bool] = through("marks.resend")
    rejection: ClassVar[str] = through("marks.rejection")
    modified: ClassVar[bool] = through("marks.modified")
    modify_refusal: ClassVar[str] = through("marks.modify_refusal")
    modify_request: ClassVar[int] = through("marks.modify_request")
    modify_asked_ns: ClassVar[int] = through("marks.modify_asked_ns")

    def mark(self, **changes: object) -> None:
        """Give some of the marks other values. Raises TypeError for one that there is not."""
        self.marks = kept_marks(msgspec.structs.replace(self.marks, **changes))

    @property
    def activity_reference(self) -> int:
        """What tells this standing of the row from those before it (wire.md 1.6)."""
        return activity_reference(self.changed_ns) + self.ahead_ns

    @property
    def shown_leg(self) -> Leg:
        """The leg that the order is shown as: an order by itself is nobody's."""
        return Leg.NONE if self.execution.single else self.leg

    @property
    def terminal(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self.status.terminal

    @property
    def position_key(self) -> str:
        """What the order's trades are summed up by: client, instrument and product."""
        return position_key(self.client_id, self.instrument, self.product)

    @property
    def cancelled(self) -> int:
        """Shares that will never trade under this order."""
        return self.quantity - self.filled - self.remaining

    @property
    def waits(self) -> bool:
        """Whether the order is a stop that no print has triggered yet."""
        return self.order_type in _STOPS and not self.marks.triggered

    @property
    def at_market(self) -> bool:
        """Whether the order takes what is displayed and never rests at a price."""
        return self.order_type is _MARKET or (self.order_type is _SLM and self.marks.triggered)


def position_key(client_id: str, instrument: str, product: Product) -> str:
    """The name of a position: whose it is, of what, and of which product."""
    return f"{client_id} {instrument} {product}"


class Terms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a modification makes of an order: every field that one can touch, those that stay as they are included.

    The offsets and the step are the bracket's. `print_paise` is the last print that the modification was judged by.
    A stop-loss's `trigger_paise` is 0 where it is not set by hand: it may trail meanwhile.
    Prices are paise, quantities shares.
    """

    quantity: int
    price_paise: int
    trigger_paise: int
    disclosed_quantity: int
    target_offset_paise: int
    stop_offset_paise: int
    trailing_step_paise: int
    print_paise: int


class Trade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One fill of one order: price in paise, quantity in shares.

    `aggressive`, `print_paise` and `tick` say what of the market it came from, as TradeBooked has it.
    """

    trade_id: str
    order_id: str
    price_paise: int
    quantity: int
    at_ns: int
    aggressive: bool = False
    print_paise: int = 0
    tick: str = ""
