"""Pressing: the brackets of which something is to be tried again, by instrument, and when that is due.

It follows from the state alone (engine/retrying.py), so it is kept nowhere else and made anew at a start.
"""

from bracketd.domain.bracket import Bracket
from bracketd.engine.retrying import RETRY_NS, presses
from bracketd.engine.state import State


class Pressing:
    """Which brackets press, and the last moment (unix nanoseconds) at which any was tried."""

    def __init__(self, state: State) -> None:
        self._instrument_of: dict[str, str] = {}
        self._tried_ns = state.last_event_ns
        for bracket in state.brackets.values():
            self.note(bracket, presses(state, bracket), state.last_event_ns)

    @property
    def due_ns(self) -> int | None:
        """When what presses is tried again without a print, None while nothing does."""
        return self._tried_ns + RETRY_NS if self._instrument_of else None

    def note(self, bracket: Bracket, pressing: bool, now_ns: int) -> None:
        """A bracket moved: it presses now or does not."""
        if not pressing:
            self._instrument_of.pop(bracket.basket_id, None)
            return
        if not self._instrument_of:
            self._tried_ns = now_ns
        self._instrument_of[bracket.basket_id] = bracket.instrument

    def drop(self, basket_id: str) -> None:
        """The bracket is not kept any more."""
        self._instrument_of.pop(basket_id, None)

    def tried(self, now_ns: int) -> None:
        """What presses was tried at this moment."""
        self._tried_ns = now_ns

    def in_instrument(self, instrument: str) -> list[str]:
        """The baskets that press in an instrument, oldest first."""
        return [basket_id for basket_id, where in self._instrument_of.items() if where == instrument]

    def everywhere(self) -> list[str]:
        """All baskets that press, oldest first."""
        return list(self._instrument_of)
