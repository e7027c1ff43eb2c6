"""The modification on the wire: how a PUT is read, and how its outcome is worded."""

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter

from bracketd.domain.commands import ModifyOrder
from bracketd.domain.order import OrderType, Product
from bracketd.domain.outcomes import FieldFault, Modified, NotFound, Outcome, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.wire.modification import read_modification
from bracketd.wire.parameters import read_parameters
from bracketd.wire.replies import modify_reply

ID = "20220106-106"
DONE = (
    b'{"data":{"basket_id":"","message":"basket Order modified Successfully"},'
    b'"message":"Order modified successfully","status":"success"}'
)


def read(body: str) -> ModifyOrder:
    """The command of a JSON body."""
    return read_modification(read_parameters(b"", b"application/json", body.encode()), "A")


def test_the_familys_sample_is_read() -> None:
    """Numbers and texts mean the same, zeros change nothing, and hints are not looked at."""
    command = read(
        '{"exchange":"nse","instrument_token":3045,"client_id":"A","order_type":"LIMIT","price":"456.95","quantity":"3",'
        f'"disclosed_quantity":0,"validity":"DAY","product":"MIS","oms_order_id":"{ID}","exchange_order_id":"11",'
        '"filled_quantity":"x","remaining_quantity":[],"last_activity_reference":1325938440097498600,'
        '"trigger_price":0,"stop_loss_value":0,"square_off_value":"2","trailing_stop_loss":0,"is_trailing":false,'
        '"execution_type":"BO"}'
    )
    assert command == ModifyOrder(
        client_id="A",
        ids=(ID,),
        execution_type="BO",
        exchange_order_id="11",
        exchange="NSE",
        instrument_token="3045",
        order_type=OrderType.LIMIT,
        product=Product.MIS,
        price_paise=45_695,
        quantity=3,
        target_offset_paise=200,
        reference=float(1325938440097498600),
    )


@pytest.mark.parametrize(
    ("field", "sent", "finer", "malformed"),
    [
        ("price", '"abc"', (), ("price",)),
        ("price", "456.955", ("price",), ()),
        ("quantity", "2.5", ("quantity",), ()),
        ("quantity", "{}", (), ("quantity",)),
        ("order_type", '"STOP"', (), ("order_type",)),
        ("last_activity_reference", '"x"', (), ("last_activity_reference",)),
        ("disclosed_quantity", "-1", (), ("disclosed_quantity",)),
        ("disclosed_quantity", "0.0", (), ()),
    ],
)
def test_what_cannot_be_read_is_noted(
    field: str, sent: str, finer: tuple[str, ...], malformed: tuple[str, ...]
) -> None:
    """A wrong field is left to the engine, which judges the order's state before it."""
    command = read(f'{{"oms_order_id":"{ID}","{field}":{sent}}}')
    assert (tuple(command.finer), command.malformed) == (finer, malformed)


def test_a_step_that_is_not_to_trail_is_noted() -> None:
    """`is_trailing: false` with a positive step is marked for OFFSET_INVALID; without a step it says nothing."""
    assert read(f'{{"oms_order_id":"{ID}","is_trailing":false,"trailing_stop_loss":"0.5"}}').finer == {
        "trailing_stop_loss"
    }
    assert not read(f'{{"oms_order_id":"{ID}","is_trailing":false}}').finer


@pytest.mark.parametrize(("sent", "reference"), [("0", None), ("10", None), ("11", 11.0), ('"1e18"', 1e18)])
def test_small_references_check_nothing(sent: str, reference: float | None) -> None:
    """References up to 10 are the documents' own placeholders."""
    assert read(f'{{"oms_order_id":"{ID}","last_activity_reference":{sent}}}').reference == reference


@pytest.mark.parametrize(
    ("outcome", "status", "body"),
    [
        (Modified(ID), 200, DONE),
        (NotFound(), 404, b'{"status":"failed","message":"Order not found"}'),
        (
            Refused(Reason.STALE_REFERENCE),
            409,
            b'{"status":"error","message":"Order has changed","error_code":45000,"reason":"STALE_REFERENCE","data":{}}',
        ),
        (
            Refused(Reason.ALREADY_CANCELLED),
            409,
            (
                b'{"status":"error","message":"Order already cancelled","error_code":45000,'
                b'"reason":"ALREADY_CANCELLED","data":{}}'
            ),
        ),
        (
            Refused(Reason.CANNOT_MODIFY_FIELD, "product"),
            400,
            (
                b'{"status":"error","message":"`product` is invalid","error_code":44000,"reason":"CANNOT_MODIFY_FIELD",'
                b'"data":{}}'
            ),
        ),
        (
            FieldFault("price"),
            400,
            b'{"status":"error","message":"`price` is invalid","error_code":44000,"data":{}}',
        ),
        (
            Refused(Reason.VENUE_REFUSED, text="no"),
            409,
            (
                b'{"status":"error","message":"Exchange refused the modification: no","error_code":45000,'
                b'"reason":"VENUE_REFUSED","data":{}}'
            ),
        ),
        (
            Unknown(ID),
            202,
            (
                b'{"status":"pending","message":"Order modification request submitted for OMS Order: 20220106-106",'
                b'"data":{"oms_order_id":"20220106-106","order_status":"MODIFY_PENDING"}}'
            ),
        ),
    ],
)
def test_the_replies_to_the_byte(outcome: Outcome, status: int, body: bytes) -> None:
    """Each outcome of a modification has its own words."""
    reply = modify_reply(outcome)
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("target", [KART, f"{KART}/"])
async def test_a_put_modifies(target: str) -> None:
    """The route takes a PUT with and without a slash and answers with the family's words."""
    floor = Floor()
    entry = floor.place()
    answer = await Counter(floor=floor).call("PUT", target, {"oms_order_id": entry, "quantity": 4})
    assert (answer.status, answer.body) == (200, DONE)
    assert floor.state.orders[entry].quantity == 4


async def test_a_put_without_an_id_is_refused() -> None:
    """No id anywhere is a blank `oms_order_id`."""
    answer = await Counter().call("PUT", KART, {"quantity": 4})
    assert answer.json()["message"] == "`oms_order_id` can't be blank"


async def test_a_representation_shows_the_bracket() -> None:
    """`Prefer: return=representation` adds the bracket's facts."""
    floor = Floor()
    entry = floor.place()
    preferred = (b"prefer", b"return=representation")
    answer = await Counter(floor=floor).call("PUT", KART, {"oms_order_id": entry, "price": 456}, preferred)
    data = answer.json()["data"]
    assert (data["oms_order_id"], data["order_status"]) == (entry, "MODIFY_CONFIRMED")
    assert (data["basket_id"], data["legs"][0]["price"]) == (floor.state.orders[entry].basket_id, 456)
