"""The trade book: every fill once, oldest first, under both keys that the family's documents use."""

from tests.trading_floor import INSTRUMENTS, START_NS, Floor
from tests.wire.counter import Counter

from bracketd.wire.trade_book import trade_rows


def rows(floor: Floor, client: str = "A") -> list[dict[str, object]]:
    """The client's trade book."""
    return trade_rows(floor.state, INSTRUMENTS, client)


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
    (row,) = trade_rows(floor.state, {}, "A")
    assert (row["exchange"], row["instrument_token"], row["trading_symbol"]) == ("NSE", 3045, "")
