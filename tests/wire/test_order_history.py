"""The history of an order: its facts in their order, and how it stands now at the end."""

import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, Floor
from tests.wire.counter import Counter

from bracketd.domain.order import OrderType
from bracketd.wire.order_history import history_rows


def told(floor: Floor, order_id: str) -> list[tuple[object, object, object]]:
    """(status, filled, remaining) of each row."""
    rows = history_rows(floor.state.trades.values(), floor.state.orders[order_id], INSTRUMENTS[SBIN])
    return [(row["status"], row["fill_quantity"], row["remaining_quantity"]) for row in rows]


def test_a_life_in_full() -> None:
    """Placed, acknowledged, filled in parts, complete: one row each, and the present standing last."""
    floor = Floor("A")
    entry_id = floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 4)
    floor.tick(456.5, 100)
    assert told(floor, entry_id) == [
        ("PENDING", 0, 10),
        ("CONFIRMED", 0, 10),
        ("CONFIRMED", 4, 6),
        ("CONFIRMED", 10, 0),
        ("COMPLETE", 10, 0),
    ]


def test_times_and_averages() -> None:
    """Times never go back; the average of each row is that of the fills up to it."""
    floor = Floor("A")
    entry_id = floor.place(quantity=10, price=457.0)
    floor.tick(456.9, 4)
    floor.tick(456.5, 100)
    rows = history_rows(floor.state.trades.values(), floor.state.orders[entry_id], INSTRUMENTS[SBIN])
    moments = [int(str(row["last_modified"])) for row in rows]
    assert moments == sorted(moments)
    assert [row["modified_at"] for row in rows] == [moment // 10**9 for moment in moments]
    assert [str(row["avg_price"]) for row in rows] == ["0", "0", "456.9", "456.66", "456.66"]


def test_a_cancelled_order() -> None:
    """A cancel shows in the last row, with no share left working."""
    floor = Floor("A")
    entry_id = floor.place(quantity=10, price=440.0)
    floor.cancel(entry_id)
    assert told(floor, entry_id) == [("PENDING", 0, 10), ("CONFIRMED", 0, 10), ("CANCELLED", 0, 0)]


def test_a_stop_waits_for_its_trigger() -> None:
    """A stop is TRIGGER_PENDING once it is acknowledged, be it an entry or a leg."""
    floor = Floor("A")
    waiting = floor.place(order_type=OrderType.SLM, trigger=460.0)
    assert [status for status, *_ in told(floor, waiting)] == ["PENDING", "TRIGGER_PENDING", "TRIGGER_PENDING"]
    entry_id = floor.place(price=457.0)
    floor.tick(456.9, 100)
    stop, _ = floor.legs(entry_id)
    assert told(floor, stop.order_id)[1][0] == "TRIGGER_PENDING"


def test_a_closing_order_was_a_stop() -> None:
    """A stop that became the closing order waited for its trigger before."""
    floor = Floor("A")
    entry_id = floor.place(price=457.0)
    floor.tick(456.9, 100)
    stop, _ = floor.legs(entry_id)
    floor.cancel(stop.order_id)
    statuses = [status for status, *_ in told(floor, stop.order_id)]
    assert statuses == ["PENDING", "TRIGGER_PENDING", "CONFIRMED", "COMPLETE"]


def test_a_modified_order_says_so() -> None:
    """The last row of a modified order has the mode MODIFY."""
    floor = Floor("A")
    entry_id = floor.place(price=440.0)
    floor.modify(entry_id, price=441.0)
    rows = history_rows(floor.state.trades.values(), floor.state.orders[entry_id], INSTRUMENTS[SBIN])
    assert [row["order_mode"] for row in rows] == ["NEW", "NEW", "MODIFY"]


@pytest.mark.parametrize("form", ["{entry}", "{basket}", "{exchange}", "{entry}%20"])
async def test_forms_of_the_id(form: str) -> None:
    """The order's own id, its basket's and the exchange's number lead to the same history."""
    counter = Counter(floor=(floor := Floor("A")))
    order = floor.state.orders[floor.place()]
    name = form.format(entry=order.order_id, basket=order.basket_id, exchange=order.exchange_order_id)
    answer = await counter.call("GET", f"/api/v1/order/{name}/history/")
    rows = answer.json()["data"]["order history"]
    assert {row["oms_order_id"] for row in rows} == {order.order_id}
    assert len({row["order_id"] for row in rows}) == 1


def test_every_order_has_a_uuid_of_its_own() -> None:
    """Two orders never share the uuid by which the documents call an order."""
    floor = Floor("A")
    made = [floor.state.orders[floor.place()] for _ in range(3)]
    assert len({history_rows(floor.state.trades.values(), order, None)[0]["order_id"] for order in made}) == 3
