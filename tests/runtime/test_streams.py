"""Streams: durable before they are pushed, complete, everybody's own, and bounded."""

import asyncio
from random import Random

import apsw
import pytest
from tests.listening_post import Folder, Post, settle, waiting
from tests.trading_floor import INSTRUMENTS, SBIN, levels

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.domain.commands import ModifyOrder
from bracketd.domain.instrument import Tick
from bracketd.domain.order import OrderType, Side
from bracketd.engine.state import State
from bracketd.runtime.listener import DISK_BEHIND, INTERNAL, NOT_SERVING, TOO_SLOW, UNAUTHORISED, Listener
from bracketd.runtime.streams import StreamLimits
from bracketd.wire.frames import Rendering

MARKETDATA, COMPACT, SNAPQUOTE = 1, 2, 4


def modes(listener: Listener) -> list[int]:
    """The modes of the frames that wait for a listener."""
    return [frame[0] for frame in waiting(listener)]


def told(listener: Listener) -> list[tuple[str, str]]:
    """(leg, status) of each order update that waits, ("", trade) for each trade."""
    folder = Folder({}, {})
    for frame in waiting(listener):
        folder.take(frame)
    return [(fields.get("leg_order_indicator", ""), fields.get("order_status", "trade")) for _, fields in folder.frames]


async def test_nothing_is_pushed_before_it_is_durable() -> None:
    """While the disk has not taken a step, nobody hears of it; when it has, everybody does, in the step's order."""
    post = Post()
    entry = await post.place()
    listener = post.listener()
    post.journal.gate.clear()
    asked = asyncio.create_task(post.cancel(entry))
    await settle()
    assert post.desk.state.orders[entry].terminal
    assert waiting(listener) == []
    post.journal.gate.set()
    await asked
    await settle()
    assert told(listener) == [("ENTRY", "CANCELLED")]


async def test_crash_before_the_disk_is_a_step_that_nobody_heard_of() -> None:
    """A step that dies with the process was pushed to nobody, and the restart does not know it either."""
    post = Post()
    entry = await post.place()
    listener = post.listener()
    post.journal.gate.clear()
    asked = asyncio.create_task(post.cancel(entry))
    await settle()
    after = post.restart()
    asked.cancel()
    assert waiting(listener) == []
    assert not after.desk.state.orders[entry].terminal


async def test_row_is_as_its_own_step_left_it() -> None:
    """Steps that become durable together are pushed one by one, each row as it stood at the end of its own step."""
    post = Post()
    entry = await post.place()
    listener = post.listener()
    post.journal.gate.clear()
    modified = ModifyOrder(client_id="A", ids=(entry,), price_paise=45_600)
    asked = [asyncio.create_task(post.desk.execute(modified))]
    await settle()
    asked.append(asyncio.create_task(post.cancel(entry)))
    await settle()
    post.journal.gate.set()
    await asyncio.gather(*asked)
    await settle()
    assert told(listener) == [("ENTRY", "MODIFY_CONFIRMED"), ("ENTRY", "CANCELLED")]


async def test_fill_is_its_trade_and_then_each_row_that_it_changed() -> None:
    """The trade comes before the rows that it made what they are, and each row comes once."""
    post = Post()
    listener = post.listener()
    await post.place()
    await post.print(45_695)
    await settle()
    assert told(listener) == [
        ("ENTRY", "CONFIRMED"),
        ("", "trade"),
        ("ENTRY", "COMPLETE"),
        ("STOPLOSS", "TRIGGER_PENDING"),
        ("TARGET", "CONFIRMED"),
    ]


async def test_row_that_did_not_change_is_not_pushed() -> None:
    """The target's fill says nothing new of the entry, so nobody hears a second time that it is complete."""
    post = Post()
    await post.place()
    await post.print(45_695)
    listener = post.listener()
    await post.print(46_000)
    await settle()
    assert told(listener) == [("", "trade"), ("STOPLOSS", "CANCELLED"), ("TARGET", "COMPLETE")]


async def test_nobody_hears_of_another_client() -> None:
    """Whatever client B does, a listener of client A is pushed nothing, and the other way round."""
    post = Post()
    of_a, of_b = post.listener("A"), post.listener("B")
    entry = await post.place("A")
    await settle()
    assert (told(of_a), told(of_b)) == ([("ENTRY", "CONFIRMED")], [])
    await post.place("B", Side.SELL, price=457.0)
    await post.cancel(entry)
    await post.print(46_000)
    await settle()
    assert told(of_a) == [("ENTRY", "CANCELLED")]
    assert ("", "trade") in told(of_b)


async def test_every_listener_of_a_client_hears_everything() -> None:
    """Two connections of one client get the same frames; one that asked for no updates gets none."""
    post = Post()
    first, second, silent = post.listener(), post.listener(), post.listener(updates=False)
    await post.place()
    await settle()
    heard = waiting(first)
    assert heard
    assert waiting(second) == heard
    assert waiting(silent) == []


async def test_unsubscribed_listener_hears_no_more() -> None:
    """After unsubscribing nothing is pushed, and after subscribing again only what happens from then on."""
    post = Post()
    listener = post.listener()
    post.streams.unsubscribe_updates(listener)
    entry = await post.place()
    await settle()
    assert waiting(listener) == []
    post.streams.subscribe_updates(listener)
    await post.cancel(entry)
    await settle()
    assert told(listener) == [("ENTRY", "CANCELLED")]


async def walk_step(post: Post, random: Random) -> None:
    """One step of a random walk of two clients: a placement, a print, a cancel or a modification."""
    centre = 45_695 + 5 * random.randint(-30, 30)
    client = random.choice("AB")
    mine = [order for order in post.desk.state.orders.values() if order.client_id == client]
    kind = random.choices(("place", "print", "cancel", "modify"), (3, 5, 2, 3))[0]
    if kind == "place":
        order_type = random.choice((OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET))
        step = random.choice((0.0, 0.05, 0.2))
        await post.place(
            client,
            random.choice((Side.BUY, Side.SELL)),
            random.randint(1, 9),
            order_type=order_type,
            price=centre / 100,
            t=random.randint(1, 16) / 10,
            s=random.randint(1, 16) / 10,
            step=step,
        )
    elif kind == "print":
        await post.print(centre, random.choice((0, 1, 5, 40)))
    elif mine and kind == "cancel":
        await post.cancel(random.choice(mine).order_id, random.choice((None, None, "STOPLOSS", "TARGET")), client)
    elif mine:
        changed = {random.choice(("price_paise", "quantity", "target_offset_paise", "stop_offset_paise")): 5}
        changed = {name: random.randint(1, 12) if name == "quantity" else value for name, value in changed.items()}
        if "price_paise" in changed:
            changed["price_paise"] = centre
        named = random.choice(mine).order_id
        await post.desk.execute(ModifyOrder(client_id=client, ids=(named,), **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
async def test_stream_equals_rest(seed: int) -> None:
    """Folding the pushed frames gives the order book and the trade book after every step, across restarts (19)."""
    random = Random(seed)
    post = Post()
    met: set[object] = set()
    for _ in range(3):
        listeners = {client: post.listener(client) for client in "AB"}
        folders = {client: Folder(post.book(client), post.trades(client)) for client in "AB"}
        for _ in range(60):
            post.clock.ns += random.choice((0, 1, 10**6, 10**9))
            await walk_step(post, random)
            await settle()
            for client, listener in listeners.items():
                for frame in waiting(listener):
                    folders[client].take(frame)
                assert folders[client].book == post.book(client)
                assert folders[client].trades == post.trades(client)
        met |= {fields.get("order_status") for folder in folders.values() for _, fields in folder.frames}
        clock = post.clock.ns
        post = post.restart()
        post.clock.ns = clock
    assert {None, "CONFIRMED", "COMPLETE", "CANCELLED", "TRIGGER_PENDING"} <= met, "the walk is worth something"


async def test_new_day_is_begun_anew() -> None:
    """What is over leaves the order book with its day and is forgotten; nothing is pushed, and new orders are."""
    post = Post()
    listener = post.listener()
    over = await post.place()
    await post.cancel(over)
    await settle()
    assert told(listener)
    post.clock.ns += 86_400 * 10**9
    post.desk.keep_time()
    await settle()
    assert post.book("A") == {}
    assert waiting(listener) == []
    assert post.streams._audiences["A"].shown == {}
    await post.place()
    await settle()
    assert told(listener) == [("ENTRY", "CONFIRMED")]


async def test_subscription_shows_the_quote_and_then_every_tick() -> None:
    """The present quote is pushed at once, then each tick in each layout that was asked for, until it is not."""
    post = Post()
    listener = post.listener(updates=False)
    keys = [(MARKETDATA, SBIN), (SNAPQUOTE, SBIN)]
    assert post.streams.subscribe_quotes(listener, keys)
    post.streams.push_quotes(listener, keys)
    assert modes(listener) == [MARKETDATA, SNAPQUOTE]
    post.desk.feed_tick(Tick(SBIN, 45_700, 5))
    post.desk.feed_tick(Tick(SBIN, 45_705, 0, levels((457.0, 3)), ()))
    frames = waiting(listener)
    assert [frame[0] for frame in frames] == [MARKETDATA, SNAPQUOTE] * 2
    assert int.from_bytes(frames[0][6:10], "big") == 45_700
    post.streams.unsubscribe_quotes(listener, [(MARKETDATA, SBIN), (COMPACT, SBIN)])
    await post.print(45_700)
    assert modes(listener) == [SNAPQUOTE]


async def test_quotes_do_not_wait_for_the_disk() -> None:
    """A quote is the market's and says nothing of any order: it goes out while the disk still waits."""
    post = Post()
    listener = post.listener(updates=False)
    post.streams.subscribe_quotes(listener, [(COMPACT, SBIN)])
    post.journal.gate.clear()
    pushed = asyncio.create_task(post.print(45_700))
    await settle()
    assert modes(listener) == [COMPACT]
    assert not pushed.done()
    pushed.cancel()


async def test_restart_remembers_the_last_print() -> None:
    """The first quote after a restart shows the print that the journal has, and not the base price."""
    post = Post()
    await post.place()
    await post.print(45_800)
    post = post.restart()
    listener = post.listener(updates=False)
    post.streams.push_quotes(listener, [(COMPACT, SBIN)])
    (frame,) = waiting(listener)
    assert int.from_bytes(frame[6:10], "big") == 45_800


async def test_too_many_subscriptions_change_nothing() -> None:
    """A request beyond the bound is refused whole; what was subscribed stays, and asking for it again is no more."""
    post = Post(limits=StreamLimits(subscriptions=2))
    listener = post.listener(updates=False)
    assert post.streams.subscribe_quotes(listener, [(MARKETDATA, SBIN)])
    assert not post.streams.subscribe_quotes(listener, [(COMPACT, SBIN), (SNAPQUOTE, SBIN)])
    assert post.streams.subscribe_quotes(listener, [(MARKETDATA, SBIN), (COMPACT, SBIN)])
    await post.print(45_700)
    assert modes(listener) == [MARKETDATA, COMPACT]


async def test_connections_are_bounded() -> None:
    """One client may have so many connections, all together so many; a place that is given up is free."""
    post = Post(limits=StreamLimits(connections=3, connections_per_client=2))
    first, _ = post.listener("A"), post.listener("A")
    assert post.streams.join("A", "of A") is None
    post.listener("B")
    assert post.streams.join("B", "of B") is None
    post.streams.leave(first)
    assert post.streams.join("B", "of B") is not None


async def test_reader_that_does_not_read_is_ended_and_nobody_else() -> None:
    """A backlog past its bound ends its own connection; what waited is dropped, and others get every frame."""
    post = Post(limits=StreamLimits(backlog_bytes=4_000))
    slow, quick = post.listener(), post.listener()
    heard = []
    for _ in range(6):
        await post.place()
        await settle()
        heard += waiting(quick)
    assert slow.ended == TOO_SLOW
    assert waiting(slow) == []
    assert quick.ended is None
    assert len(heard) == 6


async def test_disk_that_hangs_ends_the_streams_and_not_the_memory() -> None:
    """Frames that wait for the disk are bounded; past the bound who listens is ended, and the steps stand."""
    post = Post(limits=StreamLimits(undurable_bytes=5_000))
    await post.desk.ensure_account("A")
    listener, quotes_only = post.listener(), post.listener(updates=False)
    post.journal.gate.clear()
    asked = [asyncio.create_task(post.place()) for _ in range(8)]
    await settle()
    assert listener.ended == DISK_BEHIND
    assert quotes_only.ended is None
    post.journal.gate.set()
    assert len(set(await asyncio.gather(*asked))) == 8
    assert waiting(listener) == []


async def test_what_the_disk_has_taken_counts_no_more() -> None:
    """The bound is on what waits for the disk now, and not on what ever did."""
    post = Post(limits=StreamLimits(undurable_bytes=5_000))
    listener = post.listener()
    for _ in range(8):
        await post.place()
        await settle()
    assert listener.ended is None
    assert len(told(listener)) == 8


async def test_disk_that_fails_is_heard_by_those_who_waited() -> None:
    """When an append fails, what waited for it is never pushed, and who would have heard it is told to go."""
    post = Post()
    entry = await post.place()
    listener = post.listener()
    post.journal.broken = True
    asked = asyncio.create_task(post.cancel(entry))
    await settle()
    assert asked.exception() is not None
    assert listener.ended == NOT_SERVING
    assert waiting(listener) == []


async def test_token_that_is_good_no_more_ends_its_connections() -> None:
    """A token that was logged out ends every connection that it opened, and no other."""
    post = Post()
    of_a, of_b = post.listener("A"), post.listener("B")
    post.streams.check_tokens()
    assert (of_a.ended, of_b.ended) == (None, None)
    del post.gate.clients["of A"]
    post.streams.check_tokens()
    assert (of_a.ended, of_b.ended) == (UNAUTHORISED, None)


async def test_token_that_expires_ends_its_connections() -> None:
    """Expiry is judged by the desk's clock."""
    post = Post()
    listener = post.listener()
    post.gate.ends_ns = post.clock.ns + 10**9
    post.clock.ns += 10**9 - 1
    post.streams.check_tokens()
    assert listener.ended is None
    post.clock.ns += 1
    post.streams.check_tokens()
    assert listener.ended == UNAUTHORISED


async def test_tokens_that_cannot_be_read_are_not_taken_for_good(caplog: pytest.LogCaptureFixture) -> None:
    """When the clients' file cannot be read, every connection is ended and the fault is logged once."""
    post = Post()
    listeners = [post.listener("A"), post.listener("B")]
    post.gate.fault = apsw.IOError("planted")
    post.streams.check_tokens()
    assert [listener.ended for listener in listeners] == [INTERNAL] * 2
    assert caplog.text.count("a stream failed") == 1


async def test_tokens_that_no_database_vouches_for() -> None:
    """When the database of clients does not answer, every connection is ended as when nobody serves."""
    post = Post()
    listeners = [post.listener("A"), post.listener("B")]
    post.gate.fault = ClientsUnavailable("planted")
    post.streams.check_tokens()
    assert [listener.ended for listener in listeners] == [NOT_SERVING] * 2


async def test_tokens_are_checked_on_while_somebody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check runs by itself while there is a connection, and ends with the last."""
    monkeypatch.setattr("bracketd.runtime.streams.TOKEN_CHECK_S", 0)
    post = Post()
    first, second = post.listener("A"), post.listener("B")
    checking = post.streams._checking
    assert checking is not None
    post.streams.leave(first)
    post.gate.clients.clear()
    await settle()
    assert second.ended == UNAUTHORISED
    post.streams.leave(second)
    await settle()
    assert checking.cancelled()


async def test_first_reason_for_an_end_stays() -> None:
    """A connection that is being ended for one reason is not ended for another."""
    post = Post()
    listener = post.listener()
    listener.end(UNAUTHORISED)
    listener.end(TOO_SLOW)
    listener.push(b"late")
    assert await listener.wait_ended() == UNAUTHORISED
    assert waiting(listener) == []


class BrokenRendering(Rendering):
    """A rendering with a fault."""

    def __init__(self) -> None:
        super().__init__(INSTRUMENTS)

    def order(self, state: State, order: object) -> bytes:
        """Fail."""
        raise ArithmeticError("planted")

    def quote(self, mode: int, instrument: str, quote: object) -> bytes:
        """Fail."""
        raise ArithmeticError("planted")


@pytest.mark.parametrize("updates", [True, False])
async def test_fault_of_a_stream_fails_no_step(updates: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is wrong with a stream, the order is placed and the tick counts; who listens is ended."""
    post = Post(rendering=BrokenRendering())
    listener = post.listener(updates=updates)
    post.streams.subscribe_quotes(listener, [(COMPACT, SBIN)])
    entry = await post.place()
    await post.print(45_695)
    assert post.desk.serving
    assert post.desk.state.orders[entry].terminal
    assert listener.ended == INTERNAL
    assert "planted" in caplog.text


async def test_desk_without_listeners_renders_nothing() -> None:
    """A step costs nothing while nobody listens, and who left is forgotten."""
    post = Post(rendering=BrokenRendering())
    listener = post.listener()
    post.streams.subscribe_quotes(listener, [(COMPACT, SBIN), (MARKETDATA, SBIN)])
    post.streams.leave(listener)
    post.streams.leave(listener)
    await post.place()
    await post.print(45_695)
    assert listener.ended is None
    assert (post.streams._listeners, post.streams._audiences, post.streams._watchers) == ({}, {}, {})


async def test_next_frame_waits_for_one() -> None:
    """The next frame is waited for, and frames come out in the order in which they were pushed."""
    listener = Listener("A", "of A", 100)
    waited = asyncio.create_task(listener.next_frame())
    await settle()
    assert not waited.done()
    for frame in (b"1", b"2"):
        listener.push(frame)
    assert (await waited, await listener.next_frame()) == (b"1", b"2")
    assert listener._backlog_bytes == 0
