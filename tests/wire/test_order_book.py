"""The order book in slices: whole, in order, and nobody is held up by it."""

import asyncio
import json

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import FakeDesk

from bracketd.wire import order_book
from bracketd.wire.order_book import OrderBook
from bracketd.wire.replies import Reply


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> FakeDesk:
    """Twenty-five resting entries, rendered ten at once."""
    monkeypatch.setattr(order_book, "ROWS_AT_ONCE", 10)
    floor = Floor()
    floor.tick(460.0)
    for _ in range(25):
        floor.place(price=456.95)
    return FakeDesk(floor=floor)


def rows(reply: Reply) -> list[str]:
    """The ids in a reply, its parts put together."""
    body = json.loads(b"".join((reply.body, *reply.rest)))
    assert list(body) == ["data", "message", "status"]
    return [row["oms_order_id"] for row in body["data"]["orders"]]


async def test_slices_make_the_whole(desk: FakeDesk) -> None:
    """A book of several slices has every row once, oldest first, in a body of several parts."""
    reply = await OrderBook(desk).whole("A", terminal=False)  # type: ignore[arg-type]
    assert rows(reply) == list(desk.state.orders)
    assert len(reply.rest) == 3


async def test_others_get_their_turn(desk: FakeDesk) -> None:
    """Between two slices whatever else is ready runs."""
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await OrderBook(desk).whole("A", terminal=False)  # type: ignore[arg-type]
    task.cancel()
    assert len(turns) == 2


async def test_long_books_take_turns(desk: FakeDesk) -> None:
    """However many long books are asked for at once, no turn of the loop renders two slices, and each becomes whole."""
    book = OrderBook(desk)  # type: ignore[arg-type]
    rendered: list[int] = []
    in_a_turn: list[int] = []
    slices = book._slice

    def counted(ids: list[str], terminal: bool) -> list[bytes]:
        rendered.append(1)
        return slices(ids, terminal)

    books = [asyncio.create_task(book.whole("A", terminal=False)) for _ in range(5)]
    await asyncio.sleep(0)
    book._slice = counted  # type: ignore[method-assign]
    while not all(task.done() for task in books):
        before = len(rendered)
        await asyncio.sleep(0)
        in_a_turn.append(len(rendered) - before)
    assert max(in_a_turn) == 1
    assert sum(in_a_turn) == 5 * 2
    assert all(rows(task.result()) == list(desk.state.orders) for task in books)


async def test_what_ends_meanwhile_is_left_out(desk: FakeDesk) -> None:
    """An order that comes to its end while earlier slices are rendered is no pending row any more."""
    last = list(desk.state.orders)[-1]
    asyncio.get_running_loop().call_soon(desk.floor.cancel, last)  # type: ignore[union-attr]
    assert last not in rows(await OrderBook(desk).whole("A", terminal=False))  # type: ignore[arg-type]


async def test_nobodys_book_is_empty(desk: FakeDesk) -> None:
    """A client without orders has a book without rows, in one part."""
    reply = await OrderBook(desk).whole("B", terminal=False)  # type: ignore[arg-type]
    assert (rows(reply), reply.rest) == ([], ())
