"""Orders by themselves on a real server: held overnight, killed in between, filled, kept, and cancelled for good."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.caller import CANCELLED, NOT_FOUND, Caller, Row
from tests.e2e.process import Server, command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOUR_MS = 3_600_000
ORDER: dict[str, Any] = {
    "client_id": "C1",
    "exchange": "NSE",
    "instrument_token": "3045",
    "execution_type": "REGULAR",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 450.0,
    "product": "CNC",
    "quantity": 10,
    "validity": "DAY",
    "user_order_id": 10002,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with the session table and a clock that is moved, since these tests live through nights and end it."""
    server = Server(tmp_path, ("C1", "C2"), more=("--session", "nse", "--clock", "virtual"))
    for client in server.tokens:
        server.tokens[client] = command("token", client, "--data", str(server.data), "--ttl", "90d").stdout.strip()
    server.start()
    try:
        yield server
    finally:
        server.kill()


def move_to(trader: Caller, *stages: str) -> None:
    """Move the clock on until the day has come so far."""
    for _ in range(31 * 24):
        if trader.send("GET", "/sandbox/v1/clock").json["data"]["stage"] in stages:
            break
        assert trader.send_json("POST", "/sandbox/v1/clock", {"advance_ms": HOUR_MS}).status == 200
    else:
        pytest.fail(f"no {stages} in a month")


def place(trader: Caller, **changes: object) -> str:
    """Place an order by itself; returns its id."""
    reply = trader.send_json("POST", "/api/v1/orders", ORDER | changes)
    assert reply.status == 200, reply
    order_id = reply.json["data"]["oms_order_id"]
    assert isinstance(order_id, str)
    return order_id


def killed(server: Server) -> Caller:
    """Kill the server and start it again; returns a client of the new one."""
    server.kill()
    server.start()
    return server.caller()


def holding(trader: Caller) -> Row:
    """The one holding."""
    (row,) = trader.get("/api/v1/holdings").json["data"]["holdings"]
    return dict(row)


def test_a_night_and_two_crashes(server: Server) -> None:
    """An AMO placed in the evening survives a kill, is sent at the open, fills, and is held the next morning."""
    trader = server.caller()
    move_to(trader, "ENDED")
    assert trader.send_json("POST", "/api/v1/orders", ORDER).json["reason"] == "SESSION_CLOSED"
    order_id = place(trader, amo=True)
    gone = place(trader, amo=True, price=449.0)
    assert trader.send("DELETE", f"/api/v1/orders/{gone}?client_id=C1&execution_type=AMO").status == 200
    trader = killed(server)
    row = trader.row(order_id)
    assert (row["order_status"], row["order_status_info"], row["exchange_order_id"]) == ("PENDING", "AMO", "")
    assert trader.row(gone)["order_status"] == "CANCELLED"
    changed = trader.send_json("PUT", f"/api/v1/orders/{order_id}", {"quantity": 8})
    assert changed.json["data"] == {"oms_order_id": order_id}
    move_to(trader, "TRADING")
    row = trader.row(order_id)
    assert (row["order_status"], row["quantity"]) == ("CONFIRMED", 8)
    trader.tick(450.0, 5, bids=[], asks=[])
    trader = killed(server)
    assert trader.row(order_id)["filled_quantity"] == 5
    move_to(trader, "ENDED")
    assert trader.row(order_id)["order_status_info"] == "SESSION_END"
    assert holding(trader)["t1_quantity"] == 5
    move_to(trader, "TRADING")
    assert trader.rows() == []
    assert (holding(trader)["quantity"], holding(trader)["buy_avg"]) == (5, 450)
    refused = trader.send_json("POST", "/api/v1/orders", ORDER | {"order_side": "SELL", "quantity": 6})
    assert refused.json["reason"] == "MARGIN_SHORT"
    trader.tick(460.0, 100)
    sold = place(trader, order_side="SELL", quantity=5, price=455.0)
    assert trader.row(sold)["order_status"] == "COMPLETE"
    funds = {each["0"]: each["1"] for each in trader.get("/api/v2/funds/view?type=all").json["data"]["values"]}
    assert (funds["Margin Used"], funds["Realized MTM"], funds["Unrealized MTM"]) == ("0.00", "50.00", "0.00")
    server.terminate()
    assert server.verify().returncode == 0


def test_a_cancel_is_true_after_a_crash(server: Server) -> None:
    """What was answered as cancelled is CANCELLED after a kill, on whatever path it was asked for, and never fills."""
    trader = server.caller()
    move_to(trader, "TRADING")
    paths = ("/api/v1/orders", "/api/v1/orders/kart", "/api/v1/order/bracket")
    ids = [place(trader) for _ in paths]
    for path, order_id in zip(paths, ids, strict=True):
        reply = trader.send("DELETE", f"{path}/{order_id}?client_id=C1")
        assert reply.status == 200
        assert (reply.body == CANCELLED) is (path != "/api/v1/orders")
    assert server.caller("C2").send("DELETE", f"/api/v1/orders/{ids[0]}").body == NOT_FOUND
    trader = killed(server)
    trader.tick(440.0, 1_000)
    assert {(row["order_status"], row["filled_quantity"]) for row in map(trader.row, ids)} == {("CANCELLED", 0)}


def test_the_kill_switch_takes_them_all(server: Server) -> None:
    """The kill switch cancels regular orders that work and those that are held, and closes cover orders."""
    trader = server.caller()
    move_to(trader, "TRADING")
    trader.tick(450.0, 1, bids=[], asks=[])
    working = place(trader, price=440.0)
    cover = ORDER | {"execution_type": "CO", "product": "MIS", "stop_loss_value": 2, "price": 449.0, "quantity": 2}
    assert trader.send_json("POST", "/api/v1/orders/kart", cover).status == 200
    trader.tick(449.0, 2, bids=[], asks=[])
    (stop,) = (row for row in trader.book("pending") if row["leg_order_indicator"] == "STOPLOSS")
    reply = trader.send("DELETE", "/api/v1/orders?client_id=C1")
    assert reply.status == 200
    assert [each["oms_order_id"] for each in reply.json["data"]["results"]] == [working, stop["oms_order_id"]]
    trader.tick(450.0, 100)
    move_to(trader, "ENDED")
    held = place(trader, amo=True)
    (result,) = trader.send("DELETE", "/api/v1/orders?client_id=C1").json["data"]["results"]
    assert (result["oms_order_id"], result["order_status"]) == (held, "CANCELLED")
    assert killed(server).book("pending") == []
