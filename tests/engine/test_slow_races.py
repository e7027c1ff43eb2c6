"""The races of bracket.md section 7 and the rows of the cancel table, with a venue that takes its time or refuses.

Every bracket is a LIMIT for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

from itertools import permutations

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import Asked

from bracketd.domain.events import CancelRequested, ClosingAccepted, ClosingRequested
from bracketd.domain.order import Leg, Side, Status
from bracketd.domain.outcomes import Cancelled, NotFound, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

TOO_LATE = Refused(Reason.TOO_LATE)
LEG_NOT_ACTIVE = Refused(Reason.LEG_NOT_ACTIVE)
REFUSED = Refused(Reason.VENUE_REFUSED, text="no")
WORDS = (None, "TARGET", "STOPLOSS")

REQUEST = pytest.mark.parametrize("point", [Point.CANCEL, Point.CANCEL_ANSWER])
"""The cancel slow on its way there, or its answer slow on its way back."""


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def slow(on: Point, ms: int = 1_000, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """This takes its time."""
    return FaultRule(on=on, action=Action.DELAY, delay_ms=ms, leg=leg, times=times)


def refuses(on: Point, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """The venue refuses this, for this leg, so many times (0: always)."""
    return FaultRule(on=on, action=Action.REFUSE, leg=leg, times=times, text="no")


def held(floor: SidedFloor, quantity: int = 4) -> str:
    """A bracket for 10 of which so many are bought, nobody displayed."""
    entry = floor.place()
    floor.silent(456.95, quantity)
    return entry


def answers(floor: SidedFloor, *asked: Asked) -> list[object]:
    """What the requests have come to."""
    return [floor.answer(each) for each in asked]


def count(floor: SidedFloor, kind: type) -> int:
    """How many events of a kind there were."""
    return sum(isinstance(event, kind) for event in floor.events())


# Races


@REQUEST
def test_a_cancel_beats_a_full_fill_or_does_not_but_never_both(floor: SidedFloor, point: Point) -> None:
    """Cancel and full fill: the venue's order decides; success only where nothing was bought after it."""
    entry = floor.place()
    floor.faults(slow(point, leg=Leg.ENTRY))
    asked = floor.ask_cancel(entry)
    floor.silent(456.95, 10)
    floor.wait(1)
    if point is Point.CANCEL:
        assert floor.answer(asked) == TOO_LATE
        assert told(floor.order(entry)) == (Status.COMPLETE, 10, 10, 0, 0)
    else:
        assert floor.answer(asked) == Cancelled(entry)
        assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)


@REQUEST
def test_a_partial_fill_beside_a_slow_cancel_is_protected_before_the_reply(floor: SidedFloor, point: Point) -> None:
    """Cancel and partial fill: fill booked, legs grown, rest cancelled, all before the reply."""
    entry = held(floor, 3)
    floor.faults(slow(point, leg=Leg.ENTRY))
    asked = floor.ask_cancel(entry)
    floor.silent(456.95, 2)
    assert floor.answer(asked) is None
    floor.wait(1)
    bought = 5 if point is Point.CANCEL else 3
    assert floor.answer(asked) == Cancelled(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, bought, 0, 10 - bought)
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, bought, 0, bought, 0)


@REQUEST
@pytest.mark.parametrize("word", WORDS)
def test_many_copies_of_a_slow_cancel_are_one(floor: SidedFloor, point: Point, word: str | None) -> None:
    """The same cancel N times at once: the venue is asked once, and all have the same final answer."""
    entry = held(floor)
    floor.faults(slow(point))
    asked = [floor.ask_cancel(entry, word) for _ in range(5)]
    floor.wait(1.9)
    floor.faults()
    floor.wait(0.2)
    assert len({repr(floor.answer(each)) for each in asked}) == 1
    assert count(floor, CancelRequested) <= 2
    assert floor.cancel(entry, word) == floor.cancel(entry, word)
    assert count(floor, ClosingRequested) == (word is not None)


@REQUEST
def test_entry_cancel_and_exit_at_once_end_the_same_in_either_order(floor: SidedFloor, point: Point) -> None:
    """ENTRY cancel and exit at once: serialised per bracket, the same end state in either order, both succeed."""
    ends = []
    for order in permutations((None, "STOPLOSS")):
        one = SidedFloor(floor.side, "A")
        entry = held(one)
        one.faults(slow(point, 400))
        asked = [one.ask_cancel(entry, word) for word in order]
        one.wait(1.9)
        assert all(isinstance(each, Cancelled) for each in answers(one, *asked))
        ends.append([(told(row), row.info, row.order_type) for row in one.rows(entry) if row])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("point", [Point.CANCEL, Point.CANCEL_ANSWER, Point.CLOSE, Point.CLOSE_ANSWER])
def test_two_slow_exits_make_one_closing_order(floor: SidedFloor, point: Point) -> None:
    """Two exits at once (TARGET and STOPLOSS): exactly one closing order, both succeed."""
    entry = held(floor, 10)
    stop, target = floor.legs(entry)
    floor.faults(slow(point))
    first, second = floor.ask_cancel(target.order_id), floor.ask_cancel(stop.order_id)
    assert answers(floor, first, second) == [None, None]
    floor.wait(1)
    assert answers(floor, first, second) == [Cancelled(target.order_id), Cancelled(stop.order_id)]
    assert (count(floor, ClosingRequested), count(floor, ClosingAccepted)) == (1, 1)


@REQUEST
def test_an_exit_awaits_the_target_that_fills_a_part(floor: SidedFloor, point: Point) -> None:
    """Exit while the target fills: its outcome awaited, open recomputed, the closing order for exactly that."""
    entry = held(floor, 10)
    stop, target = floor.legs(entry)
    floor.faults(slow(point, leg=Leg.TARGET))
    asked = floor.ask_cancel(stop.order_id)
    floor.silent(458.95, 7)
    floor.restart() if point is Point.CANCEL_ANSWER else None
    floor.wait(1)
    stop, target = floor.legs(entry)
    sold = 7 if point is Point.CANCEL else 0
    assert (target.status, target.filled) == (Status.CANCELLED, sold)
    assert (stop.info, stop.remaining) == ("CLOSING", 10 - sold)
    assert asked.named_id == stop.order_id
    floor.tick(457.00, 100)
    assert floor.net() == 0


def test_an_exit_awaits_the_target_that_fills_all(floor: SidedFloor) -> None:
    """Exit while the target fills, all of it: 0 open means no closing order, and the exit is a success."""
    entry = held(floor, 10)
    stop, target = floor.legs(entry)
    floor.faults(slow(Point.CANCEL, leg=Leg.TARGET))
    asked = floor.ask_cancel(stop.order_id)
    floor.silent(458.95, 10)
    floor.wait(1)
    assert floor.answer(asked) == Cancelled(stop.order_id)
    assert told(target) == (Status.COMPLETE, 10, 10, 0, 0)
    assert count(floor, ClosingRequested) == 0


@pytest.mark.parametrize("point", [Point.CLOSE, Point.CLOSE_ANSWER])
def test_a_stop_that_triggers_while_its_closing_is_under_way(floor: SidedFloor, point: Point) -> None:
    """Exit while the stop triggers: one order sells, once; the asker has his success, and nothing is left."""
    entry = held(floor, 10)
    stop, _ = floor.legs(entry)
    floor.faults(slow(point))
    asked = floor.ask_cancel(entry, "TARGET")
    floor.tick(455.95, 4)
    floor.wait(1)
    assert isinstance(floor.answer(asked), Cancelled)
    floor.tick(455.90, 100)
    assert floor.trades(stop.order_id) == [(455.95, 4), (455.90, 6)]
    assert floor.net() == 0


def test_a_stop_that_sells_all_while_its_closing_is_on_the_way(floor: SidedFloor) -> None:
    """The stop sold everything before the closing order got there: success, nothing sold twice, nothing pending."""
    entry = held(floor, 10)
    stop, target = floor.legs(entry)
    floor.faults(slow(Point.CLOSE))
    asked = floor.ask_cancel(entry, "TARGET")
    floor.tick(455.95, 100)
    floor.wait(1)
    assert floor.answer(asked) == Cancelled(target.order_id)
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)
    assert floor.net() == 0


@REQUEST
@pytest.mark.parametrize("word", WORDS)
def test_a_crash_between_a_cancel_and_its_answer(floor: SidedFloor, point: Point, word: str | None) -> None:
    """Reply lost, crash between, the client retries: the retry finds the end state and succeeds, with one effect."""
    entry = held(floor)
    floor.faults(slow(point, 800))
    lost = floor.ask_cancel(entry, word)
    floor.restart()
    assert floor.answer(lost) is None
    retried = floor.ask_cancel(entry, word)
    floor.wait(1.9)
    assert isinstance(floor.answer(retried), Cancelled)
    assert count(floor, ClosingRequested) == (word is not None)


# The table's rows, reached for real


def test_an_unacknowledged_entry_is_cancelled_as_soon_as_it_may_be(floor: SidedFloor) -> None:
    """Placed and not acknowledged: success once the venue has it, an exit is not active, a leg's id not found."""
    floor.faults(slow(Point.PLACE))
    entry = floor.place()
    assert floor.cancel(entry, "TARGET") == LEG_NOT_ACTIVE
    assert floor.cancel(entry.partition("-")[0] + "-3") == NotFound()
    asked = floor.ask_cancel(entry)
    assert floor.answer(asked) is None
    floor.restart()
    retried = floor.ask_cancel(entry)
    floor.wait(1.5)
    assert floor.answer(retried) == Cancelled(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)
    assert not floor.venue._work


def test_a_silent_venue_is_an_outcome_that_is_not_known(floor: SidedFloor) -> None:
    """Outcome unknown: 202 after 2 s, neither success nor failure, protection kept; done when the venue answers."""
    entry = held(floor)
    floor.faults(slow(Point.CANCEL, 10_000))
    asked = floor.ask_cancel(entry)
    floor.wait(2.1)
    assert floor.answer(asked) == Unknown(entry)
    assert floor.order(entry).status is Status.CANCEL_PENDING
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    floor.wait(8)
    assert floor.cancel(entry) == Cancelled(entry)


@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
def test_leg_not_active_waits_for_a_fill_that_may_come(floor: SidedFloor, word: str) -> None:
    """A cancel in flight that may still bring a fill: LEG_NOT_ACTIVE is not said before its outcome."""
    entry = floor.place()
    floor.faults(slow(Point.CANCEL, leg=Leg.ENTRY))
    cancelled, exited = floor.ask_cancel(entry), floor.ask_cancel(entry, word)
    assert floor.answer(exited) is None
    floor.silent(456.95, 4)
    floor.wait(1)
    assert floor.answer(cancelled) == Cancelled(entry)
    assert isinstance(floor.answer(exited), Cancelled)
    assert floor.legs(entry)[0].info == "CLOSING"


@pytest.mark.parametrize("word", [None, "ENTRY", "TARGET", "STOPLOSS"])
def test_a_rejected_entry_says_so(floor: SidedFloor, word: str | None) -> None:
    """Entry REJECTED by the venue: ALREADY_REJECTED whatever leg is named; a leg's id is not found."""
    floor.faults(refuses(Point.PLACE))
    entry = floor.place()
    assert (told(floor.order(entry)), floor.order(entry).rejection) == ((Status.REJECTED, 10, 0, 0, 10), "no")
    assert floor.cancel(entry, word) == Refused(Reason.ALREADY_REJECTED)
    assert floor.cancel(entry.partition("-")[0] + "-3", word) == NotFound()
    assert floor.state.accounts["A"].blocked_paise == 0


def test_a_refused_entry_cancel_is_told_and_leaves_it_working(floor: SidedFloor) -> None:
    """Rule E refused: VENUE_REFUSED, the entry works as before, and a later cancel is tried afresh."""
    entry = held(floor)
    floor.faults(refuses(Point.CANCEL, times=1))
    assert floor.cancel(entry) == REFUSED
    assert told(floor.order(entry)) == (Status.CONFIRMED, 10, 4, 6, 0)
    assert floor.cancel(entry) == Cancelled(entry)


@pytest.mark.parametrize("word", ["TARGET", "STOPLOSS"])
def test_a_refused_closing_leaves_the_stop_in_force(floor: SidedFloor, word: str) -> None:
    """Rule X refused: VENUE_REFUSED, remainder and TARGET stay cancelled, the stop protects; then tried afresh."""
    entry = held(floor)
    floor.faults(refuses(Point.CLOSE))
    stop, target = floor.legs(entry)
    for _ in range(2):
        assert floor.cancel(entry, word) == REFUSED
        assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
        assert told(target) == (Status.CANCELLED, 4, 0, 0, 4)
        assert (told(stop), stop.info) == ((Status.TRIGGER_PENDING, 4, 0, 4, 0), "")
    assert floor.cancel(entry) == Cancelled(entry)
    floor.wait(5)
    assert count(floor, ClosingRequested) == 2, "nobody asked again"
    floor.restart()
    floor.faults()
    stop, target = floor.legs(entry)
    assert floor.cancel(entry, word) == Cancelled((target if word == "TARGET" else stop).order_id)
    assert stop.info == "CLOSING"


@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.TARGET])
def test_an_exit_whose_cancels_are_refused_says_so(floor: SidedFloor, leg: Leg) -> None:
    """Rule X whose remainder or TARGET will not go: VENUE_REFUSED, the stop in force, a later exit tried afresh."""
    entry = held(floor)
    floor.faults(refuses(Point.CANCEL, leg))
    stop, _ = floor.legs(entry)
    assert floor.cancel(entry, "STOPLOSS") == REFUSED
    assert stop.status is Status.TRIGGER_PENDING
    floor.faults()
    assert floor.cancel(entry, "STOPLOSS") == Cancelled(stop.order_id)
    assert all(row.terminal for row in floor.rows(entry) if row and row is not stop)


def test_a_stop_that_was_left_in_force_still_closes(floor: SidedFloor) -> None:
    """After a refused exit the stop triggers and sells as ever; the named leg answers by its own end."""
    entry = held(floor)
    floor.faults(refuses(Point.CLOSE))
    floor.cancel(entry, "STOPLOSS")
    floor.tick(455.95, 100)
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.COMPLETE, 4, 4, 0, 0)
    assert floor.cancel(stop.order_id) == TOO_LATE
    assert floor.cancel(target.order_id) == Cancelled(target.order_id)


def test_a_doubled_refusal_is_no_answer_to_the_next_cancel(floor: SidedFloor) -> None:
    """An answer counts for the request that it names: the first's refusal told again does not end the second."""
    entry = held(floor)
    doubled = FaultRule(on=Point.CANCEL_ANSWER, action=Action.DUPLICATE, delay_ms=700)
    floor.faults(refuses(Point.CANCEL), doubled)
    assert floor.cancel(entry) == REFUSED
    floor.faults(slow(Point.CANCEL, 1_500))
    asked = floor.ask_cancel(entry)
    floor.wait(1)
    assert (floor.answer(asked), floor.order(entry).status) == (None, Status.CANCEL_PENDING)
    floor.wait(0.8)
    assert floor.answer(asked) == Cancelled(entry)


# Intent outlives the wait


@pytest.mark.parametrize("word", WORDS)
def test_a_cancel_that_was_told_202_is_done_all_the_same(floor: SidedFloor, word: str | None) -> None:
    """Outcome unknown: the intent is recorded, 202, and done once what was in flight has its answer."""
    entry = held(floor)
    floor.faults(slow(Point.MODIFY, 5_000))
    floor.ask_modify(entry, price=456.50)
    asked = floor.ask_cancel(entry, word)
    floor.wait(2.1)
    assert isinstance(floor.answer(asked), Unknown)
    floor.restart()
    floor.wait(4)
    stop, _ = floor.legs(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert stop.info == ("CLOSING" if word else "")


def test_a_trigger_heard_of_after_the_closing_order_was_taken_changes_nothing(floor: SidedFloor) -> None:
    """A stop that triggered while the exit waited for its target is the closing order by then; the news is no news."""
    entry = held(floor, 10)
    stop, _ = floor.legs(entry)
    floor.faults(slow(Point.CANCEL_ANSWER, 1_000, leg=Leg.TARGET), slow(Point.TRIGGER, 1_800, leg=Leg.STOPLOSS))
    asked = floor.ask_cancel(entry, "STOPLOSS")
    floor.silent(455.95, 1)
    floor.wait(1.5)
    assert floor.answer(asked) == Cancelled(stop.order_id)
    before = told(floor.order(stop.order_id))
    floor.wait(1)
    assert told(floor.order(stop.order_id)) == before
    assert not floor.state.post
    assert count(floor, ClosingAccepted) == 1
    floor.tick(455.95, 100)
    assert floor.state.open_quantity(floor.state.bracket_of(entry)) == 0
