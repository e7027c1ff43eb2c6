"""A step: one command or tick with all that follows from it, decided together and made durable together.

Depth first: an event is applied, the instruction that it gives is carried out, each of the venue's reports is handled
with all that follows from it, and then the bracket's own rules are asked what is due, until everything is at rest.
"""

from collections.abc import Iterable

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import (
    AccountOpened,
    AnyEvent,
    BracketPlaced,
    ClosingAccepted,
    ClosingRefused,
    ClosingRequested,
    ExitAccepted,
    ExitRequested,
    LegsAdjusted,
    LegsGrown,
    LegsOpened,
    StopTrailed,
    TickSeen,
)
from bracketd.domain.instructions import Filled, Report, Triggered
from bracketd.domain.instrument import Tick
from bracketd.engine.evolve import evolve
from bracketd.engine.instructing import growth_by, instruction_for
from bracketd.engine.invariants import check_bracket
from bracketd.engine.protection import due
from bracketd.engine.reporting import decide_report
from bracketd.engine.state import State
from bracketd.engine.trailing import trail
from bracketd.runtime.sightings import Sightings
from bracketd.venue.protocol import MarketVenue

_OF_BASKET = (
    BracketPlaced,
    LegsOpened,
    LegsGrown,
    LegsAdjusted,
    ExitRequested,
    ClosingRequested,
    ClosingAccepted,
    ClosingRefused,
    ExitAccepted,
    StopTrailed,
)


class Step:
    """The step in hand. `events` is what it has come to; `moved` the baskets that it touched."""

    def __init__(self, state: State, venue: MarketVenue, sightings: Sightings, now_ns: int) -> None:
        self._state = state
        self._venue = venue
        self._sightings = sightings
        self._now_ns = now_ns
        self.events: list[AnyEvent] = []
        self.moved: set[str] = set()

    def see(self, instrument: str) -> None:
        """Record how the instrument's market stands, before anything relies on it."""
        sighting = self._sightings.take(instrument, self._now_ns)
        if sighting is not None:
            self._record(sighting)

    def apply(self, event: AnyEvent) -> None:
        """One event and all that follows from it."""
        growth = growth_by(self._state, event)
        self._record(event)
        instruction = instruction_for(self._state, event, growth)
        if instruction is not None:
            self.handle(self._venue.submit(instruction, self._now_ns))
        bracket = self._bracket(event)
        if bracket is None:
            return
        self.moved.add(bracket.basket_id)
        while (following := due(self._state, bracket, self._now_ns)) is not None:
            self.apply(following)

    def tick(self, tick: Tick) -> None:
        """One message of the feed with all that follows; last in a print come the stops that it trails."""
        self._sightings.moved(tick.instrument)
        self.handle(self._venue.tick(tick, self._now_ns))
        if not tick.last_quantity:
            return
        for basket_id in tuple(self._state.trailing.get(tick.instrument, ())):
            move = trail(self._state, self._state.brackets[basket_id], tick.last_price_paise, self._now_ns)
            if move is not None:
                self.see(tick.instrument)
                self.apply(move)

    def handle(self, reports: Iterable[Report]) -> None:
        """The venue's reports, each with all that follows from it before the next is asked for."""
        for report in reports:
            if isinstance(report, Filled | Triggered):
                self.see(self._state.orders[report.order_id].instrument)
            event = decide_report(self._state, report, self._now_ns)
            if event is not None:
                self.apply(event)

    def finish(self) -> None:
        """Check every bracket that moved; raises InvariantBroken, after which nothing may be acknowledged."""
        for basket_id in self.moved:
            check_bracket(self._state, self._state.brackets[basket_id])

    def _record(self, event: AnyEvent) -> None:
        evolve(self._state, event)
        self.events.append(event)

    def _bracket(self, event: AnyEvent) -> Bracket | None:
        if isinstance(event, AccountOpened | TickSeen):
            return None
        if isinstance(event, _OF_BASKET):
            return self._state.brackets[event.basket_id]
        return self._state.bracket_of(event.order_id)
