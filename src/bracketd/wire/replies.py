"""Replies: every body of the dialect to the byte, and how an outcome is worded.

The bodies are those of bracket.md sections 1 and 6. None has a key `error_type`: two of the family's SDKs raise on it.
Nothing here is "success" unless what was asked for is so, because clients look at nothing else.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from bracketd.domain.commands import PlaceBracket
from bracketd.domain.order import Execution
from bracketd.domain.outcomes import (
    Cancelled,
    Converted,
    FieldFault,
    Modified,
    NotFound,
    Outcome,
    Placed,
    Refused,
    Unknown,
)
from bracketd.domain.reasons import STATE_REASONS, Reason
from bracketd.wire.amounts import JSON

Headers = tuple[tuple[bytes, bytes], ...]
Rest = Callable[[], AsyncGenerator[bytes, None]]
"""Begins the further pieces of a body."""

CODE_FORBIDDEN = 40000
CODE_FIELD = 44000
CODE_STATE = 45000
CODE_FAULT = 45010

_RETRY: Headers = ((b"retry-after", b"1"),)
_CHALLENGE: Headers = ((b"www-authenticate", b"Bearer"),)

_STATE_TEXTS = {
    Reason.TOO_LATE: "Order already executed",
    Reason.ALREADY_REJECTED: "Order already rejected",
    Reason.ALREADY_CANCELLED: "Order already cancelled",
    Reason.LEG_NOT_ACTIVE: "Leg is not active",
    Reason.VENUE_REFUSED: "Exchange refused the cancellation",
    Reason.MARKET_CLOSED: "Market is closed",
    Reason.SESSION_CLOSED: "Session is closed",
    Reason.MARGIN_SHORT: "Margin is short",
    Reason.STALE_REFERENCE: "Order has changed",
}

_VENUE_REFUSED_MODIFY = "Exchange refused the modification"

_encode = JSON.encode


class Reply(NamedTuple):
    """One HTTP reply: its status, its JSON body, and headers beyond content-type and content-length.

    `rest` makes the further pieces of a body that is too large for one, each when the last was taken; `reason` is the
    word of a refusal.
    """

    status: int
    body: bytes
    headers: Headers = ()
    rest: Rest | None = None
    reason: str = ""


def outcome_word(status: int) -> str:
    """What a status comes to, in one of four words."""
    if status == 202:
        return "pending"
    return "done" if status < 400 else "refused" if status < 500 else "fault"


class EarlyReply(Exception):
    """A check has failed: its reply is the answer, and nothing after the check is looked at."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def _error(status: int, message: str, code: int, reason: str = "", word: str = "error", headers: Headers = ()) -> Reply:
    """A reply of the common error shape, with `reason` where there is one."""
    body: dict[str, object] = {"status": word, "message": message, "error_code": code}
    if reason:
        body["reason"] = reason
    body["data"] = {}
    return Reply(status, _encode(body), headers, reason=str(reason))


CANCELLED = Reply(200, b'{"status":"success","message":"Order cancelled successfully"}')
ORDER_NOT_FOUND = Reply(404, b'{"status":"failed","message":"Order not found"}')
UNAUTHORISED = _error(401, "Request Unauthorised", CODE_FORBIDDEN, headers=_CHALLENGE)
LOGIN_FAILED = _error(401, "Login id, password or second factor is wrong", CODE_FORBIDDEN, headers=_CHALLENGE)
FORBIDDEN = _error(403, "Request forbidden", CODE_FORBIDDEN)
RESOURCE_NOT_FOUND = _error(404, "Resource not found", CODE_FIELD)
PREFLIGHT_REFUSED = _error(400, "Origin or method is not let through", CODE_FIELD)
NOT_HTTP = _error(400, "Bad request", CODE_FIELD)
TOO_LARGE = _error(413, "Request too large", CODE_FIELD)
TOO_MANY = _error(429, "Too many requests", CODE_FAULT, Reason.RATE_LIMITED, headers=_RETRY)
TOO_MANY_CONNECTIONS = _error(429, "Too many connections", CODE_FAULT, Reason.RATE_LIMITED, headers=_RETRY)
TOO_MANY_SUBSCRIPTIONS = _error(429, "Too many subscriptions", CODE_FAULT, Reason.RATE_LIMITED)
NOT_SERVING = _error(503, "Not serving", CODE_FAULT, Reason.NOT_SERVING, headers=_RETRY)
CLOCK_STANDS = _error(409, "The clock cannot be moved without --clock virtual", CODE_STATE)
INTERNAL = _error(500, "Something went wrong", CODE_FAULT, Reason.INTERNAL)

_METHOD_NOT_ALLOWED = _error(405, "Method not allowed", CODE_FIELD)
_KEY_REUSED = _error(422, "Idempotency key was used for another order", CODE_FIELD, Reason.IDEMPOTENCY_KEY_REUSED)
_FAULTS = {
    Reason.IDEMPOTENCY_KEY_REUSED: _KEY_REUSED,
    Reason.RATE_LIMITED: TOO_MANY,
    Reason.NOT_SERVING: NOT_SERVING,
    Reason.INTERNAL: INTERNAL,
}
# A cancel refused for the order's state says "failed", a placement or modification "error", as the family prints it.
_CANCEL_STATES = {reason: _error(409, text, CODE_STATE, reason, "failed") for reason, text in _STATE_TEXTS.items()}
_PLACE_STATES = {reason: _error(409, text, CODE_STATE, reason) for reason, text in _STATE_TEXTS.items()}


def clock_stopped(now: str) -> Reply:
    """409: so much fell due that the clock was left on the way, at `now`; asking again goes on from there."""
    return _error(409, f"The clock stopped at {now}, too much fell due on the way", CODE_STATE)


def too_many(wait_s: int) -> Reply:
    """429 that says for how long (seconds); a lock is told to anybody, whether or not the login id is somebody's."""
    return TOO_MANY._replace(headers=((b"retry-after", b"%d" % wait_s),))


def method_not_allowed(allow: str) -> Reply:
    """405; `allow` lists the methods that the route has."""
    return _METHOD_NOT_ALLOWED._replace(headers=((b"allow", allow.encode("ascii")),))


def field_invalid(field: str, reason: str = "") -> Reply:
    """400: the field is wrong, with a reason of bracket.md section 6 where there is one."""
    return _error(400, f"`{field}` is invalid", CODE_FIELD, reason)


def field_blank(field: str) -> Reply:
    """400: the field is needed and not there."""
    return _error(400, f"`{field}` can't be blank", CODE_FIELD)


def field_fault(field: str, blank: bool) -> Reply:
    """400 in the one form or the other."""
    return field_blank(field) if blank else field_invalid(field)


BODY_INVALID = field_invalid("body")


def resource_not_found(feature: str) -> Reply:
    """404 that names a feature of the family that is not here."""
    return _error(404, f"Resource not found: {feature}", CODE_FIELD)


def pending(order_id: str) -> Reply:
    """202: what will become of the order is not known yet. Neither success nor failure."""
    return Reply(
        202,
        _encode(
            {
                "status": "pending",
                "message": f"Order cancellation request submitted for OMS Order: {order_id}",
                "data": {"oms_order_id": order_id, "order_status": "CANCEL_PENDING"},
            }
        ),
    )


def placed_body(inner: dict[str, object]) -> bytes:
    """The body of a placed bracket, which the family nests twice; `inner` begins with the basket id and message."""
    return _encode({"data": {"data": inner}, "message": "Order place successfully", "status": "success"})


def placed_inner(basket_id: str) -> dict[str, object]:
    """The two keys that the reply to every placement has."""
    return {"basket_id": basket_id, "message": "basket Order Placed Successfully"}


def modify_pending(order_id: str) -> Reply:
    """202: whether the order will be modified is not known yet."""
    return Reply(
        202,
        _encode(
            {
                "status": "pending",
                "message": f"Order modification request submitted for OMS Order: {order_id}",
                "data": {"oms_order_id": order_id, "order_status": "MODIFY_PENDING"},
            }
        ),
    )


def modified_body(facts: dict[str, object]) -> bytes:
    """The body of a modification that was done; the family's own has an empty basket id, which `facts` may fill."""
    inner: dict[str, object] = {"basket_id": "", "message": "basket Order modified Successfully"}
    return _encode({"data": inner | facts, "message": "Order modified successfully", "status": "success"})


MODIFIED = Reply(200, modified_body({}))


def regular_placed(order_id: str, command: PlaceBracket, facts: dict[str, object]) -> Reply:
    """200: an order by itself is taken on. The caller's own number is a number where it was one (wire.md 1.7)."""
    own: object = command.user_order_id
    if command.user_order_id.isascii() and command.user_order_id.isdigit() and len(command.user_order_id) <= 15:
        own = int(command.user_order_id)
    data = {"oms_order_id": order_id, "user_order_id": own, "client_order_id": command.user_order_id}
    message = "Order Placed Successfully" if command.execution is Execution.AMO else "Order place successfully"
    return success(message, data | facts)


def regular_modified(order_id: str, facts: dict[str, object]) -> Reply:
    """200: an order by itself is as the request would have it. The family's text says less than is so."""
    return success("Order modification request submitted", {"oms_order_id": order_id} | facts)


def regular_cancelled(order_id: str, facts: dict[str, object]) -> Reply:
    """200: an order by itself is at its end, and that is on disk. The family's text says less than is so."""
    message = f"Order cancellation request submitted for OMS Order: {order_id}"
    return success(message, {"oms_order_id": order_id} | facts)


def success(message: str, data: object) -> Reply:
    """200 in the shape of the family's other routes: data, message, status."""
    return Reply(200, _encode({"data": data, "message": message, "status": "success"}))


CONVERTED = success("Conversion completed", {})


def login_step(data: object) -> Reply:
    """200 for a step of a login; what it carries must not stay in a cache."""
    return success("", data)._replace(headers=((b"cache-control", b"no-store"),))


def cancel_reply(outcome: Outcome) -> Reply:
    """The reply to a cancel. Raises TypeError for an outcome that no cancel has."""
    if isinstance(outcome, Cancelled):
        return CANCELLED
    if isinstance(outcome, NotFound):
        return ORDER_NOT_FOUND
    if isinstance(outcome, Unknown):
        return pending(outcome.order_id)
    return _refusal_reply(outcome, _CANCEL_STATES, "failed")


def cancelled_everything(results: Sequence[tuple[str, str, Outcome]]) -> Reply:
    """The reply to a cancel of everything, from (order id, its status, outcome) of each order.

    200 and "success" only where every one is so, none included. Otherwise the worst decides: 409 "failed" with the
    first refusal's reason, or 202 "pending" where some outcomes are not known yet.
    """
    shown = [
        {"oms_order_id": order_id, "order_status": status} | _result_words(outcome)
        for order_id, status, outcome in results
    ]
    data = {"results": shown}
    refused = [outcome for *_, outcome in results if isinstance(outcome, Refused)]
    if refused:
        body: dict[str, object] = {
            "status": "failed",
            "message": "Some orders are not cancelled",
            "error_code": CODE_STATE,
        }
        return Reply(409, _encode(body | {"reason": refused[0].reason, "data": data}))
    if any(isinstance(outcome, Unknown) for *_, outcome in results):
        body = {"status": "pending", "message": "Order cancellation requests submitted"}
        return Reply(202, _encode(body | {"data": data}))
    if not all(isinstance(outcome, Cancelled) for *_, outcome in results):
        raise TypeError(f"no reply is worded for {results!r}")
    return success("Orders cancelled successfully", data)


def _result_words(outcome: Outcome) -> dict[str, object]:
    """Status, message and reason of one order, as the reply to its own cancel has them."""
    body: dict[str, Any] = msgspec.json.decode(cancel_reply(outcome).body)
    return {key: body[key] for key in ("status", "message", "reason") if key in body}


def place_reply(outcome: Outcome) -> Reply:
    """The reply to a placement. Raises TypeError for an outcome that no placement has."""
    if isinstance(outcome, Placed):
        return Reply(200, placed_body(placed_inner(outcome.basket_id)))
    return _refusal_reply(outcome, _PLACE_STATES, "error")


def modify_reply(outcome: Outcome) -> Reply:
    """The reply to a modification. Raises TypeError for an outcome that none has."""
    if isinstance(outcome, Modified):
        return MODIFIED
    if isinstance(outcome, NotFound):
        return ORDER_NOT_FOUND
    if isinstance(outcome, Unknown):
        return modify_pending(outcome.order_id)
    if isinstance(outcome, Refused) and outcome.reason is Reason.VENUE_REFUSED:
        message = f"{_VENUE_REFUSED_MODIFY}: {outcome.text}" if outcome.text else _VENUE_REFUSED_MODIFY
        return _error(409, message, CODE_STATE, outcome.reason)
    return _refusal_reply(outcome, _PLACE_STATES, "error")


def convert_reply(outcome: Outcome) -> Reply:
    """The reply to a position conversion. Raises TypeError for an outcome that none has."""
    return CONVERTED if isinstance(outcome, Converted) else _refusal_reply(outcome, _PLACE_STATES, "error")


def _refusal_reply(outcome: Outcome, states: dict[Reason, Reply], word: str) -> Reply:
    if isinstance(outcome, FieldFault):
        return field_fault(outcome.field, outcome.blank)
    if not isinstance(outcome, Refused):
        raise TypeError(f"no reply is worded for {outcome!r}")
    if outcome.reason in _FAULTS:
        return _FAULTS[outcome.reason]
    if outcome.reason not in STATE_REASONS:
        return field_invalid(outcome.field, outcome.reason)
    if outcome.reason is Reason.VENUE_REFUSED and outcome.text:
        message = f"{_STATE_TEXTS[outcome.reason]}: {outcome.text}"
        return _error(409, message, CODE_STATE, outcome.reason, word)
    return states[outcome.reason]
