"""Fills that come late, and reports lost, doubled and out of order (bracket.md 2.3, 2.5 and section 7).

Every bracket is a LIMIT for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import levels, paise

from bracketd.domain.events import OrderResent, TradeBooked
from bracketd.domain.instructions import Acknowledged, Filled, Triggered, Withdrawn
from bracketd.domain.order import Leg, Order, OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, Refused
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

TOO_LATE = Refused(Reason.TOO_LATE)


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def late(on: Point, ms: int = 1_000, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """What the venue tells of this comes so much later."""
    return FaultRule(on=on, action=Action.DELAY, delay_ms=ms, leg=leg, times=times)


def refuses(on: Point, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """The venue refuses this, for this leg, so many times (0: always)."""
    return FaultRule(on=on, action=Action.REFUSE, leg=leg, times=times, text="no")


def filled(floor: SidedFloor, order_id: str, trade_id: str, price: float, quantity: int) -> Filled:
    """A fill as a venue reports it, in the test's terms."""
    return Filled(order_id, trade_id, paise(floor.rupees(price)), quantity, False)


def cancelled_with_a_fill_on_its_way(floor: SidedFloor, *rules: FaultRule, heard: int = 0) -> str:
    """An entry CANCELLED of which 4 had traded before, unheard; `heard` had been heard of before that."""
    entry = floor.place()
    if heard:
        floor.silent(456.95, heard)
    floor.faults(late(Point.FILL, leg=Leg.ENTRY), *rules)
    floor.silent(456.95, 4)
    assert floor.cancel(entry) == Cancelled(entry)
    return entry


def rescues(floor: SidedFloor, entry: str) -> list[Order]:
    """The bracket's rescue orders, oldest first."""
    return floor.state.rescues_of(floor.state.bracket_of(entry))


# After the entry's end


def test_a_fill_after_cancelled_is_booked(floor: SidedFloor) -> None:
    """A late fill after CANCELLED is booked: position truth beats status, and the status stays CANCELLED."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)
    floor.wait(1)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert floor.trades(entry) == [(456.95, 4)]
    assert floor.net() == 4


def test_a_late_fill_opens_one_rescue_order(floor: SidedFloor) -> None:
    """A fill after the end opens a rescue order at once: its own row, leg STOPLOSS, MARKET, RESCUE; no legs."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    assert (rescue.leg, rescue.order_type, rescue.info) == (Leg.STOPLOSS, OrderType.MARKET, "RESCUE")
    assert told(rescue) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert rescue.side is floor.order(entry).side.opposite
    assert rescue.parent_id == entry
    assert rescue.exchange_order_id
    assert len(floor.state.orders) == 2
    assert floor.order(entry).info == ""


def test_a_rescue_order_takes_what_is_displayed_at_once(floor: SidedFloor) -> None:
    """The rescue order is at market: it sells in the step of the late fill where somebody is displayed."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    floor.tick(456.95, 0, levels((456.90, 3), (456.85, 100)), ())
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    assert floor.trades(rescue.order_id) == [(456.90, 3), (456.85, 1)]
    assert told(rescue) == (Status.COMPLETE, 4, 4, 0, 0)
    assert floor.net() == 0
    assert floor.state.accounts["A"].blocked_paise == 0


def test_a_rescue_order_follows_the_market(floor: SidedFloor) -> None:
    """A rescue order that finds nobody stays at work and takes displayed quantity on every following tick."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    floor.tick(456.00, 1)
    floor.restart()
    floor.tick(455.00, 100)
    assert floor.trades(rescue.order_id) == [(456.00, 1), (455.00, 3)]
    assert floor.net() == 0


def test_late_fills_beside_legs_are_the_rescue_orders_alone(floor: SidedFloor) -> None:
    """With legs at work a fill after the end does not grow them: it gets the rescue order, the legs keep theirs."""
    entry = cancelled_with_a_fill_on_its_way(floor, heard=3)
    floor.wait(1)
    _, stop, target, _ = floor.state.rows_of(floor.state.bracket_of(entry))
    assert told(stop) == (Status.TRIGGER_PENDING, 3, 0, 3, 0)
    assert told(target) == (Status.CONFIRMED, 3, 0, 3, 0)
    (rescue,) = rescues(floor, entry)
    assert told(rescue) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert floor.net() == 7
    floor.tick(458.95, 100)
    assert floor.net() == 0
    assert told(floor.order(target.order_id)) == (Status.COMPLETE, 3, 3, 0, 0)


@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
def test_an_exit_closes_the_legs_beside_a_rescue_order(floor: SidedFloor, word: str) -> None:
    """An exit with legs and a rescue order at work is a success, and all that is open is under way to be closed."""
    entry = cancelled_with_a_fill_on_its_way(floor, heard=3)
    floor.wait(1)
    floor.faults()
    outcome = floor.cancel(entry, word)
    assert isinstance(outcome, Cancelled)
    rows = floor.state.rows_of(floor.state.bracket_of(entry))
    assert told(rows[2])[0] is Status.CANCELLED
    at_work = sum(row.remaining for row in rows[1:] if row.at_market and not row.terminal)
    assert at_work == 7


def test_two_late_fills_are_rescued_each(floor: SidedFloor) -> None:
    """Every late share is rescued: with the first rescue order at work the next fill opens what it does not cover."""
    entry = floor.place()
    floor.faults(late(Point.FILL, 1_000, Leg.ENTRY, times=1), late(Point.FILL, 3_000, Leg.ENTRY, times=1))
    floor.silent(456.95, 4)
    floor.silent(456.95, 2)
    assert floor.cancel(entry) == Cancelled(entry)
    floor.wait(4)
    assert sum(row.remaining for row in rescues(floor, entry)) == 6
    floor.tick(456.00, 100)
    assert floor.net() == 0
    assert all(row.terminal for row in floor.state.orders.values())


def test_an_exit_waits_for_a_rescue_order_to_be_taken(floor: SidedFloor) -> None:
    """Success is told only when the venue has taken what closes: a rescue order that is not acknowledged is none."""
    entry = cancelled_with_a_fill_on_its_way(floor, late(Point.ACKNOWLEDGEMENT, 1_500, Leg.STOPLOSS))
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    asked = floor.ask_cancel(entry, "STOPLOSS")
    assert floor.answer(asked) is None
    floor.wait(1.5)
    assert floor.answer(asked) == Cancelled(rescue.order_id)


@pytest.mark.parametrize("way", ["TARGET", "STOPLOSS", "id"])
def test_a_rescue_order_under_way_counts_as_the_exit(floor: SidedFloor, way: str) -> None:
    """Closing or rescue order under way: success, no second closing order, and the entry answers by its state."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    outcome = floor.cancel(rescue.order_id) if way == "id" else floor.cancel(entry, way)
    assert isinstance(outcome, Cancelled)
    assert len(rescues(floor, entry)) == 1
    assert floor.cancel(entry) == Cancelled(entry)
    floor.tick(456.00, 100)
    assert floor.net() == 0
    assert floor.cancel(rescue.order_id) == Cancelled(rescue.order_id), "closed by an accepted exit"


def test_a_bracket_closed_by_its_rescue_answers_by_the_leg(floor: SidedFloor) -> None:
    """Closed otherwise (rescue): its STOPLOSS is the rescue order, COMPLETE is TOO_LATE; the entry says CANCELLED."""
    entry = cancelled_with_a_fill_on_its_way(floor)
    floor.wait(1)
    floor.tick(456.00, 100)
    (rescue,) = rescues(floor, entry)
    assert floor.cancel(rescue.order_id) == TOO_LATE
    assert floor.cancel(entry, "STOPLOSS") == TOO_LATE
    assert floor.cancel(entry) == Cancelled(entry)


def test_a_refused_rescue_order_leaves_the_bracket_unprotected(floor: SidedFloor) -> None:
    """A rescue order that the venue refuses is PENDING and RESCUE, the bracket UNPROTECTED until one is taken."""
    entry = cancelled_with_a_fill_on_its_way(floor, refuses(Point.PLACE, Leg.STOPLOSS))
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    assert (rescue.status, rescue.info, rescue.remaining) == (Status.PENDING, "RESCUE", 4)
    assert floor.order(entry).info == "UNPROTECTED"
    floor.restart()
    assert floor.order(entry).info == "UNPROTECTED"


def test_a_refused_rescue_order_is_sent_again(floor: SidedFloor) -> None:
    """A refused rescue order is sent again at every print and each second: the same row, never a second one."""
    entry = cancelled_with_a_fill_on_its_way(floor, refuses(Point.PLACE, Leg.STOPLOSS))
    floor.wait(1)
    sent = sum(isinstance(event, OrderResent) for event in floor.events())
    floor.silent(456.90)
    floor.wait(3)
    assert sum(isinstance(event, OrderResent) for event in floor.events()) == sent + 4
    floor.faults()
    floor.wait(1)
    (rescue,) = rescues(floor, entry)
    assert (rescue.status, floor.order(entry).info) == (Status.CONFIRMED, "")
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_an_exit_sends_a_refused_rescue_order_at_once(floor: SidedFloor) -> None:
    """UNPROTECTED, in the session: an exit tries at once, VENUE_REFUSED while the venue is unwilling, else success."""
    entry = cancelled_with_a_fill_on_its_way(floor, refuses(Point.PLACE, Leg.STOPLOSS))
    floor.wait(1)
    assert floor.cancel(entry, "STOPLOSS") == Refused(Reason.VENUE_REFUSED, text="no")
    floor.faults()
    (rescue,) = rescues(floor, entry)
    assert floor.cancel(entry, "STOPLOSS") == Cancelled(rescue.order_id)
    assert rescue.status is Status.CONFIRMED


def test_a_late_fill_of_another_venue_is_rescued_as_well(floor: SidedFloor) -> None:
    """A fill that nobody expected any more, with a trade id that is no number: booked and rescued, once."""
    entry = floor.place()
    floor.cancel(entry)
    late_fill = filled(floor, entry, "X-17", 456.90, 6)
    floor.deliver(late_fill)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 6, 0, 4)
    assert floor.deliver(late_fill) == []
    assert [row.quantity for row in rescues(floor, entry)] == [6]


# While the cancel is pending


def test_a_fill_while_cancel_pending_is_booked_and_protected(floor: SidedFloor) -> None:
    """A fill beats its cancel: booked while CANCEL_PENDING, legs made, and the rest cancelled when the answer comes."""
    floor.faults(FaultRule(on=Point.CANCEL, action=Action.DELAY, delay_ms=1_000, leg=Leg.ENTRY))
    entry = floor.place()
    asked = floor.ask_cancel(entry)
    floor.silent(456.95, 4)
    assert told(floor.order(entry)) == (Status.CANCEL_PENDING, 10, 4, 6, 0)
    assert floor.legs(entry)[0].quantity == 4
    assert floor.answer(asked) is None
    floor.wait(1)
    assert floor.answer(asked) == Cancelled(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)


def test_a_full_fill_while_cancel_pending_is_too_late(floor: SidedFloor) -> None:
    """Cancel and full fill, the fill first at the venue: TOO_LATE, never success."""
    floor.faults(FaultRule(on=Point.CANCEL, action=Action.DELAY, delay_ms=1_000, leg=Leg.ENTRY))
    entry = floor.place()
    asked = floor.ask_cancel(entry)
    floor.silent(456.95, 10)
    assert floor.answer(asked) == TOO_LATE
    floor.wait(2)
    assert floor.order(entry).status is Status.COMPLETE


def test_a_cancel_of_what_filled_unheard_waits_for_the_fill(floor: SidedFloor) -> None:
    """The venue says that the order is gone, the fill is on its way: no success and no refusal before it is heard."""
    floor.faults(late(Point.FILL, 1_500, Leg.ENTRY))
    entry = floor.place()
    floor.silent(456.95, 10)
    asked = floor.ask_cancel(entry)
    assert (floor.answer(asked), floor.order(entry).status) == (None, Status.CANCEL_PENDING)
    floor.wait(1.5)
    assert floor.answer(asked) == TOO_LATE
    assert floor.legs(entry)[0].status is Status.TRIGGER_PENDING


# Exits that fill late


def test_a_late_target_fill_is_heard_before_the_exit_is_answered(floor: SidedFloor) -> None:
    """Exit while the target fills unheard: the outcome of TARGET is awaited, open recomputed, 0 means no closing."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.FILL, 1_000, Leg.TARGET))
    floor.silent(458.95, 10)
    stop, target = floor.legs(entry)
    asked = floor.ask_cancel(stop.order_id)
    assert floor.answer(asked) is None
    floor.wait(1)
    assert floor.answer(asked) == Cancelled(stop.order_id)
    assert (target.filled, target.remaining, target.terminal) == (10, 0, True)
    assert (stop.status, stop.info, stop.order_type) == (Status.CANCELLED, "OCO", OrderType.SLM)
    assert floor.net() == 0


def test_a_late_part_of_the_target_is_not_closed_twice(floor: SidedFloor) -> None:
    """A part of the TARGET heard only after its cancel: the closing order is what the venue has, never over-exit."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.FILL, 1_000, Leg.TARGET))
    floor.silent(458.95, 3)
    stop, target = floor.legs(entry)
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)
    floor.tick(458.00, 100)
    floor.wait(1)
    assert (target.filled, stop.filled, floor.net()) == (3, 7, 0)
    assert told(target) == (Status.CANCELLED, 10, 3, 0, 7)
    assert told(stop) == (Status.COMPLETE, 10, 7, 0, 3)


def test_late_fills_of_both_exits_close_once(floor: SidedFloor) -> None:
    """TARGET 3 and STOPLOSS 7, heard in the wrong order: position 0, the last of the two heard is not over-exit."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.FILL, 2_000, Leg.TARGET), late(Point.FILL, 500, Leg.STOPLOSS))
    floor.silent(458.95, 3)
    floor.tick(455.95, 100)
    floor.restart()
    floor.wait(3)
    stop, target = floor.legs(entry)
    assert (target.filled, stop.filled, floor.net()) == (3, 7, 0)
    assert stop.terminal
    assert target.terminal


# Doubled, lost, out of order


@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.TARGET, Leg.STOPLOSS])
def test_a_doubled_fill_counts_once(floor: SidedFloor, leg: Leg) -> None:
    """A report counts once, by its trade id, for the entry and for each exit."""
    floor.faults(FaultRule(on=Point.FILL, action=Action.DUPLICATE, delay_ms=700, leg=leg))
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.tick(455.95 if leg is Leg.STOPLOSS else 458.95, 4)
    floor.restart()
    floor.wait(1)
    assert floor.order(entry).filled == 10
    assert sum(row.filled for row in floor.legs(entry)) == 4
    assert floor.net() == 6
    trades = [event.trade_id for event in floor.events() if isinstance(event, TradeBooked)]
    assert len(trades) == len(set(trades))


@pytest.mark.parametrize("point", [Point.ACKNOWLEDGEMENT, Point.FILL, Point.TRIGGER, Point.CANCEL_ANSWER])
def test_a_lost_report_is_asked_for_after_two_seconds(floor: SidedFloor, point: Point) -> None:
    """What is lost is missed by its number and asked for after 2 s: then all is as if it had come."""
    floor.faults(FaultRule(on=point, action=Action.DROP))
    entry = floor.place()
    floor.silent(456.95, 4)
    floor.cancel(entry)
    floor.tick(455.95, 100)
    floor.wait(10)
    floor.restart()
    assert floor.order(entry).terminal
    assert floor.net() == 0
    assert all(row.terminal for row in floor.state.orders.values())
    assert floor.state.accounts["A"].blocked_paise == 0


def test_an_acknowledgement_after_the_fill(floor: SidedFloor) -> None:
    """A fill before its acknowledgement: booked, legs made; the number is the order's when it comes."""
    floor.faults(late(Point.ACKNOWLEDGEMENT, 1_000, Leg.ENTRY))
    entry = floor.place()
    floor.silent(456.95, 4)
    row = floor.order(entry)
    assert (row.status, row.filled, row.exchange_order_id) == (Status.PENDING, 4, "")
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    floor.restart()
    floor.wait(1)
    row = floor.order(entry)
    assert row.status is Status.CONFIRMED
    assert row.exchange_order_id


def test_an_acknowledgement_after_the_full_fill_changes_no_status(floor: SidedFloor) -> None:
    """COMPLETE before its acknowledgement stays COMPLETE, and has its number afterwards."""
    floor.faults(late(Point.ACKNOWLEDGEMENT, 1_000, Leg.ENTRY))
    entry = floor.place()
    floor.silent(456.95, 10)
    assert floor.order(entry).status is Status.COMPLETE
    floor.wait(1)
    assert told(floor.order(entry)) == (Status.COMPLETE, 10, 10, 0, 0)
    assert floor.order(entry).exchange_order_id


def test_a_trigger_after_its_fill(floor: SidedFloor) -> None:
    """The stop's fill heard before its trigger: booked; the trigger then takes the target out, and all is closed."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.TRIGGER, 1_000, Leg.STOPLOSS))
    floor.tick(455.95, 4)
    stop, target = floor.legs(entry)
    assert (stop.filled, stop.triggered, target.status) == (4, False, Status.CONFIRMED)
    floor.restart()
    floor.wait(1)
    stop, target = floor.legs(entry)
    assert (stop.triggered, target.status, target.info) == (True, Status.CANCELLED, "OCO")
    floor.tick(455.95, 100)
    assert floor.net() == 0


def test_a_trigger_after_the_stop_has_sold_all(floor: SidedFloor) -> None:
    """The trigger heard after the whole fill: COMPLETE stays COMPLETE, the sibling is "OCO"."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.TRIGGER, 1_000, Leg.STOPLOSS))
    floor.tick(455.95, 100)
    floor.wait(1)
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)
    assert (target.status, target.info) == (Status.CANCELLED, "OCO")


def test_an_exit_while_the_trigger_is_unheard(floor: SidedFloor) -> None:
    """Exit while the stop triggers unheard: one exit order, whatever is told of it, and nothing sold twice."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.faults(late(Point.TRIGGER, 1_000, Leg.STOPLOSS))
    floor.silent(455.95)
    stop, target = floor.legs(entry)
    asked = floor.ask_cancel(entry, "TARGET")
    floor.restart()
    floor.wait(1)
    stop, target = floor.legs(entry)
    assert target.status is Status.CANCELLED
    assert stop.at_market
    assert isinstance(floor.cancel(entry, "TARGET"), Cancelled)
    floor.tick(455.00, 100)
    assert (stop.filled, floor.net()) == (10, 0)
    assert asked is not None


def test_reports_of_the_unknown_change_nothing(floor: SidedFloor) -> None:
    """A report of an order that is not kept, a second acknowledgement, a second end: no event at all."""
    entry = floor.place()
    number = floor.order(entry).exchange_order_id
    assert floor.deliver(Acknowledged(entry, "999", 99), Withdrawn("20200101-1"), Triggered("20200101-1")) == []
    floor.cancel(entry)
    assert floor.deliver(Withdrawn(entry), Triggered(entry), Acknowledged(entry, "999", 99)) == []
    assert floor.order(entry).exchange_order_id == number


@pytest.mark.parametrize("seed", range(8))
def test_everything_out_of_order_comes_to_the_same_end(floor: SidedFloor, seed: int) -> None:
    """All that the venue tells, shuffled within 3 s: the position, the trades and the exchange end as they must."""
    shuffled = [
        FaultRule(on=point, action=Action.REORDER, delay_ms=3_000)
        for point in (Point.ACKNOWLEDGEMENT, Point.FILL, Point.TRIGGER, Point.CANCEL_ANSWER, Point.CLOSE_ANSWER)
    ]
    floor.faults(*shuffled, seed=seed)
    entry = floor.place()
    floor.silent(456.95, 3)
    floor.wait(0.5)
    floor.silent(456.95, 4)
    floor.restart()
    floor.silent(457.50, 1)
    floor.ask_cancel(entry)
    floor.wait(1)
    floor.tick(458.95, 2)
    floor.restart()
    floor.wait(20)
    floor.faults()
    rows = floor.state.rows_of(floor.state.bracket_of(entry))
    assert rows[0].terminal
    if floor.net():
        assert isinstance(floor.cancel(entry, "STOPLOSS"), Cancelled)
    floor.tick(456.95, 100)
    assert floor.net() == 0
    assert all(row.terminal for row in floor.state.orders.values())


# After the exit was decided (2.5)


def late_after(floor: SidedFloor, *rules: FaultRule) -> str:
    """4 bought and protected; the entry's cancel takes a second to arrive from now on."""
    entry = floor.place()
    floor.silent(456.95, 4)
    floor.faults(FaultRule(on=Point.CANCEL, action=Action.DELAY, delay_ms=1_000, leg=Leg.ENTRY), *rules)
    return entry


def test_a_fill_after_the_trigger_is_added_and_re_bases_nothing(floor: SidedFloor) -> None:
    """A fill after the trigger does not re-base: it is added to the stop in force, at the trigger that it had."""
    entry = late_after(floor)
    floor.silent(455.95)
    stop, target = floor.legs(entry)
    # 455.95 is through the entry's limit, so that the print has filled the rest already.
    assert floor.order(entry).status is Status.COMPLETE
    assert told(stop) == (Status.CONFIRMED, 10, 0, 10, 0)
    assert floor.paise(stop.trigger_paise) == 45_595
    assert told(target) == (Status.CANCELLED, 10, 0, 0, 10)
    floor.tick(455.00, 100)
    assert floor.net() == 0


def test_a_fill_after_the_first_target_fill_grows_the_exit_without_re_basing(floor: SidedFloor) -> None:
    """A fill after the TARGET's first fill: both legs grow by it and keep their prices."""
    entry = late_after(floor)
    floor.silent(458.95, 1)
    assert floor.order(entry).status is Status.CANCEL_PENDING
    floor.silent(456.50, 2)
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.TRIGGER_PENDING, 6, 0, 5, 1)
    assert told(target) == (Status.CONFIRMED, 6, 1, 5, 0)
    assert (floor.paise(stop.trigger_paise), floor.paise(target.price_paise)) == (45_595, 45_895)
    floor.wait(1)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 6, 0, 4)
    floor.silent(458.95, 100)
    assert floor.net() == 0


def test_a_dearer_fill_after_the_exit_was_decided_re_bases_nothing(floor: SidedFloor) -> None:
    """4 at 456.85 with legs from there; 2 more at 456.95 after the TARGET's first fill leave both prices alone."""
    floor.tick(456.95, 0, (), levels((456.85, 4)))
    entry = floor.place()
    floor.faults(FaultRule(on=Point.CANCEL, action=Action.DELAY, delay_ms=1_000, leg=Leg.ENTRY))
    floor.silent(458.85, 1)
    floor.silent(456.95, 2)
    stop, target = floor.legs(entry)
    assert floor.trades(entry) == [(456.85, 4), (456.95, 2)]
    assert (stop.quantity, target.quantity) == (6, 6)
    assert (floor.paise(stop.trigger_paise), floor.paise(target.price_paise)) == (45_585, 45_885)


def test_a_fill_after_the_exit_had_reached_zero_is_closed_by_the_stop(floor: SidedFloor) -> None:
    """The exit in force had reached zero: the STOPLOSS becomes the closing order for the late fill at once (2.5)."""
    entry = late_after(floor)
    floor.silent(458.95, 100)
    stop, target = floor.legs(entry)
    assert (target.filled, target.remaining, floor.net()) == (4, 0, 0)
    assert floor.order(entry).status is Status.CANCEL_PENDING
    floor.silent(456.50, 2)
    stop, target = floor.legs(entry)
    assert floor.net() == 2
    assert (stop.order_type, stop.info, stop.remaining) == (OrderType.MARKET, "CLOSING", 2)
    assert (target.status, target.filled) == (Status.CANCELLED, 4)
    floor.tick(456.50, 0, levels((456.45, 100)), ())
    assert floor.net() == 0
    floor.wait(1)
    assert floor.order(entry).terminal
    assert all(row.terminal for row in floor.state.orders.values())


def test_a_fill_while_an_exit_waits_is_closed_with_it(floor: SidedFloor) -> None:
    """Exit asked for, the entry's cancel on its way, 2 more fill: the closing order is for all 6."""
    entry = late_after(floor)
    asked = floor.ask_cancel(entry, "STOPLOSS")
    floor.silent(456.95, 2)
    assert floor.answer(asked) is None
    floor.restart()
    floor.wait(1)
    stop, target = floor.legs(entry)
    assert (told(stop), stop.info) == ((Status.CONFIRMED, 6, 0, 6, 0), "CLOSING")
    assert told(target) == (Status.CANCELLED, 6, 0, 0, 6)
    floor.tick(456.00, 100)
    assert floor.net() == 0
