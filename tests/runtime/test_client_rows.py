"""Client rows: the indices say what a walk past every row would say."""

from collections.abc import Iterator

import pytest
from tests.trading_floor import Floor

from bracketd.domain.order import Order
from bracketd.engine.state import State
from bracketd.runtime.client_rows import ClientRows


def ids(index: ClientRows, client_id: str) -> list[str]:
    """The ids of a client's orders."""
    return list(index.orders.of(client_id))


def walked(state: State, client_id: str) -> tuple[list[str], list[str], list[str]]:
    """Orders, trades and positions by asking every one whose it is."""
    return (
        [key for key, order in state.orders.items() if order.client_id == client_id],
        [key for key, trade in state.trades.items() if state.orders[trade.order_id].client_id == client_id],
        [key for key in state.positions if key.split(" ")[0] == client_id],
    )


def shown(index: ClientRows, client_id: str) -> tuple[list[str], list[str], list[str]]:
    """The same as the indices have it."""
    return (
        list(index.orders.of(client_id)),
        list(index.trades.of(client_id)),
        list(index.positions.of(client_id)),
    )


def test_rows_are_each_clients_own_oldest_first() -> None:
    """Rows made before the index and after it, legs included, are found under their client in the order of making."""
    floor = Floor("A", "B", "AB")
    floor.tick(460.0)
    floor.place(client="A", price=456.95)
    floor.tick(456.9, quantity=4)
    index = ClientRows(floor.state)
    floor.place(client="B", price=456.95)
    floor.place(client="AB", price=456.95)
    floor.place(client="A", price=456.90)
    floor.tick(456.0, quantity=10_000)
    for client in ("A", "B", "AB", "NOBODY"):
        assert shown(index, client) == walked(floor.state, client)
    assert [len(rows) for rows in shown(index, "A")] == [6, 4, 1]


def test_a_new_day_is_indexed_anew() -> None:
    """After a day took rows out, those that are left and those that come are found, and no other."""
    floor = Floor("A", "B")
    floor.tick(460.0)
    made = [floor.place(client=client, price=456.95) for client in ("A", "B", "A", "A")]
    floor.tick(456.0, quantity=10_000)
    state = floor.state
    index = ClientRows(state)
    assert shown(index, "A") == walked(state, "A")
    # As a day's beginning does it; the last of all rows stay.
    for order_id in [order_id for order_id, order in state.orders.items() if order.parent_id == made[0]]:
        del state.orders[order_id]
    state.trades = {key: trade for key, trade in list(state.trades.items())[1:] if trade.order_id in state.orders}
    state.positions = dict(reversed(state.positions.items()))
    state.day = "20260922"
    for client in ("A", "B"):
        assert shown(index, client) == walked(state, client)


def test_what_is_known_last_may_leave() -> None:
    """Where the last order known is gone, all is indexed anew."""
    floor = Floor("A")
    floor.tick(460.0)
    first, second, third = (floor.place(price=price) for price in (456.95, 456.90, 456.85))
    rows = floor.state.orders
    state = State(orders={first: rows[first], second: rows[second]})
    index = ClientRows(state)
    del state.orders[second]
    state.orders[third] = rows[third]
    assert ids(index, "A") == [first, third]


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
    index = ClientRows(State(orders=orders))
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
    assert list(index.orders.of("A")) == list(floor.state.orders)
    assert orders.steps == 1


def test_a_list_that_was_given_only_grows() -> None:
    """Ids that somebody goes through stay where they are while orders come and days go."""
    floor = Floor("A")
    floor.tick(460.0)
    made = [floor.place(price=456.95) for _ in range(3)]
    index = ClientRows(floor.state)
    given = index.orders.of("A")
    made.append(floor.place(price=456.95))
    assert ids(index, "A") == made
    assert list(given)[:3] == made[:3]
    floor.state.day = "20260922"
    del floor.state.orders[made[0]]
    assert ids(index, "A") == made[1:]
    assert list(given)[:3] == made[:3]
