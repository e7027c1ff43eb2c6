"""The paper exchange: matches orders against the market's prints and displayed depth (bracket.md section 3).

Deterministic: the same instructions and ticks give the same reports. All that the market offers is offered to each
account anew, so accounts never trade with each other. Work inside one print goes in this order, each step in time
order: (a) stops that the print reached trigger; (b) resting limits share the traded quantity; (c) legs that (b) made
or re-priced are looked at again, stop before target; (d) arrivals take displayed quantity. Every report is handled by
the engine before the next is made, so instructions arrive in the middle of matching; they only put orders in place,
and what they touched is looked at when the step in hand comes to (c).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bracketd.domain.instructions import (
    AdjustPair,
    CancelDenied,
    CancelWork,
    ClearBooks,
    CloseDenied,
    ClosePair,
    CloseTaken,
    DropPair,
    Instruction,
    LastCall,
    Modified,
    ModifyDenied,
    ModifyWork,
    MoveStop,
    OpenBooks,
    OpenPair,
    PairAdjusted,
    Report,
    SendEntry,
    Withdrawn,
)
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import Leg, Order, OrderType
from bracketd.venue.paper.admission import admit_closing, admit_entry, admit_leg, amend, readmit
from bracketd.venue.paper.book import EntryWork, LegWork, Pair, Work
from bracketd.venue.paper.matcher import Matcher

NOT_WORKING = "order is not working"


class PaperExchange(Matcher):
    """A venue that matches on ticks. `acknowledged` and `traded` are the last numbers given out of each kind."""

    links_exits = True

    # Venue

    def start(self, deliver: Callable[[Report], None]) -> None:
        """The paper exchange answers at once and never calls back."""

    def submit(self, instruction: Instruction, now_ns: int) -> Iterator[Report]:
        """Carry out one instruction. Outside of a print it is matched to its end, then its legs are looked at."""
        self._depth += 1
        try:
            yield from _CARRY_OUT[type(instruction)](self, instruction)
            if self._depth == 1 and (self._touched or self._arrivals):
                yield from self._finish_step()
        finally:
            self._depth -= 1

    def carry_out(self, instruction: Instruction, now_ns: int) -> Iterator[Report]:
        """An instruction that was under way for a while: there is nothing special about it here."""
        return self.submit(instruction, now_ns)

    def tick(self, tick: Tick, now_ns: int) -> Iterator[Report]:
        """One message of the feed: a print with all four steps, or a quote with the arrivals alone."""
        book = self._book(tick.instrument)
        before = book.reference_paise
        book.show(tick)
        nothing_waits = not (self._depth or self._touched or self._arrivals)
        if nothing_waits and book.quiet(before, tick.last_price_paise if tick.last_quantity else 0):
            if tick.last_quantity:
                book.print_paise = tick.last_price_paise
            return
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

    def resume(self, orders: Iterable[Order], pairs: Mapping[str, int]) -> None:
        """Put acknowledged, unfinished orders back to work, each in its old place in the queue.

        `pairs` tells for each basket with legs the shares that its pair still has.
        """
        for basket_id, remaining in pairs.items():
            self._pairs[basket_id] = Pair(basket_id, remaining)
        for order in sorted(orders, key=lambda each: each.priority):
            work = self._work_of(order)
            self._work[order.order_id] = work
            if isinstance(work, LegWork):
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
        name: str = "",
    ) -> None:
        """Take the market up where it was left by the tick of that name, with what each account had used of it."""
        book = self._book(instrument)
        book.print_paise, book.bids, book.asks, book.tick_name = print_paise, bids, asks, name
        book.taken = {account: list(used) for account, used in taken.items()}

    # Instructions

    def _send_entry(self, entry: SendEntry) -> Iterator[Report]:
        work = admit_entry(entry, self._book(entry.instrument), self._next_priority())
        self._enter(work)
        yield self._acknowledge(work)
        if not work.waiting and work.book.shows_to(work):
            yield from self._take_displayed(work, look_again=False)
        if work.immediate and work.order_id in self._work and work.remaining:
            self._forget(work)
            yield Withdrawn(work.order_id)

    def _open_pair(self, legs: OpenPair) -> Iterator[Report]:
        pair = self._pairs[legs.basket_id] = Pair(legs.basket_id, legs.quantity, legs.account)
        book = self._book(legs.instrument)
        for leg_id, kind in ((legs.stop_id, OrderType.SLM), (legs.target_id, OrderType.LIMIT)):
            if not leg_id:
                continue
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
            elif pair.remaining:
                stop.book.add(stop)
                self._arrive(stop)
        if target is not None and (change.growth or change.target_paise != target.limit_paise):
            target.book.remove(target)
            target.limit_paise = change.target_paise
            target.priority = self._next_priority()
            if pair.remaining:
                target.book.add(target)
        self._touched[pair.basket_id] = pair
        yield PairAdjusted(change.basket_id, target.priority if target is not None else 0)

    def _move_stop(self, move: MoveStop) -> Iterable[Report]:
        """Another trigger, by trailing: the stop keeps its place, and the move never takes it across the print."""
        pair = self._pairs.get(move.basket_id)
        if pair is not None and pair.stop is not None and pair.stop.waiting:
            pair.stop.book.replace_stop(pair.stop, move.trigger_paise)
        return ()

    def _cancel(self, cancel: CancelWork) -> Iterable[Report]:
        work = self._work.get(cancel.order_id)
        if work is None:
            return (CancelDenied(cancel.order_id, NOT_WORKING, cancel.request, gone=True),)
        self._forget(work)
        return (Withdrawn(cancel.order_id),)

    def _modify(self, change: ModifyWork) -> Iterator[Report]:
        """Other terms. What loses its place is an arrival, matched to its end before its legs are looked at."""
        work = self._work.get(change.order_id)
        if work is None:
            yield ModifyDenied(change.order_id, NOT_WORKING, change.request, gone=True)
            return
        if isinstance(work, LegWork) and work is work.pair.stop and not work.waiting:
            yield ModifyDenied(change.order_id, "the stop has triggered", change.request)
            return
        moved = amend(work, change, self._priority + 1)
        if moved:
            self._next_priority()
        if not work.remaining and work.pair is None:
            self._forget(work)
        total = work.total if isinstance(work, EntryWork) else 0
        yield Modified(change.order_id, work.priority if moved else 0, change.request, total)
        if moved and not work.waiting:
            yield from self._take_displayed(work, look_again=False)
        if work.pair is not None:
            self._touched[work.basket_id] = work.pair

    def _close_pair(self, close: ClosePair) -> Iterator[Report]:
        """The stop becomes a market order for what is open: same row, same number. It takes the target out.

        A limit that comes with it says no more than the protection that bounds a closing order anyway.
        """
        pair = self._pairs.get(close.basket_id)
        if pair is None or not pair.remaining + close.growth:
            yield CloseDenied(close.basket_id, "nothing is open", close.attempt, gone=True)
            return
        pair.remaining += close.growth
        if pair.target is not None:
            self._forget(pair.target)
        stop = pair.stop
        if stop is None:
            stop = pair.stop = admit_closing(close, self._book(close.instrument), pair, self._next_priority())
            self._work[stop.order_id] = stop
            yield self._acknowledge(stop)
        else:
            stop.book.remove(stop)
            stop.waiting, stop.kind, stop.trigger_paise = False, OrderType.MARKET, 0
            stop.priority = self._next_priority()
        stop.book.add(stop)
        yield CloseTaken(close.basket_id, stop.priority, close.attempt)
        if self._depth == 1:
            yield from self._take_displayed(stop, look_again=False)
        else:
            self._arrive(stop)

    def _drop_pair(self, drop: DropPair) -> Iterable[Report]:
        """Whatever the pair still had is gone with it."""
        pair = self._pairs.pop(drop.basket_id, None)
        if pair is None:
            return ()
        for leg in (pair.stop, pair.target):
            if leg is not None:
                leg.book.remove(leg)
                del self._work[leg.order_id]
        return ()

    def _clear(self, _end: ClearBooks) -> Iterable[Report]:
        """The end of a session: nothing works, the last prints stay."""
        for work in self._work.values():
            work.book.remove(work)
        self._work.clear()
        self._pairs.clear()
        self._touched.clear()
        self._arrivals.clear()
        return ()

    def _nothing(self, _instruction: Instruction) -> Iterable[Report]:
        """What says nothing to an exchange that answers at once and whole."""
        return ()

    # Keeping

    def _work_of(self, order: Order) -> Work:
        pair = None
        if order.leg in (Leg.STOPLOSS, Leg.TARGET) and not order.rescue:
            pair = self._pairs[order.basket_id]
        return readmit(order, self._book(order.instrument), pair)


_CARRY_OUT: dict[type, Callable[[PaperExchange, Any], Iterable[Report]]] = {
    SendEntry: PaperExchange._send_entry,
    OpenPair: PaperExchange._open_pair,
    AdjustPair: PaperExchange._adjust_pair,
    MoveStop: PaperExchange._move_stop,
    CancelWork: PaperExchange._cancel,
    ModifyWork: PaperExchange._modify,
    ClosePair: PaperExchange._close_pair,
    DropPair: PaperExchange._drop_pair,
    LastCall: PaperExchange._nothing,
    ClearBooks: PaperExchange._clear,
    OpenBooks: PaperExchange._nothing,
}
"""What each instruction comes to: its reports, made while they are heard."""
