"""The paper exchange: matches orders against the market's prints and displayed depth (bracket.md section 3).

Deterministic: the same instructions and ticks give the same reports. All that the market offers is offered to each
account anew, so accounts never trade with each other. Work inside one print goes in this order, each step in time
order: (a) stops that the print reached trigger; (b) resting limits share the traded quantity; (c) legs that (b) made
or re-priced are looked at again, stop before target; (d) arrivals take displayed quantity. Every report is handled by
the engine before the next is made, so instructions arrive in the middle of matching; they only put orders in place,
and what they touched is looked at when the step in hand comes to (c).
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping

from bracketd.domain.instructions import (
    Acknowledged,
    AdjustPair,
    CancelDenied,
    CancelWork,
    CloseDenied,
    ClosePair,
    CloseTaken,
    Filled,
    Instruction,
    Modified,
    ModifyDenied,
    ModifyWork,
    MoveStop,
    OpenPair,
    PairAdjusted,
    Report,
    SendEntry,
    Triggered,
    Withdrawn,
)
from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.order import Leg, Order, OrderType
from bracketd.venue.paper.admission import admit_entry, admit_leg, amend, readmit
from bracketd.venue.paper.book import Book, Pair, Work
from bracketd.venue.paper.bound import protection_bound

DEFAULT_PROTECTION_BP = 300
"""Market protection in hundredths of a percent of the last print (3 %), where an order brings none of its own."""

_STREAMS = 3
_STREAM_BASE = 10**14


class PaperExchange:
    """A venue that matches on ticks. `acknowledged` and `traded` are how many numbers of each kind were given out."""

    links_exits = True

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
        self._entries: set[str] = set()
        self._idle: set[str] = set()
        self._touched: dict[str, Pair] = {}
        self._arrivals: list[tuple[int, str]] = []
        self._depth = 0

    # Venue

    def start(self, deliver: Callable[[Report], None]) -> None:
        """The paper exchange answers at once and never calls back."""

    def submit(self, instruction: Instruction, now_ns: int) -> Iterator[Report]:
        """Carry out one instruction. Outside of a print it is matched to its end, then its legs are looked at."""
        self._depth += 1
        try:
            yield from self._carry_out(instruction)
            if self._depth == 1:
                yield from self._finish_step()
        finally:
            self._depth -= 1

    def tick(self, tick: Tick, now_ns: int) -> Iterator[Report]:
        """One message of the feed: a print with all four steps, or a quote with the arrivals alone."""
        book = self._book(tick.instrument)
        before = book.reference_paise
        book.show(tick)
        crossing = list(book.limits_through(before, strictly=True))
        at_market = list(book.market.values())
        self._depth += 1
        try:
            if tick.last_quantity:
                book.print_paise = tick.last_price_paise
                yield from self._trigger_reached(book)
                arriving = {work.order_id for work in crossing} | {order_id for _, order_id in self._arrivals}
                yield from self._share_print(book, tick, arriving)
            for work in (*at_market, *crossing):
                self._arrive(work)
            yield from self._finish_step()
        finally:
            self._depth -= 1

    def shown(self, instrument: str) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """(last print in paise or 0, bids, asks) of an instrument."""
        book = self._book(instrument)
        return book.print_paise, book.bids, book.asks

    def resume(self, orders: Iterable[Order]) -> None:
        """Put acknowledged, unfinished orders back to work, each in its old place in the queue."""
        for order in sorted(orders, key=lambda each: each.priority):
            work = self._work_of(order)
            self._work[order.order_id] = work
            if work.pair is not None:
                if order.leg is Leg.STOPLOSS:
                    work.pair.stop = work
                else:
                    work.pair.target = work
            if work.remaining:
                work.book.add(work)

    def restore_market(
        self,
        instrument: str,
        print_paise: int,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        taken: Mapping[str, list[int]],
    ) -> None:
        """Take the market up where it was left, with what each account had used of it."""
        book = self._book(instrument)
        book.print_paise, book.bids, book.asks = print_paise, bids, asks
        book.taken = {account: list(used) for account, used in taken.items()}

    # Instructions

    def _carry_out(self, instruction: Instruction) -> Iterator[Report]:
        match instruction:
            case SendEntry():
                yield from self._send_entry(instruction)
            case OpenPair():
                yield from self._open_pair(instruction)
            case AdjustPair():
                yield from self._adjust_pair(instruction)
            case MoveStop():
                self._move_stop(instruction)
            case CancelWork():
                yield from self._cancel(instruction.order_id)
            case ModifyWork():
                yield from self._modify(instruction)
            case ClosePair():
                yield from self._close_pair(instruction)

    def _send_entry(self, entry: SendEntry) -> Iterator[Report]:
        work = admit_entry(entry, self._book(entry.instrument), self._next_priority())
        self._enter(work)
        yield self._acknowledge(work)
        if not work.waiting:
            yield from self._take_displayed(work, look_again=False)
        if work.immediate and work.order_id in self._work and work.remaining:
            self._forget(work)
            yield Withdrawn(work.order_id)

    def _open_pair(self, legs: OpenPair) -> Iterator[Report]:
        pair = self._pairs[legs.basket_id] = Pair(legs.basket_id, legs.quantity)
        book = self._book(legs.instrument)
        for kind in (OrderType.SLM, OrderType.LIMIT):
            work = admit_leg(legs, kind, book, pair, self._next_priority())
            if work.waiting:
                pair.stop = work
            else:
                pair.target = work
            self._enter(work)
        self._touched[pair.basket_id] = pair
        for leg in (pair.stop, pair.target):
            if leg is not None:
                yield self._acknowledge(leg)

    def _adjust_pair(self, change: AdjustPair) -> Iterator[Report]:
        """Grow a pair. The target loses its place in time, the stop keeps it (bracket.md 3.4)."""
        pair = self._pairs[change.basket_id]
        pair.remaining += change.growth
        stop, target = pair.stop, pair.target
        if stop is not None:
            if stop.waiting:
                stop.book.replace_stop(stop, change.trigger_paise)
            else:
                stop.book.add(stop)
                self._arrive(stop)
        if target is not None and (change.growth or change.target_paise != target.limit_paise):
            target.book.remove(target)
            target.limit_paise = change.target_paise
            target.priority = self._next_priority()
            target.book.add(target)
        self._touched[pair.basket_id] = pair
        yield PairAdjusted(change.basket_id, target.priority if target is not None else 0)

    def _move_stop(self, move: MoveStop) -> None:
        """Another trigger, by trailing: the stop keeps its place, and the move never takes it across the print."""
        pair = self._pairs.get(move.basket_id)
        if pair is not None and pair.stop is not None and pair.stop.waiting:
            pair.stop.book.replace_stop(pair.stop, move.trigger_paise)

    def _cancel(self, order_id: str) -> Iterator[Report]:
        work = self._work.get(order_id)
        if work is None:
            yield CancelDenied(order_id, "order is not working")
            return
        self._forget(work)
        yield Withdrawn(order_id)

    def _modify(self, change: ModifyWork) -> Iterator[Report]:
        """Other terms. What loses its place is an arrival, matched to its end before its legs are looked at."""
        work = self._work.get(change.order_id)
        if work is None:
            yield ModifyDenied(change.order_id, "order is not working")
            return
        moved = amend(work, change, self._priority + 1)
        if moved:
            self._next_priority()
        if not work.remaining and work.pair is None:
            self._forget(work)
        yield Modified(change.order_id, work.priority if moved else 0)
        if moved and not work.waiting:
            yield from self._take_displayed(work, look_again=False)
        if work.pair is not None:
            self._touched[work.basket_id] = work.pair

    def _close_pair(self, close: ClosePair) -> Iterator[Report]:
        """The stop becomes a market order for what is open: same row, same number."""
        pair = self._pairs.get(close.basket_id)
        stop = pair.stop if pair is not None else None
        if pair is None or stop is None or not pair.remaining:
            yield CloseDenied(close.basket_id, "nothing is open")
            return
        stop.book.remove(stop)
        stop.waiting, stop.kind, stop.trigger_paise = False, OrderType.MARKET, 0
        stop.priority = self._next_priority()
        stop.book.add(stop)
        yield CloseTaken(close.basket_id, stop.priority)
        if self._depth == 1:
            yield from self._take_displayed(stop, look_again=False)
        else:
            self._arrive(stop)

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
        self._drop_idle()

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
        return Filled(work.order_id, str(self._traded), price_paise, quantity, aggressive)

    def _spent(self, work: Work) -> None:
        """Nothing remains: an entry is done, a pair leaves the book but may grow again while its entry works."""
        pair = work.pair
        if pair is None:
            self._forget(work)
            return
        for leg in (pair.stop, pair.target):
            if leg is not None:
                leg.book.remove(leg)
        self._idle.add(pair.basket_id)

    # Keeping

    def _enter(self, work: Work) -> None:
        self._work[work.order_id] = work
        if work.pair is None:
            self._entries.add(work.basket_id)
        work.book.add(work)

    def _forget(self, work: Work) -> None:
        del self._work[work.order_id]
        work.book.remove(work)
        pair = work.pair
        if pair is None:
            self._entries.discard(work.basket_id)
        elif pair.target is work:
            pair.target = None
        elif pair.stop is work:
            pair.stop = None
        self._idle.add(work.basket_id)

    def _drop_idle(self) -> None:
        """A spent pair whose entry no longer works will never be asked for again."""
        while self._idle:
            basket_id = self._idle.pop()
            pair = self._pairs.get(basket_id)
            if pair is None or pair.remaining or basket_id in self._entries:
                continue
            del self._pairs[basket_id]
            for leg in (pair.stop, pair.target):
                if leg is not None:
                    del self._work[leg.order_id]

    def _book(self, instrument: str) -> Book:
        book = self._books.get(instrument)
        if book is None:
            book = self._books[instrument] = Book(instrument, self._instruments[instrument].base_price_paise)
        return book

    def _work_of(self, order: Order) -> Work:
        pair = None
        if order.leg in (Leg.STOPLOSS, Leg.TARGET):
            pair = self._pairs.setdefault(order.basket_id, Pair(order.basket_id, order.remaining))
        else:
            self._entries.add(order.basket_id)
        return readmit(order, self._book(order.instrument), pair)

    def _acknowledge(self, work: Work) -> Report:
        self._acknowledged += 1
        instrument = self._instruments[work.book.instrument]
        stream = 11 + instrument.token % _STREAMS
        return Acknowledged(work.order_id, str(stream * _STREAM_BASE + self._acknowledged), work.priority)

    def _next_priority(self) -> int:
        self._priority += 1
        return self._priority
