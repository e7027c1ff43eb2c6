"""What a websocket client says: {"a": action, "v": what of, "m": mode} (wire.md 1.10).

A client of this family sends a malformed heartbeat every ten seconds and must not be closed for it. So what is no
JSON at all is passed over; what can be read and is wrong is answered with the field that is.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from bracketd.domain.instrument import Instrument, instrument_key
from bracketd.domain.reasons import Reason
from bracketd.wire import replies
from bracketd.wire.frames import EXCHANGE_CODES, Mode
from bracketd.wire.replies import EarlyReply
from bracketd.wire.words import FieldError

UPDATES: Final = "updates"
QUOTE_MODES: Final = {
    "marketdata": Mode.MARKETDATA,
    "compact_marketdata": Mode.COMPACT,
    "full_snapquote": Mode.FULL_SNAPQUOTE,
    "tbt_full_snapquote": Mode.FULL_SNAPQUOTE,
}
"""The quotes that exist here, by the word that subscribes to each; the SDKs decode both snapquotes as one layout."""

_SUBSCRIBES: Final = {"subscribe": True, "unsubscribe": False}
_EXCHANGES: Final = {str(code): exchange for exchange, code in EXCHANGE_CODES.items()}
_TOKEN_DIGITS_MAX: Final = 10


class Subscription(NamedTuple):
    """What a client wants pushed, or with `on` False no more: quotes of instruments, or with no mode its updates.

    `word` is the one by which the client asked.
    """

    on: bool
    word: str
    mode: Mode | None
    instruments: tuple[str, ...] = ()


def read_subscription(text: str | bytes, client_id: str, instruments: Mapping[str, Instrument]) -> Subscription | None:
    """The subscription that a message of that client is; None for a heartbeat and for what is no JSON.

    Raises FieldError for a field that is wrong, EarlyReply for an unknown instrument and for another client's updates.
    """
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(message, dict):
        raise FieldError("body")
    action = _word(message, "a")
    if action == "h":
        return None
    if action not in _SUBSCRIBES:
        raise FieldError("a")
    word = _word(message, "m")
    if word == UPDATES:
        _check_owner(message.get("v"), client_id)
        return Subscription(_SUBSCRIBES[action], word, None)
    if word not in QUOTE_MODES:
        raise FieldError("m")
    return Subscription(_SUBSCRIBES[action], word, QUOTE_MODES[word], _keys(message.get("v"), instruments))


def _word(message: dict[str, Any], field: str) -> str:
    """A field that must be a word; its case and blanks around it do not count."""
    value = message.get(field)
    if not isinstance(value, str):
        raise FieldError(field, blank=value is None)
    if not (word := value.strip().lower()):
        raise FieldError(field, blank=True)
    return word


def _check_owner(value: object, client_id: str) -> None:
    """Updates are asked for as [client id, device]; nobody named means oneself, and nobody else's can be had."""
    if value is None or value == []:
        return
    if not isinstance(value, list) or not isinstance(value[0], str):
        raise FieldError("v")
    if value[0].strip() != client_id:
        raise EarlyReply(replies.FORBIDDEN)


def _keys(value: object, instruments: Mapping[str, Instrument]) -> tuple[str, ...]:
    """The keys of [[exchange code, token], ...], each of them known."""
    if not isinstance(value, list):
        raise FieldError("v", blank=value is None)
    if not value:
        raise FieldError("v", blank=True)
    return tuple(_key(pair, instruments) for pair in value)


def _key(pair: object, instruments: Mapping[str, Instrument]) -> str:
    if not isinstance(pair, list) or len(pair) != 2:
        raise FieldError("v")
    exchange, token = _EXCHANGES.get(_digits(pair[0])), _digits(pair[1])
    key = instrument_key(exchange or "", int(token))
    if key not in instruments:
        raise EarlyReply(replies.field_invalid("v", Reason.UNKNOWN_INSTRUMENT))
    return key


def _digits(value: object) -> str:
    """A number that is whole and not negative, or a text of one: clients send 3045 and "3045"."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise FieldError("v")
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _TOKEN_DIGITS_MAX):
        raise FieldError("v")
    return digits
