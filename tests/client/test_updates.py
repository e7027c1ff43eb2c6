"""Updates: first what stands, then each change once, without a hole over cut connections."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.client.lies import ROW, Liar, book

from bracketd.client import AsyncBroker, Broker, ConnectionLost, Garbled, Order, Trade, Unauthorised, Update
from bracketd.client.connection import FeedClosed
from bracketd.client.rows import order_of, trade_of
from bracketd.client.updates import Fold, read_frame
from bracketd.testing import AsyncPaperBroker, LiveBroker, PaperBroker, When, down, drop_feeds, expire_tokens, fill

TRADE = {"trade_id": "7", "oms_order_id": "20260105-2", "trade_quantity": 1, "trade_price": 1}


def told(updates: Iterator[Update]) -> list[str]:
    """The updates in short."""
    return [
        f"{update.leg} {update.status} {update.filled}" if isinstance(update, Order) else f"trade {update.quantity}"
        for update in updates
    ]


def test_first_what_stands_then_each_change(broker: PaperBroker) -> None:
    """The rows of the book come first; a fill is its trade, then every row that it changed."""
    trader = broker.client("A")
    trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    updates = trader.updates(quiet_s=5)
    first = next(updates)
    assert isinstance(first, Order)
    assert first.status == "CONFIRMED"
    broker.tick("SBIN", "456.95", quantity=4)
    assert told(updates) == ["trade 4", "ENTRY CONFIRMED 4", "STOPLOSS TRIGGER_PENDING 0", "TARGET CONFIRMED 0"]


def test_quiet_is_by_the_broker_s_clock(broker: PaperBroker) -> None:
    """Updates end after `quiet_s` seconds of the paper broker's clock, heartbeats and all, and take no time."""
    before = broker.now_s
    assert told(broker.client("A").updates(quiet_s=600)) == []
    assert broker.now_s - before == pytest.approx(600, abs=2)


@pytest.mark.parametrize("how", ["dropped", "down"])
def test_what_happened_while_cut_off_is_told_after(broker: PaperBroker, how: str) -> None:
    """A fill while the feed is cut, or the broker down, is told once the feed is back; nothing is told twice."""
    trader = broker.client("A")
    trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    updates = trader.updates(quiet_s=30)
    next(updates)
    broker.script(drop_feeds() if how == "dropped" else down(300))
    if how == "down":
        broker.advance(ms=300)
    broker.tick("SBIN", "456.95", quantity=10)
    assert sorted(told(updates)) == [
        "ENTRY COMPLETE 10",
        "STOPLOSS TRIGGER_PENDING 0",
        "TARGET CONFIRMED 0",
        "trade 10",
    ]


def test_an_expired_token_ends_updates(broker: PaperBroker) -> None:
    """When the token expires the updates end with Unauthorised, not in silence."""
    updates = broker.client("A").updates(quiet_s=30)
    broker.script(expire_tokens(after_ms=1_000))
    with pytest.raises(Unauthorised):
        list(updates)


def test_a_broker_that_stays_down_ends_updates(broker: PaperBroker) -> None:
    """Cut off for good, the updates end with what keeps them from coming back, after `attempts` tries."""
    updates = broker.client("A").updates(quiet_s=30)
    broker.script(down(3_600_000))
    with pytest.raises(Exception, match=r"HTTP 503|Not serving"):
        list(updates)


async def test_updates_with_asyncio(async_broker: AsyncPaperBroker) -> None:
    """With asyncio the updates are the same, and a script goes on while they are waited for."""
    trader = async_broker.client("A")
    await trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    await async_broker.script(fill(40, when=When.NOW, after_ms=2_000), drop_feeds(after_ms=3_000))
    seen = [update async for update in trader.updates(quiet_s=10)]
    assert [type(update) for update in seen] == [Order, Trade, Order, Order, Order]


def test_updates_over_a_real_websocket() -> None:
    """Over a port the updates come through the websockets library, and a dropped connection is made again."""
    with LiveBroker() as live:
        trader = live.client("A")
        trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
        updates = trader.updates(quiet_s=0.5)
        next(updates)
        live.script(drop_feeds())
        live.tick("SBIN", "456.95", quantity=10)
        assert "trade 10" in told(updates)
        live.expire_tokens()
        with pytest.raises(Unauthorised):
            next(trader.updates())


async def test_updates_over_a_real_websocket_with_asyncio() -> None:
    """The same with asyncio."""
    with LiveBroker() as live:
        live.client("A").place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
        async with AsyncBroker(live.url, live.token("A"), "A") as trader:
            assert len([update async for update in trader.updates(quiet_s=0.1)]) == 1
            live.expire_tokens()
            with pytest.raises(Unauthorised):
                [update async for update in trader.updates()]


def test_the_fold_takes_nothing_old_and_nothing_twice() -> None:
    """An older row is no news, an equal one is not, a newer one is; a trade is news once."""
    fold = Fold()
    row = order_of(ROW)
    older = order_of(ROW | {"last_activity_reference": row.reference - 512, "order_status": "PENDING"})
    same = order_of(ROW | {"symbol": "other words"})
    changed = order_of(ROW | {"order_status": "CANCELLED"})
    newer = order_of(ROW | {"last_activity_reference": row.reference + 512})
    assert [fold.news(each) for each in (row, row, older, same, changed, newer, row)] == [
        *(True, False, False, False, True, True, False)
    ]
    assert [fold.news(trade_of(TRADE)) for _ in range(2)] == [True, False]


def test_frames_of_the_family_are_read() -> None:
    """Modes 50 and 51, and the older 11 and 12, are updates; other frames are not ours; broken ones are Garbled."""
    order, trade = json.dumps(ROW).encode(), json.dumps(TRADE).encode()
    assert [type(read_frame(bytes([mode, 0, 0, 0, 0]) + order)) for mode in (50, 11)] == [Order, Order]
    assert [type(read_frame(bytes([mode, 0, 0, 0, 0]) + trade)) for mode in (51, 12)] == [Trade, Trade]
    assert [read_frame(frame) for frame in (b"", b"\x01\x00", "text", b"\x02" + order)] == [None] * 4
    for broken in (b"2\0\0\0\0", b"2\0\0\0\0{", b"2\0\0\0\0[]", b"3\0\0\0\0{}", b"2\0\0\0\0\xff"):
        with pytest.raises(Garbled):
            read_frame(broken)


class _Tape:
    """A feed that plays frames, then is closed; it may be opened once."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)
        self.opened = 0

    def open(self, url: str, timeout_s: float) -> "_Tape":
        self.opened += 1
        return self

    def send(self, text: str) -> None:
        """Nobody listens."""

    def receive(self, timeout_s: float | None) -> bytes:
        if not self.frames:
            raise FeedClosed
        frame = self.frames.pop(0)
        if not frame:
            raise TimeoutError
        return frame

    def close(self) -> None:
        """Nothing to close."""


def _listening(tape: _Tape) -> Broker:
    def says(request: httpx.Request, number: int) -> httpx.Response:
        if request.url.path.endswith("orders"):
            return book(ROW)
        return httpx.Response(200, json={"status": "success", "data": {"trades": []}})

    liar = Liar(says)
    return liar.broker(open_feed=tape.open, attempts=2)


def test_a_broker_that_answers_no_subscription_is_not_waited_for() -> None:
    """Without an answer the books are read all the same after a second; what was pushed meanwhile counts."""
    newer = ROW | {"last_activity_reference": 1325938440097500000, "order_status": "CANCELLED"}
    tape = _Tape(b"2\0\0\0\0" + json.dumps(newer).encode(), b"", b"", b"")
    seen = list(_listening(tape).updates(quiet_s=8))
    assert [update.status for update in seen if isinstance(update, Order)] == ["CONFIRMED", "CANCELLED"]


def test_a_frame_that_cannot_be_read_is_a_lost_connection() -> None:
    """A broken frame may have been an order: the connection is made again and the books read, then given up."""
    tape = _Tape(b"", b"2\0\0\0\0{")
    with pytest.raises(ConnectionLost):
        list(_listening(tape).updates())
    assert tape.opened >= 2
