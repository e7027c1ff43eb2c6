"""Position conversion over the wire: what is read, what the engine is asked, and how its answer is worded."""

from typing import Any

import pytest
from tests.trading_floor import SBIN
from tests.wire.counter import Counter

from bracketd.domain.commands import ConvertPosition
from bracketd.domain.order import Product
from bracketd.domain.outcomes import Converted, Refused
from bracketd.domain.reasons import Reason

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


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_conversion_that_is_made(method: str) -> None:
    """The engine is asked for what the request says, and its yes is worded as the family's sample is."""
    counter = Counter(Converted(SBIN))
    answer = await counter.call(method, f"{CONVERT}/", ASKED)
    assert answer.status == 200
    assert answer.json() == {"data": {}, "message": "Conversion completed", "status": "success"}
    assert counter.desk.commands == [ConvertPosition("A", SBIN, Product.MIS, Product.CNC, 10)]


@pytest.mark.parametrize(
    ("outcome", "status", "message"),
    [
        (Refused(Reason.PRODUCT_NOT_ALLOWED, "product"), 400, "`product` is invalid"),
        (Refused(Reason.BAD_LOT, "quantity"), 400, "`quantity` is invalid"),
        (Refused(Reason.MARGIN_SHORT), 409, "Margin is short"),
        (Refused(Reason.SESSION_CLOSED), 409, "Session is closed"),
    ],
)
async def test_a_conversion_that_is_refused(outcome: Refused, status: int, message: str) -> None:
    """The engine's no is worded with its reason."""
    answer = await Counter(outcome).call("PUT", CONVERT, ASKED)
    assert (answer.status, answer.json()["message"], answer.json()["reason"]) == (status, message, outcome.reason)


@pytest.mark.parametrize(
    ("changes", "message", "reason"),
    [
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
    answer = await Counter().call("PUT", CONVERT, ASKED | changes)
    assert (answer.status, answer.json()["message"], answer.json().get("reason")) == (400, message, reason)


async def test_checks_before_the_fields() -> None:
    """A conversion asks for a token, then for that token's client; two values of a field are refused."""
    counter = Counter()
    assert (await counter.call("PUT", CONVERT, {}, token=None)).status == 401
    assert (await counter.call("PUT", CONVERT, ASKED | {"client_id": "B"})).status == 403
    answer = await counter.call("PUT", f"{CONVERT}?quantity=9", ASKED)
    assert (answer.status, answer.json()["message"]) == (400, "`quantity` is invalid")
