"""The order book in slices: whole, in order, held by nobody for others, and nobody is held up by it."""

import asyncio
import json
from typing import Any

import pytest
from tests.trading_floor import Floor
from tests.wire.both_ways import Call, House, request, settle
from tests.wire.counter import Counter, FakeDesk

from bracketd.runtime.desk import NotServing
from bracketd.wire import order_book, slices
from bracketd.wire.order_book import OrderBook
from bracketd.wire.replies import Reply
from bracketd.wire.slices import Slices

BOOK = "/api/v1/orders?type=pending"


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are rendered at once, and two slices wait for the disk together."""
    monkeypatch.setattr(order_book, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(order_book, "ORDERS_AT_ONCE", 40)
    monkeypatch.setattr(slices, "SLICES_AHEAD", 2)


@pytest.fixture
def desk() -> FakeDesk:
    """Twenty-five resting entries."""
    return desk_of(25)


def desk_of(count: int) -> FakeDesk:
    """So many resting entries of client A."""
    floor = Floor("A")
    floor.tick(460.0)
    for _ in range(count):
        floor.place(price=456.95, quantity=1)
    return FakeDesk(floor=floor)


def book_of(desk: FakeDesk) -> OrderBook:
    """The books of that desk."""
    return OrderBook(desk, Slices(desk))  # type: ignore[arg-type]


async def pieces(reply: Reply) -> list[bytes]:
    """All that the reply comes to."""
    return [reply.body, *([piece async for piece in reply.rest()] if reply.rest else [])]


def ids(whole: bytes) -> list[str]:
    """The ids in a book, which must be one."""
    body = json.loads(whole)
    assert list(body) == ["data", "message", "status"]
    return [row["oms_order_id"] for row in body["data"]["orders"]]


async def read(book: OrderBook, client_id: str = "A", terminal: bool = False) -> list[str]:
    """The ids in the client's book."""
    return ids(b"".join(await pieces(book.whole(client_id, terminal))))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21, 25, 100])
async def test_slices_make_the_whole(count: int) -> None:
    """A book has every row once, oldest first, however many slices it has; one of one slice is in one piece."""
    desk = desk_of(count)
    reply = book_of(desk).whole("A", terminal=False)
    made = await pieces(reply)
    assert ids(b"".join(made)) == list(desk.state.orders)
    assert len(made) == (1 if count <= 10 else -(-count // 10) + 1)


async def test_what_is_no_row_is_passed_over_in_slices() -> None:
    """Orders of the other side are walked past, a bounded number at a time; a slice without rows leaves no gap."""
    desk = desk_of(130)
    made = list(desk.state.orders)
    for order_id in (*made[:60], *made[61:120]):
        desk.floor.cancel(order_id)  # type: ignore[union-attr]
    book = book_of(desk)
    assert await read(book) == [made[60], *made[120:]]
    assert await read(book, terminal=True) == [*made[:60], *made[61:120]]
    assert len(await pieces(book.whole("A", terminal=False))) == 4


async def test_nobodys_book_is_empty(desk: FakeDesk) -> None:
    """A client without orders has a book without rows, in one piece."""
    assert book_of(desk).whole("B", terminal=False).rest is None
    assert await read(book_of(desk), "B") == []


async def test_long_books_take_turns(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many long books are asked for at once, no turn of the loop renders two slices, and each becomes whole."""
    rendered = counted(monkeypatch)
    book = book_of(desk)
    in_a_turn: list[int] = []
    replies = [book.whole("A", terminal=False) for _ in range(5)]
    assert len(rendered) == 5
    books = [asyncio.create_task(pieces(reply)) for reply in replies]
    while not all(task.done() for task in books):
        before = len(rendered)
        await asyncio.sleep(0)
        in_a_turn.append(len(rendered) - before)
    assert max(in_a_turn) == 1
    assert sum(in_a_turn) == 5 * 2
    assert all(ids(b"".join(task.result())) == list(desk.state.orders) for task in books)


async def test_a_short_book_waits_for_no_long_one(desk: FakeDesk) -> None:
    """While long books are rendered a short one is answered in the same turn of the loop in which it is asked for."""
    book = book_of(desk)
    long = [asyncio.create_task(read(book)) for _ in range(5)]
    await asyncio.sleep(0)
    assert book.whole("B", terminal=False).rest is None
    await asyncio.gather(*long)


async def test_what_changes_meanwhile(desk: FakeDesk) -> None:
    """An order that ends before its slice is left out, one that ends after it is shown as it was, and none twice."""
    made = list(desk.state.orders)
    reply = book_of(desk).whole("A", terminal=False)
    for order_id in (made[0], made[-1]):
        desk.floor.cancel(order_id)  # type: ignore[union-attr]
    desk.floor.place(price=456.95)  # type: ignore[union-attr]
    assert ids(b"".join(await pieces(reply))) == made[:-1]


async def test_a_slow_reader_is_rendered_for_as_it_reads() -> None:
    """Of a book that is not read only a few slices are made, whatever its length; the rest follows as it is taken."""
    desk = desk_of(100)
    book = book_of(desk)
    reply = book.whole("A", terminal=False)
    assert reply.rest is not None
    rest = reply.rest()
    taken = [reply.body, await anext(rest)]
    for _ in range(20):
        await asyncio.sleep(0)
    for order_id in list(desk.state.orders)[30:]:
        desk.floor.cancel(order_id)  # type: ignore[union-attr]
    taken += [piece async for piece in rest]
    assert ids(b"".join(taken)) == list(desk.state.orders)[:30]


async def test_every_piece_is_on_disk_when_it_comes(desk: FakeDesk) -> None:
    """What is behind the body waits for the disk by itself, some slices together; a desk that stops shows no more."""
    reply = book_of(desk).whole("A", terminal=False)
    assert reply.rest is not None
    assert (desk.waits, len(await pieces(reply))) == (0, 4)
    assert desk.waits == 1
    desk.serving = False
    with pytest.raises(NotServing):
        await pieces(reply)


async def test_a_connection_that_takes_no_more_is_rendered_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the kernel takes nothing no more than a few slices are made; when it does again the book becomes whole."""
    house, call = await house_of(100)
    rendered = counted(monkeypatch)
    await begun(call)
    call.protocol.pause_writing()
    for _ in range(5):
        await settle()
    assert len(rendered) <= 1 + 2
    call.protocol.resume_writing()
    for _ in range(5):
        await settle()
    assert ids(chunks(call.wire.written)) == list(house.desk.state.orders)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each slice that is rendered."""
    rendered: list[int] = []
    render = OrderBook._rows_among

    def counting(*asked: Any) -> Any:
        rendered.append(1)
        return render(*asked)

    monkeypatch.setattr(OrderBook, "_rows_among", counting)
    return rendered


async def begun(call: Call) -> None:
    """Ask for the book, and wait until some of it has been sent."""
    call.protocol.data_received(request("GET", BOOK))
    for _ in range(100):
        if call.wire.pieces:
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing is sent")


async def house_of(count: int, *, at_once: bool = True) -> tuple[House, Call]:
    """A server with so many resting entries of A, and a connection to it."""
    house = House(at_once=at_once)
    for _ in range(count):
        await house.place(quantity=1)
    return house, house.call()


def chunks(raw: bytes) -> bytes:
    """The body of a reply in chunks, which must have its end."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in head + b"\r\n"
    assert b"content-length" not in head
    body = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if size == b"0":
            assert rest == b"\r\n"
            return b"".join(body)
        body.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]


async def told(call: Call, raw: bytes) -> bytes:
    """What a request is answered, when the answer is whole."""
    await call.say(raw)
    for _ in range(20):
        await settle()
    return call.wire.written


async def test_a_long_book_is_sent_in_chunks() -> None:
    """Over HTTP/1.1 a long book comes in chunks, as JSON, and the connection goes on."""
    house, call = await house_of(25)
    raw = await told(call, request("GET", BOOK))
    assert b"content-type: application/json\r\n" in raw
    assert ids(chunks(raw)) == list(house.desk.state.orders)
    call.wire.pieces.clear()
    assert ids(chunks(await told(call, request("GET", BOOK)))) == list(house.desk.state.orders)


async def test_a_long_book_is_rendered_once_for_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection does not send itself the application sends: the same as if it had been asked at once."""
    rendered = counted(monkeypatch)
    said = []
    for at_once in (True, False):
        house, call = await house_of(25, at_once=at_once)
        for packet in (request("GET", BOOK), request("GET", BOOK), request("GET", BOOK, "", "connection: close")):
            await told(call, packet)
        said.append((call.wire.written, call.wire.closed, house.counted, house.calls, house.gate.looks, len(rendered)))
        rendered.clear()
    assert said[0] == said[1]
    assert said[0][1:4] == (True, {("GET /api/v1/orders", "done"): 3}, 3)


async def test_http_10_knows_no_chunks() -> None:
    """Over HTTP/1.0 a long book has its length."""
    house, call = await house_of(25)
    head, _, body = (await told(call, request("GET", BOOK, version="1.0"))).partition(b"\r\n\r\n")
    assert ids(body) == list(house.desk.state.orders)
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    assert b"chunked" not in head


async def test_a_head_makes_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for the head of a long book gets it without a length, and no row behind the first slice is rendered."""
    _, call = await house_of(25)
    rendered = counted(monkeypatch)
    raw = await told(call, request("HEAD", BOOK))
    assert raw.startswith(b"HTTP/1.1 200 ")
    assert raw.endswith(b"\r\n\r\n")
    assert b"content-length" not in raw
    assert len(rendered) == 1


async def test_a_peer_that_has_gone_is_rendered_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the peer leaves in the middle of a long book, nothing more of it is made."""
    _, call = await house_of(200)
    rendered = counted(monkeypatch)
    call.protocol.data_received(request("GET", BOOK))
    for _ in range(8):
        await asyncio.sleep(0)
    call.leave()
    await settle()
    assert 0 < len(rendered) < 20


async def test_a_disk_that_fails_in_the_middle_ends_the_connection() -> None:
    """A book that cannot be ended truly is cut off, without the end of its chunks."""
    house, call = await house_of(100)
    await begun(call)
    house.desk.fail("the disk refused")
    await settle()
    assert call.wire.closed
    assert not call.wire.written.endswith(b"0\r\n\r\n")
    with pytest.raises(ValueError, match="invalid literal"):
        chunks(call.wire.written)


async def test_the_application_sends_a_short_book_with_its_length() -> None:
    """A book of one slice has a length, as every other reply."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place()
    answer = await counter.call("GET", BOOK)
    assert answer.headers[b"content-length"] == b"%d" % len(answer.body)
