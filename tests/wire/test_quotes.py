"""Quotes: the market as the venue shows it, whole or one bare value of it."""

from typing import Any

import pytest
from tests.trading_floor import Floor, levels
from tests.wire.counter import Counter

CAPITAL = "/api/v1/marketdata/NSE/Capital"


async def data(floor: Floor, query: str) -> Any:
    """The `data` of a quote."""
    answer = await Counter(floor=floor).call("GET", f"{CAPITAL}?{query}")
    assert answer.status == 200, answer.body
    return answer.json()["data"]


async def test_before_the_first_print() -> None:
    """Before anything has printed the base price stands, and nobody is shown."""
    quote = await data(Floor("A"), "token=3045")
    assert (quote["last_trade_price"], quote["close_price"]) == (456.95, 456.95)
    assert (quote["bids"], quote["asks"], quote["best_bid_price"], quote["best_ask_quantity"]) == ([], [], 0, 0)


async def test_a_quote() -> None:
    """A quote shows the last print and the displayed depth, best first."""
    floor = Floor("A")
    floor.tick(457.5, 10, levels((457.45, 7), (457.4, 9)), levels((457.55, 3)))
    quote = await data(floor, "token=3045")
    assert (quote["last_trade_price"], quote["close_price"]) == (457.5, 456.95)
    assert (quote["best_bid_price"], quote["best_bid_quantity"], quote["total_buy_quantity"]) == (457.45, 7, 16)
    assert (quote["best_ask_price"], quote["best_ask_quantity"], quote["total_sell_quantity"]) == (457.55, 3, 3)
    assert quote["bids"] == [{"price": 457.45, "quantity": 7}, {"price": 457.4, "quantity": 9}]


@pytest.mark.parametrize(("key", "value"), [("last_trade_price", 457.5), ("close_price", 456.95)])
async def test_key_gives_the_bare_value(key: str, value: float) -> None:
    """With `key=` the data is the number itself, in rupees."""
    floor = Floor("A")
    floor.tick(457.5)
    assert await data(floor, f"token=3045&key={key}") == value


async def test_every_part_can_be_asked_for() -> None:
    """Each name of the whole quote is a key."""
    floor = Floor("A")
    whole = await data(floor, "token=3045")
    for key, value in whole.items():
        assert await data(floor, f"token=3045&key={key}") == value


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        (f"{CAPITAL}?key=last_trade_price", 400, "`token` can't be blank"),
        (f"{CAPITAL}?token=1", 400, "`token` is invalid"),
        (f"{CAPITAL}?token=3045&key=volume", 400, "`key` is invalid"),
        ("/api/v1/marketdata/BSE/Capital?token=3045", 400, "`token` is invalid"),
        ("/api/v1/marketdata/NSE/FutOpt?token=3045", 400, "`token` is invalid"),
        ("/api/v1/marketdata/NSE/Currency?token=3045", 400, "`token` is invalid"),
        ("/api/v1/marketdata/NSE/Bonds?token=3045", 404, "Resource not found"),
        ("/api/v1/marketdata/NSE?token=3045", 404, "Resource not found"),
    ],
)
async def test_what_has_no_quote(target: str, status: int, message: str) -> None:
    """A token that is not there, a key that no quote has and a segment that nobody knows are refused."""
    answer = await Counter(floor=Floor("A")).call("GET", target)
    assert (answer.status, answer.json()["message"]) == (status, message)
