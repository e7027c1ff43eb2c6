"""The sandbox's ticks: a print pushed by hand, for trying out what a bracket does.

Ticks pass the check that every feed passes.
"""

import json
from typing import Final

from starlette.types import Receive, Scope

from bracketd.domain.instrument import Level, Tick
from bracketd.domain.reasons import Reason
from bracketd.market.tick_check import tick_fault
from bracketd.runtime.desk import Desk
from bracketd.wire import replies, words
from bracketd.wire.fields import Unreadable
from bracketd.wire.parameters import Parameters, read_parameters
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import read_body
from bracketd.wire.words import FieldError, whole

NAME_LENGTH_MAX: Final = 64
TICK_TAKEN = replies.success("Tick accepted", {})


async def push_tick(desk: Desk, scope: Scope, receive: Receive) -> Reply:
    """POST of one tick as a JSON object: exchange, instrument_token, last_price (rupees), last_quantity, bids, asks.

    `bids` and `asks` are lists of [price, quantity] or {"price", "quantity"}, best first; absent is not empty
    (bracket.md section 3.1). `tick_id` is what its sender calls it, at most 64 characters that print. 400 names the
    first field that is wrong. The reply is sent when the tick and all that it caused are on disk.
    """
    body = await read_body(scope, receive)
    try:
        parameters = read_parameters(b"", b"application/json", body)
    except Unreadable:
        raise EarlyReply(replies.BODY_INVALID) from None
    exchange = words.text(parameters, "exchange").upper()
    token = words.quantity(parameters, "instrument_token")
    instrument = desk.instruments.get(f"{exchange}:{token}")
    if instrument is None:
        return replies.field_invalid("instrument_token", Reason.UNKNOWN_INSTRUMENT)
    # Read again for the two nested fields; numbers stay texts, so that no float touches a price.
    document = json.loads(body, parse_float=str, parse_int=str)
    tick = Tick(
        instrument=instrument.key,
        last_price_paise=_paise(parameters, "last_price"),
        last_quantity=whole(parameters, "last_quantity"),
        bids=_side(document, "bids"),
        asks=_side(document, "asks"),
        name=_name(parameters),
    )
    fault = tick_fault(tick, instrument)
    if fault is not None:
        raise FieldError(fault)
    await desk.push_tick(tick)
    return TICK_TAKEN


def _paise(parameters: Parameters, field: str) -> int:
    """A price in whole paise: a finer one is on no tick."""
    paise, finer = words.rupees(parameters, field)
    if finer:
        raise FieldError(field)
    return paise


def _name(parameters: Parameters) -> str:
    name = words.text(parameters, "tick_id", "")
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise FieldError("tick_id")
    return name


def _side(document: dict[str, object], field: str) -> tuple[Level, ...] | None:
    """One side of the depth, None where it is absent or null."""
    levels = document.get(field)
    if levels is None:
        return None
    if not isinstance(levels, list):
        raise FieldError(field)
    return tuple(_level(level, field) for level in levels)


def _level(level: object, field: str) -> Level:
    if isinstance(level, dict):
        level = [level.get("price"), level.get("quantity")]
    if not isinstance(level, list) or len(level) != 2 or not all(isinstance(part, str) for part in level):
        raise FieldError(field)
    price, quantity = (Parameters(None, {field: part.strip()}, {}) for part in level)
    return Level(_paise(price, field), whole(quantity, field))
