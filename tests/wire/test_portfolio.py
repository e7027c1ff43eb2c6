"""The portfolio: positions by the day and net, and holdings."""

import json
from typing import Any

import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, Floor
from tests.wire.counter import Counter

from bracketd.domain.account import Position
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Product
from bracketd.wire.amounts import JSON
from bracketd.wire.portfolio import PRODUCT_TYPES, holding_rows, position_rows
from bracketd.wire.turnover import Turnover

NONE = Position()


def last_price(instrument: Instrument) -> int:
    """A last print of 460.00."""
    return 46_000


def positions(today: Position = NONE, before: Position = NONE, *, net: bool = False) -> list[dict[str, Any]]:
    """The rows of one position, as JSON shows them."""
    rows = position_rows([Turnover(SBIN, "MIS", today, before)], INSTRUMENTS, last_price, "A", net=net)
    decoded: list[dict[str, Any]] = json.loads(JSON.encode(rows))
    return decoded


def holdings(today: Position = NONE, before: Position = NONE, product: str = "CNC") -> list[dict[str, Any]]:
    """The rows of one holding, as JSON shows them."""
    rows = holding_rows([Turnover(SBIN, product, today, before)], INSTRUMENTS, last_price, "A")
    decoded: list[dict[str, Any]] = json.loads(JSON.encode(rows))
    return decoded


def test_the_documents_arithmetic() -> None:
    """The amounts fit together as in the documents: net is sold less bought, in shares turned round."""
    (row,) = positions(Position(bought=1, bought_value_paise=1_470))
    assert (row["buy_amount"], row["average_buy_price"], row["net_amount"], row["net_quantity"]) == (
        14.7,
        14.7,
        -14.7,
        1,
    )
    (row,) = positions(Position(1, 4_052_000, 1, 4_053_800))
    assert (row["net_amount"], row["net_quantity"], row["realized_mtm"], row["average_price"]) == (18, 0, 18, 0)


def test_a_short_position() -> None:
    """A short position is negative, at the average of its sales."""
    (row,) = positions(Position(sold=10, sold_value_paise=460_000, bought=4, bought_value_paise=180_000))
    assert (row["net_quantity"], row["average_price"], row["realized_mtm"]) == (-6, 460, 40)


def test_prices_of_the_market() -> None:
    """A position shows the last print and the close before it."""
    (row,) = positions(Position(bought=1, bought_value_paise=1))
    assert (row["ltp"], row["previous_close"], row["symbol"], row["trading_symbol"]) == (460, 456.95, "SBIN", "SBIN-EQ")


def test_live_and_historical() -> None:
    """`live` is the day alone; `historical` adds what was carried in, and says how much of it that is."""
    today, before = Position(bought=5, bought_value_paise=5_000), Position(10, 9_000, 4, 4_000)
    (live,) = positions(today, before)
    (net,) = positions(today, before, net=True)
    assert (live["buy_quantity"], live["cf_buy_quantity"], live["net_quantity"]) == (5, 0, 5)
    assert (net["buy_quantity"], net["cf_buy_quantity"], net["net_quantity"]) == (11, 6, 11)
    assert (net["buy_amount"], net["cf_buy_amount"]) == (104, 54)


@pytest.mark.parametrize(
    ("today", "before", "live", "net"),
    [
        (NONE, Position(10, 1_000, 10, 1_000), 0, 0),
        (NONE, Position(bought=10, bought_value_paise=1_000), 0, 1),
        (Position(1, 1, 1, 1), NONE, 1, 1),
    ],
)
def test_positions_of_the_past(today: Position, before: Position, live: int, net: int) -> None:
    """What was closed before today is in neither view, what is open still in the net one, all of today in both."""
    assert len(positions(today, before)) == live
    assert len(positions(today, before, net=True)) == net


def test_every_product_has_its_number() -> None:
    """No product lacks the number that stands beside it."""
    assert set(PRODUCT_TYPES) == set(Product)
    assert len(set(PRODUCT_TYPES.values())) == len(Product)


@pytest.mark.parametrize("query", ["", "?type=", "?type=open"])
async def test_type_is_needed(query: str) -> None:
    """Positions without a type, and of an unknown one, are refused by name."""
    answer = await Counter(floor=Floor("A")).call("GET", f"/api/v1/positions{query}")
    assert answer.status == 400
    assert answer.json()["message"].startswith("`type` ")


async def test_positions_of_real_trades() -> None:
    """After a bracket's round trip the day's position is flat, and has earned what the trades say."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 100)
    floor.tick(459.0, 100)
    (row,) = (await counter.call("GET", "/api/v1/positions?type=LIVE")).json()["data"]
    assert (row["buy_quantity"], row["sell_quantity"], row["net_quantity"]) == (10, 10, 0)
    assert row["realized_mtm"] == row["net_amount"] == floor.state.accounts["A"].realised_paise / 100


def test_a_settled_holding() -> None:
    """The documents' holding: 55 shares at 240.20 that are worth 277.75 more at 245.25."""
    rows = holding_rows(
        [Turnover(SBIN, "CNC", NONE, Position(bought=55, bought_value_paise=55 * 24_020))],
        INSTRUMENTS,
        lambda instrument: 24_525,
        "A",
    )
    (row,) = json.loads(JSON.encode(rows))
    assert (row["quantity"], row["free_quantity"], row["buy_avg"], row["buy_avg_mtm"]) == (55, 55, 240.2, 277.75)
    assert row["trading_symbol"] == "SBIN"
    assert row["instrument_details"] == {
        "exchange": 1,
        "instrument_name": "EQ",
        "instrument_token": 3045,
        "trading_symbol": "SBIN-EQ",
    }


def test_shares_settle_the_next_day() -> None:
    """What was bought today is not settled; what was sold today of the settled is used."""
    (row,) = holdings(Position(bought=5, bought_value_paise=230_000))
    assert (row["quantity"], row["t1_quantity"], row["t1_price"], row["buy_avg"]) == (0, 5, 460, 460)
    (row,) = holdings(Position(sold=3, sold_value_paise=1), Position(bought=5, bought_value_paise=230_000))
    assert (row["quantity"], row["used_quantity"], row["free_quantity"], row["t1_quantity"]) == (5, 3, 2, 0)


@pytest.mark.parametrize(
    ("today", "before", "product"),
    [
        (Position(bought=5, bought_value_paise=1), NONE, "MIS"),
        (Position(1, 1, 1, 1), NONE, "CNC"),
        (NONE, Position(sold=5, sold_value_paise=1), "CNC"),
    ],
)
def test_what_is_no_holding(today: Position, before: Position, product: str) -> None:
    """An intraday position, one that is closed and one that is short are no holdings."""
    assert holdings(today, before, product) == []
