"""Every reason of the server has a class of its own in the client."""

import pytest

from bracketd import client
from bracketd.client.errors import BrokerError, Refused, Unknown
from bracketd.client.replies import BY_REASON, judge
from bracketd.domain.reasons import Reason
from bracketd.wire import replies

REASONS = sorted({*map(str, Reason), "RATE_LIMITED"})


def test_every_reason_has_a_class() -> None:
    """The classes' reasons are those of domain/reasons.py and RATE_LIMITED, each of one class, each exported."""
    assert set(BY_REASON) == set(REASONS)
    assert {kind.__name__ for kind in BY_REASON.values()} <= set(client.__all__)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_raised_as_its_class(reason: str) -> None:
    """A refusal with a reason is raised as the class of that reason, whatever HTTP status carries it."""
    for status in (200, 400, 409, 418):
        with pytest.raises(BY_REASON[reason]) as caught:
            judge(status, {}, b'{"status":"error","message":"`price` is invalid","reason":"%s"}' % reason.encode())
        assert caught.value.reason == reason


def test_every_error_is_refused_or_unknown() -> None:
    """Each class but the root says whether what was asked for has not happened, or whether nobody knows."""
    exported = [getattr(client, name) for name in client.__all__]
    kinds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, BrokerError)]
    assert len(kinds) > len(REASONS)
    assert [kind for kind in kinds if kind is not BrokerError and not issubclass(kind, Refused | Unknown)] == []
    assert [kind for kind in kinds if issubclass(kind, Refused) and issubclass(kind, Unknown)] == []


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (replies.ORDER_NOT_FOUND, "NotFound"),
        (replies.UNAUTHORISED, "Unauthorised"),
        (replies.FORBIDDEN, "Forbidden"),
        (replies.TOO_MANY, "RateLimited"),
        (replies.NOT_SERVING, "NotServing"),
        (replies.INTERNAL, "Internal"),
        (replies.RESOURCE_NOT_FOUND, "Refused"),
        (replies.TOO_LARGE, "Refused"),
        (replies.pending("20260105-2"), "Pending"),
        (replies.modify_pending("20260105-2"), "Pending"),
        (replies.field_blank("oms_order_id"), "InvalidField"),
        (replies.field_invalid("quantity", "BAD_LOT"), "BadLot"),
    ],
)
def test_the_server_s_own_replies_are_read(reply: replies.Reply, name: str) -> None:
    """Each reply that the server words is raised as the class that it means."""
    headers = {key.decode(): value.decode() for key, value in reply.headers}
    with pytest.raises(BrokerError) as caught:
        judge(reply.status, headers, reply.body)
    assert type(caught.value).__name__ == name
    assert caught.value.status == reply.status
    if name in ("InvalidField", "BadLot"):
        assert caught.value.field in ("oms_order_id", "quantity")
    if name in ("RateLimited", "NotServing"):
        assert caught.value.retry_after_s == 1.0
