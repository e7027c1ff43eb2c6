"""Whether a tick may be believed: the check that every feed and every pushed price passes (bracket.md section 3.1)."""

import itertools

from bracketd.domain.instrument import Instrument, Level, Tick

QUANTITY_MAX = 10**12
"""More shares than this are in no print and at no level."""


def tick_fault(tick: Tick, instrument: Instrument) -> str | None:
    """The first wrong field of a tick by its name on the wire, or None where the tick is sound.

    Looked at in this order: last_price, last_quantity, bids, asks. A price must lie on the instrument's tick grid
    and in its band, a quantity is neither negative nor beyond QUANTITY_MAX, a side must be ordered best first
    (levels may share a price).
    A side that is absent or empty is sound.

    A crossed or locked book is sound as well. An absent side is stood for by the last price, so a feed that sends
    one side only crosses it all the time; each side is offered to arrivals by itself, and nothing here lets one
    displayed side trade with the other.
    """
    if not instrument.on_tick(tick.last_price_paise) or not instrument.in_band(tick.last_price_paise):
        return "last_price"
    if not 0 <= tick.last_quantity <= QUANTITY_MAX:
        return "last_quantity"
    # Prices times -1 fall where prices rise: then both sides must fall from level to level.
    if tick.bids is not None and not _side_is_sound(tick.bids, instrument, 1):
        return "bids"
    if tick.asks is not None and not _side_is_sound(tick.asks, instrument, -1):
        return "asks"
    return None


def _side_is_sound(levels: tuple[Level, ...], instrument: Instrument, direction: int) -> bool:
    """Whether every level is on the grid, in the band and not negative, and none is better than the one before."""
    for level in levels:
        if not instrument.on_tick(level.price_paise) or not instrument.in_band(level.price_paise):
            return False
        if not 0 <= level.quantity <= QUANTITY_MAX:
            return False
    return all(
        direction * before.price_paise >= direction * after.price_paise for before, after in itertools.pairwise(levels)
    )
