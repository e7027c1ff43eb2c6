"""What of the market a fill came from, as the trade book tells it: by which way, at which print, of which tick."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.caller import Caller, Placed, field_fault
from tests.e2e.process import Server

pytestmark = pytest.mark.slow

Cause = tuple[str, float, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a clock that is moved by hand."""
    folder: Path = tmp_path_factory.mktemp("bracketd")
    server = Server(folder, ("C1",), more=("--clock", "virtual"), token_ttl="365d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def causes(trader: Caller, order_id: str) -> list[Cause]:
    """(matched_by, tick_price, tick_id) of each fill of an order, oldest first."""
    rows = trader.get("/api/v1/trades").json["data"]["trades"]
    return [(row["matched_by"], row["tick_price"], row["tick_id"]) for row in rows if row["oms_order_id"] == order_id]


def bought(trader: Caller, name: str, **order: object) -> Placed:
    """A bracket whose entry a print of that name has filled."""
    placed = trader.place(price=450, quantity=10, **order)
    trader.tick(450, 10, tick_id=name, bids=[], asks=[])
    return placed


def test_a_print_and_a_display_are_told_apart(server: Server) -> None:
    """A resting entry shares a print; a stop-loss takes what the tick that triggered it displayed."""
    trader = server.caller()
    placed = bought(trader, "first")
    assert causes(trader, placed.entry_id) == [("PRINT", 450, "first")]
    stop = trader.legs(placed)["STOPLOSS"]["oms_order_id"]
    trader.tick(448.5, 1, tick_id="fall", bids=[[448.4, 4], [448.3, 20]])
    assert causes(trader, stop) == [("DISPLAYED", 448.5, "fall")] * 2


def test_a_command_between_two_ticks_names_the_one_before(server: Server) -> None:
    """An order that takes what is displayed when it comes was filled by the tick that shows it; also a quote's name."""
    trader = server.caller()
    trader.tick(450, 1, tick_id="print")
    trader.tick(450, 0, tick_id="quote", bids=[[449.9, 5]], asks=[[450.1, 5]])
    placed = trader.place(order_type="MARKET", price=0, quantity=7)
    assert causes(trader, placed.entry_id) == [("DISPLAYED", 450, "quote")]
    trader.tick(450.2, 2, asks=[[450.2, 50]])
    assert causes(trader, placed.entry_id)[1] == ("DISPLAYED", 450.2, "")


def test_causes_survive_a_restart(server: Server) -> None:
    """After a kill the causes are as they were, and what is displayed still has its name."""
    trader = server.caller()
    placed = bought(trader, "before")
    trader.tick(451, 0, tick_id="shown", bids=[[450.9, 5]], asks=[[451, 5]])
    server.kill()
    server.start()
    trader = server.caller()
    assert causes(trader, placed.entry_id) == [("PRINT", 450, "before")]
    other = trader.place(order_type="MARKET", price=0, quantity=5)
    assert causes(trader, other.entry_id) == [("DISPLAYED", 450, "shown")]


def test_a_fill_told_late_names_the_tick_of_the_fill(server: Server) -> None:
    """A fill that the exchange tells a second later, over a restart, has the cause that it had when it was traded."""
    trader = server.caller()
    trader.faults({"on": "fill", "action": "delay", "delay_ms": 1000})
    placed = bought(trader, "then")
    trader.tick(452, 1, tick_id="meanwhile", bids=[], asks=[])
    assert causes(trader, placed.entry_id) == []
    server.kill()
    server.start()
    trader = server.caller()
    trader.advance(1000)
    assert causes(trader, placed.entry_id) == [("PRINT", 450, "then")]


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", {"a": 1}, "\x07"])
def test_a_name_that_is_none_is_refused(server: Server, name: object) -> None:
    """A name that is too long, does not print or is no text is 400, and nothing is printed."""
    body = {"exchange": "NSE", "instrument_token": 3045, "last_price": 450, "last_quantity": 1, "tick_id": name}
    reply = server.caller().send_json("POST", "/sandbox/v1/ticks", body)
    assert (reply.status, reply.body) == (400, field_fault("tick_id"))
