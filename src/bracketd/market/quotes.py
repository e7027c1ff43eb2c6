"""Quotes: how each instrument's day has gone so far, summed up from the ticks as they come.

The sums are this process's own. After a restart the last print and the displayed depth are known from the journal;
open, high, low and volume begin anew with the next print.
"""

from collections.abc import Iterable

import msgspec

from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.ist import ist_day_number


class Quote(msgspec.Struct, gc=False):
    """One instrument's market. Prices are paise, quantities shares, times unix nanoseconds; 0 is "not yet".

    `last_paise` is the last print, before the first the base price; `seen_ns` the last tick, print or not.
    `close_paise` is the close before this day: the base price, or the last print of the day before.
    """

    last_paise: int
    close_paise: int
    last_quantity: int = 0
    last_ns: int = 0
    seen_ns: int = 0
    volume: int = 0
    value_paise: int = 0
    open_paise: int = 0
    high_paise: int = 0
    low_paise: int = 0
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    @property
    def average_paise(self) -> int:
        """The volume-weighted average print, rounded half up to the paisa."""
        return (2 * self.value_paise + self.volume) // (2 * self.volume) if self.volume else 0

    def begin_day(self) -> None:
        """A new day: its first print opens it, and the last one before it was the close."""
        self.close_paise = self.last_paise
        self.volume = self.value_paise = self.open_paise = self.high_paise = self.low_paise = 0

    def print(self, price_paise: int, quantity: int, now_ns: int) -> None:
        """Count a trade print."""
        self.last_paise, self.last_quantity, self.last_ns = price_paise, quantity, now_ns
        self.volume += quantity
        self.value_paise += price_paise * quantity
        self.open_paise = self.open_paise or price_paise
        self.high_paise = max(self.high_paise, price_paise)
        self.low_paise = min(self.low_paise or price_paise, price_paise)


class Quotes:
    """The quote of every instrument, kept up to date by `take`."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._quotes = {
            instrument.key: Quote(last_paise=instrument.base_price_paise, close_paise=instrument.base_price_paise)
            for instrument in instruments
        }

    def resume(self, instrument: str, print_paise: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """Go on from how an earlier run left the market; unknown instruments are passed over."""
        quote = self._quotes.get(instrument)
        if quote is not None:
            quote.last_paise = print_paise or quote.last_paise
            quote.bids, quote.asks = bids, asks

    def of(self, instrument: str) -> Quote:
        """The present quote, live; raises KeyError for an unknown instrument."""
        return self._quotes[instrument]

    def take(self, tick: Tick, now_ns: int) -> Quote | None:
        """Count one tick that came at `now_ns`; returns its instrument's quote, None where nobody knows it.

        An absent side is stood for by last price and last quantity, as the venue has it (bracket.md section 3.1).
        """
        quote = self._quotes.get(tick.instrument)
        if quote is None:
            return None
        if quote.seen_ns and ist_day_number(quote.seen_ns) != ist_day_number(now_ns):
            quote.begin_day()
        quote.seen_ns = now_ns
        if tick.last_quantity:
            quote.print(tick.last_price_paise, tick.last_quantity, now_ns)
        stand_in = (Level(tick.last_price_paise, tick.last_quantity),) if tick.last_quantity else ()
        quote.bids = stand_in if tick.bids is None else tick.bids
        quote.asks = stand_in if tick.asks is None else tick.asks
        return quote
