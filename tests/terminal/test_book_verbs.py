"""What a trader looks at, against a real server."""

import pytest
from tests.e2e.process import Server
from tests.terminal.conftest import Typist

pytestmark = pytest.mark.slow


def test_orders_stand_in_their_brackets(typist: Typist, server: Server) -> None:
    """A bracket's legs stand below its entry; filters show a bracket whole or not at all."""
    waiting = typist.placed()
    filled = typist.placed("--price", "451")
    server.caller().tick(451, 10, bids=[])
    lines = [line.split() for line in typist.do("orders").splitlines()]
    place = next(number for number, words in enumerate(lines) if filled in words)
    assert [words[0] for words in lines[place + 1 : place + 3]] == ["└", "└"]
    shown = {each["order_id"]: each for each in typist.told("orders", "--live")["brackets"]}
    assert len(shown[filled]["orders"]) == 3
    assert len(shown[waiting]["orders"]) == 1
    assert waiting not in {each["order_id"] for each in typist.told("orders", "--status", "COMPLETE")["brackets"]}
    assert typist.told("orders", "--symbol", "REL")["brackets"] == []
    assert typist.told("orders", "--side", "SELL")["brackets"] == []
    typist.do("cancel", waiting)
    assert waiting in {each["order_id"] for each in typist.told("orders", "--over")["brackets"]}


def test_show_says_why(typist: Typist, server: Server) -> None:
    """A bracket that has filled in part says what is open and what guards it, and its timeline is in order."""
    order_id = typist.placed("--price", "452", "--trail", "1")
    server.caller().tick(452, 4, bids=[])
    said = " ".join(typist.do("show", order_id).split())
    assert "Why: 4 shares of 10 bought at 452.00; the rest works at the exchange at 452.00." in said
    assert "4 shares are open: the target works at the exchange at 456.00, the stop-loss waits at the exchange" in said
    assert "a print at or below 450.00 and trails in steps of 1.00." in said
    told = typist.told("show", order_id)
    assert [line["at_ns"] for line in told["timeline"]] == sorted(line["at_ns"] for line in told["timeline"])
    assert any(line["text"] == "4 shares traded at 452.00, 4 in all" for line in told["timeline"])
    leg = told["orders"][1]["order_id"]
    assert typist.told("show", leg) == typist.told("show", told["basket_id"]) == told


def test_unprotected_is_loud(typist: Typist, server: Server) -> None:
    """A bracket whose stop-loss and closing order the exchange refuses is UNPROTECTED, in orders and in show."""
    trader = server.caller()
    refusals = [{"on": "leg", "action": "refuse", "leg": "STOPLOSS"}, {"on": "close", "action": "refuse"}]
    trader.faults(*refusals)
    try:
        order_id = typist.placed("--price", "453")
        trader.tick(453, 10, bids=[])
        assert typist.told("show", order_id)["unprotected"] is True
        assert "Why: UNPROTECTED: 10 shares are open, and no working order would close them." in typist.do(
            "show", order_id
        )
        assert f"UNPROTECTED: {order_id}" in typist.do("orders")
        bare = typist.told("orders", "--status", "unprotected")["brackets"]
        assert [each["order_id"] for each in bare] == [order_id]
    finally:
        trader.sandbox("DELETE", "faults")
    trader.advance(1_000)
    assert typist.told("show", order_id)["unprotected"] is False


def test_positions_and_funds(typist: Typist, server: Server) -> None:
    """What is held and what it binds, exact to the paisa."""
    (held,) = typist.told("positions")["positions"]
    assert held["instrument"] == "NSE:3045"
    assert held["symbol"] in typist.do("positions")
    purse = typist.told("funds")
    assert purse["amounts"]["Opening Balance"] == "10000000.00"
    assert "Available Margin" in typist.do("funds")


def test_an_order_by_itself_has_no_stop_to_miss(typist: Typist, server: Server) -> None:
    """An order that is nobody's leg is shown by itself, never UNPROTECTED, and is cancelled like any other."""
    trader = server.caller("C2")
    body = {
        "client_id": "C2", "exchange": "NSE", "instrument_token": "3045", "order_side": "BUY", "order_type": "LIMIT",
        "price": 440, "product": "MIS", "quantity": 1, "validity": "DAY", "trigger_price": 0,
        "execution_type": "REGULAR", "user_order_id": 7, "disclosed_quantity": 0,
    }  # fmt: skip
    order_id = trader.send_json("POST", "/api/v1/orders", body).json["data"]["oms_order_id"]
    other = Typist(typist.home, **{**typist.environment, "BRACKETD_TOKEN": server.tokens["C2"]})
    assert "Why: The order works at the exchange at 440.00." in other.do("show", order_id)
    assert other.told("cancel", order_id)["cancelled"]["over"] is True
    body |= {"price": 460, "user_order_id": 8}
    order_id = trader.send_json("POST", "/api/v1/orders", body).json["data"]["oms_order_id"]
    trader.tick(453, 1)
    shown = other.told("show", order_id)
    assert (shown["orders"][0]["status"], shown["unprotected"], shown["over"]) == ("COMPLETE", False, True)


def test_no_colour_without_a_terminal(typist: Typist) -> None:
    """A pipe gets no escape codes, and JSON is one line."""
    assert "\x1b" not in typist.do("orders")
    assert typist.do("orders", "--json").count("\n") == 1
