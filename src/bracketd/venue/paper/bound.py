"""The bound of an order at market: how far from the last print it may trade (bracket.md section 3.3)."""

from collections.abc import Mapping

from bracketd.domain.instrument import Instrument
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.venue.paper.book import Work


def protection_bound(work: Work, instruments: Mapping[str, Instrument], default_bp: int) -> int:
    """The worst price a market order may take: protection around the last print, rounded toward it, in the band."""
    instrument = instruments[work.book.instrument]
    last = work.book.reference_paise
    share = last * (work.protection_bp or default_bp)
    if work.buy:
        return instrument.keep_in_band(floor_to_tick(last + share // 10_000, instrument.tick_paise))
    return instrument.keep_in_band(ceil_to_tick(last - share // 10_000, instrument.tick_paise))
