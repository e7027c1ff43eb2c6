"""A ladder: who waits at which price on one side of a book.

Prices are paise. A price keeps its orders in time order, which is the order of insertion. One that nobody waits at any
more stays until the market comes near it: somebody else will want it, and it costs a few bytes.
"""

from collections.abc import ItemsView, Iterable, Iterator
from typing import TYPE_CHECKING, Union

from sortedcontainers import SortedList

if TYPE_CHECKING:
    from bracketd.venue.paper.book import Work

Rung = Union["Work", tuple["Work", "Work"], dict[str, "Work"], None]
"""Who waits at one price: one order, two, more by their ids, each first come first; or nobody any more.

Most prices at which anybody waits have one order or two; a dictionary for each would be a tenth of a position's memory.
"""

_NONE_BELOW = -1
_NONE_ABOVE = 1 << 62
"""Prices that no print reaches: the edge of a side on which nobody waits."""


def waiting_at(rung: Rung) -> Iterable["Work"]:
    """The orders at one price, first come first."""
    if rung is None:
        return ()
    if isinstance(rung, dict):
        return rung.values()
    return rung if isinstance(rung, tuple) else (rung,)


class Ladder:
    """One side: below the market (limits to buy, stops to sell) or above it.

    No order waits nearer to the market than at `edge_paise`; whoever waited at just that price may have gone, which
    `look` finds out.
    """

    __slots__ = ("_below", "_prices", "_rungs", "edge_paise")

    def __init__(self, *, below: bool) -> None:
        self._below = below
        self._rungs: dict[int, Rung] = {}
        self._prices: SortedList[int] = SortedList()
        self.edge_paise = _NONE_BELOW if below else _NONE_ABOVE

    def add(self, price_paise: int, work: "Work") -> None:
        """Let an order wait at a price, behind those that do already."""
        rungs = self._rungs
        rung = rungs.get(price_paise)
        if rung is None:
            if price_paise not in rungs:
                self._prices.add(price_paise)
            rungs[price_paise] = work
        elif isinstance(rung, dict):
            rung[work.order_id] = work
        elif isinstance(rung, tuple):
            first, second = rung
            if work is not first and work is not second:
                rungs[price_paise] = {each.order_id: each for each in (first, second, work)}
        elif rung is not work:
            rungs[price_paise] = rung, work
        if (price_paise > self.edge_paise) if self._below else (price_paise < self.edge_paise):
            self.edge_paise = price_paise

    def remove(self, price_paise: int, work: "Work") -> None:
        """Let an order wait there no more; one that does not is no fault."""
        rung = self._rungs.get(price_paise)
        if isinstance(rung, dict):
            rung.pop(work.order_id, None)
            gone = not rung
        elif isinstance(rung, tuple):
            first, second = rung
            if work is first:
                self._rungs[price_paise] = second
            elif work is second:
                self._rungs[price_paise] = first
            return
        else:
            gone = rung is work
        if gone:
            self._rungs[price_paise] = None

    def look(self) -> bool:
        """Find the nearest price at which somebody waits; those of nobody on the way go. Whether it has changed."""
        rungs, prices = self._rungs, self._prices
        if rungs.get(self.edge_paise) is not None or not prices:
            return False
        end = -1 if self._below else 0
        while prices and rungs[prices[end]] is None:
            del rungs[prices.pop(end)]
        self.edge_paise = prices[end] if prices else _NONE_BELOW if self._below else _NONE_ABOVE
        return True

    def nearest_first(self) -> Iterator[tuple[int, Iterable["Work"]]]:
        """Each price and who waits there, from the market on; nothing may be added or removed meanwhile."""
        for price_paise in reversed(self._prices) if self._below else self._prices:
            yield price_paise, waiting_at(self._rungs[price_paise])

    def items(self) -> ItemsView[int, Rung]:
        """Every price at which anybody has waited, in no order, and who waits there."""
        return self._rungs.items()
