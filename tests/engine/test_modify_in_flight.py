"""A modification that the venue takes its time with (bracket.md section 4, "Modifying"), for both sides.

Every bracket is a LIMIT for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

import pytest
from tests.sided_floor import SidedFloor, told

from bracketd.domain.events import OrderModified
from bracketd.domain.instructions import Modified as ModifiedReport
from bracketd.domain.order import Leg, Side, Status
from bracketd.domain.outcomes import Cancelled, Modified, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

TOO_LATE = Refused(Reason.TOO_LATE)
ALREADY_CANCELLED = Refused(Reason.ALREADY_CANCELLED)


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def slow(on: Point = Point.MODIFY, ms: int = 1_000, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """This takes its time."""
    return FaultRule(on=on, action=Action.DELAY, delay_ms=ms, leg=leg, times=times)


SLOW = pytest.mark.parametrize("point", [Point.MODIFY, Point.MODIFY_ANSWER])
"""Slow on the way there, so that it is done late; or done at once, and the answer is slow on its way back."""


def held(floor: SidedFloor, quantity: int = 4, **fields: object) -> str:
    """A bracket for 10 of which so many are bought."""
    entry = floor.place(**fields)  # type: ignore[arg-type]
    floor.silent(456.95, quantity)
    return entry


def at_venue(floor: SidedFloor, order_id: str) -> tuple[float, float, int]:
    """(limit, trigger, remaining) of an order as the exchange works it."""
    work = floor.venue._work[order_id]
    return floor.paise(work.limit_paise) / 100, floor.paise(work.trigger_paise) / 100, work.remaining


def agreed(floor: SidedFloor, order_id: str) -> tuple[float, float, int]:
    """The same as the engine has it, which must be what the exchange works."""
    row = floor.order(order_id)
    terms = floor.paise(row.price_paise) / 100, floor.paise(row.trigger_paise) / 100, row.remaining
    assert at_venue(floor, order_id) == terms
    return terms


# Waiting


@SLOW
def test_a_modify_in_flight_is_modify_pending(floor: SidedFloor, point: Point) -> None:
    """Until the venue has answered the order is MODIFY_PENDING with its old terms, then MODIFY_CONFIRMED."""
    entry = floor.place()
    floor.faults(slow(point))
    asked = floor.ask_modify(entry, price=456.50)
    row = floor.order(entry)
    assert (row.status, floor.paise(row.price_paise)) == (Status.MODIFY_PENDING, 45_695)
    assert floor.answer(asked) is None
    floor.restart()
    floor.wait(1)
    row = floor.order(entry)
    assert (row.status, floor.paise(row.price_paise)) == (Status.MODIFY_CONFIRMED, 45_650)
    assert agreed(floor, entry) == (456.50, 0.0, 10)


@SLOW
def test_a_slow_modify_answers_when_it_is_done(floor: SidedFloor, point: Point) -> None:
    """Who waits no longer than 2 s is told Modified when the venue has answered."""
    entry = floor.place()
    floor.faults(slow(point, 1_900))
    asked = floor.ask_modify(entry, quantity=7)
    floor.wait(1.8)
    assert floor.answer(asked) is None
    floor.wait(0.2)
    assert floor.answer(asked) == Modified(entry)
    assert floor.order(entry).quantity == 7


@SLOW
def test_after_two_seconds_the_outcome_is_not_known_and_the_modify_goes_on(floor: SidedFloor, point: Point) -> None:
    """202: not success and not failure; the modify is done all the same when the venue comes to it."""
    entry = floor.place()
    floor.faults(slow(point, 5_000))
    asked = floor.ask_modify(entry, price=456.50)
    floor.wait(2.1)
    assert floor.answer(asked) == Unknown(entry)
    assert floor.order(entry).status is Status.MODIFY_PENDING
    floor.wait(3)
    assert agreed(floor, entry) == (456.50, 0.0, 10)


@SLOW
def test_a_cancel_waits_for_a_modify_and_then_succeeds(floor: SidedFloor, point: Point) -> None:
    """A modify in flight, nothing filled: the cancel comes after its answer, and succeeds."""
    entry = floor.place()
    floor.faults(slow(point))
    modified, cancelled = floor.ask_modify(entry, price=456.50), floor.ask_cancel(entry)
    assert (floor.answer(modified), floor.answer(cancelled)) == (None, None)
    floor.wait(1)
    assert (floor.answer(modified), floor.answer(cancelled)) == (Modified(entry), Cancelled(entry))
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)


@SLOW
def test_an_exit_waits_for_a_modify_of_the_target(floor: SidedFloor, point: Point) -> None:
    """A TARGET's modify in flight: the exit comes after its answer, and closes all that is open."""
    entry = held(floor)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(target.order_id, price=458.00)
    asked = floor.ask_cancel(entry, "STOPLOSS")
    assert floor.answer(asked) is None
    floor.wait(1)
    assert floor.answer(asked) == Cancelled(stop.order_id)
    assert (told(stop), stop.info) == ((Status.CONFIRMED, 4, 0, 4, 0), "CLOSING")


@SLOW
def test_a_second_modify_waits_for_the_first(floor: SidedFloor, point: Point) -> None:
    """Requests of one bracket are judged one after the other: the second sees what the first has made."""
    entry = floor.place()
    floor.faults(slow(point, times=1))
    first, second = floor.ask_modify(entry, price=456.50), floor.ask_modify(entry, quantity=7)
    assert floor.answer(second) is None
    floor.wait(1)
    assert (floor.answer(first), floor.answer(second)) == (Modified(entry), Modified(entry))
    assert agreed(floor, entry) == (456.50, 0.0, 7)


# Fills meanwhile


@SLOW
def test_a_fill_meanwhile_is_booked_and_protected(floor: SidedFloor, point: Point) -> None:
    """An entry that fills in part while MODIFY_PENDING has its legs at once, and its new price afterwards."""
    entry = floor.place(price=456.90)
    floor.faults(slow(point))
    floor.ask_modify(entry, price=456.85)
    floor.silent(456.80, 3)
    assert told(floor.order(entry)) == (Status.MODIFY_PENDING, 10, 3, 7, 0)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 3, 0, 3, 0)
    floor.restart()
    floor.wait(1)
    assert told(floor.order(entry)) == (Status.MODIFY_CONFIRMED, 10, 3, 7, 0)
    assert agreed(floor, entry) == (456.85, 0.0, 7)


@pytest.mark.parametrize("fields", [{"price": 456.50}, {"quantity": 20}])
def test_a_full_fill_meanwhile_is_too_late(floor: SidedFloor, fields: dict[str, object]) -> None:
    """The order was executed before the venue could change it: TOO_LATE, COMPLETE, protected."""
    entry = floor.place()
    floor.faults(slow())
    asked = floor.ask_modify(entry, **fields)
    floor.silent(456.95, 10)
    # Of one that is to grow only the venue can say whether that was all.
    floor.wait(0 if "price" in fields else 1)
    assert floor.answer(asked) == TOO_LATE
    floor.wait(2)
    assert told(floor.order(entry)) == (Status.COMPLETE, 10, 10, 0, 0)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 10, 0, 10, 0)


def test_a_leg_that_ends_first_was_cancelled(floor: SidedFloor) -> None:
    """A STOPLOSS that its sibling takes out while its modify is in flight: ALREADY_CANCELLED."""
    entry = held(floor, 10)
    stop, _ = floor.legs(entry)
    floor.faults(slow())
    asked = floor.ask_modify(stop.order_id, trigger=456.00)
    floor.silent(458.95)
    assert floor.answer(asked) == ALREADY_CANCELLED
    floor.wait(2)
    assert (stop.status, stop.info) == (Status.CANCELLED, "OCO")


def test_a_stop_that_triggers_first_cannot_be_changed(floor: SidedFloor) -> None:
    """A STOPLOSS that triggers while its modify is on the way: TOO_LATE, and it sells at the market."""
    entry = held(floor, 10)
    stop, _ = floor.legs(entry)
    floor.faults(slow())
    asked = floor.ask_modify(stop.order_id, trigger=455.00)
    floor.silent(455.90)
    assert stop.triggered
    floor.wait(1)
    assert floor.answer(asked) == TOO_LATE
    assert floor.paise(stop.trigger_paise) == 45_595
    floor.tick(455.50, 100)
    assert floor.net() == 0


def test_an_entry_cut_below_what_traded_unheard_ends_with_what_traded(floor: SidedFloor) -> None:
    """6 traded unheard when the quantity is made 4: the entry's total is 6, all of it filled and protected."""
    entry = floor.place()
    floor.faults(slow(Point.FILL, 1_000, Leg.ENTRY))
    floor.silent(456.95, 6)
    floor.modify(entry, quantity=4)
    floor.restart()
    floor.wait(1)
    assert told(floor.order(entry)) == (Status.COMPLETE, 6, 6, 0, 0)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 6, 0, 6, 0)
    assert floor.net() == 6


@SLOW
def test_a_quantity_made_what_is_filled_meanwhile_completes(floor: SidedFloor, point: Point) -> None:
    """The quantity cut to 5 while 4 and then 1 more are filled: COMPLETE with 5, nothing left to fill."""
    entry = held(floor)
    floor.faults(slow(point))
    asked = floor.ask_modify(entry, quantity=5)
    floor.silent(456.95, 1)
    floor.wait(1)
    assert floor.answer(asked) in (Modified(entry), TOO_LATE)
    assert told(floor.order(entry)) == (Status.COMPLETE, 5, 5, 0, 0)
    floor.tick(456.90, 100)
    assert floor.order(entry).filled == 5


# Refused, doubled


@pytest.mark.parametrize("ms", [0, 1_000])
def test_a_refused_modify_returns_to_the_status_before(floor: SidedFloor, ms: int) -> None:
    """A refused modify: VENUE_REFUSED with its text, and the order is what it was before."""
    entry = floor.place()
    refusal = FaultRule(on=Point.MODIFY, action=Action.REFUSE, text="no")
    floor.faults(refusal, *([slow(Point.MODIFY_ANSWER, ms)] if ms else []))
    before = told(floor.order(entry))
    asked = floor.ask_modify(entry, price=456.50, quantity=7)
    floor.wait(ms / 1000)
    assert floor.answer(asked) == Refused(Reason.VENUE_REFUSED, text="no")
    assert told(floor.order(entry)) == before
    assert agreed(floor, entry) == (456.95, 0.0, 10)


def test_a_refused_modify_of_a_stop_leaves_it_trigger_pending(floor: SidedFloor) -> None:
    """A STOPLOSS whose modify is refused is TRIGGER_PENDING again, at its old trigger, and protects."""
    entry = held(floor)
    stop, _ = floor.legs(entry)
    floor.faults(FaultRule(on=Point.MODIFY, action=Action.REFUSE, text="no"))
    assert floor.modify(stop.order_id, trigger=456.00) == Refused(Reason.VENUE_REFUSED, text="no")
    assert stop.status is Status.TRIGGER_PENDING
    assert agreed(floor, stop.order_id) == (0.0, 455.95, 4)


def test_a_doubled_answer_is_no_answer_to_the_next_modify(floor: SidedFloor) -> None:
    """An answer counts for the request that it names: the first's told again does not end the second."""
    entry = floor.place()
    floor.faults(FaultRule(on=Point.MODIFY_ANSWER, action=Action.DUPLICATE, delay_ms=700))
    floor.modify(entry, price=456.50)
    floor.faults(slow(Point.MODIFY, 1_500))
    floor.ask_modify(entry, price=456.40)
    floor.wait(1)
    row = floor.order(entry)
    assert (row.status, floor.paise(row.price_paise)) == (Status.MODIFY_PENDING, 45_650)
    floor.wait(1)
    assert agreed(floor, entry) == (456.40, 0.0, 10)


def test_an_answer_to_nothing_changes_nothing(floor: SidedFloor) -> None:
    """A modify's answer for an order that has none in flight makes no event."""
    entry = floor.place()
    assert floor.deliver(ModifiedReport(entry, 99)) == []


# An exit decided meanwhile


@SLOW
def test_an_exit_decided_meanwhile_takes_the_remainder_out(floor: SidedFloor, point: Point) -> None:
    """The TARGET's first fill while the entry's modify is in flight: the remainder is cancelled, modified or not."""
    entry = held(floor)
    floor.faults(slow(point))
    floor.ask_modify(entry, price=456.50)
    floor.silent(458.95, 1)
    floor.restart()
    floor.wait(2)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert floor.net() == 3
    floor.silent(458.95, 100)
    assert floor.net() == 0
    assert all(row.terminal for row in floor.state.orders.values())


@SLOW
def test_a_growth_in_flight_does_not_outlive_a_decided_exit(floor: SidedFloor, point: Point) -> None:
    """An entry that is to be larger, and an exit decided meanwhile: no share more is bought."""
    entry = held(floor)
    floor.faults(slow(point))
    floor.ask_modify(entry, quantity=20)
    floor.silent(458.95, 1)
    floor.wait(3)
    floor.silent(456.00, 100)
    assert floor.order(entry).filled == 4
    assert floor.order(entry).status is Status.CANCELLED
    assert floor.order(entry).remaining == 0


# Legs in flight: trailing and growth


@SLOW
def test_trailing_goes_on_while_a_stops_step_is_in_flight(floor: SidedFloor, point: Point) -> None:
    """A print trails the stop while its modify is in flight: engine and exchange agree on the trigger afterwards."""
    entry = held(floor, 10, step=0.5)
    stop, _ = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(stop.order_id, step=0.75)
    floor.silent(457.95)
    floor.restart()
    floor.wait(1)
    assert agreed(floor, stop.order_id) == (0.0, 456.95, 10)
    floor.silent(458.65)
    assert agreed(floor, stop.order_id) == (0.0, 456.95, 10)
    floor.silent(458.70)
    assert agreed(floor, stop.order_id) == (0.0, 457.70, 10)


@SLOW
@pytest.mark.parametrize("crash", [False, True])
def test_a_trigger_by_hand_in_flight_and_a_print_that_trails(floor: SidedFloor, point: Point, crash: bool) -> None:
    """A trigger set by hand while a print trails: the answer comes last and decides, at both ends."""
    entry = held(floor, 10, step=0.5)
    stop, _ = floor.legs(entry)
    floor.faults(slow(point))
    asked = floor.ask_modify(stop.order_id, trigger=456.20)
    floor.silent(457.95)
    assert floor.order(stop.order_id).status is Status.MODIFY_PENDING
    if crash:
        floor.restart()
    floor.wait(1)
    assert floor.answer(asked) == (None if crash else Modified(stop.order_id))
    assert agreed(floor, stop.order_id) == (0.0, 456.20, 10)
    floor.restart()
    floor.tick(456.20, 100)
    assert floor.net() == 0


@SLOW
def test_growth_while_a_stops_trigger_is_in_flight(floor: SidedFloor, point: Point) -> None:
    """The entry fills more while the stop's trigger is being set by hand: grown, not re-based, and agreed upon."""
    entry = held(floor)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(stop.order_id, trigger=456.20)
    floor.silent(456.95, 2)
    floor.restart()
    floor.wait(1)
    assert agreed(floor, stop.order_id) == (0.0, 456.20, 6)
    assert agreed(floor, target.order_id) == (458.95, 0.0, 6)
    floor.silent(456.30, 2)
    assert agreed(floor, stop.order_id) == (0.0, 456.20, 8)


@SLOW
def test_growth_while_a_targets_price_is_in_flight(floor: SidedFloor, point: Point) -> None:
    """The entry fills more while the target is being priced by hand: grown, at the price by hand, agreed upon."""
    entry = held(floor)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(target.order_id, price=458.00)
    floor.silent(456.95, 2)
    floor.restart()
    floor.wait(1)
    assert agreed(floor, target.order_id) == (458.00, 0.0, 6)
    assert agreed(floor, stop.order_id) == (0.0, 455.95, 6)


@SLOW
def test_re_basing_while_the_offsets_are_in_flight(floor: SidedFloor, point: Point) -> None:
    """New offsets in flight while the entry fills lower: both legs end by the new offsets from the new average."""
    entry = held(floor)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(entry, t=3, s=1.5)
    floor.tick(456.55, 4, (), ())
    assert floor.order(entry).filled == 8
    floor.restart()
    floor.wait(1)
    # The limit order rests at 456.95, so that all 8 are bought there.
    assert agreed(floor, stop.order_id) == (0.0, 455.45, 8)
    assert agreed(floor, target.order_id) == (459.95, 0.0, 8)


@SLOW
def test_a_targets_fill_while_its_price_is_in_flight(floor: SidedFloor, point: Point) -> None:
    """The TARGET fills a part while its new price is in flight: the rest works at the new price, once."""
    entry = held(floor, 10)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    floor.ask_modify(target.order_id, price=459.50)
    floor.silent(459.60, 3)
    floor.wait(1)
    assert agreed(floor, target.order_id) == (459.50, 0.0, 7)
    floor.tick(459.50, 100)
    assert floor.net() == 0
    assert stop.status is Status.CANCELLED


def test_a_stop_whose_trigger_by_hand_is_refused_has_trailed(floor: SidedFloor) -> None:
    """A trigger by hand that is refused leaves the stop where trailing took it meanwhile, at both ends."""
    entry = held(floor, 10, step=0.5)
    stop, _ = floor.legs(entry)
    floor.faults(FaultRule(on=Point.MODIFY, action=Action.REFUSE), slow(Point.MODIFY_ANSWER))
    floor.ask_modify(stop.order_id, trigger=456.20)
    floor.silent(457.95)
    assert agreed(floor, stop.order_id) == (0.0, 456.95, 10)
    floor.wait(1)
    floor.silent(458.50)
    assert agreed(floor, stop.order_id) == (0.0, 457.50, 10)


def test_each_answer_is_one_event(floor: SidedFloor) -> None:
    """A doubled answer to the only modify is heard once."""
    entry = floor.place()
    floor.faults(FaultRule(on=Point.MODIFY_ANSWER, action=Action.DUPLICATE, delay_ms=500))
    floor.modify(entry, price=456.50)
    floor.wait(1)
    assert sum(isinstance(event, OrderModified) for event in floor.events()) == 1
