"""The kill switch over the wire: what asks for it, what does not, and a reply that is success only if all of it is."""

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import JSON, TOKEN, Counter

from bracketd.domain.order import Status
from bracketd.domain.outcomes import Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.state import encode_state
from bracketd.wire import replies

ALL = "/api/v1/orders"
ID_BLANK = replies.field_blank("oms_order_id").body


def cancelled(order_id: str, status: str = "CANCELLED") -> dict[str, str]:
    """The result of one order that was cancelled."""
    return {
        "oms_order_id": order_id,
        "order_status": status,
        "status": "success",
        "message": "Order cancelled successfully",
    }


@pytest.mark.parametrize(
    ("target", "body", "headers"),
    [
        (f"{ALL}?client_id=A", b"", ()),
        (f"{ALL}?client_id=A&client_id=A", b"", ()),
        (f"{ALL}?clint_id=A", b"", ()),
        (f"{ALL}?%7B%22client_id%22%3A%22A%22%7D", b"", ()),
        (ALL, b'{"client_id":"A"}', (JSON,)),
        (ALL, b"client_id=A", ()),
        (f"{ALL}?client_id=A", b'{"client_id":"A"}', (JSON,)),
    ],
)
async def test_client_id_alone_asks_for_everything(
    target: str, body: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """The client's id, in whatever encoding and nothing beside it, cancels every order."""
    floor = Floor("A", "B")
    first, second, foreign = floor.place(price=450.0), floor.place(price=451.0), floor.place("B", price=450.0)
    answer = await Counter(floor=floor).call("DELETE", target, body, *headers)
    assert (answer.status, answer.json()) == (
        200,
        {
            "data": {"results": [cancelled(first), cancelled(second)]},
            "message": "Orders cancelled successfully",
            "status": "success",
        },
    )
    assert floor.state.orders[foreign].status is Status.CONFIRMED


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (ALL, ""),
        (f"{ALL}?client_id=", ""),
        (f"{ALL}/?client_id=A", ""),
        (f"{ALL}//?client_id=A", ""),
        (f"{ALL}%2F?client_id=A", ""),
        (f"{ALL}?client_id=A&oms_order_id=", ""),
        (f"{ALL}?client_id=A&oms_order_id=20260921-2", ""),
        (f"{ALL}?client_id=A&status=CONFIRMED", ""),
        (f"{ALL}?client_id=A&whatever", ""),
        (f"{ALL}?client_id=A&{{%22oms_order_id%22:%221%22}}", ""),
        (f"{ALL}?client_id=A", '{"oms_order_id":null}'),
        (f"{ALL}?client_id=A", '{"leg_order_indicator":"ENTRY"}'),
    ],
)
async def test_anything_more_is_a_cancel_that_lost_its_id(target: str, body: str) -> None:
    """Another field, even a blank one or a junk tail, or a slash at the end: an id is missing, no order is touched."""
    floor = Floor("A")
    floor.place(price=450.0)
    before = encode_state(floor.state)
    answer = await Counter(floor=floor).call("DELETE", target, body)
    assert (answer.status, answer.body) == (400, ID_BLANK)
    assert encode_state(floor.state) == before


@pytest.mark.parametrize(
    ("target", "token", "reply"),
    [
        (f"{ALL}?client_id=B", TOKEN, replies.FORBIDDEN),
        (f"{ALL}/?client_id=B&oms_order_id=1", TOKEN, replies.FORBIDDEN),
        (f"{ALL}?client_id=A", None, replies.UNAUTHORISED),
        (f"{ALL}?client_id=A&client_id=B", TOKEN, replies.BODY_INVALID),
    ],
)
async def test_the_checks_of_every_request_come_first(
    target: str, token: tuple[bytes, bytes] | None, reply: replies.Reply
) -> None:
    """Another client's id, no token and an id that contradicts itself are refused as everywhere."""
    floor = Floor("A", "B")
    floor.place(price=450.0)
    before = encode_state(floor.state)
    answer = await Counter(floor=floor).call("DELETE", target, token=token)
    assert (answer.status, answer.body) == (reply.status, reply.body)
    assert encode_state(floor.state) == before


async def test_nothing_to_cancel() -> None:
    """Where nothing works and nothing is open the reply is success with no results, and no command is given."""
    floor = Floor("A")
    floor.cancel(floor.place(price=450.0))
    counter = Counter(floor=floor)
    answer = await counter.call("DELETE", f"{ALL}?client_id=A")
    assert (answer.status, answer.json()["status"], answer.json()["data"]) == (200, "success", {"results": []})
    assert counter.desk.commands == []


async def test_every_entry_before_any_exit() -> None:
    """A position is closed under its stop-loss's id, and only after every entry of the client has been cancelled."""
    floor = Floor("A")
    held = floor.place(quantity=10)
    floor.tick(456.95, 10, bids=(), asks=())
    partly = floor.place(quantity=10)
    floor.tick(456.95, 4, bids=(), asks=())
    resting = floor.place(price=450.0)
    counter = Counter(floor=floor)
    answer = await counter.call("DELETE", f"{ALL}?client_id=A")
    assert answer.status == 200
    held_stop, partly_stop = floor.legs(held)[0], floor.legs(partly)[0]
    assert [(row["oms_order_id"], row["status"]) for row in answer.json()["data"]["results"]] == [
        (partly, "success"),
        (resting, "success"),
        (held_stop.order_id, "success"),
        (partly_stop.order_id, "success"),
    ]
    assert [command.leg for command in counter.desk.commands] == [None, None, "STOPLOSS", "STOPLOSS"]  # type: ignore[union-attr]
    assert all(floor.state.bracket_of(entry).exit_accepted for entry in (held, partly))
    again = await counter.call("DELETE", f"{ALL}?client_id=A")
    assert [row["oms_order_id"] for row in again.json()["data"]["results"]] == [
        held_stop.order_id,
        partly_stop.order_id,
    ]


async def test_a_refusal_is_never_success() -> None:
    """One position that cannot be closed makes the whole reply a 409 with its reason; the rest is done and says so."""
    floor = Floor("A")
    held = floor.place(quantity=10)
    floor.tick(456.95, 10)
    resting = floor.place(price=450.0)
    floor.phase = SessionPhase.CLOSED
    answer = await Counter(floor=floor).call("DELETE", f"{ALL}?client_id=A")
    stop = floor.legs(held)[0]
    assert (answer.status, answer.json()) == (
        409,
        {
            "status": "failed",
            "message": "Some orders are not cancelled",
            "error_code": 45000,
            "reason": "MARKET_CLOSED",
            "data": {
                "results": [
                    cancelled(resting),
                    {
                        "oms_order_id": stop.order_id,
                        "order_status": "TRIGGER_PENDING",
                        "status": "failed",
                        "message": "Market is closed",
                        "reason": "MARKET_CLOSED",
                    },
                ]
            },
        },
    )


async def test_what_is_not_known_is_pending() -> None:
    """A cancel whose outcome is not known makes the reply a 202, and beside a refusal the refusal counts."""
    floor = Floor("A")
    first, second = floor.place(price=450.0), floor.place(price=451.0)
    counter = Counter(Unknown(first))
    counter.desk.state = floor.state
    answer = await counter.call("DELETE", f"{ALL}?client_id=A")
    assert (answer.status, answer.json()["status"]) == (202, "pending")
    assert [row["status"] for row in answer.json()["data"]["results"]] == ["pending", "pending"]
    mixed = [(first, "CONFIRMED", Unknown(first)), (second, "CONFIRMED", Refused(Reason.VENUE_REFUSED, text="no"))]
    worst = replies.cancelled_everything(mixed)
    assert worst.status == 409
    assert b'"message":"Exchange refused the cancellation: no"' in worst.body


@pytest.mark.parametrize("reason", [Reason.TOO_LATE, Reason.ALREADY_REJECTED])
async def test_what_ended_by_itself_is_no_failure(reason: Reason) -> None:
    """An entry that was executed or rejected while the request was under way needs no cancel and gets no result."""
    floor = Floor("A")
    floor.place(price=450.0)
    counter = Counter(Refused(reason))
    counter.desk.state = floor.state
    answer = await counter.call("DELETE", f"{ALL}?client_id=A")
    assert (answer.status, answer.json()["data"]) == (200, {"results": []})


async def test_the_reply_waits_for_the_disk() -> None:
    """The statuses that the reply shows are durable before it is sent."""
    counter = Counter(floor=Floor("A"))
    await counter.call("DELETE", f"{ALL}?client_id=A")
    assert counter.desk.waits == 1
