"""Replies: the bytes are those of the rules, typed here from bracket.md sections 1 and 6."""

import pytest

from bracketd.domain.outcomes import AccountKnown, Cancelled, FieldFault, NotFound, Outcome, Placed, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.wire import replies
from bracketd.wire.replies import Reply, cancel_reply, place_reply

CANCEL = [
    (Cancelled("X"), 200, b'{"status":"success","message":"Order cancelled successfully"}'),
    (NotFound(), 404, b'{"status":"failed","message":"Order not found"}'),
    (
        Refused(Reason.TOO_LATE),
        409,
        b'{"status":"failed","message":"Order already executed","error_code":45000,"reason":"TOO_LATE","data":{}}',
    ),
    (
        Refused(Reason.ALREADY_REJECTED),
        409,
        (
            b'{"status":"failed","message":"Order already rejected","error_code":45000,"reason":"ALREADY_REJECTED",'
            b'"data":{}}'
        ),
    ),
    (
        Refused(Reason.LEG_NOT_ACTIVE),
        409,
        b'{"status":"failed","message":"Leg is not active","error_code":45000,"reason":"LEG_NOT_ACTIVE","data":{}}',
    ),
    (
        Refused(Reason.VENUE_REFUSED, text="no \N{RUPEE SIGN}"),
        409,
        '{"status":"failed","message":"Exchange refused the cancellation: no \N{RUPEE SIGN}","error_code":45000,'
        '"reason":"VENUE_REFUSED","data":{}}'.encode(),
    ),
    (
        Refused(Reason.MARKET_CLOSED),
        409,
        b'{"status":"failed","message":"Market is closed","error_code":45000,"reason":"MARKET_CLOSED","data":{}}',
    ),
    (
        FieldFault("exchange_order_id"),
        400,
        b'{"status":"error","message":"`exchange_order_id` is invalid","error_code":44000,"data":{}}',
    ),
    (
        FieldFault("exchange_order_id", blank=True),
        400,
        b'{"status":"error","message":"`exchange_order_id` can\'t be blank","error_code":44000,"data":{}}',
    ),
    (
        Unknown("20220106-106"),
        202,
        (
            b'{"status":"pending","message":"Order cancellation request submitted for OMS Order: 20220106-106",'
            b'"data":{"oms_order_id":"20220106-106","order_status":"CANCEL_PENDING"}}'
        ),
    ),
    (
        Refused(Reason.NOT_SERVING),
        503,
        b'{"status":"error","message":"Not serving","error_code":45010,"reason":"NOT_SERVING","data":{}}',
    ),
]

PLACE = [
    (
        Placed("20210531-19", "20210531-20"),
        200,
        (
            b'{"data":{"data":{"basket_id":"20210531-19","message":"basket Order Placed Successfully"}},'
            b'"message":"Order place successfully","status":"success"}'
        ),
    ),
    (
        Refused(Reason.SESSION_CLOSED),
        409,
        b'{"status":"error","message":"Session is closed","error_code":45000,"reason":"SESSION_CLOSED","data":{}}',
    ),
    (
        Refused(Reason.MARGIN_SHORT),
        409,
        b'{"status":"error","message":"Margin is short","error_code":45000,"reason":"MARGIN_SHORT","data":{}}',
    ),
    (
        Refused(Reason.BAD_TICK, "price"),
        400,
        b'{"status":"error","message":"`price` is invalid","error_code":44000,"reason":"BAD_TICK","data":{}}',
    ),
    (FieldFault("product"), 400, b'{"status":"error","message":"`product` is invalid","error_code":44000,"data":{}}'),
]

STATIC = [
    (
        replies.UNAUTHORISED,
        401,
        b'{"status":"error","message":"Request Unauthorised","error_code":40000,"data":{}}',
    ),
    (replies.FORBIDDEN, 403, b'{"status":"error","message":"Request forbidden","error_code":40000,"data":{}}'),
    (
        replies.RESOURCE_NOT_FOUND,
        404,
        b'{"status":"error","message":"Resource not found","error_code":44000,"data":{}}',
    ),
    (
        replies.method_not_allowed("GET"),
        405,
        b'{"status":"error","message":"Method not allowed","error_code":44000,"data":{}}',
    ),
    (replies.TOO_LARGE, 413, b'{"status":"error","message":"Request too large","error_code":44000,"data":{}}'),
    (
        replies.TOO_MANY,
        429,
        b'{"status":"error","message":"Too many requests","error_code":45010,"reason":"RATE_LIMITED","data":{}}',
    ),
    (
        replies.INTERNAL,
        500,
        b'{"status":"error","message":"Something went wrong","error_code":45010,"reason":"INTERNAL","data":{}}',
    ),
]


@pytest.mark.parametrize(("outcome", "status", "body"), CANCEL)
def test_cancel_replies(outcome: Outcome, status: int, body: bytes) -> None:
    """The outcome of a cancel is worded to the byte as bracket.md section 1 says."""
    reply = cancel_reply(outcome)
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize(("outcome", "status", "body"), PLACE)
def test_place_replies(outcome: Outcome, status: int, body: bytes) -> None:
    """The outcome of a placement is worded as the family's pages print it, refusals with the status "error"."""
    reply = place_reply(outcome)
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize(("reply", "status", "body"), STATIC)
def test_other_replies(reply: Reply, status: int, body: bytes) -> None:
    """What no engine is asked for is worded to the byte as well."""
    assert (reply.status, reply.body) == (status, body)


def test_retry_after() -> None:
    """Too many requests and not serving say when to come again, and nothing else does."""
    retrying = {reply.status for reply, _, _ in STATIC if (b"retry-after", b"1") in reply.headers}
    assert retrying == {429}
    assert (b"retry-after", b"1") in replies.NOT_SERVING.headers


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_reply(reason: Reason) -> None:
    """Every reason is worded on both routes, and the two differ at most in the word of the status."""
    cancel, place = cancel_reply(Refused(reason, "price")), place_reply(Refused(reason, "price"))
    assert f'"reason":"{reason}"'.encode() in cancel.body
    assert place == cancel._replace(body=cancel.body.replace(b'"failed"', b'"error"'))


@pytest.mark.parametrize("word", [cancel_reply, place_reply])
def test_no_outcome_is_guessed(word: object) -> None:
    """An outcome that no route has is a fault and not a success."""
    assert callable(word)
    with pytest.raises(TypeError):
        word(AccountKnown("A"))
