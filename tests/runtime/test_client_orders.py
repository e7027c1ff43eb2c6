"""Client orders: the index says what a walk past every order would say."""

from collections.abc import Iterator

import pytest
from tests.trading_floor import Floor

from bracketd.domain.order import Order
from bracketd.engine.state import State
from bracketd.runtime.client_orders import ClientOrders


def ids(index: ClientOrders, client_id: str) -> list[str]:
    """The ids of a client's rows."""
    return [order.order_id for order in index.of(client_id)]


def walked(floor: Floor, client_id: str) -> list[str]:
    """The same by asking every order whose it is."""
    return [order.order_id for order in floor.state.orders.values() if order.client_id == client_id]


def test_rows_are_each_clients_own_oldest_first() -> None:
    """Orders made before the index and after it, legs included, are found under their client in the order of making."""
    floor = Floor("A", "B")
    floor.tick(460.0)
    floor.place(client="A", price=456.95)
    index = ClientOrders(floor.state)
    floor.place(client="B", price=456.95)
    floor.place(client="A", price=456.90)
    floor.tick(456.0, quantity=10_000)
    assert ids(index, "A") == walked(floor, "A")
    assert ids(index, "B") == walked(floor, "B")
    assert len(ids(index, "A")) == 6
    assert ids(index, "NOBODY") == []


def test_what_left_the_state_is_passed_over() -> None:
    """After a day took orders out, those that are left and those that come are found, and no other."""
    floor = Floor("A")
    floor.tick(460.0)
    first, second, third = (floor.place(price=price) for price in (456.95, 456.90, 456.85))
    rows = floor.state.orders
    state = State(orders={first: rows[first], second: rows[second]})
    index = ClientOrders(state)
    del state.orders[first]
    assert ids(index, "A") == [second]
    assert ids(index, "A") == [second]
    del state.orders[second]
    state.orders[third] = rows[third]
    assert ids(index, "A") == [third]


class Walked(dict[str, Order]):
    """Orders that count how many of them are walked past."""

    steps = 0

    def __reversed__(self) -> Iterator[str]:  # type: ignore[override]
        """The newest first."""
        for key in super().__reversed__():
            self.steps += 1
            yield key


async def test_nobody_waits_for_orders_that_were_made_long_ago() -> None:
    """What was made is taken in again and again, so that whoever asks walks past the newest alone."""
    floor = Floor("A")
    for _ in range(5):
        floor.place(price=456.95)
    orders = Walked()
    index = ClientOrders(State(orders=orders))
    orders.update(floor.state.orders)
    slept: list[float] = []

    class Enough(Exception):
        """The clock stands."""

    async def wait(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise Enough

    with pytest.raises(Enough):
        await index.keep_up(wait)
    orders.steps = 0
    assert list(index.ids_of("A")) == list(floor.state.orders)
    assert orders.steps == 1


def test_a_list_that_was_given_only_grows() -> None:
    """Ids that somebody goes through stay where they are while orders come and go."""
    floor = Floor("A")
    floor.tick(460.0)
    for _ in range(3):
        floor.place(price=456.95)
    first, second, third = floor.state.orders
    state = State(orders={order_id: floor.state.orders[order_id] for order_id in (first, second)})
    index = ClientOrders(state)
    given = index.ids_of("A")
    del state.orders[first]
    assert ids(index, "A") == [second]
    state.orders[third] = floor.state.orders[third]
    assert list(index.ids_of("A")) == [second, third]
    assert list(given)[:2] == [first, second]
