"""Pressing: the brackets of which something is to be tried again, by instrument, and when that is due.

All of them are tried at a print; what waits for nothing else than a print is not due before. The stops that a print
trails are kept beside them.

It follows from the state alone (engine/retrying.py), so it is kept nowhere else and made anew at a start.
"""

from bracketd.domain.bracket import Bracket
from bracketd.engine.retrying import RETRY_NS, hurries, presses
from bracketd.engine.state import State
from bracketd.runtime.trailing_stops import TrailingStops


class Pressing:
    """Which brackets press, and when any was tried last (unix nanoseconds). `trailing` follows prints.

    `hurrying` are the baskets of which something is tried again without a print.
    """

    def __init__(self, state: State) -> None:
        self._instrument_of: dict[str, str] = {}
        self.hurrying: set[str] = set()
        self._tried_ns = state.last_event_ns
        self.trailing = TrailingStops()
        for bracket in state.brackets.values():
            self.note(state, bracket, state.last_event_ns)

    @property
    def due_ns(self) -> int | None:
        """When something is tried again without a print, None while nothing is to be."""
        return self._tried_ns + RETRY_NS if self.hurrying else None

    def note(self, state: State, bracket: Bracket, now_ns: int, *, untouched: bool = False) -> None:
        """A bracket moved: it presses now or does not. Of one known to be `untouched` only the entry's cancel can."""
        if bracket.trailing_step_paise:
            self.trailing.note(state, bracket)
        at_ease = untouched and not state.orders[bracket.entry_id].cancel_refused
        if at_ease or not presses(state, bracket):
            if self._instrument_of:
                self._ease(bracket.basket_id)
            return
        self._instrument_of[bracket.basket_id] = bracket.instrument
        if not hurries(state, bracket):
            self.hurrying.discard(bracket.basket_id)
            return
        if not self.hurrying:
            self._tried_ns = now_ns
        self.hurrying.add(bracket.basket_id)

    def drop(self, basket_id: str) -> None:
        """The bracket is not kept any more."""
        self.trailing.drop(basket_id)
        self._ease(basket_id)

    def _ease(self, basket_id: str) -> None:
        """Nothing of the bracket is to be tried again. What hurries is one of those that press."""
        if self._instrument_of.pop(basket_id, None) is not None:
            self.hurrying.discard(basket_id)

    def tried(self, now_ns: int) -> None:
        """What presses was tried at this moment."""
        self._tried_ns = now_ns

    def in_instrument(self, instrument: str) -> list[str]:
        """The baskets that press in an instrument, oldest first."""
        if not self._instrument_of:
            return []
        return [basket_id for basket_id, where in self._instrument_of.items() if where == instrument]

    def everywhere(self) -> list[str]:
        """All baskets that press, oldest first."""
        return list(self._instrument_of)
