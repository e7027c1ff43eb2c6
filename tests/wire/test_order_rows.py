"""Order rows: the order book as the family's clients read it."""

import json
from typing import Any

import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, START_NS, Floor
from tests.wire.counter import Counter

from bracketd.wire.order_rows import order_row

# The keys of wire.md 1.8: of 2020, then what 2024 adds, then our own two.
KEYS_2020 = """trading_symbol average_trade_price exchange pro_cli market_protection_percentage order_entry_time mode
oms_order_id trailing_stop_loss deposit square_off_value disclosed_quantity stop_loss_value price order_tag device
remaining_quantity last_activity_reference average_price square_off? order_status_info quantity execution_type
client_id exchange_time order_side login_id validity instrument_token product trigger_price segment trade_price
order_type contract_description rejection_code leg_order_indicator exchange_order_id order_status filled_quantity
target_price_type is_trailing user_order_id lot_size series nnf_id rejection_reason"""
KEYS_2024 = """square_off underlying_token isin source spread_token tags sl_trigger_price sl_order_price
sl_order_quantity symbol"""
OWN = ["basket_id", "parent_order_id"]


async def book(counter: Counter, query: str) -> list[dict[str, Any]]:
    """The rows that a GET of the order book gives."""
    answer = await counter.call("GET", f"/api/v1/orders?{query}")
    assert answer.status == 200, answer.body
    body = answer.json()
    assert (list(body), body["message"], body["status"]) == (["data", "message", "status"], "", "success")
    rows: list[dict[str, Any]] = body["data"]["orders"]
    return rows


async def test_a_row_has_every_key() -> None:
    """A row has the documents' keys of both years and our own two, none missing and none besides."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place()
    (row,) = await book(counter, "type=pending")
    assert sorted(row) == sorted([*KEYS_2020.split(), *KEYS_2024.split(), *OWN])


async def test_a_row_begins_with_its_names() -> None:
    """The first six keys and their order are fixed, so that a shell finds an order without a JSON reader."""
    counter = Counter(floor=(floor := Floor("A")))
    entry_id = floor.place(user_order_id="10002")
    answer = await counter.call("GET", "/api/v1/orders?type=pending")
    basket_id = floor.state.bracket_of(entry_id).basket_id
    assert answer.body.startswith(
        f'{{"data":{{"orders":[{{"basket_id":"{basket_id}","oms_order_id":"{entry_id}","parent_order_id":"",'
        '"leg_order_indicator":"ENTRY","user_order_id":"10002","order_status":"CONFIRMED",'.encode()
    )


async def test_an_entry_row() -> None:
    """An entry shows what was asked for: prices and offsets as numbers in rupees, times in unix seconds."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place(quantity=10, price=456.0, t=2.05, s=1.0, device="WEB", protection_bp=125)
    (row,) = await book(counter, "type=pending&client_id=A")
    expected = {
        "price": 456,
        "trigger_price": 0,
        "square_off_value": 2.05,
        "stop_loss_value": 1,
        "market_protection_percentage": 1.25,
        "quantity": 10,
        "remaining_quantity": 10,
        "filled_quantity": 0,
        "average_price": 0,
        "order_type": "LIMIT",
        "product": "MIS",
        "execution_type": "BO",
        "exchange": "NSE",
        "instrument_token": 3045,
        "trading_symbol": "SBIN-EQ",
        "symbol": "SBIN",
        "lot_size": 1,
        "isin": "INE062A01020",
        "device": "WEB",
        "client_id": "A",
        "login_id": "A",
        "rejection_reason": "NONE",
        "square_off?": False,
        "square_off": False,
    }
    assert {key: row[key] for key in expected} == expected
    assert row["order_entry_time"] == row["exchange_time"] == START_NS // 10**9
    assert isinstance(row["last_activity_reference"], int)
    assert isinstance(row["exchange_order_id"], str)


async def test_leg_rows() -> None:
    """Legs are rows of the entry, the stop-loss first; their type is SLM and LIMIT, and they have no offsets."""
    counter = Counter(floor=(floor := Floor("A")))
    entry_id = floor.place(quantity=10)
    floor.tick(456.90, 10)
    stop, target = await book(counter, "type=pending")
    assert [stop["leg_order_indicator"], target["leg_order_indicator"]] == ["STOPLOSS", "TARGET"]
    assert (stop["order_type"], stop["trigger_price"], stop["price"]) == ("SLM", 455.95, 0)
    assert (target["order_type"], target["trigger_price"], target["price"]) == ("LIMIT", 0, 458.95)
    assert {row["parent_order_id"] for row in (stop, target)} == {entry_id}
    assert {row["square_off_value"] for row in (stop, target)} == {0}


async def test_pending_and_completed() -> None:
    """Pending rows are those that may still change, completed the others; the words of older clients mean the same."""
    counter = Counter(floor=(floor := Floor("A", "B")))
    first, second = floor.place(), floor.place()
    floor.place("B")
    floor.cancel(first)
    assert [row["oms_order_id"] for row in await book(counter, "type=pending")] == [second]
    for word in ("completed", "complete", "traded", "COMPLETED"):
        assert [row["oms_order_id"] for row in await book(counter, f"type={word}")] == [first]


async def test_oldest_first_and_not_capped() -> None:
    """The book has every order of the client, the oldest first."""
    counter = Counter(floor=(floor := Floor("A")))
    made = [floor.place(quantity=1) for _ in range(300)]
    assert [row["oms_order_id"] for row in await book(counter, "type=pending")] == made


@pytest.mark.parametrize("query", ["", "type=", "type=open", "type=pending,completed", "client_id=A"])
async def test_type_is_needed(query: str) -> None:
    """A missing or an unknown type is refused by name."""
    answer = await Counter(floor=Floor("A")).call("GET", f"/api/v1/orders?{query}")
    assert answer.status == 400
    assert answer.json()["message"].startswith("`type` ")


async def test_junk_is_ignored() -> None:
    """A JSON document behind the query and a body on the GET change nothing."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place()
    target = "/api/v1/orders/?type=pending&client_id=A&%7B%22client_id%22:%20%22B%22%7D"
    answer = await counter.call("GET", target, {"type": "completed", "client_id": "B"})
    assert len(answer.json()["data"]["orders"]) == 1


async def test_checks_of_the_book() -> None:
    """The book asks for a token, then for a query that can be read, then for that token's client, then for a type."""
    counter = Counter(floor=Floor("A"))
    assert (await counter.call("GET", "/api/v1/orders?a=%FF", token=None)).status == 401
    assert (await counter.call("GET", "/api/v1/orders?a=%FF&client_id=B")).status == 400
    assert (await counter.call("GET", "/api/v1/orders?client_id=B")).status == 403
    assert (await counter.call("GET", f"/api/v1/orders?a={'x' * 70_000}", token=None)).status == 413


async def test_book_waits_for_the_disk() -> None:
    """Rows are sent only when what they show is on disk; a desk that stopped meanwhile shows nothing."""
    counter = Counter(floor=Floor("A"))
    await book(counter, "type=pending")
    assert counter.desk.waits == 1


@pytest.mark.parametrize(
    ("value_paise", "filled", "average"),
    [
        (45_695, 1, "456.95"),
        (45_695 * 3 + 1, 3, "456.9533"),
        (45_695 * 3 + 2, 3, "456.9567"),
        (100, 8, "0.125"),
        (1, 800, "0"),
        (1, 200, "0.0001"),
        (91_350, 2, "456.75"),
    ],
)
def test_average_is_rounded_half_up(value_paise: int, filled: int, average: str) -> None:
    """The average price is the exact quotient rounded half up to four decimals, written without idle zeros."""
    floor = Floor("A")
    order = floor.state.orders[floor.place()]
    order.filled, order.traded_value_paise = filled, value_paise
    row = order_row(floor.state, order, INSTRUMENTS[SBIN])
    assert str(row["average_price"]) == average


def test_instrument_that_is_gone() -> None:
    """An order in an instrument that the file no longer names is shown by its token."""
    floor = Floor("A")
    order = floor.state.orders[floor.place()]
    row = order_row(floor.state, order, None)
    assert (row["exchange"], row["instrument_token"], row["trading_symbol"]) == ("NSE", 3045, "")


def test_refused_cancel_is_no_rejection() -> None:
    """A reason for a rejection is shown of rejected orders only."""
    floor = Floor("A")
    order = floor.state.orders[floor.place()]
    order.mark(rejection="too late")
    assert order_row(floor.state, order, None)["rejection_reason"] == "NONE"


async def test_numbers_are_exact() -> None:
    """Prices leave as the shortest decimal numbers, never as binary fractions."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place(price=456.1, t=0.3, s=0.7)
    answer = await counter.call("GET", "/api/v1/orders?type=pending")
    (row,) = json.loads(answer.body, parse_float=str)["data"]["orders"]
    assert (row["price"], row["square_off_value"], row["stop_loss_value"]) == ("456.1", "0.3", "0.7")
