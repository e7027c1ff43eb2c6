"""The documents' own replies, key by key: what a client of the family looks for is there, of the JSON type it expects.

The files of tests/golden restate the family's samples with their slips repaired. An empty object in them stands where
the documents have no value, and says nothing of the type.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, Floor
from tests.wire.counter import Counter

from bracketd.domain.account import Position

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


MAY_BE_EMPTY = {"$.data.bo_id"}
"""Lists of what nobody has here: a paper account has no depository."""


def kind(value: object) -> str:
    """The JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]


def differences(golden: Any, ours: Any, path: str = "$") -> list[str]:
    """Where our reply lacks a key of the documents', or has another type; an array is compared by its first item."""
    if golden == {}:
        return []
    if kind(golden) != kind(ours):
        return [f"{path}: {kind(golden)} in the documents, {kind(ours)} here"]
    if isinstance(golden, dict):
        missing = [f"{path}.{key}: missing" for key in golden if key not in ours]
        return missing + [
            line for key in golden if key in ours for line in differences(golden[key], ours[key], f"{path}.{key}")
        ]
    if isinstance(golden, list) and golden:
        if not ours:
            return [] if path in MAY_BE_EMPTY else [f"{path}: empty"]
        return differences(golden[0], ours[0], f"{path}[]")
    return []


@pytest.fixture
def counter() -> Counter:
    """A client A with a bracket that is done, one that is open, one that works, and a share that it holds."""
    floor = Floor("A", "B")
    floor.place(price=457.0)
    floor.tick(456.95, 10)
    floor.tick(459.0, 100)
    floor.place(price=457.0)
    floor.tick(456.9, 4)
    floor.place(price=440.0, user_order_id="10002")
    floor.state.positions[f"A {SBIN} CNC"] = Position(bought=55, bought_value_paise=55 * 24_020)
    counter = Counter(floor=floor)
    there = msgspec.structs.replace(INSTRUMENTS[SBIN], exchange="BSE", token=500_112, series="A")
    counter.desk.instruments = INSTRUMENTS | {there.key: there}
    return counter


GETS = {
    "order_book": "/api/v1/orders?type=pending&client_id=A",
    "order_book_completed": "/api/v1/orders?type=completed&client_id=A",
    "trade_book": "/api/v1/trades?client_id=A",
    "positions_live": "/api/v1/positions?client_id=A&type=live",
    "positions_historical": "/api/v1/positions?client_id=A&type=historical",
    "holdings": "/api/v1/holdings?client_id=A",
    "profile": "/api/v1/user/profile?client_id=A",
    "funds_v1": "/api/v1/funds/view?client_id=A&type=all",
    "funds_v2": "/api/v2/funds/view?client_id=A&type=all",
    "contract": "/api/v1/contract/NSE?info=scrip&token=3045",
    "contract_missing": "/api/v1/contract/NSE?info=scrip&token=1",
    "search": "/api/v1/search?key=SBIN",
    "market_data_key": "/api/v1/marketdata/NSE/Capital?token=3045&key=last_trade_price",
    "request_forbidden": "/api/v1/user/profile?client_id=B",
    "type_invalid": "/api/v1/positions?client_id=A&type=yesterday",
}


@pytest.mark.parametrize("name", GETS)
async def test_reply_is_the_documents(counter: Counter, name: str) -> None:
    """Every key that the documents print is in our reply with a value of the same JSON type."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    answer = await counter.call("GET", GETS[name])
    assert differences(golden, answer.json()) == []


async def test_history_is_the_documents(counter: Counter) -> None:
    """The history's key has a space, and each of its rows has every key that the documents print."""
    golden = json.loads((GOLDEN / "history.json").read_text(encoding="utf-8"))
    for order_id in counter.desk.state.orders:
        answer = await counter.call("GET", f"/api/v1/order/{order_id}/history?client_id=A")
        assert differences(golden, answer.json()) == []


def test_every_golden_file_is_compared() -> None:
    """No document lies in the folder unread."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*GETS, "history"}


@pytest.mark.parametrize(
    ("golden", "ours", "line"),
    [
        ({"a": 1}, {}, "$.a: missing"),
        ({"a": 1}, {"a": "1"}, "$.a: number in the documents, string here"),
        ({"a": True}, {"a": 1}, "$.a: boolean in the documents, number here"),
        ({"a": [{"b": ""}]}, {"a": [{"b": None}]}, "$.a[].b: string in the documents, null here"),
        ({"a": [1]}, {"a": []}, "$.a: empty"),
    ],
)
def test_differences_are_seen(golden: Any, ours: Any, line: str) -> None:
    """The comparison sees a missing key, another type and an empty list."""
    assert differences(golden, ours) == [line]
