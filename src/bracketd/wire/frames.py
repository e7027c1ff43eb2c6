"""Frames: what a websocket client is sent, to the byte as the family's SDKs decode it (wire.md 1.10).

Binary frames only, big-endian, the first byte the mode. Quotes have fixed layouts and prices as integers in the
exchange's unit. Updates and answers are five bytes and then one JSON object. The SDKs decode a whole packet as UTF-8
and drop five characters, so each of those five bytes is below 0x80.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from bracketd.domain.instrument import Instrument, Level
from bracketd.domain.order import Order, Trade
from bracketd.engine.state import State
from bracketd.market.quotes import Quote
from bracketd.wire.amounts import JSON, rupees
from bracketd.wire.order_rows import order_row


class Mode(IntEnum):
    """The first byte of a frame. ANSWER is our own: the SDKs pass over modes that they do not know."""

    MARKETDATA = 1
    COMPACT = 2
    FULL_SNAPQUOTE = 4
    ORDER_UPDATE = 50
    TRADE_UPDATE = 51
    ANSWER = 99


EXCHANGE_CODES: Final = {"NSE": 1, "NFO": 2, "CDS": 3, "MCX": 4, "BSE": 6, "BFO": 7}
"""The second byte of a quote, and how a subscription names an exchange."""

DEPTH_LEVELS: Final = 5
NO_LEVEL: Final = Level(0, 0)

_U32_MAX: Final = 2**32 - 1
_U64_MAX: Final = 2**64 - 1
_I32: Final = (-(2**31), 2**31 - 1)
_NS_PER_S: Final = 1_000_000_000
_CURRENCY_UNITS_PER_PAISA: Final = 100_000
"""The currency segment's prices are rupees times ten million, every other's are paise."""

_MARKETDATA: Final = struct.Struct(">BBI8I2Q12I")
_COMPACT: Final = struct.Struct(">BBIIi7I")
_FULL_SNAPQUOTE: Final = struct.Struct(">BBI30I5I2QI")

_NOT_FLAT: Final = frozenset({"contract_description", "tags"})
"""Keys of a row that hold no plain value; a frame's object is flat."""


def quote_frame(mode: Mode, instrument: Instrument, quote: Quote) -> bytes:
    """A quote in one of its three layouts; raises ValueError for a mode that is no quote's."""
    if mode is Mode.MARKETDATA:
        return marketdata(instrument, quote)
    if mode is Mode.COMPACT:
        return compact(instrument, quote)
    if mode is Mode.FULL_SNAPQUOTE:
        return full_snapquote(instrument, quote)
    raise ValueError(f"mode {mode} is no quote's")


def marketdata(instrument: Instrument, quote: Quote) -> bytes:
    """Mode 1, 102 bytes: the detailed quote."""
    unit = _unit(instrument)
    bid, ask = _best(quote.bids), _best(quote.asks)
    return _MARKETDATA.pack(
        *_head(Mode.MARKETDATA, instrument),
        *_u32(quote.last_paise * unit, quote.last_ns // _NS_PER_S, quote.last_quantity, quote.volume),
        *_u32(bid.price_paise * unit, bid.quantity, ask.price_paise * unit, ask.quantity),
        _displayed(quote.bids),
        _displayed(quote.asks),
        *_u32(quote.average_paise * unit, quote.seen_ns // _NS_PER_S),
        *_u32(quote.open_paise * unit, quote.high_paise * unit, quote.low_paise * unit, quote.close_paise * unit),
        # Nobody here knows the year's range.
        *(0, 0),
        *_u32(instrument.lower_band_paise * unit, instrument.upper_band_paise * unit),
        # Shares have no open interest.
        *(0, 0),
    )


def compact(instrument: Instrument, quote: Quote) -> bytes:
    """Mode 2, 42 bytes. The change since the close is signed; the SDKs read a fall as 2**32 less its size."""
    unit = _unit(instrument)
    change = (quote.last_paise - quote.close_paise) * unit
    return _COMPACT.pack(
        *_head(Mode.COMPACT, instrument),
        *_u32(quote.last_paise * unit),
        max(_I32[0], min(_I32[1], change)),
        *_u32(quote.last_ns // _NS_PER_S),
        *_u32(instrument.lower_band_paise * unit, instrument.upper_band_paise * unit),
        *(0, 0),
        *_u32(_best(quote.bids).price_paise * unit, _best(quote.asks).price_paise * unit),
    )


def full_snapquote(instrument: Instrument, quote: Quote) -> bytes:
    """Mode 4, 166 bytes: five levels a side. The paper exchange counts no orders at a level: 1 says somebody is."""
    unit = _unit(instrument)
    sides: list[int] = []
    for levels in (_levels(quote.bids), _levels(quote.asks)):
        sides += [int(level.quantity > 0) for level in levels]
        sides += _u32(*(level.price_paise * unit for level in levels))
        sides += _u32(*(level.quantity for level in levels))
    return _FULL_SNAPQUOTE.pack(
        *_head(Mode.FULL_SNAPQUOTE, instrument),
        *sides,
        *_u32(quote.average_paise * unit),
        *_u32(quote.open_paise * unit, quote.high_paise * unit, quote.low_paise * unit, quote.close_paise * unit),
        _displayed(quote.bids),
        _displayed(quote.asks),
        *_u32(quote.volume),
    )


def order_update(row: Mapping[str, object]) -> bytes:
    """Mode 50: a row of the order book as one flat object, with the names that only frames have.

    `rejection_code` is a text here and a number in the order book; `nnfid`, `lotsize` and `transaction_type` are
    second names; nobody has a `nest_request_id` (wire.md 1.10).
    """
    fields = {name: value for name, value in row.items() if name not in _NOT_FLAT}
    fields |= {
        "rejection_code": "NONE",
        "nnfid": row["nnf_id"],
        "lotsize": row["lot_size"],
        "transaction_type": row["order_side"],
        "nest_request_id": "",
    }
    return _object_frame(Mode.ORDER_UPDATE, JSON.encode(fields))


def trade_update(order: Order, trade: Trade, instrument: Instrument | None) -> bytes:
    """Mode 51: one fill of one order; `filled_quantity` is this fill's, as in the trade book. Price in rupees."""
    exchange, _, token = order.instrument.partition(":")
    time_s = trade.at_ns // _NS_PER_S
    fields: dict[str, object] = {
        "trade_id": trade.trade_id,
        "trade_number": trade.trade_id,
        "oms_order_id": order.order_id,
        "exchange_order_id": order.exchange_order_id,
        "client_id": order.client_id,
        "login_id": order.client_id,
        "exchange": exchange,
        "instrument_token": int(token),
        "trading_symbol": instrument.trading_symbol if instrument else "",
        "product": order.product,
        "order_side": order.side,
        "trade_price": rupees(trade.price_paise),
        "filled_quantity": trade.quantity,
        "trade_quantity": trade.quantity,
        "exchange_time": time_s,
        "trade_time": time_s,
    }
    return _object_frame(Mode.TRADE_UPDATE, JSON.encode(fields))


def answer(body: bytes) -> bytes:
    """Mode 99: what became of a message of the client's; the body is worded as an HTTP reply's."""
    return _object_frame(Mode.ANSWER, body)


class Rendering:
    """Frames of what the desk's state shows, for instruments of one table."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments

    def order(self, state: State, order: Order) -> bytes:
        """The order's row as it stands."""
        return order_update(order_row(state, order, self._instruments.get(order.instrument)))

    def trade(self, state: State, trade: Trade) -> bytes:
        """The trade."""
        order = state.orders[trade.order_id]
        return trade_update(order, trade, self._instruments.get(order.instrument))

    def quote(self, mode: int, instrument: str, quote: Quote) -> bytes:
        """The instrument's quote in the layout of that mode."""
        return quote_frame(Mode(mode), self._instruments[instrument], quote)


def _object_frame(mode: Mode, body: bytes) -> bytes:
    """Five bytes, each a character of its own, and a JSON object."""
    return bytes((mode, 0, 0, 0, 0)) + body


def _head(mode: Mode, instrument: Instrument) -> tuple[int, int, int]:
    return mode, EXCHANGE_CODES.get(instrument.exchange, 0), instrument.token


def _unit(instrument: Instrument) -> int:
    return _CURRENCY_UNITS_PER_PAISA if instrument.exchange == "CDS" else 1


def _u32(*values: int) -> tuple[int, ...]:
    """The values, each kept within four bytes: a volume past them stands at the largest and does not begin anew."""
    return tuple(min(value, _U32_MAX) for value in values)


def _best(levels: tuple[Level, ...]) -> Level:
    return levels[0] if levels else NO_LEVEL


def _levels(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Exactly as many levels as a snapquote shows."""
    return (*levels, *(NO_LEVEL,) * DEPTH_LEVELS)[:DEPTH_LEVELS]


def _displayed(levels: tuple[Level, ...]) -> int:
    """All that one side displays, in eight bytes."""
    return min(sum(level.quantity for level in levels), _U64_MAX)
