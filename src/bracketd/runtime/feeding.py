"""Feeding: the synthetic feed's ticks go to the desk, while the session trades, one round after the other."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from bracketd.domain.instrument import Tick
from bracketd.domain.session import SessionPhase
from bracketd.market.synthetic import SyntheticFeed
from bracketd.runtime.desk import NotServing

_log = logging.getLogger(__name__)


class FedDesk(Protocol):
    """What feeding needs of a desk."""

    def now_ns(self) -> int:
        """The time in unix nanoseconds."""

    def feed_tick(self, tick: Tick) -> None:
        """Take one message of a feed; raises NotServing."""


class Feeding:
    """A feed, the desk that it feeds, and what it last printed of each instrument.

    `last_print` tells the last trade print in paise as the venue has it. Where that is not what this feed printed,
    somebody pushed a print by hand, and the walk goes on from there. `behind` tells that the disk cannot keep up; a
    round is left out then, so that what the disk has is left to orders.
    """

    def __init__(
        self,
        feed: SyntheticFeed,
        desk: FedDesk,
        *,
        phase: Callable[[int], SessionPhase],
        last_print: Callable[[str], int],
        behind: Callable[[], bool],
    ) -> None:
        self._feed = feed
        self._desk = desk
        self._phase = phase
        self._last_print = last_print
        self._behind = behind
        self._printed: dict[str, int] = {}

    async def run(self, interval_s: float) -> None:
        """Feed round after round until the desk stops serving; any other fault is logged and the next round tried."""
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.round()
            except NotServing:
                return
            except Exception:  # noqa: BLE001 (a feed's fault, whatever it is, must never stop order entry)
                _log.exception("a round of the feed failed")

    async def round(self) -> None:
        """One tick for each instrument, unless the session does not trade or the disk is behind."""
        now_ns = self._desk.now_ns()
        if not self._phase(now_ns).trades or self._behind():
            return
        self._follow_pushes()
        for tick in self._feed.next_ticks(now_ns):
            self._desk.feed_tick(tick)
            if tick.last_quantity:
                self._printed[tick.instrument] = tick.last_price_paise
            # Requests go between two ticks: a round must not hold them up.
            await asyncio.sleep(0)

    def _follow_pushes(self) -> None:
        for instrument, printed_paise in self._printed.items():
            now_paise = self._last_print(instrument)
            if now_paise != printed_paise:
                self._feed.pushed(Tick(instrument, now_paise, 0))
