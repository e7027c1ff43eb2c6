"""Funds: the purse adds up, and an account that nobody has used yet is shown as it will be opened."""

from decimal import Decimal
from typing import Any

import pytest
from tests.trading_floor import INSTRUMENTS, Floor
from tests.wire.counter import Counter

from bracketd.domain.account import Account, Position
from bracketd.wire.funds import unrealised_paise
from bracketd.wire.turnover import Turnover


async def purse(counter: Counter) -> dict[str, Decimal]:
    """The amounts of version 2, by title."""
    data: dict[str, Any] = (await counter.call("GET", "/api/v2/funds/view?type=all")).json()["data"]
    assert (data["client_id"], data["headers"]) == ("A", ["Description", ""])
    assert all(set(line) == {"0", "1"} for line in data["values"])
    return {line["0"]: Decimal(line["1"]) for line in data["values"]}


async def test_an_account_at_rest() -> None:
    """Without an order everything is available."""
    amounts = await purse(Counter(floor=Floor("A", cash_paise=1_000_000)))
    assert amounts["Available Margin"] == amounts["Opening Balance"] == Decimal("10000.00")
    assert sum(amounts.values()) == 2 * Decimal("10000.00")


async def test_an_account_that_trades() -> None:
    """What is bound and what was earned account for the difference between what there was and what there is."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 100)
    floor.tick(459.0, 4)
    amounts = await purse(counter)
    assert amounts["Margin Used"] > 0
    assert amounts["Realized MTM"] > 0
    available = amounts["Opening Balance"] + amounts["Realized MTM"] - amounts["Margin Used"]
    assert amounts["Available Margin"] == available
    # Six shares are open, bought at 456.90, and the last print was 459.00.
    assert amounts["Unrealized MTM"] == 6 * Decimal("2.10")


async def test_an_account_that_is_not_open_yet() -> None:
    """A client that has never traded sees the cash that it will begin with, and asking opens nothing."""
    counter = Counter()
    assert (await purse(counter))["Available Margin"] == Decimal("10000000.00")
    assert counter.desk.state.accounts == {}


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_kinds(version: str) -> None:
    """The kind `all` is the one there is; absent it is meant, and any other is refused by name."""
    counter = Counter(floor=Floor("A"))
    for query in ("", "?type=", "?type=all", "?type=ALL"):
        assert (await counter.call("GET", f"/api/{version}/funds/view{query}")).status == 200
    answer = await counter.call("GET", f"/api/{version}/funds/view?type=equity")
    assert (answer.status, answer.json()["message"]) == (400, "`type` is invalid")


def test_instrument_that_is_gone() -> None:
    """An open position in an instrument that the file no longer names counts at its cost, with no price for it."""
    account = Account(client_id="A", cash_paise=0, leverage=5)
    turnover = Turnover("NSE:1", "MIS", Position(bought=1, bought_value_paise=100), Position())
    assert unrealised_paise(account, [turnover], INSTRUMENTS, lambda instrument: 1) == -100
