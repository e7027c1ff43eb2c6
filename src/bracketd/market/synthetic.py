"""The synthetic feed: a seeded walk on the tick grid, so that a paper exchange has prices without a market.

No part of the walk depends on the time or on hashing: the same seed and the same pushed prices give the same ticks.
"""

from collections.abc import Iterable, Mapping
from random import Random

from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.market.tick_check import tick_fault

RANGE_PERCENT = 5
"""The walk never leaves this many percent around its centre."""

DEPTH_LEVELS = 5
QUOTES_IN_TEN = 2
"""Of ten ticks, about so many are quotes: nothing printed, only the displayed quantity is new."""

LEVEL_VALUE_PAISE = 10_000_000
"""The displayed quantity at one price is worth some multiples of a lakh of rupees."""

_STEPS_TO_EDGE = 200
"""One stride of the walk is about this fraction of the way from the centre to the edge of its range."""

_PULL = 40
"""Each step goes back this fraction of the distance to the centre."""


class PushRefused(ValueError):
    """A pushed tick has a wrong field, named as on the wire (see `tick_fault`)."""


class _Walk:
    """Where one instrument's price is and around which price it walks; prices are paise."""

    __slots__ = ("centre_paise", "instrument", "price_paise")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.centre_paise = instrument.base_price_paise
        self.price_paise = instrument.base_price_paise

    def range_paise(self) -> tuple[int, int]:
        """The lowest and the highest price that the walk may reach: near the centre and in the band."""
        instrument = self.instrument
        lowest = ceil_to_tick(-(-self.centre_paise * (100 - RANGE_PERCENT) // 100), instrument.tick_paise)
        highest = floor_to_tick(self.centre_paise * (100 + RANGE_PERCENT) // 100, instrument.tick_paise)
        return max(lowest, instrument.lower_band_paise), min(highest, instrument.upper_band_paise)

    def step(self, random: Random) -> None:
        """Move by a few strides at random, and a little towards the centre."""
        lowest, highest = self.range_paise()
        tick = self.instrument.tick_paise
        stride_ticks = max(1, (highest - lowest) // (2 * tick * _STEPS_TO_EDGE))
        away_ticks = (self.price_paise - self.centre_paise) // tick
        # Toward zero, so that the pull is as weak from below as from above.
        pull_ticks = away_ticks // _PULL if away_ticks >= 0 else -(-away_ticks // _PULL)
        move_ticks = random.randint(-2 * stride_ticks, 2 * stride_ticks) - pull_ticks
        self.price_paise = max(lowest, min(highest, self.price_paise + move_ticks * tick))

    def sides(self, random: Random) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks around the price: never crossed, and the price is at one of the best levels or between."""
        tick = self.instrument.tick_paise
        best_bid, best_ask = random.choice(((-tick, 0), (0, tick), (-tick, tick)))
        bids = self._levels(self.price_paise + best_bid, -tick, random)
        return bids, self._levels(self.price_paise + best_ask, tick, random)

    def _levels(self, best_paise: int, apart_paise: int, random: Random) -> tuple[Level, ...]:
        """Up to five levels from the best away from the price; what would lie outside the band is left out."""
        instrument = self.instrument
        unit = max(1, LEVEL_VALUE_PAISE // (self.centre_paise * instrument.lot)) * instrument.lot
        levels = []
        for depth in range(DEPTH_LEVELS):
            price_paise = best_paise + depth * apart_paise
            # Drawn before it is looked at: the number of draws is the same at the edge of the band.
            quantity = unit * random.randint(1, 5) * (depth + 1)
            if instrument.in_band(price_paise):
                levels.append(Level(price_paise, quantity))
        return tuple(levels)


class SyntheticFeed:
    """A walk for each instrument, from its base price; reverts to it and stays within five percent of it."""

    def __init__(self, instruments: Iterable[Instrument], seed: int | Random) -> None:
        self._walks = {instrument.key: _Walk(instrument) for instrument in instruments}
        self._random = seed if isinstance(seed, Random) else Random(seed)

    def next_ticks(self, now_ns: int) -> list[Tick]:
        """One tick for each instrument, in the order in which they were given.

        `now_ns` is what every feed is asked with (unix nanoseconds); this one's ticks do not depend on it.
        """
        return [self._next_tick(walk) for walk in self._walks.values()]

    def pushed(self, tick: Tick) -> None:
        """Go on from the price of a tick that somebody pushed, and revert to that price from now on.

        A quote counts: whoever pushes one says what the price is. A tick of an instrument that this feed does not
        carry changes nothing. Raises PushRefused for a tick that `tick_fault` finds wrong.
        """
        walk = self._walks.get(tick.instrument)
        if walk is None:
            return
        fault = tick_fault(tick, walk.instrument)
        if fault is not None:
            raise PushRefused(fault)
        walk.centre_paise = walk.price_paise = tick.last_price_paise

    def resume(self, prints_paise: Mapping[str, int]) -> None:
        """Go on from the last prints of an earlier run: a restart is no reason for a price to jump.

        The walk still reverts to the base price, unless the print lies outside its range, where somebody had pushed
        it: then it walks around the print. Unknown instruments and prints of 0 are passed over.
        """
        for instrument, paise in prints_paise.items():
            walk = self._walks.get(instrument)
            if walk is None or not paise:
                continue
            lowest, highest = walk.range_paise()
            walk.price_paise = paise
            if not lowest <= paise <= highest:
                walk.centre_paise = paise

    def _next_tick(self, walk: _Walk) -> Tick:
        """A print at a new price, or now and then a quote at the old one."""
        random = self._random
        quantity = 0
        if random.randrange(10) >= QUOTES_IN_TEN:
            walk.step(random)
            quantity = walk.instrument.lot * random.randint(1, 200)
        bids, asks = walk.sides(random)
        return Tick(walk.instrument.key, walk.price_paise, quantity, bids, asks)
