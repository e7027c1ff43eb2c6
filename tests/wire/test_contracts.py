"""Contracts: one by its token, several by a key, in the envelope of these routes."""

from typing import Any

import msgspec
import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, Floor
from tests.wire.counter import Counter

from bracketd.market.instruments import load_instruments
from bracketd.wire.contracts import FOUND_MAX, MISSING, found

TABLE = load_instruments()


async def result(target: str) -> Any:
    """The `result` of a contract route, the error being none."""
    counter = Counter(floor=Floor("A"))
    counter.desk.instruments = TABLE  # type: ignore[assignment]
    body = (await counter.call("GET", target)).json()
    assert body["error"] == {"code": 0, "message": ""}
    return body["result"]


@pytest.mark.parametrize("target", ["/api/v1/contract/NSE?info=scrip&token=3045", "/api/v1/contract/nse/?token=03045"])
async def test_a_contract(target: str) -> None:
    """A contract shows tick, band, lot and freeze quantity of the instrument file; `info` may be left out."""
    shown = await result(target)
    sbin = TABLE[SBIN]
    assert (shown["tick_size"], shown["raw_tick_size"]) == (0.05, 5)
    assert shown["dpr"] == f"{sbin.lower_band_paise / 100:.4f} - {sbin.upper_band_paise / 100:.4f}"
    assert shown["higher_circuit_limit"] == sbin.upper_band_paise / 100
    assert (shown["board_lot_quantity"], shown["freeze"]) == (1, 100_000)
    assert (shown["exchange"], shown["instrument_token"], shown["trading_symbol"]) == (1, 3045, "SBIN-EQ")


@pytest.mark.parametrize("target", ["NSE?token=1", "BSE?token=3045", "NSE?token=SBIN", "NSE?token=3045.5"])
async def test_no_such_contract(target: str) -> None:
    """A token that names nothing at that exchange is 404 in the envelope, its result an empty text."""
    answer = await Counter(floor=Floor("A")).call("GET", f"/api/v1/contract/{target}")
    assert (answer.status, answer.body) == (404, MISSING.body)


@pytest.mark.parametrize(
    ("query", "message"), [("", "`token` can't be blank"), ("info=all&token=1", "`info` is invalid")]
)
async def test_fields_of_a_contract(query: str, message: str) -> None:
    """A missing token and an unknown kind of information are refused by name."""
    answer = await Counter(floor=Floor("A")).call("GET", f"/api/v1/contract/NSE?{query}")
    assert (answer.status, answer.json()["message"]) == (400, message)


async def test_download() -> None:
    """Every instrument of the file is listed for clients that keep a list of their own."""
    rows = await result("/api/v1/contract/Compact?info=download")
    assert [f"{row['exchange']}:{row['token']}" for row in rows] == list(TABLE)


@pytest.mark.parametrize("key", ["SBIN", "sbin", "SBIN-EQ", "3045", "INE062A01020", "State Bank"])
async def test_search_finds(key: str) -> None:
    """A symbol, a trading symbol, a token, an ISIN and the beginning of a company's name lead to the instrument."""
    rows = await result(f"/api/v1/search?key={key.replace(' ', '%20')}")
    assert rows[0]["trading_symbol"] == "SBIN-EQ"
    assert (rows[0]["token"], rows[0]["close_price"]) == ("3045", "456.95")


async def test_search_that_finds_nothing() -> None:
    """A key that nothing fits gives an empty list, and one that is blank is refused by name."""
    assert await result("/api/v1/search?key=zzzz") == []
    answer = await Counter(floor=Floor("A")).call("GET", "/api/v1/search?key=%20")
    assert (answer.status, answer.json()["message"]) == (400, "`key` can't be blank")


def test_the_closest_first() -> None:
    """Rows come by how close they are, equal ones in the order of the file, and no more than there may be."""
    like = [msgspec.structs.replace(INSTRUMENTS[SBIN], token=token, symbol=f"X{token}") for token in range(1, 80)]
    rows = found([*like, msgspec.structs.replace(INSTRUMENTS[SBIN], symbol="X", token=99_999)], "X")
    assert len(rows) == FOUND_MAX
    scores = [float(str(row["score"])) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [row["symbol"] for row in rows[:3]] == ["X", "X1", "X2"]


def test_the_same_share_elsewhere() -> None:
    """A share that another exchange lists too names it as its alternate; one that none does has an empty one."""
    there = msgspec.structs.replace(INSTRUMENTS[SBIN], exchange="BSE", token=500_112, series="A")
    here, other = found([INSTRUMENTS[SBIN], there], "SBIN")
    assert (here["alternate"]["token"], other["alternate"]["token"]) == ("500112", "3045")  # type: ignore[index]
    (alone,) = found([INSTRUMENTS[SBIN]], "SBIN")
    assert alone["alternate"] == {}
    unnamed = [msgspec.structs.replace(each, isin="") for each in (INSTRUMENTS[SBIN], there)]
    assert [row["alternate"] for row in found(unnamed, "SBIN")] == [{}, {}]
