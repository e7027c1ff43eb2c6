"""Position conversion: refused with a reason that says why, whoever asks, and without changing anything."""

from typing import Any

import pytest
from tests.trading_floor import SBIN, Floor
from tests.wire.counter import Counter

from bracketd.domain.account import Position
from bracketd.engine.state import encode_state

CONVERT = "/api/v1/position/convert"
ASKED: dict[str, Any] = {
    "client_id": "A",
    "exchange": "NSE",
    "instrument_token": 3045,
    "product": "MIS",
    "new_product": "CNC",
    "quantity": 10,
    "validity": "DAY",
    "order_side": "SELL",
}


def bracket_floor() -> Floor:
    """A floor on which A's bracket has bought ten shares, and A holds five more that no bracket made."""
    floor = Floor("A")
    floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 100)
    floor.state.positions[f"A {SBIN} CNC"] = Position(bought=5, bought_value_paise=5 * 45_000)
    return floor


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_brackets_position_stays_mis(method: str) -> None:
    """What a bracket bought cannot be converted: the product is at fault, and nothing is changed."""
    floor = bracket_floor()
    before = encode_state(floor.state)
    counter = Counter(floor=floor)
    answer = await counter.call(method, f"{CONVERT}/", ASKED)
    assert (answer.status, answer.json()["message"]) == (400, "`product` is invalid")
    assert answer.json()["reason"] == "PRODUCT_NOT_ALLOWED"
    assert (encode_state(floor.state), counter.desk.commands, counter.desk.waits) == (before, [], 1)


async def test_other_positions_are_refused_by_their_new_product() -> None:
    """What no bracket bought cannot become another product either."""
    asked = ASKED | {"product": "CNC", "new_product": "MIS", "quantity": "5"}
    answer = await Counter(floor=bracket_floor()).call("PUT", CONVERT, asked)
    assert (answer.status, answer.json()["message"]) == (400, "`new_product` is invalid")
    assert answer.json()["reason"] == "PRODUCT_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("changes", "message", "reason"),
    [
        ({"quantity": 11}, "`quantity` is invalid", "BAD_LOT"),
        ({"quantity": 0}, "`quantity` is invalid", "BAD_LOT"),
        ({"product": "NRML"}, "`quantity` is invalid", "BAD_LOT"),
        ({"instrument_token": 1}, "`instrument_token` is invalid", "UNKNOWN_INSTRUMENT"),
        ({"new_product": "MIS"}, "`new_product` is invalid", None),
        ({"new_product": "BOND"}, "`new_product` is invalid", None),
        ({"order_side": "HOLD"}, "`order_side` is invalid", None),
        ({"quantity": {}}, "`quantity` is invalid", None),
        ({"exchange": None}, "`exchange` can't be blank", None),
        ({"product": ""}, "`product` can't be blank", None),
    ],
)
async def test_wrong_fields_are_named(changes: dict[str, Any], message: str, reason: str | None) -> None:
    """The first field that is wrong is named, with a reason where the closed list has one."""
    answer = await Counter(floor=bracket_floor()).call("PUT", CONVERT, ASKED | changes)
    assert (answer.status, answer.json()["message"], answer.json().get("reason")) == (400, message, reason)


async def test_checks_before_the_fields() -> None:
    """A conversion asks for a token, then for that token's client; two values of a field are refused."""
    counter = Counter(floor=bracket_floor())
    assert (await counter.call("PUT", CONVERT, {}, token=None)).status == 401
    assert (await counter.call("PUT", CONVERT, ASKED | {"client_id": "B"})).status == 403
    answer = await counter.call("PUT", f"{CONVERT}?quantity=9", ASKED)
    assert (answer.status, answer.json()["message"]) == (400, "`quantity` is invalid")
