"""The life of a bracket as its owner sees it: placed, filled, cancelled, closed, all through the public wire."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.e2e.caller import CANCELLED, LEG_NOT_ACTIVE, NOT_FOUND, TOO_LATE, Caller, Placed, Row, bracket_body

ROW_NAMES = """
    trading_symbol average_trade_price exchange pro_cli market_protection_percentage order_entry_time mode
    oms_order_id trailing_stop_loss deposit square_off_value disclosed_quantity stop_loss_value price order_tag
    device remaining_quantity last_activity_reference average_price square_off? square_off order_status_info
    quantity execution_type client_id exchange_time order_side login_id validity instrument_token product
    trigger_price segment trade_price order_type contract_description rejection_code leg_order_indicator
    exchange_order_id order_status filled_quantity target_price_type is_trailing user_order_id lot_size series
    nnf_id rejection_reason underlying_token isin source spread_token tags sl_trigger_price sl_order_price
    sl_order_quantity symbol
"""
"""The fields of a row in the documents of 2020, then those that 2024 added (wire.md 1.8)."""

ROW_FIELDS = frozenset(ROW_NAMES.split())
NSE_EPOCH_S = 315_532_800
IST_S = 19_800


def place_acc(trader: Caller, **changes: object) -> Placed:
    """Ten shares of ACC at 500, target 502, stop 499."""
    return trader.place(**({"instrument_token": "22", "price": 500, "quantity": 10} | changes))


def shape(row: Row) -> tuple[str, int, int, int]:
    """Status, quantity, filled and remaining quantity of a row."""
    return row["order_status"], row["quantity"], row["filled_quantity"], row["remaining_quantity"]


@pytest.fixture(autouse=True)
def quiet_market(trader: Caller) -> Iterator[None]:
    """Each test begins after a print of ACC at 500 that displays nothing to anyone, and leaves no order behind."""
    trader.tick(500, 1, token=22, bids=[], asks=[])
    yield
    for leg in ("ENTRY", "STOPLOSS"):
        for row in trader.book("pending"):
            if row["leg_order_indicator"] == leg:
                assert trader.cancel(row["oms_order_id"], leg).body == CANCELLED
    trader.tick(500, 100_000, token=22)
    assert trader.book("pending") == []


def test_from_placement_to_a_closed_bracket(trader: Caller) -> None:
    """Partly filled, its rest cancelled, its legs kept, then closed by the TARGET's word: each step shows."""
    placed = place_acc(trader)
    assert shape(trader.row(placed.entry_id)) == ("CONFIRMED", 10, 0, 10)
    trader.tick(500, 4, token=22)
    legs = trader.legs(placed)
    assert shape(legs["ENTRY"]) == ("CONFIRMED", 10, 4, 6)
    assert shape(legs["STOPLOSS"]) == ("TRIGGER_PENDING", 4, 0, 4)
    assert shape(legs["TARGET"]) == ("CONFIRMED", 4, 0, 4)
    assert (legs["STOPLOSS"]["trigger_price"], legs["STOPLOSS"]["price"], legs["STOPLOSS"]["order_type"]) == (
        499,
        0,
        "SLM",
    )
    assert (legs["TARGET"]["price"], legs["TARGET"]["order_type"], legs["TARGET"]["order_side"]) == (
        502,
        "LIMIT",
        "SELL",
    )

    assert trader.cancel(placed.entry_id).body == CANCELLED
    legs = trader.legs(placed)
    assert shape(legs["ENTRY"]) == ("CANCELLED", 10, 4, 0)
    assert shape(legs["STOPLOSS"]) == ("TRIGGER_PENDING", 4, 0, 4)
    assert shape(legs["TARGET"]) == ("CONFIRMED", 4, 0, 4)

    stop = legs["STOPLOSS"]
    assert trader.cancel(placed.entry_id, "TARGET").body == CANCELLED
    legs = trader.legs(placed)
    assert shape(legs["STOPLOSS"]) == ("COMPLETE", 4, 4, 0)
    assert shape(legs["TARGET"]) == ("CANCELLED", 4, 0, 0)
    assert legs["STOPLOSS"]["order_status_info"] == "CLOSING"
    assert (legs["STOPLOSS"]["order_type"], legs["STOPLOSS"]["trigger_price"]) == ("MARKET", 0)
    assert legs["STOPLOSS"]["average_price"] == 500
    for kept in ("oms_order_id", "exchange_order_id"):
        assert legs["STOPLOSS"][kept] == stop[kept]
    for again in ("ENTRY", "TARGET", "STOPLOSS"):
        assert trader.cancel(placed.entry_id, again).body == CANCELLED
    assert len(trader.legs(placed)) == 3


def test_legs_grow_with_every_entry_fill(trader: Caller) -> None:
    """Each later fill of the entry grows both legs at once; what was filled in between is never without a stop."""
    placed = place_acc(trader)
    for quantity, filled in ((3, 3), (4, 7), (3, 10)):
        trader.tick(500, quantity, token=22)
        legs = trader.legs(placed)
        assert shape(legs["STOPLOSS"]) == ("TRIGGER_PENDING", filled, 0, filled)
        assert shape(legs["TARGET"]) == ("CONFIRMED", filled, 0, filled)
    assert trader.cancel(placed.entry_id).status == 409


def test_a_closing_order_waits_for_a_buyer(trader: Caller) -> None:
    """With nobody to buy, the closing order works on and fills from the next prints; there is no second one."""
    placed = place_acc(trader)
    trader.tick(500, 10, token=22, bids=[], asks=[])
    assert trader.cancel(placed.entry_id, "STOPLOSS").body == CANCELLED
    legs = trader.legs(placed)
    assert shape(legs["STOPLOSS"]) == ("CONFIRMED", 10, 0, 10)
    assert legs["STOPLOSS"]["order_status_info"] == "CLOSING"
    assert shape(legs["TARGET"]) == ("CANCELLED", 10, 0, 0)
    assert trader.cancel(legs["TARGET"]["oms_order_id"], None).body == CANCELLED
    trader.tick(499.5, 6, token=22)
    assert shape(trader.legs(placed)["STOPLOSS"]) == ("CONFIRMED", 10, 6, 4)
    trader.tick(499, 6, token=22)
    closed = trader.legs(placed)
    assert shape(closed["STOPLOSS"]) == ("COMPLETE", 10, 10, 0)
    assert closed["STOPLOSS"]["average_price"] == 499.3
    assert len(closed) == 3


def test_the_stop_closes_the_bracket(trader: Caller) -> None:
    """A print at the trigger closes by the STOPLOSS; the TARGET is cancelled "OCO" and the entry is too late."""
    placed = place_acc(trader)
    trader.tick(500, 10, token=22)
    trader.tick(499, 100, token=22)
    legs = trader.legs(placed)
    assert shape(legs["STOPLOSS"]) == ("COMPLETE", 10, 10, 0)
    assert shape(legs["TARGET"]) == ("CANCELLED", 10, 0, 0)
    assert legs["TARGET"]["order_status_info"] == "OCO"
    assert shape(legs["ENTRY"]) == ("COMPLETE", 10, 10, 0)
    assert trader.cancel(placed.entry_id).body == TOO_LATE
    assert trader.cancel(placed.entry_id, "STOPLOSS").body == TOO_LATE
    assert trader.cancel(placed.entry_id, "TARGET").body == CANCELLED


def test_the_target_closes_the_bracket(trader: Caller) -> None:
    """A print at the target fills it at its own price; the stop is gone and a cancel of the entry is TOO_LATE."""
    placed = place_acc(trader)
    trader.tick(500, 10, token=22)
    trader.tick(502, 100, token=22)
    legs = trader.legs(placed)
    assert shape(legs["TARGET"]) == ("COMPLETE", 10, 10, 0)
    assert legs["TARGET"]["average_price"] == 502
    assert shape(legs["STOPLOSS"]) == ("CANCELLED", 10, 0, 0)
    assert legs["STOPLOSS"]["order_status_info"] == "OCO"
    late = trader.cancel(placed.entry_id)
    assert (late.status, late.body) == (409, TOO_LATE)
    assert trader.cancel(placed.entry_id, "TARGET").body == TOO_LATE
    assert trader.cancel(placed.entry_id, "STOPLOSS").body == CANCELLED


def test_an_exit_decides_about_the_entrys_rest(trader: Caller) -> None:
    """The first fill of an exit cancels what the entry still wanted: a bracket never re-enters."""
    placed = place_acc(trader)
    trader.tick(500, 4, token=22)
    trader.tick(502, 1, token=22)
    legs = trader.legs(placed)
    assert shape(legs["ENTRY"]) == ("CANCELLED", 10, 4, 0)
    assert shape(legs["TARGET"]) == ("CONFIRMED", 4, 1, 3)
    assert legs["STOPLOSS"]["remaining_quantity"] == 3
    trader.tick(500, 100, token=22, bids=[], asks=[])
    assert trader.row(placed.entry_id)["filled_quantity"] == 4
    assert trader.cancel(placed.entry_id).body == CANCELLED
    assert trader.legs(placed)["STOPLOSS"]["remaining_quantity"] == 3


def test_a_cancelled_entry_never_fills(trader: Caller) -> None:
    """After a cancel without a fill there is no leg, no position and nothing for later prints to fill."""
    placed = place_acc(trader)
    assert trader.cancel(placed.entry_id, "STOPLOSS").body == LEG_NOT_ACTIVE
    assert trader.cancel(placed.entry_id).body == CANCELLED
    trader.tick(498, 1_000, token=22)
    assert shape(trader.row(placed.entry_id)) == ("CANCELLED", 10, 0, 0)
    assert set(trader.legs(placed)) == {"ENTRY"}
    assert trader.cancel(placed.entry_id).body == CANCELLED
    assert trader.cancel(placed.entry_id, "TARGET").body == LEG_NOT_ACTIVE


def test_a_short_bracket_mirrors(trader: Caller) -> None:
    """A SELL entry has its target below and its stop above, both buying."""
    placed = place_acc(trader, order_side="SELL")
    trader.tick(500, 10, token=22)
    legs = trader.legs(placed)
    assert (legs["TARGET"]["price"], legs["STOPLOSS"]["trigger_price"]) == (498, 501)
    assert {legs[leg]["order_side"] for leg in ("TARGET", "STOPLOSS")} == {"BUY"}
    trader.tick(501, 100, token=22)
    assert shape(trader.legs(placed)["STOPLOSS"]) == ("COMPLETE", 10, 10, 0)


def test_a_representation_on_request(trader: Caller) -> None:
    """`Prefer: return=representation` adds `data` behind the same two keys: what was named, and what is still open."""
    placed = place_acc(trader)
    trader.tick(500, 4, token=22, bids=[], asks=[])
    body = {"leg_order_indicator": "ENTRY"}
    target = f"/api/v1/orders/kart/{placed.entry_id}"
    reply = trader.send_json("DELETE", target, body, prefer="return=representation")
    said = reply.json
    assert reply.status == 200
    assert list(said) == ["status", "message", "data"]
    assert (said["status"], said["message"]) == ("success", "Order cancelled successfully")
    data = said["data"]
    assert set(data) == {"basket_id", "oms_order_id", "order_status", "filled_quantity", "open_quantity", "legs"}
    assert (data["basket_id"], data["oms_order_id"]) == (placed.basket_id, placed.entry_id)
    assert (data["order_status"], data["filled_quantity"], data["open_quantity"]) == ("CANCELLED", 4, 4)
    assert len(data["legs"]) in (2, 3)
    closing = trader.send_json(
        "DELETE", target, {"leg_order_indicator": "STOPLOSS"}, prefer="return=representation"
    ).json
    assert (closing["data"]["order_status"], closing["data"]["open_quantity"]) == ("CONFIRMED", 4)
    assert closing["data"]["oms_order_id"] == trader.legs(placed)["STOPLOSS"]["oms_order_id"]


def test_rows_have_every_field(trader: Caller) -> None:
    """A row of either book has every field that the family's clients read, none of them null."""
    placed = place_acc(trader)
    trader.tick(500, 10, token=22)
    legs = trader.legs(placed)
    for leg, row in legs.items():
        assert set(row) >= ROW_FIELDS, ROW_FIELDS - set(row)
        assert row["leg_order_indicator"] == leg
        assert (row["client_id"], row["exchange"], row["execution_type"], row["product"]) == ("C1", "NSE", "BO", "MIS")
        assert isinstance(row["exchange_order_id"], str)
        assert len(row["exchange_order_id"]) == 16
        assert isinstance(row["user_order_id"], str)
        assert [name for name, value in row.items() if value is None] == []
    assert legs["ENTRY"]["trading_symbol"] == "ACC-EQ"
    assert (legs["ENTRY"]["price"], legs["ENTRY"]["average_price"]) == (500, 500)
    assert (legs["ENTRY"]["square_off_value"], legs["ENTRY"]["stop_loss_value"]) == (2, 1)
    reference_s = legs["ENTRY"]["last_activity_reference"] / 1e9 + NSE_EPOCH_S - IST_S
    assert abs(reference_s - datetime.now(UTC).timestamp()) < 60
    assert abs(legs["ENTRY"]["order_entry_time"] - datetime.now(UTC).timestamp()) < 60


def test_books_part_by_what_still_works(trader: Caller) -> None:
    """The pending book holds what works, the completed book what is terminal, and no row is in both."""
    placed = place_acc(trader)
    trader.tick(500, 10, token=22)
    pending = {row["oms_order_id"]: row["order_status"] for row in trader.book("pending")}
    completed = {row["oms_order_id"]: row["order_status"] for row in trader.book("completed")}
    assert pending.keys() & completed.keys() == set()
    assert set(completed.values()) <= {"COMPLETE", "CANCELLED", "REJECTED"}
    assert set(pending.values()) & {"COMPLETE", "CANCELLED", "REJECTED"} == set()
    assert completed[placed.entry_id] == "COMPLETE"
    legs = trader.legs(placed)
    assert {legs["TARGET"]["oms_order_id"], legs["STOPLOSS"]["oms_order_id"]} <= pending.keys()


def test_nobody_sees_anothers_orders(trader: Caller, stranger: Caller) -> None:
    """Another client's books hold nothing of C1, and asking for C1's books by name is forbidden."""
    placed = place_acc(trader)
    assert [row for row in stranger.rows() if row["client_id"] != "C2"] == []
    assert stranger.get("/api/v1/orders?type=pending&client_id=C1").status == 403
    assert stranger.send("DELETE", f"/api/v1/orders/kart/{placed.entry_id}").body == NOT_FOUND
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


def test_a_placement_answers_as_the_family_does(trader: Caller) -> None:
    """The reply to a placement has the family's words and a basket_id, and nothing else."""
    placed = place_acc(trader)
    reply = trader.send_json("POST", "/api/v1/orders/kart", bracket_body("C1"))
    basket_id = reply.json["data"]["data"]["basket_id"]
    assert reply.json == {
        "data": {"data": {"basket_id": basket_id, "message": "basket Order Placed Successfully"}},
        "message": "Order place successfully",
        "status": "success",
    }
    assert basket_id != placed.basket_id


def test_a_modified_entry_fills_on_its_new_terms(trader: Caller) -> None:
    """A PUT with the row's own reference changes price and total; the same reference again is stale."""
    placed = place_acc(trader)
    row = trader.row(placed.entry_id)
    body = {
        "client_id": trader.client,
        "execution_type": "BO",
        "oms_order_id": placed.entry_id,
        "exchange_order_id": row["exchange_order_id"],
        "last_activity_reference": float(row["last_activity_reference"]),
        "price": 499.5,
        "quantity": 6,
        "trigger_price": 0,
    }
    reply = trader.send_json("PUT", "/api/v1/orders/kart", body)
    assert (reply.status, reply.json["message"]) == (200, "Order modified successfully")
    row = trader.row(placed.entry_id)
    assert (*shape(row), row["price"]) == ("MODIFY_CONFIRMED", 6, 0, 6, 499.5)
    stale = trader.send_json("PUT", "/api/v1/orders/kart/", body | {"quantity": 7})
    assert (stale.status, stale.json["reason"]) == (409, "STALE_REFERENCE")
    trader.tick(499.5, 6, token=22)
    assert trader.row(placed.entry_id)["order_status"] == "COMPLETE"
    assert trader.legs(placed)["STOPLOSS"]["trigger_price"] == 498.5
