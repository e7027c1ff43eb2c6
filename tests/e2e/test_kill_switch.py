"""Cancelling everything at once, through the public wire."""

from concurrent.futures import ThreadPoolExecutor

from tests.e2e.caller import FORBIDDEN, Caller, Reply, field_fault
from tests.e2e.process import Server


def cancel_everything(trader: Caller, slash: str = "") -> Reply:
    """Ask for everything of the caller's to be cancelled."""
    return trader.send("DELETE", f"/api/v1/orders{slash}?client_id={trader.client}")


def test_everything_of_one_client(server: Server, trader: Caller, stranger: Caller) -> None:
    """Resting entries are cancelled, positions closed under the stop's id, another's orders kept, also past a kill."""
    trader.tick(500, 1, token=22, bids=[], asks=[])
    held = trader.place(instrument_token="22", price=500, quantity=10)
    trader.tick(500, 10, token=22, bids=[], asks=[])
    resting = [trader.place(price=440 + step) for step in range(5)]
    foreign = stranger.place(price=440)
    stop_id = trader.legs(held)["STOPLOSS"]["oms_order_id"]

    assert cancel_everything(trader, "/").body == field_fault("oms_order_id", "can't be blank")
    assert stranger.send("DELETE", f"/api/v1/orders?client_id={trader.client}").body == FORBIDDEN
    assert len(trader.book("pending")) == 7

    reply = cancel_everything(trader)
    assert reply.status == 200
    assert [(row["oms_order_id"], row["order_status"], row["status"]) for row in reply.json["data"]["results"]] == [
        *((placed.entry_id, "CANCELLED", "success") for placed in resting),
        (stop_id, "CONFIRMED", "success"),
    ]
    server.kill()
    server.start()
    trader, stranger = server.caller("C1"), server.caller("C2")
    assert [row["oms_order_id"] for row in trader.book("pending")] == [stop_id]
    assert stranger.row(foreign.entry_id)["order_status"] == "CONFIRMED"
    trader.tick(500, 100, token=22)
    assert trader.row(stop_id)["order_status"] == "COMPLETE"
    empty = cancel_everything(trader)
    assert (empty.status, empty.json["data"]) == (200, {"results": []})


def test_many_at_once(server: Server) -> None:
    """Kill switches that meet each other, single cancels and fills all succeed, and nothing is left working."""
    trader = server.caller("C1")
    trader.tick(456.95, 1, bids=[], asks=[])
    placed = [trader.place(price=450 + step / 20, quantity=1) for step in range(20)]
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(cancel_everything, trader) for _ in range(8)]
        single = [pool.submit(trader.cancel, one.entry_id) for one in placed[:4]]
        filling = pool.submit(trader.tick, 450.5, 3)
        filling.result()
        assert {future.result().status for future in asked} == {200}
        assert {future.result().status for future in single} == {200}
    assert cancel_everything(trader).status == 200
    trader.tick(450.5, 1_000)
    assert trader.book("pending") == []
    for one in placed:
        rows = trader.legs(one)
        bought = rows["ENTRY"]["filled_quantity"]
        assert sum(row["filled_quantity"] for row in rows.values()) == 2 * bought
