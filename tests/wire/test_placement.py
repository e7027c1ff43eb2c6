"""Placement: the family's sample is read as it is printed, and the first wrong field is the one that answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter

from bracketd.domain.commands import PlaceBracket
from bracketd.domain.order import OrderType, Product, Side, Validity
from bracketd.domain.outcomes import Placed
from bracketd.wire import replies
from bracketd.wire.modification import read_modification
from bracketd.wire.parameters import Parameters
from bracketd.wire.placement import read_placement
from bracketd.wire.words import FieldError

SAMPLE: dict[str, Any] = {
    "client_id": "A",
    "device": "WEB",
    "disclosed_quantity": 0,
    "exchange": "NSE",
    "execution_type": "BO",
    "instrument_token": "3045",
    "is_trailing": False,
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 456.95,
    "product": "MIS",
    "quantity": 1,
    "square_off_value": 1,
    "stop_loss_value": 1,
    "trailing_stop_loss": "0",
    "trigger_price": 0,
    "user_order_id": 10002,
    "validity": "DAY",
}
READ = PlaceBracket(
    client_id="A",
    instrument="NSE:3045",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    product=Product.MIS,
    validity=Validity.DAY,
    quantity=1,
    price_paise=45_695,
    trigger_paise=0,
    target_offset_paise=100,
    stop_offset_paise=100,
    user_order_id="10002",
    device="WEB",
)
PLACED = Placed("20210531-19", "20210531-20")
REQUIRED = [
    "exchange",
    "execution_type",
    "instrument_token",
    "order_side",
    "order_type",
    "price",
    "product",
    "quantity",
    "square_off_value",
    "stop_loss_value",
]


async def place(**changes: Any) -> PlaceBracket:
    """The command of the sample with these fields changed, or left out where the change is ..."""
    counter = Counter(PLACED)
    body = {name: value for name, value in (SAMPLE | changes).items() if value is not ...}
    answer = await counter.call("POST", KART, body)
    assert answer.status == 200, answer.body
    return counter.placed


async def refused(**changes: Any) -> bytes:
    """The body of the 400 that the sample with these changes gets, with nothing told to the engine."""
    counter = Counter(PLACED)
    body = {name: value for name, value in (SAMPLE | changes).items() if value is not ...}
    answer = await counter.call("POST", KART, body)
    assert (answer.status, counter.desk.commands) == (400, [])
    return answer.body


async def test_sample_is_read() -> None:
    """The sample of the family's page is one command, and its reply is the page's."""
    counter = Counter(PLACED)
    answer = await counter.call("POST", f"{KART}/", SAMPLE)
    assert counter.placed == READ
    assert answer.body == (
        b'{"data":{"data":{"basket_id":"20210531-19","message":"basket Order Placed Successfully"}},'
        b'"message":"Order place successfully","status":"success"}'
    )


async def test_optional_fields_may_be_absent() -> None:
    """Nine fields may be left out; a DAY order with nothing disclosed, protected or trailing is what that means."""
    absent = ["client_id", "device", "disclosed_quantity", "is_trailing", "trailing_stop_loss", "trigger_price"]
    command = await place(**dict.fromkeys([*absent, "user_order_id", "validity"], ...))
    assert (command.device, command.user_order_id, command.validity) == ("", "", Validity.DAY)


@pytest.mark.parametrize("field", REQUIRED)
@pytest.mark.parametrize("value", [..., "", None])
async def test_needed_fields(field: str, value: Any) -> None:
    """A needed field that is absent, blank or null is named."""
    assert await refused(**{field: value}) == replies.field_blank(field).body


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, {}) for field in [*REQUIRED, "device", "validity", "user_order_id", "is_trailing"]]
    + [
        ("execution_type", "REGULAR"),
        ("execution_type", "AMO"),
        ("order_side", "HOLD"),
        ("order_type", "ICEBERG"),
        ("product", "BO"),
        ("validity", "GTC"),
        ("price", "cheap"),
        ("price", "NaN"),
        ("quantity", "many"),
        ("is_trailing", "maybe"),
        ("disclosed_quantity", -1),
        ("market_protection_percentage", -1),
        ("market_protection_percentage", 100.01),
        ("market_protection_percentage", 0.001),
        ("trailing_stop_loss", "far"),
        ("user_order_id", "x" * 129),
    ],
)
async def test_wrong_fields(field: str, value: Any) -> None:
    """A field of the wrong type, or with a value that is none of its own, is named."""
    assert await refused(**{field: value}) == replies.field_invalid(field).body


async def test_the_first_wrong_field_answers() -> None:
    """With every field wrong the first in the order of the family's sample is named, once that is right the next."""
    right = SAMPLE | {"order_type": "SL", "trigger_price": 456.5, "market_protection_percentage": 1}
    del right["client_id"]
    sent: dict[str, Any] = {name: {} for name in right}
    named = []
    for _ in right:
        named.append((await refused(**sent)).decode().split("`")[1])
        sent[named[-1]] = right[named[-1]]
    assert named == sorted(right)
    assert (await place(**sent)).price_paise == 45_695


async def test_a_field_twice() -> None:
    """A field with two values in body and query is refused, whichever would have been right."""
    counter = Counter(PLACED)
    answer = await counter.call("POST", f"{KART}?quantity=2", SAMPLE)
    assert (answer.status, answer.body) == (400, replies.field_invalid("quantity").body)
    assert (await counter.call("POST", f"{KART}?quantity=1", SAMPLE)).status == 200


@pytest.mark.parametrize("order_type", ["MARKET", "SLM", "SL-M"])
async def test_price_without_meaning_is_not_read(order_type: str) -> None:
    """The price of an order that has none may be anything, and is not kept."""
    for price in (..., 0, "456.951", "cheap", {}):
        command = await place(order_type=order_type, price=price, trigger_price="460.00")
        assert (command.price_paise, command.finer) == (0, frozenset())


@pytest.mark.parametrize("order_type", ["LIMIT", "MARKET"])
async def test_trigger_without_meaning_is_not_read(order_type: str) -> None:
    """The trigger of an order that has none may be anything, and is not kept."""
    for trigger in (..., 0, "460.001", "far", []):
        assert (await place(order_type=order_type, trigger_price=trigger)).trigger_paise == 0


@pytest.mark.parametrize("order_type", ["SL", "SLM"])
async def test_stops_need_a_trigger_and_a_day(order_type: str) -> None:
    """A stop entry needs its trigger and is never IOC."""
    assert (await place(order_type=order_type, trigger_price=460)).trigger_paise == 46_000
    assert await refused(order_type=order_type, trigger_price=...) == replies.field_blank("trigger_price").body
    body = await refused(order_type=order_type, trigger_price=460, validity="IOC")
    assert body == replies.field_invalid("validity").body


async def test_ioc_is_handed_on() -> None:
    """An IOC limit is the engine's to judge."""
    assert (await place(validity="ioc")).validity is Validity.IOC


async def test_prices_finer_than_a_paisa() -> None:
    """Prices between two paise are named to the engine, which says why they cannot be."""
    command = await place(order_type="SL", price="456.951", trigger_price="456.001", square_off_value=1.005)
    assert command.finer == {"price", "trigger_price", "square_off_value"}
    assert (command.price_paise, command.trigger_paise, command.target_offset_paise) == (45_695, 45_600, 100)


@pytest.mark.parametrize("step", ["0.05", 1])
async def test_a_step_that_is_denied_is_for_the_engine_to_refuse(step: Any) -> None:
    """A trailing step beside `is_trailing: false` is marked, never taken and never ignored."""
    command = await place(trailing_stop_loss=step, is_trailing=False)
    assert "trailing_stop_loss" in command.finer


@pytest.mark.parametrize(
    ("is_trailing", "step", "paise"), [(True, "0.05", 5), (..., 1, 100), (True, 0, 0), (..., ..., 0)]
)
async def test_the_step_makes_a_stop_trail(is_trailing: Any, step: Any, paise: int) -> None:
    """A step is taken with `is_trailing: true` or with no word of it."""
    command = await place(trailing_stop_loss=step, is_trailing=is_trailing)
    assert (command.trailing_step_paise, command.finer) == (paise, frozenset())


@pytest.mark.parametrize("token", [3045, "3045", "03045", 3045.0, " 3045 "])
async def test_tokens_are_numbers_or_texts(token: Any) -> None:
    """The instrument is the same whether its token came as a number or as a text."""
    assert (await place(instrument_token=token, exchange="nse")).instrument == "NSE:3045"


@pytest.mark.parametrize(("exchange", "token"), [("NSE", 999_999), ("MCX", 3045), ("NSE", "SBIN"), ("NSE:3045", "1")])
async def test_unknown_instruments_are_the_engines(exchange: str, token: Any) -> None:
    """What is traded nowhere is refused by the engine, which names the token and the reason."""
    counter = Counter(floor=Floor("A"))
    answer = await counter.call("POST", KART, SAMPLE | {"exchange": exchange, "instrument_token": token})
    assert answer.json()["message"] == "`instrument_token` is invalid"
    assert answer.json()["reason"] == "UNKNOWN_INSTRUMENT"


async def test_protection_is_in_percent() -> None:
    """An order's own market protection is read in percent, to the hundredth."""
    assert (await place(market_protection_percentage="1.25")).protection_bp == 125


async def test_client_that_is_gone() -> None:
    """A client removed after its token was looked at places nothing."""
    counter = Counter(PLACED)
    counter.desk.known = False
    answer = await counter.call("POST", KART, SAMPLE)
    assert (answer.status, counter.desk.commands) == (401, [])


async def test_placing_needs_the_tokens_client() -> None:
    """A placement for another client is forbidden before any field is looked at."""
    answer = await Counter(PLACED).call("POST", KART, {"client_id": "B"})
    assert (answer.status, answer.body) == (403, replies.FORBIDDEN.body)


async def test_placing_for_real() -> None:
    """The sample placed with the real engine is a working entry of client A."""
    counter = Counter(floor=(floor := Floor("A")))
    basket_id = (await counter.call("POST", KART, SAMPLE)).json()["data"]["data"]["basket_id"]
    bracket = floor.state.brackets[basket_id]
    assert (bracket.client_id, floor.state.orders[bracket.entry_id].status) == ("A", "CONFIRMED")


VALUES = st.sampled_from(
    ["", "0", "1", "2.5", "450.05", "-1", "1e2", "x", "BUY", "sl-m", "MARKET", "IOC", "false", "CO"]
)


@given(st.dictionaries(st.sampled_from(sorted(SAMPLE)), VALUES, max_size=6))
def test_one_source_is_read_as_any_other(changed: dict[str, str]) -> None:
    """A request whose fields came from one place is the command, or names the field, that the long way makes of it."""
    fields: dict[str, Any] = {name: str(value) for name, value in SAMPLE.items()} | changed
    for read in (read_placement, read_modification):
        told: list[object] = []
        for only in (True, False):
            parameters = Parameters.of("1", fields, {})
            assert parameters.only is not None
            if not only:
                parameters.only = None
            try:
                told.append(read(parameters, "A"))
            except FieldError as fault:
                told.append((fault.field, fault.blank))
        assert told[0] == told[1]
