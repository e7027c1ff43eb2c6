"""The matcher: what is at work on the paper exchange, and how it trades (bracket.md section 3.4).

Work inside one print goes in this order, each step in time order: (a) stops that the print reached trigger; (b) resting
limits share the traded quantity; (c) legs that (b) made or re-priced are looked at again, stop before target; (d)
arrivals take displayed quantity. Prices are paise, quantities shares.
"""

import heapq
from collections.abc import Iterator, Mapping

from bracketd.domain.instructions import Acknowledged, Filled, Report, Triggered
from bracketd.domain.instrument import Instrument, Tick
from bracketd.venue.paper.book import Book, Pair, Work
from bracketd.venue.paper.bound import protection_bound

DEFAULT_PROTECTION_BP = 300
"""Market protection in hundredths of a percent of the last print (3 %), where an order brings none of its own."""

_STREAMS = 3
_STREAM_BASE = 10**14


class Matcher:
    """The books, the orders at work in them, and the numbers given out: acknowledgements, trades, places in time."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        protection_bp: int = DEFAULT_PROTECTION_BP,
        acknowledged: int = 0,
        traded: int = 0,
        priority: int = 0,
    ) -> None:
        self._instruments = instruments
        self._protection_bp = protection_bp
        self._acknowledged = acknowledged
        self._traded = traded
        self._priority = priority
        self._books: dict[str, Book] = {}
        self._work: dict[str, Work] = {}
        self._pairs: dict[str, Pair] = {}
        self._touched: dict[str, Pair] = {}
        self._arrivals: list[tuple[int, str]] = []
        self._depth = 0

    # Matching

    def _trigger_reached(self, book: Book) -> Iterator[Report]:
        for work in book.reached_stops(book.print_paise):
            yield from self._trigger(work)

    def _trigger(self, work: Work) -> Iterator[Report]:
        """A stop in force takes its target out in the same step and looks for displayed quantity in (d)."""
        if not work.waiting or work.order_id not in self._work or not work.remaining:
            return
        work.book.remove(work)
        work.waiting = False
        work.book.add(work)
        pair = work.pair
        if pair is not None and pair.target is not None:
            self._forget(pair.target)
        self._arrive(work)
        yield Triggered(work.order_id)

    def _share_print(self, book: Book, tick: Tick, arriving: set[str]) -> Iterator[Report]:
        """(b): limits at or through the print share its quantity, farthest through first, then time."""
        price = tick.last_price_paise
        candidates = [work for work in book.limits_through(price, strictly=False) if work.order_id not in arriving]
        candidates.sort(key=lambda work: (-abs(work.limit_paise - price), work.priority))
        queue = [(work, work.priority) for work in candidates]
        shares: dict[str, int] = {}
        for work, priority in queue:
            left = shares.get(work.account, tick.last_quantity)
            quantity = min(left, work.remaining)
            if not quantity or work.priority != priority or work.order_id not in self._work:
                continue
            shares[work.account] = left - quantity
            yield self._fill(work, work.limit_paise, quantity, aggressive=False)

    def _finish_step(self) -> Iterator[Report]:
        """(c) and (d): look at touched legs, then let the arrivals take what is displayed, in time order."""
        yield from self._look_again()
        while self._arrivals:
            priority, order_id = heapq.heappop(self._arrivals)
            work = self._work.get(order_id)
            # A target that grew since has lost this turn; where it is marketable, (c) gave it a later one.
            if work is not None and not work.waiting and work.priority == priority:
                yield from self._take_displayed(work, look_again=True)

    def _look_again(self) -> Iterator[Report]:
        """Legs that were made, grown or re-priced: a stop already reached triggers, a marketable target arrives."""
        while self._touched:
            pair = self._touched.pop(next(iter(self._touched)))
            stop = pair.stop
            if stop is not None and stop.waiting and stop.book.print_paise and stop.reached(stop.book.print_paise):
                yield from self._trigger(stop)
            target = pair.target
            if target is not None and target.book.marketable(target):
                self._arrive(target)

    def _arrive(self, work: Work) -> None:
        heapq.heappush(self._arrivals, (work.priority, work.order_id))

    def _take_displayed(self, work: Work, *, look_again: bool) -> Iterator[Report]:
        """Take displayed quantity level by level within the order's limit or its market protection."""
        bound = work.limit_paise if work.limited else protection_bound(work, self._instruments, self._protection_bp)
        for price, available in work.book.displayed(work):
            if (price > bound) if work.buy else (price < bound):
                return
            quantity = min(available, work.remaining)
            if not quantity or work.order_id not in self._work:
                return
            work.book.use(work, quantity)
            yield self._fill(work, price, quantity, aggressive=True)
            if look_again:
                yield from self._look_again()

    def _fill(self, work: Work, price_paise: int, quantity: int, *, aggressive: bool) -> Report:
        work.take(quantity)
        self._traded += 1
        if not work.remaining:
            self._spent(work)
        book = work.book
        return Filled(
            work.order_id, str(self._traded), price_paise, quantity, aggressive, book.print_paise, book.tick_name
        )

    def _spent(self, work: Work) -> None:
        """Nothing remains: an entry is done, a pair leaves the book but may grow again while its entry works."""
        pair = work.pair
        if pair is None:
            self._forget(work)
            return
        for leg in (pair.stop, pair.target):
            if leg is not None:
                leg.book.remove(leg)

    # Keeping

    def _enter(self, work: Work) -> None:
        self._work[work.order_id] = work
        work.book.add(work)

    def _forget(self, work: Work) -> None:
        del self._work[work.order_id]
        work.book.remove(work)
        pair = work.pair
        if pair is None:
            return
        if pair.target is work:
            pair.target = None
        elif pair.stop is work:
            pair.stop = None

    def _book(self, instrument: str) -> Book:
        book = self._books.get(instrument)
        if book is None:
            book = self._books[instrument] = Book(instrument, self._instruments[instrument].base_price_paise)
        return book

    def _acknowledge(self, work: Work) -> Report:
        self._acknowledged += 1
        instrument = self._instruments[work.book.instrument]
        stream = 11 + instrument.token % _STREAMS
        return Acknowledged(work.order_id, str(stream * _STREAM_BASE + self._acknowledged), work.priority)

    def _next_priority(self) -> int:
        self._priority += 1
        return self._priority
