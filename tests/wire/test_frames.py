"""Frames: to the byte as printed here, and as the family's own SDKs decode them."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clients.driver import SDKS, Decoding
from tests.trading_floor import INSTRUMENTS, SBIN, Floor, levels

from bracketd.domain.instrument import Instrument, Level
from bracketd.domain.order import Order, Trade
from bracketd.market.quotes import Quote
from bracketd.wire.amounts import JSON
from bracketd.wire.frames import Mode, Rendering, answer, compact, full_snapquote, marketdata, quote_frame, trade_update
from bracketd.wire.order_rows import order_row
from bracketd.wire.replies import field_invalid

INSTRUMENT = INSTRUMENTS[SBIN]
QUOTE = Quote(
    last_paise=45_700,
    close_paise=45_695,
    last_quantity=7,
    last_ns=1_790_000_000_999_999_999,
    seen_ns=1_790_000_002_000_000_000,
    volume=12,
    value_paise=12 * 45_650,
    open_paise=45_600,
    high_paise=45_710,
    low_paise=45_590,
    bids=levels((456.95, 100), (456.90, 200)),
    asks=levels((457.05, 300), (457.10, 400), (457.15, 500)),
)
CS_KEYS = [
    "average_price",
    "client_id",
    "disclosed_quantity",
    "exchange",
    "exchange_order_id",
    "exchange_time",
    "filled_quantity",
    "instrument_token",
    "login_id",
    "oms_order_id",
    "order_entry_time",
    "order_status",
    "order_type",
    "price",
    "product",
    "quantity",
    "rejection_reason",
    "remaining_quantity",
    "trading_symbol",
    "trigger_price",
    "user_order_id",
    "validity",
    "order_side",
    "pro_cli",
    "nnfid",
]
"""What the family's C# client reads from an order update without looking whether it is there (wire.md 1.10)."""

TRADE_KEYS = [
    "exchange",
    "product",
    "trading_symbol",
    "trade_price",
    "trade_id",
    "order_side",
    "oms_order_id",
    "login_id",
    "instrument_token",
    "filled_quantity",
    "exchange_time",
    "exchange_order_id",
    "client_id",
]


@pytest.fixture(scope="module", params=SDKS)
def sdk(request: pytest.FixtureRequest) -> Iterator[Decoding]:
    """The decoders of one published SDK after the other."""
    with Decoding(request.param) as decoding:
        yield decoding


def u32(*values: int) -> str:
    """Four big-endian bytes for each value, as hexadecimal digits."""
    return "".join(f"{value:08x}" for value in values)


def u64(*values: int) -> str:
    """Eight bytes for each value."""
    return "".join(f"{value:016x}" for value in values)


def test_marketdata_to_the_byte() -> None:
    """A detailed quote is 102 bytes in the order of wire.md, prices in paise, times in whole unix seconds."""
    expected = "0101" + u32(3045)
    expected += u32(45_700, 1_790_000_000, 7, 12, 45_695, 100, 45_705, 300) + u64(300, 1_200)
    expected += u32(45_650, 1_790_000_002, 45_600, 45_710, 45_590, 45_695, 0, 0)
    expected += u32(INSTRUMENT.lower_band_paise, INSTRUMENT.upper_band_paise, 0, 0)
    assert marketdata(INSTRUMENT, QUOTE).hex() == expected
    assert len(expected) == 2 * 102


def test_compact_to_the_byte() -> None:
    """A compact quote is 42 bytes."""
    expected = "0201" + u32(3045, 45_700, 5, 1_790_000_000)
    expected += u32(INSTRUMENT.lower_band_paise, INSTRUMENT.upper_band_paise, 0, 0, 45_695, 45_705)
    assert compact(INSTRUMENT, QUOTE).hex() == expected
    assert len(expected) == 2 * 42


def test_full_snapquote_to_the_byte() -> None:
    """A full snapquote is 166 bytes, five levels a side, those that nobody is at filled with zeros."""
    expected = "0401" + u32(3045)
    expected += u32(1, 1, 0, 0, 0, 45_695, 45_690, 0, 0, 0, 100, 200, 0, 0, 0)
    expected += u32(1, 1, 1, 0, 0, 45_705, 45_710, 45_715, 0, 0, 300, 400, 500, 0, 0)
    expected += u32(45_650, 45_600, 45_710, 45_590, 45_695) + u64(300, 1_200) + u32(12)
    assert full_snapquote(INSTRUMENT, QUOTE).hex() == expected
    assert len(expected) == 2 * 166


def test_fall_is_a_negative_change() -> None:
    """The change of a compact quote is signed: a price below its close is what two's complement makes of it."""
    fallen = msgspec.structs.replace(QUOTE, last_paise=45_600)
    assert struct.unpack(">i", compact(INSTRUMENT, fallen)[10:14]) == (-95,)


def test_currency_prices_are_rupees_times_ten_million() -> None:
    """In the currency segment 83.25 rupees are 832500000; everywhere else they are 8325 paise."""
    usd = msgspec.structs.replace(INSTRUMENT, exchange="CDS", lower_band_paise=8_000, upper_band_paise=8_500)
    frame = compact(usd, Quote(last_paise=8_325, close_paise=8_300))
    assert struct.unpack(">BBIIi", frame[:14]) == (2, 3, 3045, 832_500_000, 2_500_000)


@pytest.mark.parametrize("exchange", ["NSE", "NFO", "CDS", "MCX", "BSE", "BFO"])
@given(
    sums=st.lists(st.integers(0, 10**15), min_size=8, max_size=8),
    depth=st.lists(st.builds(Level, st.integers(0, 10**9), st.integers(0, 10**18)), max_size=8),
)
def test_any_quote_can_be_sent(exchange: str, sums: list[int], depth: list[Level]) -> None:
    """However large a sum grows, each layout keeps its size: a value past its bytes stands at the largest."""
    last, close, quantity, volume, value, opened, high, low = sums
    quote = Quote(
        last_paise=last,
        close_paise=close,
        last_quantity=quantity,
        volume=volume,
        value_paise=value,
        open_paise=opened,
        high_paise=high,
        low_paise=low,
        bids=tuple(depth),
        asks=tuple(reversed(depth)),
    )
    instrument = msgspec.structs.replace(INSTRUMENT, exchange=exchange)
    sizes = [len(quote_frame(mode, instrument, quote)) for mode in (Mode.MARKETDATA, Mode.COMPACT, Mode.FULL_SNAPQUOTE)]
    assert sizes == [102, 42, 166]
    shown = marketdata(instrument, quote)[18:22]
    assert int.from_bytes(shown, "big") == min(volume, 2**32 - 1)


def test_sdk_reads_marketdata(sdk: Decoding) -> None:
    """The SDKs' own decoder reads each field of a detailed quote as what it is."""
    assert sdk.read(1, marketdata(INSTRUMENT, QUOTE)) == {
        "mode": 1,
        "exchange_code": 1,
        "instrument_token": 3045,
        "last_traded_price": 45_700,
        "last_traded_time": 1_790_000_000,
        "last_traded_quantity": 7,
        "trade_volume": 12,
        "best_bid_price": 45_695,
        "best_bid_quantity": 100,
        "best_ask_price": 45_705,
        "best_ask_quantity": 300,
        "total_buy_quantity": 300,
        "total_sell_quantity": 1_200,
        "average_trade_price": 45_650,
        "exchange_timestamp": 1_790_000_002,
        "open_price": 45_600,
        "high_price": 45_710,
        "low_price": 45_590,
        "close_price": 45_695,
        "yearly_high_price": 0,
        "yearly_low_price": 0,
        "lowDPR": INSTRUMENT.lower_band_paise,
        "highDPR": INSTRUMENT.upper_band_paise,
        "currentOpenInterest": 0,
        "initialOpenInterest": 0,
    }


def test_sdk_reads_compact(sdk: Decoding) -> None:
    """The SDKs' own decoder reads each field of a compact quote as what it is."""
    assert sdk.read(2, compact(INSTRUMENT, QUOTE)) == {
        "mode": 2,
        "exchange_code": 1,
        "instrument_token": 3045,
        "last_traded_price": 45_700,
        "change": 5,
        "last_traded_time": 1_790_000_000,
        "lowDPR": INSTRUMENT.lower_band_paise,
        "highDPR": INSTRUMENT.upper_band_paise,
        "currentOpenInterest": 0,
        "initialOpenInterest": 0,
        "bidPrice": 45_695,
        "askPrice": 45_705,
    }


def test_sdk_reads_a_fall_as_a_rise(sdk: Decoding) -> None:
    """The SDKs' own decoder takes the signed change for an unsigned one, and raises nothing (docs/clients.md)."""
    fallen = msgspec.structs.replace(QUOTE, last_paise=45_600)
    assert sdk.read(2, compact(INSTRUMENT, fallen))["change"] == 2**32 - 95


def test_sdk_reads_full_snapquote(sdk: Decoding) -> None:
    """The SDKs' own decoder reads each field of a full snapquote as what it is."""
    assert sdk.read(4, full_snapquote(INSTRUMENT, QUOTE)) == {
        "mode": 4,
        "exchange_code": 1,
        "instrument_token": 3045,
        "buyers": [1, 1, 0, 0, 0],
        "bidPrices": [45_695, 45_690, 0, 0, 0],
        "bidQtys": [100, 200, 0, 0, 0],
        "sellers": [1, 1, 1, 0, 0],
        "askPrices": [45_705, 45_710, 45_715, 0, 0],
        "askQtys": [300, 400, 500, 0, 0],
        "averageTradePrice": 45_650,
        "open": 45_600,
        "high": 45_710,
        "low": 45_590,
        "close": 45_695,
        "totalBuyQty": 300,
        "totalSellQty": 1_200,
        "volume": 12,
    }


def filled_floor() -> tuple[Floor, Order, Trade]:
    """A floor on which an entry with a name that is no ASCII has filled, that entry, and its trade."""
    floor = Floor("A")
    entry_id = floor.place(user_order_id="Käufer ₹")
    floor.tick(456.95)
    (trade,) = floor.state.trades.values()
    return floor, floor.state.orders[entry_id], trade


def test_sdk_reads_order_update(sdk: Decoding) -> None:
    """The SDKs' own decoder gets the order book's row, with the names that only frames have, whatever text is in it."""
    floor, entry, _ = filled_floor()
    read = sdk.read(50, Rendering(INSTRUMENTS).order(floor.state, entry))
    row = json.loads(JSON.encode(order_row(floor.state, entry, INSTRUMENT)))
    assert {name for name in row if name not in read} == {"contract_description", "tags"}
    assert {name for name in row if name in read and read[name] != row[name]} == {"rejection_code"}
    assert {name: read[name] for name in read if name not in row} == {
        "nnfid": 0,
        "lotsize": 1,
        "transaction_type": "BUY",
        "nest_request_id": "",
    }
    assert (read["rejection_code"], read["user_order_id"]) == ("NONE", "Käufer ₹")


def test_order_update_is_flat_and_whole() -> None:
    """Each key that the C# client reads is there, no value is null, and none is an object or a list."""
    floor, entry, _ = filled_floor()
    frame = Rendering(INSTRUMENTS).order(floor.state, entry)
    read: dict[str, Any] = json.loads(frame[5:])
    assert [name for name in CS_KEYS if name not in read] == []
    assert {name: value for name, value in read.items() if value is None or isinstance(value, dict | list)} == {}


def test_trade_update_to_the_byte() -> None:
    """A trade update is five bytes and one object: this fill's price in rupees, its quantity, its time in seconds."""
    floor, entry, trade = filled_floor()
    assert Rendering(INSTRUMENTS).trade(floor.state, trade) == (
        b'3\x00\x00\x00\x00{"trade_id":"%s","trade_number":"%s","oms_order_id":"%s","exchange_order_id":"%s",'
        b'"client_id":"A","login_id":"A","exchange":"NSE","instrument_token":3045,"trading_symbol":"SBIN-EQ",'
        b'"product":"MIS","order_side":"BUY","trade_price":456.95,"filled_quantity":10,"trade_quantity":10,'
        b'"exchange_time":1790000000,"trade_time":1790000000}'
    ) % tuple(text.encode() for text in (trade.trade_id, trade.trade_id, entry.order_id, entry.exchange_order_id))


def test_sdk_reads_trade_update() -> None:
    """The one SDK that knows trade updates gets an object with every key that the family documents, none null."""
    floor, _, trade = filled_floor()
    with Decoding("pocketful") as sdk:
        read = sdk.read(51, Rendering(INSTRUMENTS).trade(floor.state, trade))
    assert [name for name in TRADE_KEYS if read.get(name) in (None, "")] == []


def test_trade_of_a_lost_instrument_can_be_sent() -> None:
    """A trade in an instrument that the file no longer names is sent with its key alone."""
    _, entry, trade = filled_floor()
    read = json.loads(trade_update(entry, trade, None)[5:])
    assert (read["exchange"], read["instrument_token"], read["trading_symbol"]) == ("NSE", 3045, "")


def test_text_frames_begin_with_five_characters() -> None:
    """Each of the first five bytes of an update or answer is a character by itself, so that five can be dropped."""
    floor, entry, trade = filled_floor()
    rendering = Rendering(INSTRUMENTS)
    frames = [rendering.order(floor.state, entry), rendering.trade(floor.state, trade), answer(field_invalid("v").body)]
    assert [frame[0] for frame in frames] == [50, 51, 99]
    assert [frame.decode()[5:6] for frame in frames] == ["{", "{", "{"]
    assert all(byte < 0x80 for frame in frames for byte in frame[:5])


def test_mode_of_an_update_is_no_quote() -> None:
    """A quote cannot be asked for in the layout of something else."""
    with pytest.raises(ValueError, match="50"):
        quote_frame(Mode.ORDER_UPDATE, Instrument(**msgspec.structs.asdict(INSTRUMENT)), QUOTE)
