"""Audiences: very many rows are noted in slices, nothing is missed meanwhile, and nobody is held up."""

import asyncio
import logging

import pytest
from tests.listening_post import Folder, Post, settle, waiting
from tests.trading_floor import INSTRUMENTS

from bracketd.domain.order import Order
from bracketd.engine.state import State
from bracketd.runtime import audience
from bracketd.runtime.listener import Listener
from bracketd.wire.frames import Rendering


@pytest.fixture(autouse=True)
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are noted at once, among twenty orders."""
    monkeypatch.setattr(audience, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(audience, "ORDERS_AT_ONCE", 20)


class Counting(Rendering):
    """Counts the rows that it renders; the one whose id is `broken` it does not render."""

    def __init__(self) -> None:
        super().__init__(INSTRUMENTS)
        self.rows = 0
        self.broken = ""

    def order(self, state: State, order: Order) -> bytes:
        """The row, counted."""
        self.rows += 1
        if order.order_id == self.broken:
            raise ValueError("broken")
        return super().order(state, order)


async def post_of(count: int) -> tuple[Post, Counting, list[str]]:
    """A post where A has so many resting entries."""
    rendering = Counting()
    post = Post(rendering=rendering)
    await post.print(46_000)
    return post, rendering, [await post.place(price=456.0, quantity=1) for _ in range(count)]


def told(listener: Listener) -> list[tuple[str, str]]:
    """(id, status) of each order update that waits."""
    folder = Folder({}, {})
    for frame in waiting(listener):
        folder.take(frame)
    return [(fields["oms_order_id"], fields.get("order_status", "trade")) for _, fields in folder.frames]


async def test_many_rows_are_noted_a_few_in_a_turn() -> None:
    """A subscription costs one slice at once, and one in each turn of the loop after it, until all rows are noted."""
    post, rendering, made = await post_of(55)
    post.listener()
    in_a_turn = [rendering.rows]
    for _ in range(20):
        before = rendering.rows
        await asyncio.sleep(0)
        in_a_turn.append(rendering.rows - before)
    assert max(in_a_turn) == 10
    assert rendering.rows == len(made)
    assert set(post.streams._audiences["A"].shown) == set(made)


async def test_a_second_listener_notes_nothing_again() -> None:
    """Listeners of one client share what was noted."""
    post, rendering, made = await post_of(12)
    post.listener()
    await settle()
    post.listener()
    await settle()
    assert rendering.rows == len(made)


async def test_orders_that_are_over_are_passed_a_bounded_number_at_a_time() -> None:
    """What cannot change any more is not noted, and is not gone through in one go either."""
    post, rendering, made = await post_of(100)
    for order_id in made[:-1]:
        await post.cancel(order_id)
    post.listener()
    assert rendering.rows == 0
    await settle()
    assert rendering.rows == 1


async def test_nothing_is_missed_while_rows_are_noted() -> None:
    """Rows that change while others are being noted are told, and afterwards none is told that says nothing new."""
    post, _, made = await post_of(60)
    listener = post.listener()
    folder = Folder(post.book("A"), post.trades("A"))
    changed = (made[0], made[30], made[-1])
    for order_id in changed:
        await post.cancel(order_id)
    await settle()
    heard = waiting(listener)
    for frame in heard:
        folder.take(frame)
    assert folder.book == post.book("A")
    assert [fields["oms_order_id"] for _, fields in folder.frames] == list(changed)
    filled = await post.place(price=461.0)
    await settle()
    waiting(listener)
    await post.print(46_500)
    await settle()
    assert {order_id for order_id, _ in told(listener)}.isdisjoint({filled, *changed})


async def test_nobody_who_has_left_is_noted_for() -> None:
    """When the last listener leaves in the middle, no further row is looked at; the next one is noted for anew."""
    post, rendering, made = await post_of(55)
    listener = post.listener()
    post.streams.leave(listener)
    await settle()
    assert rendering.rows == 10
    post.listener()
    await settle()
    assert rendering.rows == 10 + len(made)


async def test_a_fault_while_rows_are_noted_costs_no_row(caplog: pytest.LogCaptureFixture) -> None:
    """A row that cannot be rendered is a trace in the log; the connection stays, and what changes is told."""
    post, rendering, made = await post_of(30)
    rendering.broken = made[20]
    with caplog.at_level(logging.ERROR):
        listener = post.listener()
        await settle()
    assert "could not be noted" in caplog.text
    assert listener.ended is None
    rendering.broken = ""
    await post.cancel(made[-1])
    await settle()
    assert told(listener) == [(made[-1], "CANCELLED")]
