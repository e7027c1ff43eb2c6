"""A leg that the venue refuses (bracket.md section 2.8), by hand-written expectations, for both sides.

Every bracket is a LIMIT for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import levels

from bracketd.domain.events import ClosingRequested
from bracketd.domain.order import Leg, OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, Refused
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

PART = (Status.CANCELLED, 10, 4, 0, 6)
GROWN = (Status.CANCELLED, 10, 6, 0, 4)
REFUSED_INFO = "UNPROTECTED_LEG_REFUSED"


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def refuses(on: Point, leg: Leg | None = None, times: int = 0, text: str = "no") -> FaultRule:
    """The venue refuses this, for this leg, so many times (0: always)."""
    return FaultRule(on=on, action=Action.REFUSE, leg=leg, times=times, text=text)


def part_filled(floor: SidedFloor, *rules: FaultRule) -> str:
    """4 of 10 filled while these rules are in force."""
    floor.faults(*rules)
    entry = floor.place()
    floor.silent(456.95, 4)
    return entry


def grown(floor: SidedFloor, *rules: FaultRule) -> str:
    """4 of 10 filled with the venue at its best, then 2 more while these rules are in force."""
    entry = part_filled(floor)
    floor.faults(*rules)
    floor.silent(456.95, 2)
    return entry


def unprotected(floor: SidedFloor) -> str:
    """4 of 10 filled; the stop-loss and every closing order refused."""
    return part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CLOSE))


def half_covered(floor: SidedFloor) -> str:
    """4 filled with a stop-loss, 2 more for which it did not grow, and every closing order refused."""
    return grown(floor, refuses(Point.GROWTH, Leg.STOPLOSS), refuses(Point.CLOSE))


def tries(floor: SidedFloor) -> list[tuple[float, int, int]]:
    """Every closing order that the venue was asked for: (limit in rupees, quantity, growth)."""
    asked = [event for event in floor.events() if isinstance(event, ClosingRequested)]
    return [(floor.paise(event.limit_paise) / 100, event.quantity, event.growth) for event in asked]


# The target


def test_a_target_refused_at_its_creation_is_rejected_and_the_stop_stays(floor: SidedFloor) -> None:
    """TARGET refused at creation: the row is REJECTED, the STOPLOSS protects all, the entry's remainder is gone."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.TARGET))
    stop, target = floor.legs(entry)
    assert told(target) == (Status.REJECTED, 4, 0, 0, 4)
    assert told(stop) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    assert told(floor.order(entry)) == PART
    assert (target.exchange_order_id, target.rejection) == ("", "no")
    assert (floor.order(entry).info, stop.info) == ("", "")


def test_a_target_refused_at_its_growth_is_rejected_and_the_stop_grows(floor: SidedFloor) -> None:
    """TARGET refused at growth: the row is REJECTED, the STOPLOSS has grown, the entry's remainder is gone."""
    entry = grown(floor, refuses(Point.GROWTH, Leg.TARGET))
    stop, target = floor.legs(entry)
    assert told(target) == (Status.REJECTED, 6, 0, 0, 6)
    assert told(stop) == (Status.TRIGGER_PENDING, 6, 0, 6, 0)
    assert told(floor.order(entry)) == GROWN
    floor.restart()


def test_without_its_target_a_bracket_closes_by_its_stop(floor: SidedFloor) -> None:
    """After a refused TARGET the target's price closes nothing, and the stop sells all once."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.TARGET))
    floor.tick(459.00, 100)
    assert floor.net() == 4
    floor.tick(455.95, 100)
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.COMPLETE, 4, 4, 0, 0)
    assert target.status is Status.REJECTED
    assert floor.net() == 0


@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
def test_an_exit_with_a_rejected_target_is_rule_x(floor: SidedFloor, word: str) -> None:
    """A leg REJECTED, open > 0: rule X; the closing order is for all that is open."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.TARGET))
    stop, target = floor.legs(entry)
    assert floor.cancel(entry, word) == Cancelled((target if word == "TARGET" else stop).order_id)
    assert (told(stop), stop.info) == ((Status.CONFIRMED, 4, 0, 4, 0), "CLOSING")
    assert floor.cancel(entry) == Cancelled(entry)


def test_of_a_bracket_closed_without_its_target_the_target_is_rejected(floor: SidedFloor) -> None:
    """Closed otherwise, and the named leg REJECTED: ALREADY_REJECTED by the word and by the leg's own id."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.TARGET))
    floor.tick(455.95, 100)
    stop, target = floor.legs(entry)
    assert floor.cancel(entry, "TARGET") == Refused(Reason.ALREADY_REJECTED)
    assert floor.cancel(target.order_id) == Refused(Reason.ALREADY_REJECTED)
    assert floor.cancel(stop.order_id) == Refused(Reason.TOO_LATE)
    assert floor.cancel(entry) == Cancelled(entry)


# The stop-loss


@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_a_refused_stop_is_pending_and_says_why(floor: SidedFloor, when: object) -> None:
    """STOPLOSS refused: its row is PENDING with UNPROTECTED_LEG_REFUSED, and keeps its id and its number."""
    entry = when(floor)  # type: ignore[operator]
    stop, _ = floor.legs(entry)
    open_now = 4 if when is unprotected else 6
    assert (told(stop), stop.info) == ((Status.PENDING, open_now, 0, open_now, 0), REFUSED_INFO)
    assert stop.order_id == floor.state.bracket_of(entry).stop_id
    assert bool(stop.exchange_order_id) is (when is half_covered)


@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_with_a_refused_stop_target_and_remainder_go(floor: SidedFloor, when: object) -> None:
    """STOPLOSS refused: the TARGET is CANCELLED "OCO", and the entry's remainder is cancelled at once."""
    entry = when(floor)  # type: ignore[operator]
    _, target = floor.legs(entry)
    open_now = 4 if when is unprotected else 6
    assert (told(target), target.info) == ((Status.CANCELLED, open_now, 0, 0, open_now), "OCO")
    assert told(floor.order(entry)) == (PART if when is unprotected else GROWN)


@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_an_unprotected_bracket_says_so_in_its_entry(floor: SidedFloor, when: object) -> None:
    """Until a closing order is accepted the bracket carries UNPROTECTED in the entry's order_status_info."""
    entry = when(floor)  # type: ignore[operator]
    assert floor.order(entry).info == "UNPROTECTED"
    assert floor.state.bracket_of(entry).unprotected
    floor.faults()
    floor.wait(1)
    assert floor.order(entry).info == ""
    assert not floor.state.bracket_of(entry).unprotected


def test_a_closing_order_that_is_taken_leaves_no_flag_behind(floor: SidedFloor) -> None:
    """STOPLOSS refused and its closing order taken at once: CONFIRMED MARKET CLOSING, and nobody is unprotected."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS))
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert (stop.order_type, stop.price_paise, stop.trigger_paise) == (OrderType.MARKET, 0, 0)
    assert (stop.info, target.info, floor.order(entry).info) == ("CLOSING", "OCO", "")
    assert stop.exchange_order_id
    floor.tick(456.00, 100)
    assert told(stop) == (Status.COMPLETE, 4, 4, 0, 0)
    assert floor.net() == 0


def test_a_target_that_cannot_be_cancelled_holds_no_closing_order_up(floor: SidedFloor) -> None:
    """STOPLOSS and the TARGET's cancel refused: the closing order is sent all the same, and takes the TARGET out."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CANCEL, Leg.TARGET))
    stop, target = floor.legs(entry)
    assert (stop.status, stop.order_type, stop.info) == (Status.CONFIRMED, OrderType.MARKET, "CLOSING")
    assert (target.status, target.info) == (Status.CANCELLED, "OCO")
    assert floor.order(entry).info == ""


def test_the_first_try_is_a_limit_and_the_second_a_market_order(floor: SidedFloor) -> None:
    """The refused row is sent as a limit at the protection price, 3 % from the print, then MARKET, in one step."""
    unprotected(floor)
    # 456.95 less 3 % is 443.2415, rounded toward the print.
    assert tries(floor) == [(443.25, 4, 0), (0.0, 4, 0)]


def test_a_refused_closing_order_is_tried_at_every_print_and_each_second(floor: SidedFloor) -> None:
    """Then again at every print and at least every second, as MARKET; a quote is no print."""
    unprotected(floor)
    assert len(tries(floor)) == 2
    floor.silent(456.90)
    assert len(tries(floor)) == 3
    floor.tick(456.90, 0, (), ())
    assert len(tries(floor)) == 3
    floor.wait(0.99)
    count = len(tries(floor))
    floor.wait(5)
    assert len(tries(floor)) == count + 5
    assert all(limit == 0 for limit, _, _ in tries(floor)[1:])


def test_a_try_that_is_taken_ends_the_tries(floor: SidedFloor) -> None:
    """A closing order that is accepted is asked for no more, and closes at the next print that carries quantity."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CLOSE, times=3))
    stop, _ = floor.legs(entry)
    assert stop.status is Status.PENDING
    floor.wait(1)
    assert stop.status is Status.PENDING
    floor.wait(1)
    assert (stop.status, stop.info) == (Status.CONFIRMED, "CLOSING")
    floor.wait(10)
    assert len(tries(floor)) == 4
    floor.tick(456.00, 100)
    assert floor.trades(stop.order_id) == [(456.00, 4)]
    assert floor.net() == 0


def test_a_stop_that_did_not_grow_closes_with_its_growth(floor: SidedFloor) -> None:
    """STOPLOSS refused at growth: the closing order is for all that is open, 2 of it beyond what the stop covers."""
    entry = half_covered(floor)
    assert tries(floor)[0] == (443.25, 6, 2)
    floor.faults()
    floor.tick(456.50, 100)
    stop, _ = floor.legs(entry)
    assert told(stop) == (Status.COMPLETE, 6, 6, 0, 0)
    assert floor.trades(stop.order_id) == [(456.50, 6)]
    assert floor.net() == 0


def test_the_stop_that_did_not_grow_still_sells_what_it_covers(floor: SidedFloor) -> None:
    """What the venue works of a stop whose growth was refused may trigger and fill; what is left is still flagged."""
    entry = half_covered(floor)
    floor.tick(455.95, 100)
    stop, _ = floor.legs(entry)
    assert stop.filled == 4
    assert floor.net() == 2
    assert floor.state.bracket_of(entry).unprotected
    floor.faults()
    floor.tick(455.90, 100)
    assert told(stop) == (Status.COMPLETE, 6, 6, 0, 0)
    assert (floor.net(), floor.order(entry).info) == (0, "")


def test_the_stop_that_did_not_grow_fills_in_part_and_the_rest_is_closed(floor: SidedFloor) -> None:
    """Of the 4 covered 3 are sold by the trigger; the closing order is for the 3 that are open, never more."""
    entry = half_covered(floor)
    floor.tick(455.95, 3)
    assert floor.net() == 3
    floor.faults()
    floor.wait(1)
    stop, _ = floor.legs(entry)
    assert (stop.remaining, stop.info) == (3, "CLOSING")
    floor.tick(455.95, 100)
    assert floor.trades(stop.order_id) == [(455.95, 3), (455.95, 3)]
    assert floor.net() == 0


@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_an_unprotected_bracket_survives_a_restart(floor: SidedFloor, when: object) -> None:
    """A crash while UNPROTECTED: the flag, the tries and the exchange are what they were."""
    entry = when(floor)  # type: ignore[operator]
    floor.restart()
    assert floor.order(entry).info == "UNPROTECTED"
    count = len(tries(floor))
    floor.wait(1)
    assert len(tries(floor)) == count + 1
    floor.faults()
    floor.restart()
    floor.wait(1)
    floor.restart()
    floor.tick(456.00, 100)
    assert floor.net() == 0


# An exit asked for


@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_an_exit_while_unprotected_tries_the_closing_at_once(floor: SidedFloor, when: object, word: str) -> None:
    """UNPROTECTED, in the session: the closing is tried at once, and with the venue willing it is a success."""
    entry = when(floor)  # type: ignore[operator]
    floor.faults()
    stop, target = floor.legs(entry)
    assert floor.cancel(entry, word) == Cancelled((target if word == "TARGET" else stop).order_id)
    assert (stop.status, stop.info, floor.order(entry).info) == (Status.CONFIRMED, "CLOSING", "")


@pytest.mark.parametrize("when", [unprotected, half_covered])
def test_an_exit_that_is_refused_while_unprotected_says_so(floor: SidedFloor, when: object) -> None:
    """UNPROTECTED and the venue still unwilling: VENUE_REFUSED with its text, and the tries go on."""
    entry = when(floor)  # type: ignore[operator]
    count = len(tries(floor))
    stop, _ = floor.legs(entry)
    assert floor.cancel(stop.order_id) == Refused(Reason.VENUE_REFUSED, text="no")
    assert len(tries(floor)) == count + 1
    assert (stop.status, stop.info, floor.order(entry).info) == (Status.PENDING, REFUSED_INFO, "UNPROTECTED")
    floor.wait(1)
    assert len(tries(floor)) == count + 2
    floor.faults()
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)


def test_the_entrys_cancel_while_unprotected_is_by_its_state(floor: SidedFloor) -> None:
    """UNPROTECTED, column 1: by the entry's state, CANCELLED is success, and the closing is not hurried by it."""
    entry = unprotected(floor)
    count = len(tries(floor))
    assert floor.cancel(entry) == Cancelled(entry)
    assert len(tries(floor)) == count


def test_a_bracket_closed_by_its_refused_stop_answers_by_the_leg(floor: SidedFloor) -> None:
    """Closed by the closing order of a refused stop, which nobody asked for: the named leg's own end answers."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS))
    floor.tick(456.00, 100)
    stop, target = floor.legs(entry)
    assert floor.cancel(stop.order_id) == Refused(Reason.TOO_LATE)
    assert floor.cancel(target.order_id) == Cancelled(target.order_id)


# Both, and in unlucky moments


def test_both_legs_refused(floor: SidedFloor) -> None:
    """Both refused at creation: the TARGET is REJECTED, the STOPLOSS's row closes."""
    entry = part_filled(floor, refuses(Point.LEG), refuses(Point.CLOSE))
    stop, target = floor.legs(entry)
    assert (target.status, stop.status) == (Status.REJECTED, Status.PENDING)
    assert floor.order(entry).info == "UNPROTECTED"
    floor.restart()
    floor.faults()
    floor.tick(456.00, 100)
    assert told(floor.legs(entry)[0]) == (Status.COMPLETE, 4, 4, 0, 0)
    assert floor.net() == 0


def test_a_fill_whose_legs_are_refused_in_the_middle_of_a_placement(floor: SidedFloor) -> None:
    """An entry that fills level by level meets the refusal after its first fill: all that filled is closed."""
    floor.faults(refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CLOSE))
    floor.tick(456.95, 0, (), levels((456.90, 3), (456.95, 4)))
    entry = floor.place()
    row, stop, _ = floor.rows(entry)
    assert stop is not None
    assert row.terminal
    assert stop.remaining == row.filled
    assert stop.info == REFUSED_INFO
    floor.faults()
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_cancel_refused_with_a_refused_leg_is_asked_for_again(floor: SidedFloor) -> None:
    """The entry's remainder must go after a refused leg: a venue that will not cancel it is asked each second."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.TARGET), refuses(Point.CANCEL))
    assert floor.order(entry).status is Status.CONFIRMED
    floor.wait(1)
    assert floor.order(entry).status is Status.CONFIRMED
    floor.faults()
    floor.wait(1)
    assert told(floor.order(entry)) == PART


def test_an_exit_is_no_success_while_the_entry_will_not_go(floor: SidedFloor) -> None:
    """Success needs a terminal entry: with a closing order at work and its cancel refused it is VENUE_REFUSED."""
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CANCEL, Leg.ENTRY))
    stop, _ = floor.legs(entry)
    assert stop.at_market
    assert floor.order(entry).status is Status.CONFIRMED
    assert floor.cancel(entry, "STOPLOSS") == Refused(Reason.VENUE_REFUSED, text="no")
    floor.faults()
    assert floor.cancel(entry, "STOPLOSS") == Cancelled(stop.order_id)
    assert floor.order(entry).status is Status.CANCELLED


def test_a_fill_of_an_entry_that_would_not_go_is_added_to_the_closing(floor: SidedFloor) -> None:
    """Entry shares that fill while a refused stop waits are closed with it: the row's quantity is what was filled."""
    rules = (refuses(Point.LEG, Leg.STOPLOSS), refuses(Point.CANCEL, Leg.ENTRY), refuses(Point.CLOSE))
    entry = part_filled(floor, *rules)
    floor.silent(456.95, 3)
    stop, _ = floor.legs(entry)
    assert told(stop) == (Status.PENDING, 7, 0, 7, 0)
    floor.restart()
    floor.faults()
    floor.wait(1)
    assert (told(stop := floor.legs(entry)[0]), stop.info) == ((Status.CONFIRMED, 7, 0, 7, 0), "CLOSING")
    assert floor.order(entry).status is Status.CANCELLED
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_slow_closing_answer_is_waited_for(floor: SidedFloor) -> None:
    """A closing order under way is not asked for twice; while it is, the bracket is still UNPROTECTED."""
    slow = FaultRule(on=Point.CLOSE, action=Action.DELAY, delay_ms=5_000)
    entry = part_filled(floor, refuses(Point.LEG, Leg.STOPLOSS), slow)
    floor.silent(456.90)
    floor.wait(4)
    assert len(tries(floor)) == 1
    assert floor.order(entry).info == "UNPROTECTED"
    floor.restart()
    floor.wait(1)
    stop, _ = floor.legs(entry)
    assert (stop.status, stop.info, floor.order(entry).info) == (Status.CONFIRMED, "CLOSING", "")


def test_a_crash_while_the_closing_of_an_ungrown_stop_is_unheard(floor: SidedFloor) -> None:
    """The closing order with its growth is at work, unheard: after a crash it still works for all that is open."""
    slow = FaultRule(on=Point.CLOSE_ANSWER, action=Action.DELAY, delay_ms=1_000)
    entry = grown(floor, refuses(Point.GROWTH, Leg.STOPLOSS), slow)
    floor.restart()
    floor.wait(1)
    assert (told(floor.legs(entry)[0]), floor.order(entry).info) == ((Status.CONFIRMED, 6, 0, 6, 0), "")
    floor.restart()
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_doubled_refusal_of_growth_counts_once(floor: SidedFloor) -> None:
    """The refusal of one growth told twice is one refusal: the closing order's growth is 2, not 4."""
    entry = grown(
        floor,
        refuses(Point.GROWTH, Leg.STOPLOSS),
        refuses(Point.CLOSE),
        FaultRule(on=Point.MODIFY_ANSWER, action=Action.DUPLICATE, leg=Leg.STOPLOSS, delay_ms=500),
    )
    floor.wait(0.6)
    assert {growth for _, _, growth in tries(floor)} == {2}
    floor.faults()
    floor.tick(456.00, 100)
    assert told(floor.legs(entry)[0]) == (Status.COMPLETE, 6, 6, 0, 0)
    assert floor.net() == 0


@pytest.mark.parametrize("late_ms", [300, 1_500])
def test_a_late_refusal_of_the_stop(floor: SidedFloor, late_ms: int) -> None:
    """The refusal heard late: until then the STOPLOSS is sent and unanswered, then everything of 2.8 happens."""
    entry = part_filled(
        floor,
        refuses(Point.LEG, Leg.STOPLOSS),
        FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, leg=Leg.STOPLOSS, delay_ms=late_ms, times=1),
    )
    stop, target = floor.legs(entry)
    assert (stop.status, stop.info, target.status) == (Status.PENDING, "", Status.CONFIRMED)
    floor.restart()
    floor.wait(late_ms / 1000)
    stop, target = floor.legs(entry)
    assert (stop.status, stop.info, target.info) == (Status.CONFIRMED, "CLOSING", "OCO")
    assert told(floor.order(entry)) == PART
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_target_that_filled_before_a_late_refusal(floor: SidedFloor) -> None:
    """The TARGET sold all before the refusal of the STOPLOSS was heard: nothing is open, nothing is closed twice."""
    entry = part_filled(
        floor,
        refuses(Point.LEG, Leg.STOPLOSS),
        FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, leg=Leg.STOPLOSS, delay_ms=1_000, times=1),
    )
    floor.silent(458.95, 100)
    assert floor.net() == 0
    floor.wait(2)
    stop, target = floor.legs(entry)
    assert told(target) == (Status.COMPLETE, 4, 4, 0, 0)
    assert stop.status is Status.CANCELLED
    assert tries(floor) == []
