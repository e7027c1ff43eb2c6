"""Quotes: the market of one instrument as the venue shows it now (wire.md 1.8).

A quote is no fact of the journal: nobody's order relies on it until an event says so.
"""

from bracketd.domain.instrument import Instrument, Level
from bracketd.domain.session import Segment
from bracketd.wire.amounts import rupees
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

SEGMENTS = {"CAPITAL": Segment.CAPITAL, "FUTOPT": Segment.FUTURES_OPTIONS, "CURRENCY": None}
"""The segments of the path, in capitals; None is one that the family has and no session table here."""

Shown = tuple[int, tuple[Level, ...], tuple[Level, ...]]
"""(last print in paise or 0, bids, asks)."""


def last_paise(instrument: Instrument, shown: Shown) -> int:
    """The last print, or the base price that stands in for it before the first."""
    return shown[0] or instrument.base_price_paise


def quote(instrument: Instrument, shown: Shown) -> dict[str, object]:
    """The whole quote: prices in rupees, quantities in shares; a side on which nobody is shown is 0 and empty."""
    _, bids, asks = shown
    return {
        "exchange": instrument.exchange,
        "instrument_token": instrument.token,
        "trading_symbol": instrument.trading_symbol,
        "last_trade_price": rupees(last_paise(instrument, shown)),
        "close_price": rupees(instrument.base_price_paise),
        "higher_circuit_limit": rupees(instrument.upper_band_paise),
        "lower_circuit_limit": rupees(instrument.lower_band_paise),
        "best_bid_price": rupees(bids[0].price_paise if bids else 0),
        "best_bid_quantity": bids[0].quantity if bids else 0,
        "best_ask_price": rupees(asks[0].price_paise if asks else 0),
        "best_ask_quantity": asks[0].quantity if asks else 0,
        "total_buy_quantity": sum(level.quantity for level in bids),
        "total_sell_quantity": sum(level.quantity for level in asks),
        "bids": [_level(level) for level in bids],
        "asks": [_level(level) for level in asks],
    }


def quote_or_part(instrument: Instrument, shown: Shown, parameters: Parameters) -> object:
    """The whole quote, or with `key=` the one value of that name, bare. Raises FieldError for a key it has not."""
    whole = quote(instrument, shown)
    key = parameters.text("key")
    if key is None and not parameters.bad("key"):
        return whole
    if key not in whole:
        raise FieldError("key")
    return whole[key]


def _level(level: Level) -> dict[str, object]:
    return {"price": rupees(level.price_paise), "quantity": level.quantity}
