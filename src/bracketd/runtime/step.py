"""A step: one command, tick or turn of the day with all that follows from it, decided and made durable together.

Depth first: an event is applied, the instruction that it gives is carried out, each of the venue's reports is handled
with all that follows from it, and then the bracket's own rules are asked what is due, until everything is at rest.
"""

from collections.abc import Callable, Iterable
from typing import get_args

import msgspec

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import (
    AnyEvent,
    CancelRequested,
    DayBegun,
    LegsGrown,
    LetterArrived,
    LetterSent,
    StageReached,
)
from bracketd.domain.instructions import Filled, Held, Instruction, Letter, Report, Triggered
from bracketd.domain.instrument import Tick
from bracketd.domain.session import Stage, TradingDay
from bracketd.engine.ending import next_due, turn_due
from bracketd.engine.evolve import evolve
from bracketd.engine.exposure import may_be_cancelled, squares_off
from bracketd.engine.instructing import INSTRUCTING, growth_by, instruction_for
from bracketd.engine.invariants import check_bracket
from bracketd.engine.reporting import decide_report
from bracketd.engine.retrying import EACH_PRINT, EACH_SECOND
from bracketd.engine.squaring import square_off_due
from bracketd.engine.state import State
from bracketd.engine.trailing import trail
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.sightings import Sightings
from bracketd.venue.protocol import MarketVenue

Work = Callable[["Step"], None]
"""What a step does: it is given the step, and calls its methods."""

_OF_BASKET = frozenset(kind for kind in get_args(AnyEvent) if "basket_id" in kind.__struct_fields__)
_OF_ORDER = frozenset(kind for kind in get_args(AnyEvent) if "order_id" in kind.__struct_fields__) - _OF_BASKET
"""Which events move one bracket, and by what they name it."""

_SEEN_FIRST = frozenset({Filled, Triggered})
"""Reports that come of how the market stands."""

_NOT_PLAIN = _SEEN_FIRST | {Held}
"""What a venue tells that is more than a report to be judged."""


class Step:
    """The step in hand. `events` is what it has come to; `moved` the baskets that it touched, in that order."""

    __slots__ = ("_at_rest", "_now_ns", "_pressing", "_sightings", "_state", "_venue", "events", "moved")

    def __init__(self, state: State, venue: MarketVenue, sightings: Sightings, pressing: Pressing, now_ns: int) -> None:
        self._state = state
        self._venue = venue
        self._sightings = sightings
        self._pressing = pressing
        self._now_ns = now_ns
        self.events: list[AnyEvent] = []
        self.moved: dict[str, None] = {}
        # Of which nothing was due when it was asked last; it need not be asked again until something happens.
        self._at_rest: Bracket | None = None

    def see(self, instrument: str) -> None:
        """Record how the instrument's market stands, before anything relies on it."""
        sighting = self._sightings.take(instrument, self._now_ns)
        if sighting is not None:
            self._record(sighting)

    def apply(self, event: AnyEvent) -> None:
        """One event and all that follows from it."""
        state, kind, growth = self._state, type(event), 0
        if kind is LegsGrown:
            growth = growth_by(state, event)  # type: ignore[arg-type]
        evolve(state, event)
        self.events.append(event)
        self._at_rest = None
        if kind in INSTRUCTING:
            instruction = instruction_for(state, event, growth)
            if instruction is not None:
                self.handle(self._venue.submit(instruction, self._now_ns))
        if kind in _OF_ORDER:
            bracket = state.brackets[state.orders[event.order_id].basket_id]  # type: ignore[union-attr]
        elif kind in _OF_BASKET:
            bracket = state.brackets[event.basket_id]  # type: ignore[union-attr]
        else:
            return
        self.moved[bracket.basket_id] = None
        if self._at_rest is not bracket:
            self._settle(bracket)

    def tick(self, tick: Tick) -> None:
        """One message of the feed with all that follows; last in a print come the stops that it trails.

        What the venue refused before is tried again after a print (engine/retrying.py).
        """
        self._sightings.moved(tick.instrument, tick.name)
        self.handle(self._venue.tick(tick, self._now_ns))
        if not tick.last_quantity:
            return
        trailing = self._pressing.trailing
        for basket_id in self.moved:
            # A stop that this print made trails by it as well.
            if (bracket := self._state.brackets.get(basket_id)) is not None:
                trailing.note(self._state, bracket)
        for basket_id in trailing.moved_by(self._state, tick.instrument, tick.last_price_paise):
            move = trail(self._state, self._state.brackets[basket_id], tick.last_price_paise, self._now_ns)
            if move is not None:
                self.see(tick.instrument)
                self.apply(move)
        for basket_id in self._pressing.in_instrument(tick.instrument):
            self._try_again(basket_id, EACH_PRINT)

    def second(self) -> None:
        """A second has gone by: what the venue refused is tried again."""
        for basket_id in self._pressing.everywhere():
            self._try_again(basket_id, EACH_SECOND)

    def turn(self, told: TradingDay) -> bool:
        """Take the day to where the session table says it is, one stage after the other (bracket.md 2.9).

        False when it is not there yet: a day that ended while nobody looked ends in a step of its own, because what is
        over leaves the state when the next one begins, and nobody could be told any more how it had ended.
        """
        while (event := turn_due(self._state, told, self._now_ns)) is not None:
            if isinstance(event, DayBegun) and self.events:
                return False
            if isinstance(event, StageReached) and event.stage is Stage.SQUARE_OFF:
                # Every intraday entry's remainder first, then every open bracket.
                for bracket in tuple(self._state.brackets.values()):
                    entry = self._state.orders[bracket.entry_id]
                    if squares_off(entry) and may_be_cancelled(entry):
                        self.apply(CancelRequested(self._now_ns, entry.order_id))
            self.apply(event)
            if isinstance(event, StageReached) and event.stage is Stage.LAST_CALL:
                self._hear_everything()
            # A day of a market without hours begins in the middle of trading.
            if isinstance(event, StageReached) or event.stage.trades:
                for bracket in tuple(self._state.brackets.values()):
                    self.moved[bracket.basket_id] = None
                    self._settle(bracket)
                self._square_off()
        return True

    def arrive(self, number: int) -> None:
        """A letter that was under way is there: a report is heard, an instruction carried out."""
        letter = self._state.post[number].letter
        self._record(LetterArrived(self._now_ns, number))
        if isinstance(letter, Instruction):
            self.handle(self._venue.carry_out(letter, self._now_ns))
            return
        if isinstance(letter, Filled):
            # What it took of the displayed quantity was counted when it was sent.
            letter = msgspec.structs.replace(letter, aggressive=False)
        self.handle((letter,))

    def handle(self, reports: Iterable[Report | Held]) -> None:
        """The venue's reports, each with all that follows from it before the next is asked for."""
        for report in reports:
            if type(report) in _NOT_PLAIN:
                self._see_first(report.letter if isinstance(report, Held) else report)
            if isinstance(report, Held):
                self._record(LetterSent(self._now_ns, report.due_ns, report.letter, report.copy))
                continue
            event = decide_report(self._state, report, self._now_ns)
            if event is not None:
                self.apply(event)

    def _see_first(self, told: Letter) -> None:
        """How the market stands is on record before what comes of it."""
        if type(told) in _SEEN_FIRST:
            order = self._state.orders.get(told.order_id)  # type: ignore[union-attr]
            if order is not None:
                self.see(order.instrument)

    def finish(self) -> None:
        """Check every bracket that moved; raises InvariantBroken, after which nothing may be acknowledged."""
        state, pressing = self._state, self._pressing
        for basket_id in self.moved:
            bracket = state.brackets.get(basket_id)
            if bracket is None:
                pressing.drop(basket_id)
                continue
            pressing.note(state, bracket, self._now_ns, untouched=check_bracket(state, bracket))

    def _hear_everything(self) -> None:
        """At the end of a session the venue tells what it still owes, in the order in which it happened."""
        while self._state.post:
            self.arrive(min(self._state.post))

    def _square_off(self) -> None:
        """Intraday positions of which no order is kept any more, since they were carried into the day."""
        for key in tuple(self._state.stakes):
            client_id, instrument, _ = key.split(" ")
            event = square_off_due(self._state, client_id, instrument, self._now_ns)
            if event is not None:
                self.apply(event)

    def _settle(self, bracket: Bracket) -> None:
        """What the bracket's rules demand, until nothing is due: a question about the state alone."""
        while self._at_rest is not bracket:
            following = next_due(self._state, bracket, self._now_ns)
            if following is not None:
                self.apply(following)
            else:
                self._at_rest = bracket

    def _try_again(self, basket_id: str, rules: Iterable[Callable[[State, Bracket, int], AnyEvent | None]]) -> None:
        if not self._state.stage.trades:
            return
        bracket = self._state.brackets[basket_id]
        for rule in rules:
            event = rule(self._state, bracket, self._now_ns)
            if event is not None:
                self.apply(event)

    def _record(self, event: AnyEvent) -> None:
        evolve(self._state, event)
        self.events.append(event)
        self._at_rest = None
