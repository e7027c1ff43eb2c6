"""A client of every broker of the PaceTrader family: brackets as objects, prices exact, every outcome typed.

`Broker` blocks, `AsyncBroker` is awaited; both are one implementation. A cancel returns only when the broker said that
it is cancelled; everything else is raised, as `Refused` (it has not happened) or `Unknown` (nobody can say yet).
Needs `bracketd[client]`. See docs/client.md.
"""

from bracketd.client.async_broker import AsyncBracket, AsyncBroker
from bracketd.client.broker import Bracket, Broker
from bracketd.client.errors import (
    AlreadyCancelled,
    AlreadyRejected,
    BadLot,
    BadTick,
    BrokerError,
    CannotModifyField,
    ConnectionLost,
    Forbidden,
    FreezeQuantity,
    Garbled,
    IdempotencyKeyReused,
    Internal,
    InvalidField,
    LegNotActive,
    MarginShort,
    MarketClosed,
    NotFound,
    NotServing,
    OffsetInvalid,
    OutsideBand,
    Pending,
    ProductNotAllowed,
    RateLimited,
    Refused,
    SessionClosed,
    StaleReference,
    TooLate,
    TriggerWrongSide,
    Unauthorised,
    Unknown,
    UnknownInstrument,
    VenueRefused,
)
from bracketd.client.orders import Instrument
from bracketd.client.prices import Price
from bracketd.client.rows import Funds, Order, Position, Result, Trade
from bracketd.client.updates import Update

__all__ = [
    "AlreadyCancelled",
    "AlreadyRejected",
    "AsyncBracket",
    "AsyncBroker",
    "BadLot",
    "BadTick",
    "Bracket",
    "Broker",
    "BrokerError",
    "CannotModifyField",
    "ConnectionLost",
    "Forbidden",
    "FreezeQuantity",
    "Funds",
    "Garbled",
    "IdempotencyKeyReused",
    "Instrument",
    "Internal",
    "InvalidField",
    "LegNotActive",
    "MarginShort",
    "MarketClosed",
    "NotFound",
    "NotServing",
    "OffsetInvalid",
    "Order",
    "OutsideBand",
    "Pending",
    "Position",
    "Price",
    "ProductNotAllowed",
    "RateLimited",
    "Refused",
    "Result",
    "SessionClosed",
    "StaleReference",
    "TooLate",
    "Trade",
    "TriggerWrongSide",
    "Unauthorised",
    "Unknown",
    "UnknownInstrument",
    "Update",
    "VenueRefused",
]
