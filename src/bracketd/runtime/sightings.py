"""Sightings: what the market shows and nothing has relied on yet.

A tick is not an event until something uses it: a fill, a trigger, a placement judged by the last print. Then how the
market stands is recorded first, in the same step, so that a replay needs no feed. A tick pushed by hand is recorded
always, since its sender is told that it counted.
"""

from bracketd.domain.events import TickSeen
from bracketd.venue.protocol import MarketVenue


class Sightings:
    """Which instruments' markets have moved since they were last recorded."""

    def __init__(self, venue: MarketVenue) -> None:
        self._venue = venue
        self._moved: dict[str, str] = {}

    def moved(self, instrument: str, name: str = "") -> None:
        """A tick of that name came in."""
        self._moved[instrument] = name

    def take(self, instrument: str, now_ns: int) -> TickSeen | None:
        """How the market stands, if that is not on record yet."""
        if instrument not in self._moved:
            return None
        name = self._moved.pop(instrument)
        print_paise, bids, asks = self._venue.shown(instrument)
        return TickSeen(now_ns, instrument, print_paise, bids, asks, name)
