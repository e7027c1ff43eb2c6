"""Events: facts in the past tense. They are the journal's content and the audit trail; state is their fold.

Each is encoded as a msgpack array whose first element is its number. Numbers and the order of fields never change;
a new field goes to the end with a default, a new fact gets a new number. Times are unix nanoseconds, money is paise,
quantities are shares.
"""

import msgspec

from bracketd.domain.instructions import Letter
from bracketd.domain.instrument import Level
from bracketd.domain.order import Execution, Leg, OrderType, Product, Side, Terms, Validity
from bracketd.domain.session import Stage


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What every event has: when it happened."""

    at_ns: int


class AccountOpened(Event, frozen=True, array_like=True, gc=False, tag=1):
    """A client's account became known, with its opening cash."""

    client_id: str
    cash_paise: int
    leverage: int


class TickSeen(Event, frozen=True, array_like=True, gc=False, tag=2):
    """The market stood so when something relied on it: last print (0: none), and what the tick's sender called it."""

    instrument: str
    print_paise: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    name: str = ""


class BracketPlaced(Event, frozen=True, array_like=True, gc=False, tag=3):
    """A bracket, or what `execution` says instead, was taken on; its entry is on its way to the venue.

    `held`: it is not; it waits for the session (OrderReleased). `squares`: nobody asked for it, it closes an intraday
    position at square-off.
    """

    basket_id: str
    entry_id: str
    client_id: str
    instrument: str
    side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    quantity: int
    price_paise: int
    trigger_paise: int
    target_offset_paise: int
    stop_offset_paise: int
    tick_paise: int
    lower_band_paise: int
    upper_band_paise: int
    reference_paise: int
    disclosed_quantity: int
    protection_bp: int
    user_order_id: str
    device: str
    trailing_step_paise: int = 0
    idempotency_key: str = ""
    digest: bytes = b""
    execution: Execution = Execution.BO
    held: bool = False
    squares: bool = False


class OrderAccepted(Event, frozen=True, array_like=True, gc=False, tag=4):
    """The venue acknowledged an order and gave it its number and its place in the queue."""

    order_id: str
    exchange_order_id: str
    priority: int


class OrderRefused(Event, frozen=True, array_like=True, gc=False, tag=5):
    """The venue rejected an order."""

    order_id: str
    text: str


class LegsOpened(Event, frozen=True, array_like=True, gc=False, tag=6):
    """The first entry fill brought target and stop-loss into being, as one linked pair; a cover order has no target."""

    basket_id: str
    stop_id: str
    target_id: str
    quantity: int
    target_paise: int
    trigger_paise: int


class LegsGrown(Event, frozen=True, array_like=True, gc=False, tag=7):
    """A later entry fill grew both legs to `quantity` and re-based them on the new average price."""

    basket_id: str
    quantity: int
    target_paise: int
    trigger_paise: int


class LegsAdjusted(Event, frozen=True, array_like=True, gc=False, tag=8):
    """The venue took the growth; the target has this new place in the queue (0: no target works)."""

    basket_id: str
    target_priority: int


class OrderTriggered(Event, frozen=True, array_like=True, gc=False, tag=9):
    """A print reached a stop."""

    order_id: str


class TradeBooked(Event, frozen=True, array_like=True, gc=False, tag=10):
    """An order traded. `aggressive`: it took displayed quantity, which is gone for its account until the next tick.

    `print_paise` and `tick` are the report's.
    """

    order_id: str
    trade_id: str
    price_paise: int
    quantity: int
    aggressive: bool
    print_paise: int = 0
    tick: str = ""


class CancelRequested(Event, frozen=True, array_like=True, gc=False, tag=11):
    """The venue was asked to cancel an order."""

    order_id: str


class OrderCancelled(Event, frozen=True, array_like=True, gc=False, tag=12):
    """An order's remainder is gone; `info` says what did it where it was not a cancel of its own ("OCO")."""

    order_id: str
    info: str


class CancelRefused(Event, frozen=True, array_like=True, gc=False, tag=13):
    """The venue would not cancel; the order is as it was."""

    order_id: str
    text: str


class LegCompleted(Event, frozen=True, array_like=True, gc=False, tag=14):
    """The leg whose fill brought the open quantity to zero is done."""

    order_id: str


class ExitRequested(Event, frozen=True, array_like=True, gc=False, tag=15):
    """Somebody asked to close the bracket (rule X)."""

    basket_id: str


class ClosingRequested(Event, frozen=True, array_like=True, gc=False, tag=16):
    """The venue was asked to turn the stop-loss into the closing order for all that is open.

    `growth` of it are shares that the stop-loss at the venue does not cover, since its growth was refused.
    `limit_paise` is the price of a first try for a refused stop-loss, 0 for MARKET (bracket.md 2.8).
    """

    basket_id: str
    quantity: int
    growth: int = 0
    limit_paise: int = 0


class ClosingAccepted(Event, frozen=True, array_like=True, gc=False, tag=17):
    """The stop-loss is the closing order now, with this place in the queue: the exit is accepted for good."""

    basket_id: str
    priority: int


class ClosingRefused(Event, frozen=True, array_like=True, gc=False, tag=18):
    """The venue would not take the closing order; the stop-loss is in force as it was."""

    basket_id: str
    text: str


class ExitAccepted(Event, frozen=True, array_like=True, gc=False, tag=19):
    """The exit that was asked for stands without a closing order: nothing is open, or the stop is in force already."""

    basket_id: str


class StopTrailed(Event, frozen=True, array_like=True, gc=False, tag=20):
    """A print moved a trailing stop: its trigger and its anchor are these now."""

    basket_id: str
    trigger_paise: int
    anchor_paise: int


class StopRefused(Event, frozen=True, array_like=True, gc=False, tag=21):
    """The venue would not have a stop-loss or rescue order, or `growth` of it (0: the order as a whole).

    `total` is the quantity that the growth would have led to.
    """

    order_id: str
    text: str
    growth: int
    total: int


class RescuePlaced(Event, frozen=True, array_like=True, gc=False, tag=22):
    """Shares that nothing protects any more are closed by an order of their own, at market (bracket.md 2.5, 2.9)."""

    basket_id: str
    order_id: str
    quantity: int


class OrderResent(Event, frozen=True, array_like=True, gc=False, tag=23):
    """A refused rescue order was sent to the venue again."""

    order_id: str


class ProtectionLost(Event, frozen=True, array_like=True, gc=False, tag=25):
    """Shares are open that no working order would close: the bracket is UNPROTECTED."""

    basket_id: str


class ProtectionRegained(Event, frozen=True, array_like=True, gc=False, tag=26):
    """Everything open is covered by a working order again, or nothing is open."""

    basket_id: str


class DayBegun(Event, frozen=True, array_like=True, gc=False, tag=27):
    """A trading day (YYYYMMDD) began at this stage; what was over before is in the journal alone from now on."""

    date: str
    stage: Stage
    ends: bool


class StageReached(Event, frozen=True, array_like=True, gc=False, tag=28):
    """The trading day has come this far."""

    stage: Stage


class LetterSent(Event, frozen=True, array_like=True, gc=False, tag=33):
    """Something is under way between us and the paper exchange and arrives at `due_ns`.

    What was sent is done on the sender's side: a letter with a report says what the venue has done already. `copy` says
    that it repeats what was told before.
    """

    due_ns: int
    letter: Letter
    copy: bool = False


class LetterArrived(Event, frozen=True, array_like=True, gc=False, tag=34):
    """A letter reached its end; what it brought about follows."""

    number: int


class IntentKept(Event, frozen=True, array_like=True, gc=False, tag=35):
    """Somebody was told that the outcome is not known: ENTRY is cancelled, or STOPLOSS exits, once that can be judged.

    NONE: by then there was nothing to do.
    """

    basket_id: str
    leg: Leg


class ModifyRequested(Event, frozen=True, array_like=True, gc=False, tag=30):
    """The venue was asked to modify an order; `terms` is what the order is to be."""

    order_id: str
    terms: Terms


class OrderModified(Event, frozen=True, array_like=True, gc=False, tag=31):
    """The order is as asked for, with this new place in the queue (0: it kept its own).

    The other three are what the change makes of the legs and of trailing, each 0 where it stays as it was. `late`: the
    answer did not come at once, so that the legs' prices are said to the venue again.
    `quantity` is the order's total where the venue says it, 0 where it is as asked for.
    """

    order_id: str
    priority: int
    target_paise: int
    trigger_paise: int
    anchor_paise: int
    late: bool = False
    quantity: int = 0


class ModifyRefused(Event, frozen=True, array_like=True, gc=False, tag=32):
    """The venue would not modify; the order is as it was."""

    order_id: str
    text: str


class OrderReleased(Event, frozen=True, array_like=True, gc=False, tag=40):
    """An order that was held for the session is on its way to the venue."""

    order_id: str


class HeldModified(Event, frozen=True, array_like=True, gc=False, tag=41):
    """An order that is held for the session took other terms; no venue had to be asked."""

    order_id: str
    terms: Terms


class PositionConverted(Event, frozen=True, array_like=True, gc=False, tag=42):
    """Shares of a position became those of another product, at what they had cost on average (paise in all).

    `quantity` is below 0 for a short position.
    """

    client_id: str
    instrument: str
    product: Product
    new_product: Product
    quantity: int
    value_paise: int


AnyEvent = (
    AccountOpened
    | TickSeen
    | BracketPlaced
    | OrderAccepted
    | OrderRefused
    | LegsOpened
    | LegsGrown
    | LegsAdjusted
    | OrderTriggered
    | TradeBooked
    | CancelRequested
    | OrderCancelled
    | CancelRefused
    | LegCompleted
    | ExitRequested
    | ClosingRequested
    | ClosingAccepted
    | ClosingRefused
    | ExitAccepted
    | StopTrailed
    | StopRefused
    | RescuePlaced
    | OrderResent
    | ProtectionLost
    | ProtectionRegained
    | DayBegun
    | StageReached
    | LetterSent
    | LetterArrived
    | IntentKept
    | ModifyRequested
    | OrderModified
    | ModifyRefused
    | OrderReleased
    | HeldModified
    | PositionConverted
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyEvent])


def encode_step(events: list[AnyEvent]) -> bytes:
    """The bytes of one step: all events that were decided together and become durable together."""
    return _encoder.encode(events)


def decode_step(body: bytes) -> list[AnyEvent]:
    """The events of one step; raises msgspec.DecodeError (ValidationError) where the bytes are none."""
    return _decoder.decode(body)
