"""A paper exchange behind a fault plan: it refuses, takes its time, repeats itself, loses and mixes up what it says.

The exchange behind it stays honest: what it is asked to do it does once, or not at all where the plan refuses. What is
under way between it and the engine is handed to the engine as a letter (`Held`), so that it survives a crash like
everything else. At the end of a session the plan rests, and everything is told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from bracketd.domain.instructions import (
    Acknowledged,
    AdjustPair,
    CancelDenied,
    CancelWork,
    CloseDenied,
    ClosePair,
    CloseTaken,
    Filled,
    GrowthDenied,
    Held,
    Instruction,
    LastCall,
    Modified,
    ModifyDenied,
    ModifyWork,
    OpenBooks,
    OpenPair,
    PairAdjusted,
    Rejected,
    Report,
    SendEntry,
    Triggered,
    Withdrawn,
)
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import Leg, Order
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point

_ASKED_AT: dict[type, Point] = {
    SendEntry: Point.PLACE,
    CancelWork: Point.CANCEL,
    ModifyWork: Point.MODIFY,
    ClosePair: Point.CLOSE,
}
_TOLD_AT: dict[type, Point] = {
    Acknowledged: Point.ACKNOWLEDGEMENT,
    Rejected: Point.ACKNOWLEDGEMENT,
    Filled: Point.FILL,
    Triggered: Point.TRIGGER,
    Withdrawn: Point.CANCEL_ANSWER,
    CancelDenied: Point.CANCEL_ANSWER,
    Modified: Point.MODIFY_ANSWER,
    ModifyDenied: Point.MODIFY_ANSWER,
    GrowthDenied: Point.MODIFY_ANSWER,
    PairAdjusted: Point.MODIFY_ANSWER,
    CloseTaken: Point.CLOSE_ANSWER,
    CloseDenied: Point.CLOSE_ANSWER,
}


class FaultyExchange:
    """The paper exchange with a plan of what goes wrong; without rules it is the exchange itself.

    `orders` are those known already. `request_due_ns` tells when the last request under way for an order arrives, None
    where none is: what is asked of one order stays in its sequence, as on a session with a real exchange.
    """

    links_exits = True

    def __init__(
        self, exchange: PaperExchange, orders: Iterable[Order], request_due_ns: Callable[[str], int | None]
    ) -> None:
        self.exchange = exchange
        self._request_due_ns = request_due_ns
        self.plan = FaultPlan()
        self._resting = False
        self._known: dict[str, tuple[str, Leg]] = {order.order_id: (order.basket_id, order.leg) for order in orders}
        self._stop_of: dict[str, str] = {
            order.basket_id: order.order_id for order in orders if order.leg is Leg.STOPLOSS and not order.rescue
        }

    def start(self, deliver: Callable[[Report], None]) -> None:
        """Letters are handed over, not delivered: see `Held`."""
        self.exchange.start(deliver)

    def submit(self, instruction: Instruction, now_ns: int) -> Iterator[Report | Held]:
        """Carry out one instruction, unless the plan has something else in mind for it."""
        self._remember(instruction)
        before_ns = self._request_due_ns(_asked_of(instruction))
        if before_ns is not None:
            yield Held(max(before_ns, now_ns), instruction)
            return
        rule = self._strikes(instruction)
        if rule is None:
            yield from self.carry_out(instruction, now_ns)
        elif rule.action is Action.DELAY:
            yield Held(now_ns + self.plan.delay_ns(rule), instruction)
        else:
            for refusal in _refusals(instruction, rule.text):
                yield from self._tell(refusal, now_ns)

    def carry_out(self, instruction: Instruction, now_ns: int) -> Iterator[Report | Held]:
        """Carry out one instruction that got here; legs can still be refused, and the answers go wrong."""
        match instruction:
            case OpenPair():
                work = self._open_pair(instruction, now_ns)
            case AdjustPair() if instruction.growth:
                work = self._adjust_pair(instruction, now_ns)
            case _:
                work = self.exchange.submit(instruction, now_ns)
        for report in work:
            yield from self._tell(report, now_ns)

    def tick(self, tick: Tick, now_ns: int) -> Iterator[Report | Held]:
        """One message of the feed."""
        for report in self.exchange.tick(tick, now_ns):
            yield from self._tell(report, now_ns)

    def shown(self, instrument: str) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """(last print in paise or 0, bids, asks) of an instrument."""
        return self.exchange.shown(instrument)

    def _open_pair(self, legs: OpenPair, now_ns: int) -> Iterator[Report]:
        """A leg that is refused never gets to the exchange; the other has the whole quantity."""
        refused = {
            order_id: rule.text
            for order_id in (legs.stop_id, legs.target_id)
            if order_id and (rule := self._strike(Point.LEG, order_id)) is not None
        }
        taken = msgspec.structs.replace(
            legs,
            stop_id="" if legs.stop_id in refused else legs.stop_id,
            target_id="" if legs.target_id in refused else legs.target_id,
        )
        yield from _with_word(self.exchange.submit(taken, now_ns), [Rejected(*each) for each in refused.items()])

    def _adjust_pair(self, change: AdjustPair, now_ns: int) -> Iterator[Report]:
        """A stop that is not to grow leaves the pair's quantity; a target that is not to grow is thrown out."""
        rule = self._strike(Point.GROWTH, change.stop_id)
        if rule is not None:
            denied = GrowthDenied(change.stop_id, rule.text, change.growth, change.total)
            yield from _with_word(self.exchange.submit(msgspec.structs.replace(change, growth=0), now_ns), [denied])
            return
        rule = self._strike(Point.GROWTH, change.target_id) if change.target_id else None
        if rule is None:
            yield from self.exchange.submit(change, now_ns)
            return
        gone = any(isinstance(each, CancelDenied) for each in self._throw_out(change.target_id, now_ns))
        word = [] if gone else [Rejected(change.target_id, rule.text)]
        yield from _with_word(self.exchange.submit(change, now_ns), word)

    def _throw_out(self, order_id: str, now_ns: int) -> list[Report]:
        return list(self.exchange.submit(CancelWork(order_id), now_ns))

    def _tell(self, report: Report, now_ns: int) -> Iterator[Report | Held]:
        rule = self._strike(_TOLD_AT[type(report)], self._order_of(report))
        if rule is None:
            yield report
            return
        due_ns = now_ns + self.plan.delay_ns(rule)
        if rule.action is Action.DUPLICATE:
            yield report
            yield Held(due_ns, report, copy=True)
        else:
            yield Held(due_ns, report)

    def _strikes(self, instruction: Instruction) -> FaultRule | None:
        point = _ASKED_AT.get(type(instruction))
        return None if point is None else self._strike(point, _asked_of(instruction))

    def _strike(self, point: Point, order_id: str) -> FaultRule | None:
        if self._resting or not self.plan.rules:
            return None
        basket_id, leg = self._known.get(order_id, ("", Leg.NONE))
        return self.plan.strike(point, order_id, basket_id, leg)

    def _order_of(self, report: Report) -> str:
        """The order that a report is about; a pair's is its stop-loss."""
        if isinstance(report, PairAdjusted | CloseTaken | CloseDenied):
            return self._stop_of.get(report.basket_id, "")
        return report.order_id

    def _remember(self, instruction: Instruction) -> None:
        match instruction:
            case SendEntry(order_id=order_id, basket_id=basket_id, leg=leg):
                self._known[order_id] = (basket_id, leg)
            case OpenPair(basket_id=basket_id, stop_id=stop_id, target_id=target_id):
                self._known[stop_id] = (basket_id, Leg.STOPLOSS)
                if target_id:
                    self._known[target_id] = (basket_id, Leg.TARGET)
                self._stop_of[basket_id] = stop_id
            case LastCall():
                self._resting = True
            case OpenBooks():
                self._resting = False


def _asked_of(instruction: Instruction) -> str:
    """The order that a request is for, "" for one that is carried out in the step in which it is made."""
    match instruction:
        case SendEntry(order_id=order_id) | CancelWork(order_id=order_id) | ModifyWork(order_id=order_id):
            return order_id
        case ClosePair(stop_id=order_id):
            return order_id
    return ""


def _with_word(reports: Iterator[Report], word: Sequence[Report]) -> Iterator[Report]:
    """What the exchange says, with a word of ours before its first: nothing may trade before a refusal is heard."""
    first = next(reports, None)
    if first is not None:
        yield first
    yield from word
    yield from reports


def _refusals(instruction: Instruction, text: str) -> list[Report]:
    match instruction:
        case SendEntry(order_id=order_id, request=request):
            return [Rejected(order_id, text, request)]
        case CancelWork(order_id=order_id, request=request):
            return [CancelDenied(order_id, text, request)]
        case ModifyWork(order_id=order_id, request=request):
            return [ModifyDenied(order_id, text, request)]
        case ClosePair(basket_id=basket_id, attempt=attempt):
            return [CloseDenied(basket_id, text, attempt)]
    return []
