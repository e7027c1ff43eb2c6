"""The family's published SDKs, unmodified, listening to a real server: pyoauthbridge 1.0.20 and pocketful 0.1.2.

Only where they connect to is set (see `drivers/listener.py`). What they read is compared with what REST says.
"""

from collections.abc import Iterator

import pytest
from tests.clients.driver import SDKS, Listening
from tests.e2e.process import Server

SBIN = {"exchangeCode": 1, "instrumentToken": 3045}
PNB = {"exchangeCode": 1, "instrumentToken": "10666"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bracketd process on a fresh folder, with no feed but what is pushed."""
    server = Server(tmp_path_factory.mktemp("bracketd"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module", params=SDKS)
def sdk(request: pytest.FixtureRequest, server: Server) -> Iterator[Listening]:
    """One SDK after the other, connected as C1; what it is subscribed to stays for the tests that follow."""
    with Listening(request.param, server, "C1") as listening:
        assert listening.connected is True
        yield listening


@pytest.fixture(params=SDKS)
def fresh_sdk(request: pytest.FixtureRequest, server: Server) -> Iterator[Listening]:
    """One SDK after the other, connected as C1 and subscribed to nothing yet."""
    with Listening(request.param, server, "C1") as listening:
        yield listening


def test_sdk_reads_detailed_quotes(sdk: Listening, server: Server) -> None:
    """A detailed subscription shows the present quote at once and then each print, with its depth."""
    server.caller().tick(456.95, 10, bids=[[456.90, 7]], asks=[[457.05, 9]])
    sdk.call("subscribe_detailed_marketdata", SBIN)
    shown = sdk.read("read_detailed_marketdata")
    assert (shown["instrument_token"], shown["last_traded_price"], shown["last_traded_quantity"]) == (3045, 45_695, 10)
    server.caller().tick(457.00, 3, bids=[[456.95, 8]], asks=[[457.10, 6]])
    read = sdk.read("read_detailed_marketdata", last_traded_price=45_700)
    assert (read["last_traded_quantity"], read["best_bid_price"], read["best_bid_quantity"]) == (3, 45_695, 8)
    assert (read["best_ask_price"], read["best_ask_quantity"], read["total_sell_quantity"]) == (45_710, 6, 6)


def test_sdk_reads_compact_quotes(sdk: Listening, server: Server) -> None:
    """A compact subscription follows the prints."""
    sdk.call("subscribe_compact_marketdata", SBIN)
    server.caller().tick(458.00, 3)
    assert sdk.read("read_compact_marketdata", last_traded_price=45_800)["instrument_token"] == 3045


def test_sdk_reads_snapquotes(sdk: Listening, server: Server) -> None:
    """A snapquote subscription shows the depth, level by level."""
    sdk.call("subscribe_snapquote_data", SBIN)
    server.caller().tick(457.00, 3, bids=[[456.95, 8], [456.90, 4]], asks=[])
    read = sdk.read("read_snapquote_data", bidQtys=[8, 4, 0, 0, 0], askQtys=[0, 0, 0, 0, 0])
    assert read["bidPrices"] == [45_695, 45_690, 0, 0, 0]
    assert (read["totalBuyQty"], read["totalSellQty"]) == (12, 0)


def test_sdk_reads_several_quotes(sdk: Listening, server: Server) -> None:
    """One subscription to several instruments fills the SDK's table, token as number or text."""
    sdk.call("subscribe_multiple_detailed_marketdata", [SBIN, PNB])
    sdk.read("read_detailed_marketdata", instrument_token=10_666)
    assert sorted(sdk.read("read_multiple_detailed_marketdata")) == ["10666_1", "3045_1"]


def test_sdk_is_sent_no_more_after_unsubscribing(fresh_sdk: Listening, server: Server) -> None:
    """After unsubscribing from one layout its quotes stop, while another layout's go on."""
    fresh_sdk.call("subscribe_compact_marketdata", SBIN)
    fresh_sdk.read("read_compact_marketdata")
    fresh_sdk.call("unsubscribe_compact_marketdata", SBIN)
    fresh_sdk.call("subscribe_snapquote_data", SBIN)
    fresh_sdk.read("read_snapquote_data")
    server.caller().tick(459.00, 3)
    assert fresh_sdk.read("read_snapquote_data", bidPrices=[45_900, 0, 0, 0, 0])["volume"] > 0
    assert fresh_sdk.peek("read_compact_marketdata") == {}


def test_sdk_follows_an_order(fresh_sdk: Listening, server: Server) -> None:
    """An SDK that subscribed to order updates reads each state of an order as the order book has it."""
    fresh_sdk.call("subscribe_order_update", {"client_id": "C1"})
    # The subscription runs in a thread of the SDK's; a quote that was asked for after it says that it has arrived.
    fresh_sdk.call("subscribe_compact_marketdata", SBIN)
    assert fresh_sdk.read("read_compact_marketdata")
    trader = server.caller()
    placed = trader.place(price=420.0)
    read = fresh_sdk.read("read_order_update_data", oms_order_id=placed.entry_id, order_status="CONFIRMED")
    row = trader.row(placed.entry_id)
    assert {name: read[name] for name in row if name in read and name != "rejection_code"} == {
        name: row[name] for name in row if name not in ("rejection_code", "contract_description", "tags")
    }
    trader.cancel(placed.entry_id)
    assert fresh_sdk.read("read_order_update_data", order_status="CANCELLED")["oms_order_id"] == placed.entry_id


def test_pocketful_reads_trades(server: Server) -> None:
    """The SDK that knows trade updates gets them with the order updates, to which alone it can subscribe."""
    trader = server.caller()
    trader.tick(457.00, 1)
    with Listening("pocketful", server, "C1") as sdk:
        sdk.call("subscribe_order_update", {"client_id": "C1"})
        sdk.call("subscribe_trade_update", {"client_id": "C1"})
        sdk.call("subscribe_compact_marketdata", SBIN)
        sdk.read("read_compact_marketdata")
        placed = trader.place(price=456.0)
        trader.tick(456.00, 100)
        read = sdk.read("read_trade_update_data", oms_order_id=placed.entry_id)
        assert (read["trade_price"], read["filled_quantity"], read["order_side"]) == (456.0, 10, "BUY")
        trader.cancel(placed.entry_id, "STOPLOSS")


@pytest.mark.slow
@pytest.mark.parametrize("sdk_name", SDKS)
def test_sdk_without_a_good_token_is_not_connected(sdk_name: str, server: Server) -> None:
    """A token that is not good leaves the SDK unconnected, as it can see from what its own method says."""
    with Listening(sdk_name, server, "C1", token="a.b.c") as listening:
        assert listening.connected is False
