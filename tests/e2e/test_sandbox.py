"""A paper exchange that misbehaves, and a clock that is moved by hand: what a client sees of bracket.md's rules."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.caller import CANCELLED, Caller, Placed, Row
from tests.e2e.process import Server

TRIES = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is always open, with a clock that stands still until it is moved."""
    folder: Path = tmp_path_factory.mktemp("sandbox")
    server = Server(folder, more=("--clock", "virtual"), token_ttl="90d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def trader(server: Server) -> Iterator[Caller]:
    """Client C1; whatever it planned is over after its test."""
    trader = server.caller("C1")
    yield trader
    trader.sandbox("DELETE", "faults")


def place_filled(trader: Caller, quantity: int = 10) -> Placed:
    """Ten shares of ACC bought at 500, with nobody to sell to."""
    placed = trader.place(instrument_token="22", price=500, quantity=quantity)
    trader.tick(500, quantity, token=22, bids=[])
    return placed


def rows_of(trader: Caller, placed: Placed) -> list[Row]:
    """Every row of the bracket, by the number of its order."""
    rows = [row for row in trader.rows() if row["basket_id"] == placed.basket_id]
    return sorted(rows, key=lambda row: int(row["oms_order_id"].partition("-")[2]))


def wait_for(trader: Caller, order_id: str, status: str) -> None:
    """Ask until the order has the status; each try is a request of its own."""
    for _ in range(TRIES):
        if trader.row(order_id)["order_status"] == status:
            return
    raise AssertionError(trader.row(order_id))


def test_a_silent_venue_is_202_and_the_true_end_comes_later(trader: Caller) -> None:
    """bracket.md 1: not known within 2 s is 202 with CANCEL_PENDING; what was asked for goes on and is seen."""
    placed = trader.place()
    trader.faults({"on": "cancel_answer", "action": "delay", "delay_ms": 5_000, "order_id": placed.entry_id})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(trader.cancel, placed.entry_id)
        wait_for(trader, placed.entry_id, "CANCEL_PENDING")
        trader.advance(2_000)
        reply = asked.result(10)
    assert (reply.status, reply.json) == (
        202,
        {
            "status": "pending",
            "message": f"Order cancellation request submitted for OMS Order: {placed.entry_id}",
            "data": {"oms_order_id": placed.entry_id, "order_status": "CANCEL_PENDING"},
        },
    )
    trader.advance(2_999)
    assert trader.row(placed.entry_id)["order_status"] == "CANCEL_PENDING"
    trader.advance(1)
    assert trader.row(placed.entry_id)["order_status"] == "CANCELLED"
    assert trader.cancel(placed.entry_id).body == CANCELLED


def test_a_refused_cancel_is_409_with_the_venue_s_text(trader: Caller) -> None:
    """bracket.md 6: VENUE_REFUSED is 409 "Exchange refused the cancellation: <text>"; the order works on (2, last)."""
    placed = trader.place()
    trader.faults({"on": "cancel", "action": "refuse", "text": "not today", "order_id": placed.entry_id, "times": 1})
    reply = trader.cancel(placed.entry_id)
    assert (reply.status, reply.json) == (
        409,
        {
            "status": "failed",
            "message": "Exchange refused the cancellation: not today",
            "error_code": 45000,
            "reason": "VENUE_REFUSED",
            "data": {},
        },
    )
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"
    assert trader.cancel(placed.entry_id).body == CANCELLED


def test_a_refused_stop_is_seen_as_unprotected_until_a_closing_order_is_taken(server: Server, trader: Caller) -> None:
    """bracket.md 2.8: the row is UNPROTECTED_LEG_REFUSED, sent again at least every second; the entry says so."""
    trader.faults(
        {"on": "leg", "action": "refuse", "leg": "THIRD", "text": "no stops"},
        {"on": "close", "action": "refuse"},
    )
    placed = place_filled(trader)
    for _ in range(2):
        legs = trader.legs(placed)
        assert legs["ENTRY"]["order_status_info"] == "UNPROTECTED"
        stop, target = legs["STOPLOSS"], legs["TARGET"]
        assert (stop["order_status"], stop["order_status_info"]) == ("PENDING", "UNPROTECTED_LEG_REFUSED")
        assert (target["order_status"], target["order_status_info"]) == ("CANCELLED", "OCO")
        trader.advance(1_000)
    trader.sandbox("DELETE", "faults")
    trader.advance(1_000)
    legs = trader.legs(placed)
    assert legs["ENTRY"]["order_status_info"] == ""
    assert (legs["STOPLOSS"]["order_status"], legs["STOPLOSS"]["order_status_info"]) == ("CONFIRMED", "CLOSING")
    trader.tick(500, 10, token=22)
    assert trader.legs(placed)["STOPLOSS"]["order_status"] == "COMPLETE"
    assert f"UNPROTECTED: basket {placed.basket_id}, entry {placed.entry_id}, open quantity 10" in server.errors()
    assert f"protected again: basket {placed.basket_id}" in server.errors()


def test_a_fill_after_the_cancel_is_rescued(trader: Caller) -> None:
    """bracket.md 7, late fill after CANCELLED: booked, rescued at once; 2.5: a row of its own, MARKET, RESCUE."""
    trader.faults({"on": "fill", "action": "delay", "delay_ms": 3_000, "leg": "ENTRY"})
    trader.tick(505, 1, token=22, bids=[], asks=[])
    placed = trader.place(instrument_token="22", price=500, quantity=10)
    trader.tick(500, 4, token=22, bids=[])
    assert trader.cancel(placed.entry_id).body == CANCELLED
    assert [row["filled_quantity"] for row in rows_of(trader, placed)] == [0]
    trader.advance(3_000)
    entry, rescue = rows_of(trader, placed)
    assert (entry["order_status"], entry["filled_quantity"]) == ("CANCELLED", 4)
    assert (rescue["leg_order_indicator"], rescue["order_type"], rescue["order_side"]) == ("STOPLOSS", "MARKET", "SELL")
    assert (rescue["order_status_info"], rescue["quantity"]) == ("RESCUE", 4)
    trader.tick(500, 10, token=22)
    assert rows_of(trader, placed)[1]["order_status"] == "COMPLETE"


def test_letters_under_way_survive_a_crash(server: Server, trader: Caller) -> None:
    """bracket.md 8.20: killed with letters under way and started anew, everything that was under way arrives."""
    trader.faults(
        {"on": "fill", "action": "delay", "delay_ms": 4_000, "leg": "ENTRY"},
        {"on": "cancel", "action": "delay", "delay_ms": 60_000, "leg": "ENTRY"},
    )
    filled = trader.place(instrument_token="22", price=500, quantity=10)
    trader.tick(500, 10, token=22, bids=[])
    resting = trader.place()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(trader.cancel, resting.entry_id)
        wait_for(trader, resting.entry_id, "CANCEL_PENDING")
        trader.advance(2_000)
        assert asked.result(10).status == 202
    assert trader.sandbox("GET", "faults")["under_way"] == 2
    before = trader.sandbox("GET", "clock")["now_ns"]
    server.kill()
    assert server.verify().returncode == 0
    server.start()
    trader.port = server.port
    assert trader.sandbox("GET", "faults") == {"seed": 0, "rules": [], "under_way": 2}
    assert trader.sandbox("GET", "clock")["now_ns"] >= before - 2_000_000_000
    trader.advance(4_000)
    legs = trader.legs(filled)
    assert (legs["ENTRY"]["order_status"], legs["STOPLOSS"]["quantity"]) == ("COMPLETE", 10)
    assert trader.row(resting.entry_id)["order_status"] == "CANCEL_PENDING"
    trader.advance(60_000)
    assert trader.row(resting.entry_id)["order_status"] == "CANCELLED"
    assert trader.sandbox("GET", "faults")["under_way"] == 0


def test_letters_arrive_at_a_server_without_a_sandbox(tmp_path: Path) -> None:
    """What was under way in a sandbox arrives at its time, or at the start after it, at the bare paper exchange."""
    server = Server(tmp_path)
    server.start()
    try:
        trader = server.caller("C1")
        trader.faults({"on": "place", "action": "delay", "delay_ms": 1})
        body = {"instrument_token": "22", "price": 500}
        placed = trader.place(**body)
        server.kill()
        server.sandbox = False
        server.start()
        trader = server.caller("C1")
        assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"
        assert trader.send("GET", "/sandbox/v1/faults").status == 404
    finally:
        server.kill()
