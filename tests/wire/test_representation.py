"""Representation: `Prefer: return=representation` shows the bracket behind the same first keys."""

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter
from tests.wire.test_placement import SAMPLE

from bracketd.wire.representation import wants_representation

PREFER = (b"prefer", b"return=representation")


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([b"return=representation"], True),
        ([b'Return="Representation"'], True),
        ([b"respond-async, return=representation; x=1"], True),
        ([b"wait=5", b" return = representation"], True),
        ([b"return=minimal"], False),
        ([b"return=minimal", b"return=representation"], False),
        ([b"return"], False),
        ([], False),
    ],
)
def test_preference_is_read(values: list[bytes], wanted: bool) -> None:
    """The preference is found in every spelling of RFC 7240, and the first one of its name counts."""
    assert wants_representation([(b"x", b"return=representation"), *((b"prefer", value) for value in values)]) is wanted


async def test_cancel_of_a_partly_filled_entry() -> None:
    """The body is the usual one and then the bracket: what is filled, what is open, and every row, entry first."""
    counter = Counter(floor=(floor := Floor("A")))
    entry_id = floor.place(quantity=10)
    floor.tick(456.90, 4)
    answer = await counter.call("DELETE", f"{KART}/{entry_id}", b"", PREFER)
    entry, stop, target = floor.rows(entry_id)
    assert stop is not None
    assert target is not None
    assert answer.headers[b"preference-applied"] == b"return=representation"
    assert counter.desk.waits == 1
    assert answer.body.decode() == (
        '{"status":"success","message":"Order cancelled successfully","data":{'
        f'"basket_id":"{entry.basket_id}","oms_order_id":"{entry_id}","order_status":"CANCELLED",'
        '"filled_quantity":4,"open_quantity":4,"legs":['
        f'{{"oms_order_id":"{entry_id}","leg_order_indicator":"ENTRY",'
        f'"exchange_order_id":"{entry.exchange_order_id}","order_status":"CANCELLED","order_status_info":"",'
        '"quantity":10,"filled_quantity":4,"remaining_quantity":0,"price":456.95,"trigger_price":0,'
        '"average_price":456.95},'
        f'{{"oms_order_id":"{stop.order_id}","leg_order_indicator":"STOPLOSS",'
        f'"exchange_order_id":"{stop.exchange_order_id}","order_status":"TRIGGER_PENDING","order_status_info":"",'
        '"quantity":4,"filled_quantity":0,"remaining_quantity":4,"price":0,"trigger_price":455.95,"average_price":0},'
        f'{{"oms_order_id":"{target.order_id}","leg_order_indicator":"TARGET",'
        f'"exchange_order_id":"{target.exchange_order_id}","order_status":"CONFIRMED","order_status_info":"",'
        '"quantity":4,"filled_quantity":0,"remaining_quantity":4,"price":458.95,"trigger_price":0,"average_price":0}'
        "]}}"
    )


async def test_refusals_show_nothing() -> None:
    """A refused cancel is answered the same with the preference and without."""
    counter = Counter(floor=Floor("A"))
    plain = await counter.call("DELETE", f"{KART}/20000101-1")
    asked = await counter.call("DELETE", f"{KART}/20000101-1", b"", PREFER)
    assert (asked.status, asked.body, asked.headers) == (404, plain.body, plain.headers)


async def test_placement_with_facts() -> None:
    """A placement shows the entry's id, which the family's own reply does not, beside the keys it always has."""
    counter = Counter(floor=(floor := Floor("A")))
    answer = await counter.call("POST", KART, SAMPLE, PREFER)
    inner = answer.json()["data"]["data"]
    assert list(inner) == [
        "basket_id", "message", "oms_order_id", "order_status", "filled_quantity", "open_quantity", "legs",
    ]  # fmt: skip
    assert inner["oms_order_id"] == floor.state.brackets[inner["basket_id"]].entry_id
    assert answer.body.endswith(b'},"message":"Order place successfully","status":"success"}')
    assert counter.desk.waits == 1
