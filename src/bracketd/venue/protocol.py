"""The Venue protocol: where orders work, be it the paper exchange or a real broker.

A venue takes an instruction and reports. Reports that it knows at once come from the iterator; the runtime handles
each, with all that follows from it, before it asks for the next, so that a synchronous venue and the engine move in
step. A venue that answers later yields nothing and delivers through the callable given to `start`. It may acknowledge
late, fill in parts, refuse, repeat itself or stay silent; the engine counts on none of these not happening.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from bracketd.domain.instructions import Held, Instruction, Report
from bracketd.domain.instrument import Level, Tick


class Venue(Protocol):
    """Where orders work. Times are unix nanoseconds."""

    links_exits: bool
    """Whether the venue keeps a linked pair of exits under one quantity (bracket.md section 2.3).

    The engine counts on it: one live exit order at a time, for a venue that cannot, does not exist yet.
    """

    def start(self, deliver: Callable[[Report], None]) -> None:
        """Begin to work; later reports go to `deliver`, on the thread that owns the engine."""

    def submit(self, instruction: Instruction, now_ns: int) -> Iterator[Report | Held]:
        """Carry out one instruction; yields what is known of it at once. The caller runs it to its end."""


class MarketVenue(Venue, Protocol):
    """A venue that does its own matching on ticks handed to it: the paper exchange."""

    def tick(self, tick: Tick, now_ns: int) -> Iterator[Report | Held]:
        """One message of the feed; yields what it caused, in order."""

    def carry_out(self, instruction: Instruction, now_ns: int) -> Iterator[Report | Held]:
        """As `submit`, for an instruction that was kept back once and is not kept back again."""

    def shown(self, instrument: str) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """(last print in paise or 0, bids, asks) as the venue holds them."""
