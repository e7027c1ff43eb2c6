"""Outcomes: what the engine answers to a command. The wire words them; "not known yet" is an outcome of its own."""

import msgspec

from bracketd.domain.reasons import Reason


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The bracket exists."""

    basket_id: str
    order_id: str


class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """What was asked for is so. `order_id` is the row that the request named."""

    order_id: str


class Modified(msgspec.Struct, frozen=True, gc=False):
    """The order is as the request would have it."""

    order_id: str


class AccountKnown(msgspec.Struct, frozen=True, gc=False):
    """The account exists."""

    client_id: str


class Refused(msgspec.Struct, frozen=True, gc=False):
    """Refused for a reason of the closed list; `field` is the field at fault, "" where it lies in the state."""

    reason: Reason
    field: str = ""
    text: str = ""


class FieldFault(msgspec.Struct, frozen=True, gc=False):
    """A field of the request is wrong, or blank where it must not be."""

    field: str
    blank: bool = False


class NotFound(msgspec.Struct, frozen=True, gc=False):
    """No such order, or another client's: the two cannot be told apart."""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """The venue has not answered in time. Neither success nor failure; protection stays."""

    order_id: str


class Converted(msgspec.Struct, frozen=True, gc=False):
    """The position is of the other product."""

    instrument: str


Outcome = Converted | Placed | Cancelled | Modified | AccountKnown | Refused | FieldFault | NotFound | Unknown
