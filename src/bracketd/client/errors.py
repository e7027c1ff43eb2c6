"""Errors: what a broker can say instead of "done", one class for each.

Two families, and the difference is money. `Refused`: the broker said no, and what was asked for has not happened.
`Unknown`: nobody can say yet what became of it; look again (`refresh()`), or ask again where that is safe.
"""

from collections.abc import Sequence
from typing import ClassVar


class BrokerError(Exception):
    """Whatever a broker did not do, or is not known to have done.

    `message` is the broker's own text, `status` the HTTP status or 0 without a reply, `code` its `error_code` or 0,
    `field` the field at fault or "", `results` what the kill switch tells of each order.

    >>> try:
    ...     broker.bracket("20260105-999")
    ... except BrokerError as error:
    ...     print(type(error).__name__, error)
    NotFound Order not found
    """

    reason: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: int = 0,
        field: str = "",
        results: Sequence[object] = (),
        retry_after_s: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.field = field
        self.results = tuple(results)
        self.retry_after_s = retry_after_s
        self.sent = sent


class Refused(BrokerError):
    """The broker said no: what was asked for has not happened.

    >>> try:
    ...     broker.place_bracket("SBIN", "BUY", 1, price="456.96", target=2, stop=1)
    ... except Refused as refused:
    ...     print(refused.reason, refused.field)
    BAD_TICK price
    """


class Unknown(BrokerError):
    """What became of it is not known: neither success nor failure.

    >>> issubclass(Pending, Unknown) and issubclass(ConnectionLost, Unknown)
    True
    """


# --- not known


class Pending(Unknown):
    """The broker has taken the request, and its outcome is not known yet (HTTP 202). Protection stays.

    >>> issubclass(Pending, Refused)
    False
    """


class NotServing(Unknown):
    """The broker answers that it does not serve (HTTP 502, 503, 504). It may have acted before it stopped.

    >>> NotServing.reason
    'NOT_SERVING'
    """

    reason = "NOT_SERVING"


class Internal(Unknown):
    """A fault of the broker's (any other HTTP 5xx). It may have acted before that.

    >>> Internal.reason
    'INTERNAL'
    """

    reason = "INTERNAL"


class ConnectionLost(Unknown):
    """No reply: the connection could not be made, was cut, or the time ran out. `sent` is False if nothing was sent.

    >>> ConnectionLost("cut").sent
    True
    """


class Garbled(Unknown):
    """A reply that makes no sense: no JSON, not of the family's shape, or one that contradicts itself.

    >>> issubclass(Garbled, Unknown)
    True
    """


# --- refused: who asks, and how often


class Unauthorised(Refused):
    """The token is missing, expired or revoked (HTTP 401): log in again.

    >>> paper.expire_tokens()
    >>> try:
    ...     broker.orders()
    ... except Unauthorised as refused:
    ...     print(refused.status)
    401
    """


class Forbidden(Refused):
    """The token is another client's (HTTP 403).

    >>> issubclass(Forbidden, Refused)
    True
    """


class RateLimited(Refused):
    """Too many requests (HTTP 429); `retry_after_s` says how long to wait, None if the broker did not.

    >>> RateLimited("Too many requests", retry_after_s=1.0).retry_after_s
    1.0
    """

    reason = "RATE_LIMITED"


# --- refused: the order and its state


class NotFound(Refused):
    """No such order, or another client's: the two cannot be told apart.

    >>> NotFound("Order not found").message
    'Order not found'
    """


class TooLate(Refused):
    """The order was executed already. There is a position now: `exit()` closes it.

    >>> bracket = broker.place_bracket("SBIN", "BUY", 5, price="456.95", target=2, stop=1)
    >>> paper.tick("SBIN", "456.95", quantity=5)
    >>> try:
    ...     bracket.cancel()
    ... except TooLate:
    ...     bracket.exit()
    """

    reason = "TOO_LATE"


class AlreadyRejected(Refused):
    """The exchange did not take the order in the first place.

    >>> AlreadyRejected.reason
    'ALREADY_REJECTED'
    """

    reason = "ALREADY_REJECTED"


class AlreadyCancelled(Refused):
    """A cancelled order cannot be modified; cancelling it again is a success.

    >>> AlreadyCancelled.reason
    'ALREADY_CANCELLED'
    """

    reason = "ALREADY_CANCELLED"


class LegNotActive(Refused):
    """Nothing has filled, so there is no leg: `cancel()` is what is meant.

    >>> bracket = broker.place_bracket("SBIN", "BUY", 5, price=450, target=2, stop=1)
    >>> try:
    ...     bracket.exit()
    ... except LegNotActive:
    ...     bracket.cancel()
    """

    reason = "LEG_NOT_ACTIVE"


class VenueRefused(Refused):
    """The exchange said no; `message` ends with its text. Of an exit, the stop-loss stays in force.

    >>> VenueRefused.reason
    'VENUE_REFUSED'
    """

    reason = "VENUE_REFUSED"


class MarketClosed(Refused):
    """Nothing can be closed before the next session.

    >>> MarketClosed.reason
    'MARKET_CLOSED'
    """

    reason = "MARKET_CLOSED"


class SessionClosed(Refused):
    """No new bracket, and no larger quantity, at this time of the day.

    >>> SessionClosed.reason
    'SESSION_CLOSED'
    """

    reason = "SESSION_CLOSED"


class MarginShort(Refused):
    """The account has not the margin.

    >>> MarginShort.reason
    'MARGIN_SHORT'
    """

    reason = "MARGIN_SHORT"


class StaleReference(Refused):
    """The order has changed since it was read: `refresh()`, look, and decide again.

    >>> StaleReference.reason
    'STALE_REFERENCE'
    """

    reason = "STALE_REFERENCE"


class IdempotencyKeyReused(Refused):
    """The key of a placing was used for another order today.

    >>> IdempotencyKeyReused.reason
    'IDEMPOTENCY_KEY_REUSED'
    """

    reason = "IDEMPOTENCY_KEY_REUSED"


# --- refused: a field


class InvalidField(Refused):
    """A field is wrong or missing; `field` names it.

    >>> try:
    ...     broker.place_bracket("SBIN", "HOLD", 1, price=450, target=2, stop=1)
    ... except InvalidField as refused:
    ...     print(refused.field)
    order_side
    """


class UnknownInstrument(InvalidField):
    """The broker knows no such instrument.

    >>> UnknownInstrument.reason
    'UNKNOWN_INSTRUMENT'
    """

    reason = "UNKNOWN_INSTRUMENT"


class ProductNotAllowed(InvalidField):
    """Brackets are intraday (MIS) only.

    >>> ProductNotAllowed.reason
    'PRODUCT_NOT_ALLOWED'
    """

    reason = "PRODUCT_NOT_ALLOWED"


class BadLot(InvalidField):
    """The quantity is no whole number of lots, or below what has filled.

    >>> BadLot.reason
    'BAD_LOT'
    """

    reason = "BAD_LOT"


class FreezeQuantity(InvalidField):
    """The quantity is more than the exchange takes in one order.

    >>> FreezeQuantity.reason
    'FREEZE_QUANTITY'
    """

    reason = "FREEZE_QUANTITY"


class BadTick(InvalidField):
    """The price is no multiple of the tick.

    >>> BadTick.reason
    'BAD_TICK'
    """

    reason = "BAD_TICK"


class OutsideBand(InvalidField):
    """The price is outside the day's band.

    >>> OutsideBand.reason
    'OUTSIDE_BAND'
    """

    reason = "OUTSIDE_BAND"


class TriggerWrongSide(InvalidField):
    """The trigger is not beyond the last print, or a stop would not protect.

    >>> TriggerWrongSide.reason
    'TRIGGER_WRONG_SIDE'
    """

    reason = "TRIGGER_WRONG_SIDE"


class OffsetInvalid(InvalidField):
    """An offset is less than a tick, or leads out of the band.

    >>> OffsetInvalid.reason
    'OFFSET_INVALID'
    """

    reason = "OFFSET_INVALID"


class CannotModifyField(InvalidField):
    """This field of a placed order is fixed: cancel, and place anew.

    >>> CannotModifyField.reason
    'CANNOT_MODIFY_FIELD'
    """

    reason = "CANNOT_MODIFY_FIELD"
