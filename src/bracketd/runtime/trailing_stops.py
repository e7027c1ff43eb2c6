"""Trailing stops: by instrument and side, sorted by the print that would move them (bracket.md section 2.6).

A print that moves none costs two looks at the ends of sorted lists, however many follow; one that moves k of n costs
k log n. It follows from the state alone, so it is kept nowhere else and made anew at a start.
"""

from sortedcontainers import SortedList

from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Side
from bracketd.engine.state import State

_NEVER = 1 << 62
"""A print that does not come: where nothing trails."""


class _Followers:
    """The trailing stops of one instrument and side, nearest first, and the print that the nearest waits for."""

    __slots__ = ("places", "reach")

    def __init__(self) -> None:
        self.places: SortedList[_Place] = SortedList()
        self.reach = _NEVER

    def look(self) -> None:
        """Note which print comes first."""
        self.reach = self.places[0][0] if self.places else _NEVER


_Place = tuple[int, str, _Followers]
"""From which print on a stop moves (paise, negative for a bracket that sold), its basket, and whom it stands with.

No two have the same basket, so that the third is never compared.
"""


class TrailingStops:
    """Which waiting stops trail, and from which print on each would move."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        # By instrument: the stops of bought brackets, and those of sold ones.
        self._followers: dict[str, tuple[_Followers, _Followers]] = {}

    def note(self, state: State, bracket: Bracket) -> None:
        """A bracket moved: its stop trails from here, or does not."""
        basket_id = bracket.basket_id
        if not bracket.trailing_step_paise or basket_id not in state.trailing.get(bracket.instrument, ()):
            self.drop(basket_id)
            return
        bought = bracket.side is Side.BUY
        threshold = (bracket.anchor_paise if bought else -bracket.anchor_paise) + bracket.trailing_step_paise
        known = self._places.get(basket_id)
        if known is not None and known[0] == threshold:
            return
        self.drop(basket_id)
        both = self._followers.get(bracket.instrument)
        if both is None:
            both = self._followers[bracket.instrument] = (_Followers(), _Followers())
        followers = both[0 if bought else 1]
        place = self._places[basket_id] = (threshold, basket_id, followers)
        followers.places.add(place)
        followers.look()

    def drop(self, basket_id: str) -> None:
        """The stop trails no more; one that never did is no fault."""
        known = self._places.pop(basket_id, None)
        if known is not None:
            known[2].places.remove(known)
            known[2].look()

    def moved_by(self, state: State, instrument: str, print_paise: int) -> list[str]:
        """The baskets whose stop a print at that price moves, in the time order of their stops."""
        both = self._followers.get(instrument)
        if both is None:
            return []
        bought, sold = both
        if print_paise < bought.reach and -print_paise < sold.reach:
            return []
        found: list[str] = []
        for followers, reach in ((bought, print_paise), (sold, -print_paise)):
            for threshold, basket_id, _ in followers.places:
                if threshold > reach:
                    break
                found.append(basket_id)
        found.sort(key=lambda basket_id: (state.orders[state.brackets[basket_id].stop_id].priority, basket_id))
        return found
