"""The sandbox's ticks: prints pushed by hand, one or a whole run, for trying out what a bracket does.

Ticks pass the check that every feed passes.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Receive, Scope

from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.reasons import Reason
from bracketd.market.tick_check import tick_fault
from bracketd.runtime.desk import Desk
from bracketd.runtime.sandbox import RUN_PRINTS_MAX, TimedPrint
from bracketd.wire import replies, words
from bracketd.wire.fields import Unreadable
from bracketd.wire.listed import listed_objects, read_document, read_each, refuse_others
from bracketd.wire.moments import moment_ns
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
    # Read again for the two nested fields; numbers stay texts, so that no float touches a price.
    document = json.loads(body, parse_float=str, parse_int=str) if parameters.names() else {}
    try:
        tick = _tick(desk.instruments, parameters, document)
    except UnknownInstrument as fault:
        return replies.field_invalid(fault.field, Reason.UNKNOWN_INSTRUMENT)
    await desk.push_tick(tick)
    return TICK_TAKEN


def read_run(instruments: Mapping[str, Instrument], body: bytes) -> list[TimedPrint]:
    """The prints of a run: `prints`, a list of objects that each say what one tick says, and where wanted `at`.

    `at` is the moment of the print, ISO 8601 with its offset. Raises Unreadable, UnknownInstrument and FieldError,
    which names the first field that is wrong with its place, such as `prints[3].last_price`.
    """
    fields, document = read_document(body)
    prints = listed_objects(document, "prints", RUN_PRINTS_MAX)
    refuse_others(fields, ("prints",))

    def timed(parameters: Parameters, sent: dict[str, Any]) -> TimedPrint:
        return TimedPrint(_tick(instruments, parameters, sent), _at_ns(parameters))

    return read_each(prints, "prints", timed)


class UnknownInstrument(FieldError):
    """No instrument has that exchange and token."""


def _tick(instruments: Mapping[str, Instrument], parameters: Parameters, document: Mapping[str, Any]) -> Tick:
    """The tick that is meant, checked as a feed's. Raises FieldError and UnknownInstrument."""
    exchange = words.text(parameters, "exchange").upper()
    token = words.quantity(parameters, "instrument_token")
    instrument = instruments.get(f"{exchange}:{token}")
    if instrument is None:
        raise UnknownInstrument("instrument_token")
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
    return tick


def _at_ns(parameters: Parameters) -> int | None:
    """The moment of a print, None where it says none."""
    text = words.text(parameters, "at", "")
    if not text:
        return None
    try:
        return moment_ns(text)
    except (ValueError, OverflowError) as fault:
        raise FieldError("at") from fault


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


def _side(document: Mapping[str, Any], field: str) -> tuple[Level, ...] | None:
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
    price, quantity = (Parameters.of(None, {field: part.strip()}, {}) for part in level)
    return Level(_paise(price, field), whole(quantity, field))
