"""An instrument: what can be traded, on which price grid and inside which band."""

from typing import NamedTuple

import msgspec

from bracketd.domain.money import ceil_to_tick, floor_to_tick


class Instrument(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One row of the instrument file. Prices are paise, quantities shares.

    `base_price_paise` is the previous close: before the first print of a day it stands in for the last price. The
    band is inclusive and its limits lie on the tick grid.
    """

    exchange: str
    token: int
    symbol: str
    series: str
    company: str
    isin: str
    tick_paise: int
    lot: int
    base_price_paise: int
    lower_band_paise: int
    upper_band_paise: int
    freeze_quantity: int

    @property
    def key(self) -> str:
        """The name by which orders, books and prints refer to the instrument, such as "NSE:3045"."""
        return instrument_key(self.exchange, self.token)

    @property
    def trading_symbol(self) -> str:
        """The symbol with its series, as the family's order book shows it: "SBIN-EQ"."""
        return f"{self.symbol}-{self.series}" if self.series else self.symbol

    def on_tick(self, paise: int) -> bool:
        """Whether the price lies on the instrument's tick grid."""
        return paise % self.tick_paise == 0

    def in_band(self, paise: int) -> bool:
        """Whether the price lies inside the day's band, limits included."""
        return self.lower_band_paise <= paise <= self.upper_band_paise

    def keep_in_band(self, paise: int) -> int:
        """The price itself, or the band's outermost tick where it lies outside."""
        return max(self.lower_band_paise, min(self.upper_band_paise, paise))


class Level(NamedTuple):
    """Displayed depth at one price: paise and shares."""

    price_paise: int
    quantity: int


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One message of a feed: a trade print, or with `last_quantity` 0 a quote.

    `bids` and `asks` are ordered best first. None means that the side is absent and stood for by last price and last
    quantity; an empty tuple means that nobody is there (bracket.md section 3.1). `name` is what its sender calls it,
    "" for a nameless one: a fill that it causes says it again.
    """

    instrument: str
    last_price_paise: int
    last_quantity: int
    bids: tuple[Level, ...] | None = None
    asks: tuple[Level, ...] | None = None
    name: str = ""


def instrument_key(exchange: str, token: int) -> str:
    """The key of an instrument: exchange and token, as in "NSE:3045"."""
    return f"{exchange}:{token}"


def band_around(base_price_paise: int, percent: int, tick_paise: int) -> tuple[int, int]:
    """The outermost ticks within `percent` of the base price: (lower, upper), in paise."""
    lower = -((-base_price_paise * (100 - percent)) // 100)
    upper = base_price_paise * (100 + percent) // 100
    return ceil_to_tick(lower, tick_paise), floor_to_tick(upper, tick_paise)
