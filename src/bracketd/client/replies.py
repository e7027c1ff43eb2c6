"""Replies: what a reply of the family says, or the error that it is.

Brokers of the family answer refusals with HTTP 200 as well, others succeed with another text, proxies answer with
pages. So nothing is a success but a 200 whose JSON says so and says nothing against it; what contradicts itself is
Garbled, which is an Unknown.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bracketd.client import errors
from bracketd.client.errors import BrokerError, Garbled, Internal, InvalidField, NotServing, Pending, RateLimited

BODY_BYTES_MAX = 64 * 1024 * 1024
"""No more of a reply is read."""

_FIELD = re.compile(r"`([^`]+)`")
_GATEWAY = frozenset({502, 503, 504})


def classes() -> dict[str, type[BrokerError]]:
    """The class of each reason that a broker may give."""
    found = (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BrokerError))
    return {each.reason: each for each in found if each.reason}


BY_REASON = classes()

# What brokers without reasons say; the texts are those of the family's documents (wire.md 1.4, 1.5).
_BY_TEXT: tuple[tuple[str, type[BrokerError]], ...] = (
    ("order not found", errors.NotFound),
    ("order already executed", errors.TooLate),
    ("order already rejected", errors.AlreadyRejected),
    ("order already cancelled", errors.AlreadyCancelled),
    ("request unauthorised", errors.Unauthorised),
    ("request forbidden", errors.Forbidden),
    ("too many requests", errors.RateLimited),
)


def judge(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The body of a success; raises the BrokerError that the reply is otherwise."""
    document = _object(body)
    word = document.get("status") if document is not None else None
    if document is None or not isinstance(word, str):
        raise _without_word(status, headers, body)
    message = _text(document, "message")
    word = word.lower()
    if word in ("error", "failed", "failure"):
        raise _refusal(status, headers, document, message)
    if status == 202 or (word == "pending" and status < 300):
        raise Pending(message or "pending", status=status, results=_results(document))
    if word != "success" or status != 200 or document.get("error_code") or document.get("reason"):
        raise Garbled(f"a reply that contradicts itself: HTTP {status} and {word!r}", status=status)
    return document


def judge_result(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """What a contract route found, whose replies have the envelope `error` and `result`; None for nothing."""
    document = _object(body)
    if document is None or "result" not in document:
        judge(status, headers, body)
        raise Garbled("a reply without a result", status=status)
    return document["result"] or None


def as_mapping(value: object, what: str) -> Mapping[str, Any]:
    """The value, which has to be an object. Raises Garbled."""
    if not isinstance(value, dict):
        raise Garbled(f"{what} is no object", status=200)
    return value


def as_rows(value: object, what: str) -> list[Mapping[str, Any]]:
    """The value, which has to be a list of objects. Raises Garbled."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Garbled(f"{what} is no list of rows", status=200)
    return value


def _object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, with exact decimals; None where it is none."""
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _no_number(constant: str) -> None:
    """NaN and Infinity are no JSON, whoever writes them."""
    raise ValueError(constant)


def _without_word(status: int, headers: Mapping[str, str], body: bytes) -> BrokerError:
    """What a reply without the family's `status` is: somebody between us and the broker may have sent it."""
    if status in _GATEWAY:
        return NotServing(f"HTTP {status}", status=status, retry_after_s=_retry_after_s(headers))
    if status >= 500:
        return Internal(f"HTTP {status}", status=status)
    if status == 429:
        return RateLimited("HTTP 429", status=status, retry_after_s=_retry_after_s(headers))
    if status == 401:
        return errors.Unauthorised("HTTP 401", status=status)
    if status == 202:
        return Pending("HTTP 202", status=status)
    return Garbled(f"HTTP {status} and no reply of the family: {body[:80]!r}", status=status)


def _refusal(status: int, headers: Mapping[str, str], document: Mapping[str, Any], message: str) -> BrokerError:
    kind = _kind(status, document, message)
    named = _FIELD.search(message)
    code = document.get("error_code")
    return kind(
        message or f"HTTP {status}",
        status=status,
        code=code if isinstance(code, int) else 0,
        field=named[1] if named and issubclass(kind, InvalidField) else "",
        results=_results(document),
        retry_after_s=_retry_after_s(headers),
    )


def _kind(status: int, document: Mapping[str, Any], message: str) -> type[BrokerError]:
    """The class of a refusal: by its reason, its HTTP status where that says enough, its text, or its code."""
    known = BY_REASON.get(_text(document, "reason"))
    if known is not None:
        return known
    by_status = {401: errors.Unauthorised, 403: errors.Forbidden, 429: errors.RateLimited}.get(status)
    if by_status is not None:
        return by_status
    if status >= 500:
        return NotServing if status in _GATEWAY else Internal
    for text, kind in _BY_TEXT:
        if text in message.lower():
            return kind
    if document.get("error_code") == 45010:
        return Internal
    if _FIELD.search(message):
        return InvalidField
    return errors.Refused


def _results(document: Mapping[str, Any]) -> tuple[object, ...]:
    data = document.get("data")
    results = data.get("results") if isinstance(data, dict) else None
    return tuple(results) if isinstance(results, list) else ()


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of Retry-After; a date there says nothing to one who has not the broker's clock."""
    sent = headers.get("retry-after", "").strip()
    return float(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None
