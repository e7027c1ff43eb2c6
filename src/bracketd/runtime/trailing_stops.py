"""Trailing stops: by instrument and side, sorted by the print that would move them (bracket.md section 2.6).

A print that moves none costs two looks at the ends of sorted lists, however many follow; one that moves k of n costs
k log n. It follows from the state alone, so it is kept nowhere else and made anew at a start.
"""

from sortedcontainers import SortedList

from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Side
from bracketd.engine.state import State

_Place = tuple[int, str]
"""From which print on a stop moves (paise, negative for a bracket that sold), and its basket."""


_NEVER = 1 << 62
"""A print that does not come: where nothing trails."""


class _Followers:
    """The trailing stops of one instrument: those of bought brackets, those of sold ones, and the nearest of each."""

    __slots__ = ("falls_to", "rises_to", "sides")

    def __init__(self) -> None:
        self.sides: dict[Side, SortedList[_Place]] = {Side.BUY: SortedList(), Side.SELL: SortedList()}
        self.rises_to = _NEVER
        self.falls_to = -_NEVER

    def look(self) -> None:
        """Note which prints come first."""
        bought, sold = self.sides[Side.BUY], self.sides[Side.SELL]
        self.rises_to = bought[0][0] if bought else _NEVER
        self.falls_to = -sold[0][0] if sold else -_NEVER


class TrailingStops:
    """Which waiting stops trail, and from which print on each would move."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, Side, _Place]] = {}
        self._followers: dict[str, _Followers] = {}

    def note(self, state: State, bracket: Bracket) -> None:
        """A bracket moved: its stop trails from here, or does not."""
        basket_id = bracket.basket_id
        known = self._places.get(basket_id)
        wanted: tuple[str, Side, _Place] | None = None
        if bracket.trailing_step_paise and basket_id in state.trailing.get(bracket.instrument, ()):
            sign = 1 if bracket.side is Side.BUY else -1
            place = (sign * bracket.anchor_paise + bracket.trailing_step_paise, basket_id)
            wanted = (bracket.instrument, bracket.side, place)
        if wanted == known:
            return
        self.drop(basket_id)
        if wanted is not None:
            self._places[basket_id] = wanted
            followers = self._followers.setdefault(bracket.instrument, _Followers())
            followers.sides[bracket.side].add(wanted[2])
            followers.look()

    def drop(self, basket_id: str) -> None:
        """The stop trails no more; one that never did is no fault."""
        known = self._places.pop(basket_id, None)
        if known is not None:
            instrument, side, place = known
            followers = self._followers[instrument]
            followers.sides[side].remove(place)
            followers.look()

    def moved_by(self, state: State, instrument: str, print_paise: int) -> list[str]:
        """The baskets whose stop a print at that price moves, in the time order of their stops."""
        followers = self._followers.get(instrument)
        if followers is None or followers.falls_to < print_paise < followers.rises_to:
            return []
        found: list[str] = []
        for side, reach in ((Side.BUY, print_paise), (Side.SELL, -print_paise)):
            for threshold, basket_id in followers.sides[side]:
                if threshold > reach:
                    break
                found.append(basket_id)
        found.sort(key=lambda basket_id: (state.orders[state.brackets[basket_id].stop_id].priority, basket_id))
        return found
