"""The published SDK `pocketful` 0.1.2, unmodified, against a real server: its reads and orders work as users call them.

It runs in an environment of its own (see `driver`). Its base address is set, an attribute of the class, and what its
constructor would ask a public service is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.driver import Calling, SdkRaised
from tests.e2e.caller import Caller, Placed
from tests.e2e.process import Server, command

ABSENT = {
    "createBasket",
    "fetchBasket",
    "deleteBasket",
    "addInstrumentToBasket",
    "editBasketInstrument",
    "deleteBasketInstrument",
    "executeBasket",
    "renameBasket",
    "gttCreateRule",
    "gttModifyRule",
    "gttCancelRule",
    "gttFetchRule",
    "getOptionChain",
}
"""Calls to features that are not here; the SDK gets a JSON 404 that names them."""

ORDER_ENTRY = {
    "placeOrder",
    "modifyOrder",
    "cancelOrder",
    "placeConditionalOrder",
    "modifyConditionalOrder",
    "cancelConditionalOrder",
}
LOGIN = {"generateSession", "validate2FA"}
"""The second is called by the first."""

WITHOUT_A_ROUTE = {"greekdata", "requestHeaders"}
"""`greekdata` names a route that the SDK itself has not; `requestHeaders` asks nobody."""

READS: dict[str, tuple[Any, ...]] = {
    "getProfile": (),
    "getPendingOrder": (),
    "getCompletedOrder": (),
    "getTradeBook": (),
    "getOrderHistory": ("{entry}",),
    "getPositionsDaywise": (),
    "getPositionsNetwise": (),
    "getDematHoldings": (),
    "getFunds": (),
    "getMarketdata": ("NSE", "3045"),
    "getLtp": ("NSE", "3045"),
    "getClosePrice": ("NSE", 3045),
}
ENVELOPED: dict[str, tuple[Any, ...]] = {
    "searchScrip": ("SBIN",),
    "getScripInfo": ("NSE", "3045"),
    "getDPRdata": ("NSE", "3045"),
}
REFUSED: dict[str, tuple[Any, ...]] = {
    "getFNOdata": ("NSE", "3045"),
    "getFNOltp": ("NSE", "3045"),
    "convertPosition": (
        {
            "client_id": "C1",
            "exchange": "NSE",
            "instrument_token": 3045,
            "product": "MIS",
            "new_product": "CNC",
            "quantity": 1,
            "validity": "DAY",
            "order_side": "SELL",
        },
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bracketd process on a free port and a fresh folder."""
    folder: Path = tmp_path_factory.mktemp("pocketful")
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def placed(server: Server) -> Placed:
    """A bracket of C1 that is open, beside one that is done and one that works."""
    trader: Caller = server.caller("C1")
    trader.place(price=457.0)
    trader.tick(456.95, 100)
    trader.tick(459.0, 100)
    opened = trader.place(price=460.0)
    trader.tick(459.0, 4)
    trader.place(price=440.0)
    return opened


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[Calling]:
    """The SDK as C1 uses it, pointed at the server; nothing of it but its address is changed."""
    with Calling(server, "C1", server.tokens["C1"]) as calling:
        yield calling


@pytest.fixture
def trading(server: Server) -> Iterator[Calling]:
    """The SDK as C2 uses it, who has a market of its own making (ACC at 500) and nothing that works."""
    server.caller("C2").tick(500, 1, token=22, bids=[], asks=[])
    with Calling(server, "C2", server.tokens["C2"]) as calling:
        yield calling
    server.caller("C2").send("DELETE", "/api/v1/orders?client_id=C2")
    server.caller("C2").tick(500, 1_000, token=22)


def call(sdk: Calling, name: str, arguments: tuple[Any, ...], placed: Placed) -> dict[str, Any]:
    """What the SDK gives for one call; `{entry}` stands for the id of an order."""
    filled = [value.format(entry=placed.entry_id) if isinstance(value, str) else value for value in arguments]
    reply: dict[str, Any] = getattr(sdk, name)(*filled)
    return reply


def test_every_method_is_looked_at(sdk: Calling) -> None:
    """No public call of the SDK is missing from the lists of this module, and none in them is made up."""
    assert set(sdk.methods) == {*READS, *ENVELOPED, *REFUSED, *ABSENT, *ORDER_ENTRY, *LOGIN, *WITHOUT_A_ROUTE}


@pytest.mark.parametrize("name", READS)
def test_reads(sdk: Calling, placed: Placed, name: str) -> None:
    """A read of the client's own things, and of the market, is a success with data."""
    reply = call(sdk, name, READS[name], placed)
    assert (reply["status"], reply["message"]) == ("success", "")
    assert "data" in reply


@pytest.mark.parametrize("name", ENVELOPED)
def test_contracts(sdk: Calling, placed: Placed, name: str) -> None:
    """A contract route answers in its own envelope, without an error."""
    reply = call(sdk, name, ENVELOPED[name], placed)
    assert reply["error"] == {"code": 0, "message": ""}
    assert reply["result"]


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(sdk: Calling, placed: Placed, name: str) -> None:
    """A refusal comes back as the reply that it is: the SDK raises nothing, and the reason can be read."""
    reply = call(sdk, name, REFUSED[name], placed)
    assert reply["status"] == "error"
    assert reply["reason"] in ("UNKNOWN_INSTRUMENT", "PRODUCT_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("name", "arguments", "feature"),
    [
        ("getOptionChain", ("3045", 6, 0), "option chain"),
        ("fetchBasket", (), "basket orders"),
        ("createBasket", ({"login_id": "C1", "name": "b"},), "basket orders"),
    ],
)
def test_features_that_are_not_here(
    sdk: Calling, placed: Placed, name: str, arguments: tuple[Any, ...], feature: str
) -> None:
    """A call to a feature that is not here is told which one."""
    assert call(sdk, name, arguments, placed)["message"] == f"Resource not found: {feature}"


def test_what_the_books_hold(sdk: Calling, placed: Placed) -> None:
    """The SDK's user finds the order in the books, its fills, its history and its position."""
    pending = [row["oms_order_id"] for row in sdk.getPendingOrder()["data"]["orders"]]
    completed = [row["oms_order_id"] for row in sdk.getCompletedOrder()["data"]["orders"]]
    assert placed.entry_id in pending + completed
    trades = sdk.getTradeBook()["data"]["trades"]
    assert placed.entry_id in [row["oms_order_id"] for row in trades]
    history = sdk.getOrderHistory(placed.entry_id)["data"]["order history"]
    assert history[0]["status"] == "PENDING"
    (position,) = sdk.getPositionsDaywise()["data"]
    signed = sum(row["trade_quantity"] * (1 if row["order_side"] == "BUY" else -1) for row in trades)
    assert position["net_quantity"] == signed > 0
    assert sdk.getPositionsNetwise()["data"] == [position]


def test_prices(sdk: Calling, placed: Placed) -> None:
    """The last price is the bare number in rupees, the whole quote has the same, and the band is that of the scrip."""
    assert sdk.getLtp("NSE", "3045")["data"] == 459
    assert sdk.getMarketdata("NSE", "3045")["data"]["last_trade_price"] == 459
    limits = sdk.getDPRdata("NSE", "3045")["result"]
    assert limits["dpr"] == f"{limits['lower_circuit_limit']:.4f} - {limits['higher_circuit_limit']:.4f}"


def test_login_with_a_pin(server: Server) -> None:
    """The SDK's own login, with a PIN, gives it a token that it goes on with."""
    given = ("client", "add", "SDK1", "--data", str(server.data), "--password-stdin", "--pin-stdin")
    command(*given, stdin="correct horse\n246810\n")
    with Calling(server, "", "") as sdk:
        assert sdk.generateSession("SDK1", "correct horse", "000000")["error_code"] == 40000
        assert sdk.generateSession("SDK1", "correct horse", "246810")["status"] == "success"
        assert sdk.getProfile()["data"]["client_id"] == "SDK1"


@pytest.mark.parametrize(
    ("name", "arguments", "raised"),
    [
        ("gttCreateRule", ({"client_id": "C1"},), "KeyError"),
        ("gttCancelRule", ({"id": "1"},), "UnboundLocalError"),
        ("greekdata", ("NSE", "3045"), "KeyError"),
    ],
)
def test_slips_of_the_sdk(sdk: Calling, name: str, arguments: tuple[Any, ...], raised: str) -> None:
    """Where the SDK raises it is over what it does itself, before or after a refusal (docs/clients.md)."""
    with pytest.raises(SdkRaised, match=f"^{raised}: "):
        getattr(sdk, name)(*arguments)


def test_another_clients_id(server: Server) -> None:
    """A user who names another client than its token's gets a refusal to read, and raises nothing."""
    with Calling(server, "C2", server.tokens["C1"]) as sdk:
        assert sdk.getProfile()["message"] == "Request forbidden"


REGULAR: dict[str, Any] = {
    "exchange": "NSE",
    "instrument_token": "22",
    "client_id": "C2",
    "order_type": "LIMIT",
    "amo": False,
    "price": 499.0,
    "quantity": 3,
    "disclosed_quantity": 0,
    "validity": "DAY",
    "product": "CNC",
    "order_side": "BUY",
    "device": "WEB",
    "user_order_id": 10002,
    "trigger_price": 0,
    "execution_type": "REGULAR",
}
"""A regular order as the SDK's users write one."""


def own_row(sdk: Calling, order_id: str) -> dict[str, Any]:
    """The row of one order, in whichever book it is."""
    books = (sdk.getPendingOrder(), sdk.getCompletedOrder())
    (row,) = [row for book in books for row in book["data"]["orders"] if row["oms_order_id"] == order_id]
    return dict(row)


@pytest.mark.parametrize("amo", [False, True])
def test_regular_orders(server: Server, trading: Calling, amo: bool) -> None:
    """A regular order, or an AMO, is placed, modified, cancelled and filled by the SDK's own calls."""
    kind = "AMO" if amo else "REGULAR"
    placed = trading.placeOrder(dict(REGULAR, amo=amo, execution_type=kind))
    order_id = placed["data"]["oms_order_id"]
    assert (placed["status"], placed["data"]["user_order_id"]) == ("success", 10002)
    row = own_row(trading, order_id)
    assert (row["order_status"], row["execution_type"], row["leg_order_indicator"]) == ("CONFIRMED", kind, "")
    modify = dict(REGULAR, oms_order_id=order_id, exchange_order_id=row["exchange_order_id"], quantity=5)
    modify |= {"execution_type": kind, "last_activity_reference": row["last_activity_reference"]}
    del modify["amo"]
    changed = trading.modifyOrder(modify)
    assert (changed["data"]["oms_order_id"], changed["message"]) == (order_id, "Order modification request submitted")
    assert own_row(trading, order_id)["quantity"] == 5
    server.caller("C2").tick(499, 2, token=22, bids=[], asks=[])
    gone = trading.cancelOrder({"oms_order_id": order_id, "client_id": "C2", "execution_type": kind})
    assert gone["message"] == f"Order cancellation request submitted for OMS Order: {order_id}"
    row = own_row(trading, order_id)
    assert (row["order_status"], row["filled_quantity"]) == ("CANCELLED", 2)
    (holding,) = [each for each in trading.getDematHoldings()["data"]["holdings"] if each["token"] == 22]
    assert holding["t1_quantity"] >= 2


def test_a_regular_order_that_is_refused(trading: Calling) -> None:
    """A refusal of the SDK's order comes back as the reply that it is."""
    reply = trading.placeOrder(dict(REGULAR, quantity=0))
    assert (reply["status"], reply["reason"]) == ("error", "BAD_LOT")
    reply = trading.cancelOrder({"oms_order_id": "20200101-1", "client_id": "C2", "execution_type": "REGULAR"})
    assert reply == {"status": "failed", "message": "Order not found"}


@pytest.mark.parametrize("kind", ["BO", "CO"])
def test_conditional_orders(server: Server, trading: Calling, kind: str) -> None:
    """A bracket and a cover order are placed, modified, filled in part and closed by the SDK's own calls."""
    order = dict(REGULAR, execution_type=kind, product="MIS", stop_loss_value=1, is_trailing=False)
    order |= {"trailing_stop_loss": 0} | ({"square_off_value": 2} if kind == "BO" else {})
    del order["amo"]
    basket = trading.placeConditionalOrder(dict(order))["data"]["data"]["basket_id"]
    (entry,) = [row for row in trading.getPendingOrder()["data"]["orders"] if row["basket_id"] == basket]
    named = {"oms_order_id": entry["oms_order_id"], "exchange_order_id": entry["exchange_order_id"]}
    changed = trading.modifyConditionalOrder(dict(order, **named, quantity=4, price=499.5, last_activity_reference=10))
    assert changed["message"] == "Order modified successfully"
    server.caller("C2").tick(499.5, 2, token=22, bids=[], asks=[])
    rows = [row for row in trading.getPendingOrder()["data"]["orders"] if row["basket_id"] == basket]
    assert {row["leg_order_indicator"] for row in rows} == {"ENTRY", "STOPLOSS"} | (
        {"TARGET"} if kind == "BO" else set()
    )
    cancel = {"client_id": "C2", "execution_type": kind, "status": "MODIFY_CONFIRMED", **named}
    for leg in ("ENTRY", "STOPLOSS"):
        gone = trading.cancelConditionalOrder(dict(cancel, leg_order_indicator=leg))
        assert gone == {"status": "success", "message": "Order cancelled successfully"}
    server.caller("C2").tick(499.5, 10, token=22)
    assert [row for row in trading.getPendingOrder()["data"]["orders"] if row["basket_id"] == basket] == []
