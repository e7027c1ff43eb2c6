"""The trade book: every fill once, oldest first, under both keys that the family's documents use."""

import json
from collections.abc import Mapping

import pytest
from tests.trading_floor import INSTRUMENTS, START_NS, Floor
from tests.wire.counter import Counter, FakeDesk

from bracketd.domain.instrument import Instrument
from bracketd.wire import trade_book
from bracketd.wire.amounts import JSON
from bracketd.wire.slices import Slices
from bracketd.wire.trade_book import TradeBook, trade_rows


def rows_of(floor: Floor, instruments: Mapping[str, Instrument], client: str) -> list[dict[str, object]]:
    """The client's fills, of all there are."""
    state = floor.state
    mine = [trade for trade in state.trades.values() if state.orders[trade.order_id].client_id == client]
    return list(trade_rows(state, instruments, mine, {}))


def rows(floor: Floor, client: str = "A") -> list[dict[str, object]]:
    """The client's trade book."""
    return rows_of(floor, INSTRUMENTS, client)


async def test_both_keys_hold_the_same_rows() -> None:
    """One document says `trades`, another `orders`: a client finds its rows under either."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place(price=457.0)
    floor.tick(456.9, 4)
    data = (await counter.call("GET", "/api/v1/trades")).json()["data"]
    assert list(data) == ["trades", "orders"]
    assert data["trades"] == data["orders"] != []


def test_a_fill_in_parts() -> None:
    """Each fill is a row with its own quantity, and with what its order had traded by then."""
    floor = Floor("A")
    entry_id = floor.place(quantity=10, price=457.0, user_order_id="7")
    floor.tick(456.9, 4)
    floor.tick(456.5, 100)
    first, second = rows(floor)
    assert {first["oms_order_id"], second["oms_order_id"]} == {entry_id}
    assert [row["trade_quantity"] for row in (first, second)] == [4, 6]
    assert [row["filled_quantity"] for row in (first, second)] == [4, 6]
    assert [row["vol_filled_today"] for row in (first, second)] == [4, 10]
    assert [row["remaining_quantity"] for row in (first, second)] == [6, 0]
    assert [str(row["trade_price"]) for row in (first, second)] == ["456.9", "456.5"]
    assert first["trade_number"] != second["trade_number"]
    assert first["original_vol"] == 10
    assert first["trade_time"] == START_NS // 10**9


def test_trades_equal_fills() -> None:
    """The book's quantities sum up to what the orders have filled, exit legs included."""
    floor = Floor("A")
    floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 100)
    floor.tick(459.0, 100)
    by_order: dict[object, int] = {}
    for row in rows(floor):
        by_order[row["oms_order_id"]] = by_order.get(row["oms_order_id"], 0) + int(str(row["trade_quantity"]))
    assert by_order == {order.order_id: order.filled for order in floor.state.orders.values() if order.filled}
    assert len(by_order) == 2


def test_instrument_that_is_gone() -> None:
    """A fill in an instrument that the file no longer names is shown by its token."""
    floor = Floor("A")
    floor.place(price=457.0)
    floor.tick(456.9, 100)
    (row,) = rows_of(floor, {}, "A")
    assert (row["exchange"], row["instrument_token"], row["trading_symbol"]) == ("NSE", 3045, "")


@pytest.mark.parametrize("at_once", [1, 3, 4, 5, 50])
async def test_a_long_book_is_the_short_one_in_slices(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Whatever a slice holds, both lists are whole, in order, with what each order had traded by then."""
    monkeypatch.setattr(trade_book, "TRADES_AT_ONCE", at_once)
    floor = Floor("A", "B")
    for client in "ABAA":
        floor.place(client, quantity=10, price=457.0)
    for _ in range(3):
        floor.tick(456.9, 12)
    desk = FakeDesk(floor=floor)
    reply = TradeBook(desk, Slices(desk)).whole("A")  # type: ignore[arg-type]
    assert (reply.rest is None) is (at_once >= 5)
    pieces = [reply.body, *([piece async for piece in reply.rest()] if reply.rest else [])]
    book = json.loads(b"".join(pieces), parse_float=str)
    expected = json.loads(JSON.encode(rows(floor)), parse_float=str)
    assert len(expected) == 5
    assert book == {"data": {"trades": expected, "orders": expected}, "message": "", "status": "success"}


async def test_others_trades_are_walked_past_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client with few trades gets them in one piece, whatever all others have traded."""
    monkeypatch.setattr(trade_book, "TRADES_AT_ONCE", 2)
    floor = Floor("A", "B")
    for client in "BBBBBA":
        floor.place(client, quantity=1, price=457.0)
    floor.tick(456.9, 100)
    desk = FakeDesk(floor=floor)
    book = TradeBook(desk, Slices(desk))  # type: ignore[arg-type]
    assert book.whole("A").rest is None
    assert len(json.loads(book.whole("A").body)["data"]["trades"]) == 1
    assert book.whole("B").rest is not None
