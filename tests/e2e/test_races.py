"""Requests that arrive at once over many connections: one effect, and replies that the state bears out (section 7)."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from tests.e2e.caller import CANCELLED, TOO_LATE, Caller, Placed, Reply
from tests.e2e.process import Server

AT_ONCE = 12
ROUNDS = 15


def all_at_once(*asks: Callable[[], Reply | None]) -> list[Reply | None]:
    """Run every request in a thread of its own, all started together; their replies in order."""
    barrier = Barrier(len(asks))

    def run(ask: Callable[[], Reply | None]) -> Reply | None:
        barrier.wait(10)
        return ask()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(run, asks))


def place_filled(trader: Caller) -> Placed:
    """Ten shares of ACC bought at 500, with nobody to sell to."""
    placed = trader.place(instrument_token="22", price=500, quantity=10)
    trader.tick(500, 10, token=22, bids=[])
    return placed


def test_one_cancel_many_times(server: Server, trader: Caller) -> None:
    """N copies of one cancel, sent at once, have one effect and get the same reply."""
    placed = trader.place()
    before = server.records()
    replies = all_at_once(*[lambda: trader.cancel(placed.entry_id)] * AT_ONCE)
    assert {(reply.status, reply.body) for reply in replies if reply} == {(200, CANCELLED)}
    assert server.records() == before + 1
    assert trader.row(placed.entry_id)["order_status"] == "CANCELLED"


@pytest.mark.parametrize("words", [("TARGET", "STOPLOSS"), ("ENTRY", "STOPLOSS"), ("ENTRY", "TARGET", "STOPLOSS")])
def test_exits_at_once_make_one_closing_order(trader: Caller, words: tuple[str, ...]) -> None:
    """However many exits arrive at once, one order closes the bracket and every exit succeeds."""
    placed = place_filled(trader)
    replies = all_at_once(*[lambda word=word: trader.cancel(placed.entry_id, word) for word in words * 4])
    for word, reply in zip(words * 4, replies, strict=True):
        assert reply is not None
        assert reply.body == (TOO_LATE if word == "ENTRY" else CANCELLED)
    legs = trader.legs(placed)
    assert set(legs) == {"ENTRY", "TARGET", "STOPLOSS"}
    assert (legs["STOPLOSS"]["order_status_info"], legs["STOPLOSS"]["remaining_quantity"]) == ("CLOSING", 10)
    assert legs["TARGET"]["order_status"] == "CANCELLED"
    trader.tick(500, 10, token=22)
    assert trader.legs(placed)["STOPLOSS"]["order_status"] == "COMPLETE"


def test_a_cancel_and_a_fill_at_once(trader: Caller) -> None:
    """Where a fill and a cancel meet, the reply is what became of the order: CANCELLED, or TOO_LATE and COMPLETE."""
    outcomes: Counter[int] = Counter()
    for _ in range(ROUNDS):
        placed = trader.place(instrument_token="1660", price=400, quantity=5)
        first, _, last = all_at_once(
            lambda placed=placed: trader.cancel(placed.entry_id),
            lambda: trader.tick(400, 100, token=1660),
            lambda placed=placed: trader.cancel(placed.entry_id),
        )
        assert first is not None
        assert last is not None
        assert first.body == last.body
        outcomes[first.status] += 1
        row = trader.row(placed.entry_id)
        if first.status == 200:
            assert (first.body, row["order_status"], row["filled_quantity"]) == (CANCELLED, "CANCELLED", 0)
        else:
            assert (first.status, first.body) == (409, TOO_LATE)
            assert (row["order_status"], row["filled_quantity"]) == ("COMPLETE", 5)
    assert sum(outcomes.values()) == ROUNDS


def test_an_exit_and_a_target_fill_at_once(trader: Caller) -> None:
    """Where an exit meets the target's own fill, what was bought is sold once, never twice."""
    for _ in range(ROUNDS):
        placed = place_filled(trader)
        all_at_once(
            lambda placed=placed: trader.cancel(placed.entry_id, "TARGET"),
            lambda: trader.tick(502, 100, token=22),
            lambda placed=placed: trader.cancel(placed.entry_id, "STOPLOSS"),
        )
        trader.tick(502, 100, token=22)
        legs = trader.legs(placed)
        assert legs["TARGET"]["filled_quantity"] + legs["STOPLOSS"]["filled_quantity"] == 10
        assert {legs[leg]["remaining_quantity"] for leg in legs} == {0}
        assert len(legs) == 3
