"""Orders by themselves and cover orders at the counter: the paths, the fields, and the family's words (wire.md 1.7)."""

from typing import Any

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Answer, Counter
from tests.wire.schema.described import faults

from bracketd.domain.commands import ModifyOrder, PlaceBracket
from bracketd.domain.order import Execution, OrderType, Product, Side, Status, Validity
from bracketd.domain.outcomes import Placed, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.wire import replies

ORDERS = "/api/v1/orders"
SAMPLE: dict[str, Any] = {
    "amo": False,
    "client_id": "A",
    "device": "WEB",
    "disclosed_quantity": 0,
    "exchange": "NSE",
    "execution_type": "REGULAR",
    "instrument_token": "3045",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 450,
    "product": "CNC",
    "quantity": 1,
    "trigger_price": 0,
    "user_order_id": "10002",
    "validity": "DAY",
}
COVER: dict[str, Any] = {
    "exchange": "NSE",
    "instrument_token": "3045",
    "client_id": "A",
    "order_type": "LIMIT",
    "price": 450,
    "quantity": 1,
    "disclosed_quantity": 0,
    "validity": "DAY",
    "product": "MIS",
    "order_side": "BUY",
    "device": "WEB",
    "user_order_id": 10002,
    "execution_type": "CO",
    "stop_loss_value": 2,
    "trailing_stop_loss": 0,
}
"""The two samples of the family's pages, with a share that this exchange has."""

PREFER = (b"prefer", b"return=representation")


@pytest.fixture
def counter() -> Counter:
    """A counter over a real engine and exchange where 456.95 printed last."""
    floor = Floor("A", "B")
    floor.tick(456.95)
    return Counter(floor=floor)


async def sent(counter: Counter, method: str, target: str, body: Any = b"", *headers: Any) -> Answer:
    """The answer to a request, which must be one that the document promises."""
    answer = await counter.call(method, target, body, *headers)
    assert faults(method, target, answer) == []
    return answer


async def placed(counter: Counter, body: dict[str, Any], path: str = ORDERS) -> str:
    """The id of an order that must be taken."""
    answer = await sent(counter, "POST", path, body)
    assert answer.status == 200, answer.body
    return list(counter.desk.state.orders)[-1]


async def test_the_sample_is_one_command() -> None:
    """The regular sample of the family's page is one command without offsets."""
    counter = Counter(Placed("b", "20211103-25"))
    answer = await sent(counter, "POST", f"{ORDERS}/", SAMPLE)
    assert counter.placed == PlaceBracket(
        client_id="A",
        instrument="NSE:3045",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        product=Product.CNC,
        validity=Validity.DAY,
        quantity=1,
        price_paise=45_000,
        trigger_paise=0,
        target_offset_paise=0,
        stop_offset_paise=0,
        user_order_id="10002",
        device="WEB",
        execution=Execution.REGULAR,
    )
    assert answer.body == (
        b'{"data":{"oms_order_id":"20211103-25","user_order_id":10002,"client_order_id":"10002"},'
        b'"message":"Order place successfully","status":"success"}'
    )


@pytest.mark.parametrize(
    ("changes", "execution"),
    [
        ({}, Execution.REGULAR),
        ({"execution_type": None}, Execution.REGULAR),
        ({"execution_type": "regular", "amo": "TRUE"}, Execution.AMO),
        ({"execution_type": "AMO", "amo": None}, Execution.AMO),
        ({"execution_type": "Amo", "amo": 1}, Execution.AMO),
    ],
)
async def test_what_is_an_amo(changes: dict[str, Any], execution: Execution) -> None:
    """`amo` or the word AMO makes an order one; without an execution type an order on this path is regular."""
    counter = Counter(Placed("b", "20211103-25"))
    answer = await sent(counter, "POST", ORDERS, SAMPLE | changes)
    assert counter.placed.execution is execution
    message = "Order Placed Successfully" if execution is Execution.AMO else "Order place successfully"
    assert answer.json()["message"] == message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"execution_type": "BO"}, "execution_type"),
        ({"execution_type": "CO"}, "execution_type"),
        ({"execution_type": "AMO"}, "amo"),
        ({"amo": "perhaps"}, "amo"),
        ({"product": "MTF"}, "product"),
        ({"quantity": "many"}, "quantity"),
        ({"order_type": "SL", "trigger_price": 460, "validity": "IOC"}, "validity"),
        ({"stop_loss_value": "far"}, "stop_loss_value"),
    ],
)
async def test_wrong_fields(changes: dict[str, Any], field: str) -> None:
    """A field that is wrong is named, and nothing is told to the engine."""
    counter = Counter(Placed("b", "1"))
    answer = await sent(counter, "POST", ORDERS, SAMPLE | changes)
    assert (answer.status, answer.body) == (400, replies.field_invalid(field).body)
    assert counter.desk.commands == []


@pytest.mark.parametrize("field", ["exchange", "instrument_token", "order_side", "order_type", "product", "quantity"])
async def test_needed_fields(field: str) -> None:
    """A field that is needed and missing can't be blank."""
    answer = await sent(Counter(Placed("b", "1")), "POST", ORDERS, SAMPLE | {field: " "})
    assert answer.body == replies.field_blank(field).body


async def test_spread_orders_are_not_here(counter: Counter) -> None:
    """A spread order on this path is told that there are none."""
    answer = await sent(counter, "POST", ORDERS, SAMPLE | {"execution_type": "SPD"})
    assert answer.json()["message"] == "Resource not found: spread orders"


async def test_offsets_have_a_reason(counter: Counter) -> None:
    """A stop-loss asked of a regular order is refused by its field, with a reason."""
    answer = await sent(counter, "POST", ORDERS, SAMPLE | {"stop_loss_value": 1})
    assert answer.body == replies.field_invalid("stop_loss_value", Reason.OFFSET_INVALID).body


async def test_shares_that_nobody_has(counter: Counter) -> None:
    """A CNC sale of shares that are not held is 409 MARGIN_SHORT."""
    answer = await sent(counter, "POST", ORDERS, SAMPLE | {"order_side": "SELL"})
    assert (answer.status, answer.json()["reason"]) == (409, "MARGIN_SHORT")


async def test_cancelling_in_the_familys_words(counter: Counter) -> None:
    """On its own path a regular cancel answers with the family's text once the order is CANCELLED; twice is once."""
    order_id = await placed(counter, SAMPLE)
    expected = (
        f'{{"data":{{"oms_order_id":"{order_id}"}},"message":"Order cancellation request submitted for OMS Order: '
        f'{order_id}","status":"success"}}'
    ).encode()
    for _ in range(2):
        answer = await sent(counter, "DELETE", f"{ORDERS}/{order_id}?client_id=A&execution_type=REGULAR")
        assert (answer.status, answer.body) == (200, expected)
        assert counter.desk.state.orders[order_id].status is Status.CANCELLED


@pytest.mark.parametrize("path", [KART, "/api/v1/orders/bracket", "/api/v1/order/bracket"])
async def test_cancelling_on_the_brackets_paths(counter: Counter, path: str) -> None:
    """A regular order's id on a bracket's path is rule E alone, and answers in that path's words."""
    order_id = await placed(counter, SAMPLE)
    answer = await sent(counter, "DELETE", f"{path}/{order_id}", {"leg_order_indicator": "TARGET"})
    assert (answer.status, answer.json()["reason"]) == (409, "LEG_NOT_ACTIVE")
    answer = await sent(counter, "DELETE", path, {"oms_order_id": order_id, "leg_order_indicator": "ENTRY"})
    assert (answer.status, answer.body) == (200, replies.CANCELLED.body)
    assert counter.desk.state.orders[order_id].status is Status.CANCELLED


async def test_a_bracket_on_the_regular_path(counter: Counter) -> None:
    """A bracket's id on the regular path follows the bracket's table, in the bracket's words."""
    order_id = await placed(counter, COVER | {"execution_type": "BO", "square_off_value": 1}, KART)
    assert (await sent(counter, "DELETE", f"{ORDERS}/{order_id}?execution_type=REGULAR")).status == 400
    answer = await sent(counter, "DELETE", f"{ORDERS}/{order_id}?execution_type=BO&client_id=A")
    assert (answer.status, answer.body) == (200, replies.CANCELLED.body)


async def test_refusals_are_the_brackets(counter: Counter) -> None:
    """An executed order is TOO_LATE, an unknown one and another client's are not found, byte for byte alike."""
    order_id = await placed(counter, SAMPLE | {"price": 457})
    answer = await sent(counter, "DELETE", f"{ORDERS}/{order_id}")
    assert (answer.status, answer.json()["reason"]) == (409, "TOO_LATE")
    others = await counter.call("DELETE", f"{ORDERS}/{order_id}", token=(b"x-authorization-token", b"other"))
    unknown = await sent(counter, "DELETE", f"{ORDERS}/20200101-1")
    assert (others.status, others.body) == (unknown.status, unknown.body) == (404, replies.ORDER_NOT_FOUND.body)


async def test_an_outcome_that_is_not_known() -> None:
    """While the venue is silent the reply to a regular cancel is 202, and says neither success nor failure."""
    answer = await sent(Counter(Unknown("20211103-50")), "DELETE", f"{ORDERS}/20211103-50")
    assert (answer.status, answer.json()["status"]) == (202, "pending")


@pytest.mark.parametrize("with_id", [True, False])
async def test_modifying(counter: Counter, with_id: bool) -> None:
    """A PUT, with the id in the path or the body, changes the order and answers in the family's words."""
    order_id = await placed(counter, SAMPLE)
    body = SAMPLE | {"price": "451.50", "quantity": "3", "last_activity_reference": 10}
    target = f"{ORDERS}/{order_id}" if with_id else ORDERS
    answer = await sent(counter, "PUT", target, body | ({} if with_id else {"oms_order_id": order_id}))
    assert (
        answer.body
        == (
            f'{{"data":{{"oms_order_id":"{order_id}"}},"message":"Order modification request submitted",'
            f'"status":"success"}}'
        ).encode()
    )
    order = counter.desk.state.orders[order_id]
    assert (order.price_paise, order.quantity) == (45_150, 3)


async def test_modifying_names_one_order(counter: Counter) -> None:
    """A PUT whose path and body name different orders is refused, and one without any id can't be blank."""
    first, second = await placed(counter, SAMPLE), await placed(counter, SAMPLE)
    answer = await sent(counter, "PUT", f"{ORDERS}/{first}", {"oms_order_id": second, "price": 451})
    assert answer.body == replies.field_invalid("oms_order_id").body
    answer = await sent(counter, "PUT", ORDERS, {"price": 451})
    assert answer.body == replies.field_blank("oms_order_id").body
    assert counter.desk.state.orders[first].price_paise == 45_000


async def test_modifying_refused() -> None:
    """A modification that is refused says why, as on the brackets' path."""
    counter = Counter(Refused(Reason.STALE_REFERENCE))
    answer = await sent(counter, "PUT", ORDERS, {"oms_order_id": "1", "price": 451})
    assert (answer.status, answer.json()["reason"]) == (409, "STALE_REFERENCE")
    assert isinstance(counter.desk.commands[0], ModifyOrder)


async def test_what_is_shown_of_it(counter: Counter) -> None:
    """In the order book it is a REGULAR or AMO row of no basket and no leg."""
    await placed(counter, SAMPLE)
    await placed(counter, SAMPLE | {"execution_type": "AMO", "amo": True})
    rows = (await sent(counter, "GET", f"{ORDERS}?type=pending")).json()["data"]["orders"]
    shown = [(row["execution_type"], row["basket_id"], row["leg_order_indicator"], row["product"]) for row in rows]
    assert shown == [("REGULAR", "", "", "CNC"), ("AMO", "", "", "CNC")]


async def test_a_held_one_is_shown_as_such(counter: Counter) -> None:
    """While the market is closed an AMO is PENDING with the word AMO, and a regular order is SESSION_CLOSED."""
    assert counter.desk.floor is not None
    counter.desk.floor.phase = SessionPhase.CLOSED
    counter.desk.state.stage = type(counter.desk.state.stage).ENDED
    answer = await sent(counter, "POST", ORDERS, SAMPLE | {"amo": True}, PREFER)
    (row,) = answer.json()["data"]["legs"]
    assert (row["order_status"], row["order_status_info"], row["leg_order_indicator"]) == ("PENDING", "AMO", "")
    answer = await sent(counter, "POST", ORDERS, SAMPLE)
    assert (answer.status, answer.json()["reason"]) == (409, "SESSION_CLOSED")


async def test_representation(counter: Counter) -> None:
    """Who prefers it gets the order's facts with each success, after the keys that are always there, and on disk."""
    answer = await sent(counter, "POST", ORDERS, SAMPLE, PREFER)
    data = answer.json()["data"]
    assert list(data)[:3] == ["oms_order_id", "user_order_id", "client_order_id"]
    assert (data["order_status"], data["filled_quantity"], len(data["legs"])) == ("CONFIRMED", 0, 1)
    order_id = data["oms_order_id"]
    for method, body in (("PUT", {"price": 451}), ("DELETE", {})):
        waits = counter.desk.waits
        answer = await sent(counter, method, f"{ORDERS}/{order_id}", body, PREFER)
        assert answer.headers[b"preference-applied"] == b"return=representation"
        assert answer.json()["data"]["oms_order_id"] == order_id
        assert counter.desk.waits == waits + 1
    assert answer.json()["data"]["order_status"] == "CANCELLED"


async def test_a_key_is_for_one_order(counter: Counter) -> None:
    """An idempotency key gives the first answer again; for another order, a bracket too, it is 422."""
    key = (b"idempotency-key", b"k")
    first = await sent(counter, "POST", ORDERS, SAMPLE, key)
    again = await sent(counter, "POST", ORDERS, SAMPLE, key)
    assert (again.status, again.body) == (200, first.body)
    assert len(counter.desk.state.orders) == 1
    assert (await sent(counter, "POST", ORDERS, SAMPLE | {"amo": True}, key)).status == 422
    assert (await sent(counter, "POST", KART, COVER, key)).status == 422


# Cover orders


async def test_a_cover_order(counter: Counter) -> None:
    """The cover order's sample is taken on the brackets' path, shown as CO, modified and cancelled in their words."""
    answer = await sent(counter, "POST", KART, COVER)
    assert answer.json()["data"]["data"]["message"] == "basket Order Placed Successfully"
    (row,) = (await sent(counter, "GET", f"{ORDERS}?type=pending")).json()["data"]["orders"]
    assert (row["execution_type"], row["stop_loss_value"], row["leg_order_indicator"]) == ("CO", 2, "ENTRY")
    named = {"client_id": "A", "execution_type": "CO", "oms_order_id": row["oms_order_id"]}
    answer = await sent(counter, "PUT", KART, named | {"price": 451, "square_off_value": 1})
    assert answer.body == replies.field_invalid("square_off_value", Reason.CANNOT_MODIFY_FIELD).body
    assert (await sent(counter, "PUT", KART, named | {"price": 451})).body == replies.MODIFIED.body
    answer = await sent(counter, "DELETE", KART, named | {"leg_order_indicator": "ENTRY"})
    assert answer.body == replies.CANCELLED.body


async def test_a_cover_order_has_no_target(counter: Counter) -> None:
    """A cover order that asks for a target is refused by the field, and one without a stop can't be blank."""
    answer = await sent(counter, "POST", KART, COVER | {"square_off_value": 1})
    assert answer.body == replies.field_invalid("square_off_value", Reason.OFFSET_INVALID).body
    answer = await sent(counter, "POST", KART, COVER | {"stop_loss_value": ""})
    assert answer.body == replies.field_blank("stop_loss_value").body
