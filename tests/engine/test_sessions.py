"""The trading day (bracket.md section 2.9): cut-off, square-off, the session's end, the night, and the next day.

Monday 23 November 2026 is a session, Tuesday the 24th a holiday, Wednesday the 25th a session. Every bracket is a LIMIT
for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

from collections.abc import Callable

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import bracket, levels

from bracketd.domain.events import ClosingRequested, DayBegun, ExitRequested, RescuePlaced, StageReached
from bracketd.domain.instructions import ClosePair
from bracketd.domain.order import Leg, OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, Modified, NotFound, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase, Stage
from bracketd.engine.state import encode_state
from bracketd.market.calendar import AlwaysOpen, SessionTable
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

SESSIONS = SessionTable.load()
CUT_OFF = SQUARE_OFF = "20261123 15:20"
END = "20261123 15:30"
NEXT_OPEN = "20261125 09:15"
SESSION_CLOSED = Refused(Reason.SESSION_CLOSED)
MARKET_CLOSED = Refused(Reason.MARKET_CLOSED)


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor with a session table, in the middle of Monday morning, on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B", sessions=SESSIONS, start="20261123 10:00")


def refuses(on: Point, leg: Leg | None = None, times: int = 0) -> FaultRule:
    """The venue refuses this, for this leg, so many times (0: always)."""
    return FaultRule(on=on, action=Action.REFUSE, leg=leg, times=times, text="no")


def slow(on: Point, ms: int, leg: Leg | None = None) -> FaultRule:
    """This takes its time."""
    return FaultRule(on=on, action=Action.DELAY, delay_ms=ms, leg=leg)


def held(floor: SidedFloor, quantity: int = 4) -> str:
    """A bracket for 10 of which so many are bought, nobody displayed."""
    entry = floor.place()
    floor.silent(456.95, quantity)
    return entry


def left_open(floor: SidedFloor) -> str:
    """A bracket of which 4 are open after the session's end: nobody was there to sell to."""
    entry = held(floor)
    floor.until(END)
    return entry


# Cut-off


def test_after_the_cut_off_no_new_bracket(floor: SidedFloor) -> None:
    """After the cut-off a placement is SESSION_CLOSED; a second before it is taken."""
    floor.until("20261123 15:19:59")
    assert floor.place()
    floor.until(CUT_OFF)
    assert floor.command(bracket()) == SESSION_CLOSED


def test_before_the_open_no_new_bracket(floor: SidedFloor) -> None:
    """Before the session, in the night and on a holiday a placement is SESSION_CLOSED; at the open it is taken."""
    floor.until(END)
    for moment in ("20261123 20:00", "20261124 11:00", "20261125 09:14:59"):
        floor.until(moment)
        assert floor.command(bracket()) == SESSION_CLOSED
    floor.until(NEXT_OPEN)
    assert isinstance(floor.command(bracket()), Placed)


def test_after_the_cut_off_no_larger_quantity(floor: SidedFloor) -> None:
    """After the cut-off, square-off not come yet, a working entry may be made smaller but not larger."""
    entry = floor.place()
    floor.phase = SessionPhase.CUT_OFF
    assert floor.modify(entry, quantity=20) == SESSION_CLOSED
    assert floor.modify(entry, quantity=5) == Modified(entry)


# Square-off


def test_at_square_off_an_unfilled_entry_is_cancelled(floor: SidedFloor) -> None:
    """At square-off every entry remainder is cancelled (rule E): no position, the margin back."""
    entry = floor.place()
    floor.until(SQUARE_OFF)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)
    assert floor.state.accounts["A"].blocked_paise == 0


def test_at_square_off_an_open_bracket_is_exited(floor: SidedFloor) -> None:
    """At square-off every open bracket is exited (rule X): remainder and TARGET gone, the STOPLOSS closes."""
    entry = held(floor)
    stop, target = floor.legs(entry)
    floor.until("20261123 15:19:59")
    assert told(stop) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    floor.until(SQUARE_OFF)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert told(target) == (Status.CANCELLED, 4, 0, 0, 4)
    assert (told(stop), stop.info, stop.order_type) == ((Status.CONFIRMED, 4, 0, 4, 0), "CLOSING", OrderType.MARKET)
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_square_off_sells_into_what_is_displayed(floor: SidedFloor) -> None:
    """A closing order of square-off takes displayed quantity at once."""
    entry = held(floor)
    floor.tick(456.95, 0, levels((456.90, 100)), ())
    floor.until(SQUARE_OFF)
    stop, _ = floor.legs(entry)
    assert floor.trades(stop.order_id) == [(456.90, 4)]
    assert all(row.terminal for row in floor.state.orders.values())


def test_square_off_cancels_every_entry_before_it_exits_any_bracket(floor: SidedFloor) -> None:
    """First rule E on all, then rule X on all: no exit while another entry may still fill."""
    first, second = held(floor), floor.place(client="B", price=450.00)
    floor.until(SQUARE_OFF)
    names = [(type(event).__name__, getattr(event, "order_id", "")) for event in floor.events()]
    last_cancel = max(names.index(("OrderCancelled", each)) for each in (first, second))
    assert last_cancel < [name for name, _ in names].index("ExitRequested")


def test_an_exit_by_square_off_is_remembered(floor: SidedFloor) -> None:
    """A bracket remembers that square-off exited it: an exit asked for later is a success, again and again."""
    entry = held(floor)
    floor.until(SQUARE_OFF)
    stop, target = floor.legs(entry)
    for _ in range(2):
        assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)
        assert floor.cancel(entry, "TARGET") == Cancelled(target.order_id)
    floor.tick(456.00, 100)
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)
    assert floor.cancel(entry) == Cancelled(entry)


def test_a_triggered_stop_counts_as_the_exit_of_square_off(floor: SidedFloor) -> None:
    """A stop that has triggered already is the exit: no closing order, and the exit is remembered."""
    entry = held(floor, 10)
    floor.silent(455.95)
    floor.until(SQUARE_OFF)
    stop, _ = floor.legs(entry)
    assert (stop.order_type, stop.info) == (OrderType.SLM, "")
    assert not any(isinstance(event, ClosingRequested) for event in floor.events())
    assert floor.state.bracket_of(entry).exit_accepted
    floor.tick(455.00, 100)
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)


def test_a_refused_square_off_is_tried_again_at_every_print(floor: SidedFloor) -> None:
    """A refused exit is tried again at every print, and the stop stays in force meanwhile."""
    entry = held(floor)
    floor.faults(refuses(Point.CLOSE))
    floor.until("20261123 15:20:10")
    stop, _ = floor.legs(entry)
    assert stop.status is Status.TRIGGER_PENDING
    asked = sum(isinstance(event, ExitRequested) for event in floor.events())
    floor.silent(456.90)
    floor.silent(456.85)
    assert sum(isinstance(event, ExitRequested) for event in floor.events()) == asked + 2
    floor.faults()
    floor.restart()
    floor.tick(456.80, 0, (), ())
    assert floor.legs(entry)[0].status is Status.TRIGGER_PENDING
    floor.silent(456.80)
    assert floor.legs(entry)[0].info == "CLOSING"
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_cancel_races_with_square_off(floor: SidedFloor) -> None:
    """One of them acts, the other finds nothing to do: the rows are the same whoever is first."""
    ends = []
    for before in (True, False):
        one = SidedFloor(floor.side, "A", sessions=SESSIONS, start="20261123 10:00")
        entry = held(one)
        one.until("20261123 15:19:59" if before else SQUARE_OFF)
        for word in ("STOPLOSS", None):
            assert isinstance(one.cancel(entry, word), Cancelled)
        one.until("20261123 15:21")
        one.tick(456.00, 2)
        ends.append([(told(row), row.info, row.order_type, row.filled) for row in one.rows(entry) if row])
    assert ends[0] == ends[1]


def test_a_cancel_in_flight_when_square_off_comes(floor: SidedFloor) -> None:
    """An exit whose target's cancel is on its way at square-off: one closing order, and the asker has his success."""
    entry = held(floor)
    floor.faults(slow(Point.CANCEL, 1_500, Leg.TARGET))
    floor.until("20261123 15:19:59")
    asked = floor.ask_cancel(entry, "STOPLOSS")
    floor.until("20261123 15:20:01")
    stop, _ = floor.legs(entry)
    assert floor.answer(asked) == Cancelled(stop.order_id)
    assert sum(isinstance(event, ClosingRequested) for event in floor.events()) == 1


def test_a_fill_that_was_unheard_at_square_off_is_closed_too(floor: SidedFloor) -> None:
    """Shares heard of after square-off are exited like the rest."""
    entry = floor.place()
    floor.faults(slow(Point.FILL, 5_000, Leg.ENTRY))
    floor.until("20261123 15:19:58")
    floor.silent(456.95, 4)
    floor.until("20261123 15:20:10")
    rows = floor.state.rows_of(floor.state.bracket_of(entry))
    assert floor.net() == 4
    assert [row.remaining for row in rows if row.at_market and not row.terminal] == [4]
    floor.tick(456.00, 100)
    assert floor.net() == 0


# The end


def test_at_the_end_whatever_works_is_cancelled(floor: SidedFloor) -> None:
    """At the end of the session whatever still works is CANCELLED "SESSION_END", and the exchange works nothing."""
    entry = left_open(floor)
    stop, target = floor.legs(entry)
    assert (told(stop), stop.info) == ((Status.CANCELLED, 4, 0, 0, 4), "SESSION_END")
    assert (target.status, target.info) == (Status.CANCELLED, "")
    assert not floor.venue._work


def test_what_is_open_after_the_end_is_unprotected(floor: SidedFloor) -> None:
    """Open > 0 after the end is UNPROTECTED, over the night, and after a restart."""
    entry = left_open(floor)
    for moment in ("20261123 23:59", "20261124 12:00", "20261125 09:15"):
        floor.until(moment)
        floor.restart()
        assert floor.order(entry).info == "UNPROTECTED"
        assert floor.net() == 4


def test_an_exit_after_the_end_finds_the_market_closed(floor: SidedFloor) -> None:
    """An exit asked for after the end is MARKET_CLOSED; by the entry's id alone it is by the entry's state."""
    entry = left_open(floor)
    stop, _ = floor.legs(entry)
    for moment in ("20261123 15:31", "20261124 12:00", "20261125 09:00"):
        floor.until(moment)
        assert floor.cancel(entry, "STOPLOSS") == MARKET_CLOSED
        assert floor.cancel(stop.order_id) == MARKET_CLOSED
        assert floor.cancel(entry) == Cancelled(entry)


def test_what_is_open_is_rescued_at_the_next_sessions_first_print(floor: SidedFloor) -> None:
    """Closed by a rescue order at the next session's first print, no earlier, and the flag goes with it."""
    entry = left_open(floor)
    floor.until("20261125 09:20")
    assert not any(isinstance(event, RescuePlaced) for event in floor.events())
    floor.tick(457.00, 0, (), ())
    assert not any(isinstance(event, RescuePlaced) for event in floor.events())
    floor.silent(457.00)
    (rescue,) = floor.state.rescues_of(floor.state.bracket_of(entry))
    assert (rescue.order_type, rescue.info, rescue.leg) == (OrderType.MARKET, "RESCUE", Leg.STOPLOSS)
    assert told(rescue) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert floor.order(entry).info == ""
    floor.tick(456.50, 100)
    assert floor.net() == 0


@pytest.mark.parametrize("crash", [False, True])
def test_rescue_orders_of_one_print_go_out_in_the_order_of_their_brackets(floor: SidedFloor, crash: bool) -> None:
    """What a session left open is rescued oldest first, whatever the process hashes its names to, crashed or not."""
    entries = [floor.place(quantity=1) for _ in range(8)]
    floor.silent(456.95, 8)
    floor.until(END)
    floor.until("20261125 09:20")
    if crash:
        floor.restart()
    floor.silent(457.00)
    rescued = [event.basket_id for event in floor.events() if isinstance(event, RescuePlaced)]
    assert rescued == [floor.order(entry).basket_id for entry in entries]


def test_a_tick_while_the_market_is_closed_rescues_nothing(floor: SidedFloor) -> None:
    """A print that comes before the session is no print of the session."""
    entry = left_open(floor)
    floor.until("20261125 09:10")
    floor.tick(457.00, 100)
    assert floor.net() == 4
    assert floor.order(entry).info == "UNPROTECTED"
    floor.until(NEXT_OPEN)
    floor.tick(457.00, 100)
    assert floor.net() == 0


def test_an_exit_before_the_first_print_of_a_session_is_done_at_once(floor: SidedFloor) -> None:
    """UNPROTECTED, in the session, nothing printed yet: the closing is tried at once, and it is a success."""
    entry = left_open(floor)
    floor.until("20261125 09:16")
    outcome = floor.cancel(entry, "STOPLOSS")
    assert isinstance(outcome, Cancelled)
    assert len(floor.state.rescues_of(floor.state.bracket_of(entry))) == 1
    floor.tick(456.50, 100)
    assert floor.net() == 0
    assert len(floor.state.bracket_of(entry).rescue_ids) == 1


def test_a_refused_exit_before_the_first_print_says_so(floor: SidedFloor) -> None:
    """UNPROTECTED, in the session, the venue unwilling: VENUE_REFUSED, and at the print it is sent again."""
    entry = left_open(floor)
    floor.until("20261125 09:16")
    floor.faults(refuses(Point.PLACE, Leg.STOPLOSS))
    assert floor.cancel(entry, "STOPLOSS") == Refused(Reason.VENUE_REFUSED, text="no")
    floor.faults()
    floor.tick(456.50, 100)
    assert floor.net() == 0


def test_a_closing_order_that_found_nobody_ends_with_the_session(floor: SidedFloor) -> None:
    """A partly filled closing order is CANCELLED "SESSION_END" with what it sold; the rest is rescued next session."""
    entry = held(floor)
    floor.until("20261123 15:25")
    floor.tick(456.00, 3)
    floor.until(END)
    stop, _ = floor.legs(entry)
    assert (told(stop), stop.info) == ((Status.CANCELLED, 4, 3, 0, 1), "SESSION_END")
    floor.until("20261125 09:20")
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_a_rescue_order_that_found_nobody_is_followed_by_another(floor: SidedFloor) -> None:
    """A rescue order that ends with its session leaves its shares to the next session's first print."""
    entry = left_open(floor)
    floor.until("20261125 15:25")
    floor.silent(456.50)
    floor.until("20261125 16:00")
    (rescue,) = floor.state.rescues_of(floor.state.bracket_of(entry))
    assert (rescue.status, rescue.info, floor.order(entry).info) == (Status.CANCELLED, "SESSION_END", "UNPROTECTED")
    floor.until("20261126 09:20")
    floor.tick(456.00, 100)
    assert floor.net() == 0
    floor.until("20261127 09:20")
    assert floor.state.orders == {}


def test_at_the_end_the_venue_tells_what_it_owes(floor: SidedFloor) -> None:
    """A fill under way at the end is heard before the books are cleared: nothing is on its way over the night."""
    entry = floor.place()
    floor.faults(slow(Point.FILL, 3_600_000, Leg.ENTRY))
    floor.until("20261123 15:10")
    floor.silent(456.95, 4)
    floor.until(END)
    assert not floor.state.post
    assert floor.order(entry).filled == 4
    assert floor.order(entry).info == "UNPROTECTED"
    floor.until("20261125 09:20")
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_an_exit_in_flight_at_the_end_is_answered(floor: SidedFloor) -> None:
    """An exit whose answer is under way at the end has its outcome then: nothing stays in flight."""
    entry = held(floor)
    floor.faults(refuses(Point.CLOSE), slow(Point.CLOSE_ANSWER, 600_000))
    floor.until("20261123 15:29:59")
    asked = floor.ask_cancel(entry, "STOPLOSS")
    floor.until(END)
    assert floor.answer(asked) == MARKET_CLOSED
    assert floor.order(entry).info == "UNPROTECTED"


@pytest.mark.parametrize("silent", [False, True])
def test_an_exit_tried_afresh_at_the_end_is_answered(floor: SidedFloor, silent: bool) -> None:
    """An exit in flight when the session ends, refused there or never answered: the market is closed, all is known."""
    entry = held(floor)
    floor.faults(refuses(Point.CLOSE))
    floor.until("20261123 15:29:59")
    stop, _ = floor.legs(entry)
    assert stop.status is Status.TRIGGER_PENDING
    floor.faults(refuses(Point.CLOSE), slow(Point.CLOSE_ANSWER, 600_000))
    if silent:
        submit = floor.front.submit
        floor.front.submit = lambda instruction, now_ns: (  # type: ignore[method-assign]
            iter(()) if isinstance(instruction, ClosePair) else submit(instruction, now_ns)
        )
    asked = floor.ask_cancel(entry, "STOPLOSS")
    assert floor.answer(asked) is None
    floor.until(END)
    assert floor.answer(asked) == MARKET_CLOSED
    assert floor.order(entry).info == "UNPROTECTED"
    floor.until("20261125 09:20")
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_an_entry_that_would_not_be_cancelled_ends_with_the_session(floor: SidedFloor) -> None:
    """Rule E refused from square-off to the end: asked again each second, then CANCELLED "SESSION_END"."""
    entry = floor.place()
    floor.faults(refuses(Point.CANCEL))
    floor.until("20261123 15:20:05")
    assert floor.order(entry).status is Status.CONFIRMED
    floor.until(END)
    assert (floor.order(entry).status, floor.order(entry).info) == (Status.CANCELLED, "SESSION_END")


# The next day


def test_a_new_day_keeps_nothing_that_is_over(floor: SidedFloor) -> None:
    """What is over is archived with the new day: its ids are not found any more, the account starts clean."""
    entry = held(floor, 10)
    floor.tick(458.95, 100)
    other = floor.place(price=450.00)
    floor.until("20261124 23:59")
    assert {entry, other} <= set(floor.state.orders)
    assert floor.cancel(other) == Cancelled(other)
    floor.until("20261125 00:00")
    assert floor.state.orders == {}
    assert floor.state.trades == {}
    assert floor.state.positions == {}
    assert floor.cancel(entry) == NotFound()


def test_a_new_days_cash_carries_what_was_earned(floor: SidedFloor) -> None:
    """What a closed bracket earned is cash on the next day, and nothing is realised yet then."""
    held(floor, 10)
    floor.tick(458.95, 100)
    account = floor.state.accounts["A"]
    cash, available = account.cash_paise, account.available_paise
    assert account.realised_paise == 10 * 200
    floor.until("20261125 09:20")
    account = floor.state.accounts["A"]
    assert (account.cash_paise, account.realised_paise) == (cash + 10 * 200, 0)
    assert account.available_paise == available


def test_a_bracket_that_is_open_is_kept_over_the_night(floor: SidedFloor) -> None:
    """An open bracket stays with its rows, trades and position; the ones that are over go."""
    over = floor.place(price=450.00)
    entry = left_open(floor)
    floor.until("20261125 09:20")
    assert over not in floor.state.orders
    assert set(floor.state.orders) == {row.order_id for row in floor.rows(entry) if row}
    assert floor.net() == 4
    assert floor.trades(entry) == [(456.95, 4)]
    assert floor.state.accounts["A"].blocked_paise > 0


def test_a_new_days_ids_start_anew_and_exchange_ids_go_on(floor: SidedFloor) -> None:
    """Order ids carry the new date and count from 1; exchange ids are unique over all days."""
    first = floor.order(floor.place(price=450.00))
    floor.until("20261125 09:20")
    second = floor.order(floor.place(price=450.00))
    assert first.basket_id == "20261123-1"
    assert (second.basket_id, second.order_id) == ("20261125-1", "20261125-2")
    assert second.exchange_order_id > first.exchange_order_id


def test_a_holiday_is_no_day(floor: SidedFloor) -> None:
    """The holiday belongs to the day before: a day begins on Wednesday, not on Tuesday."""
    floor.until("20261126 09:20")
    days = [event.date for event in floor.events() if isinstance(event, DayBegun)]
    assert days == ["20261123", "20261125", "20261126"]


def test_a_weekend_is_no_day(floor: SidedFloor) -> None:
    """Saturday and Sunday belong to Friday."""
    floor.until("20261130 09:20")
    days = [event.date for event in floor.events() if isinstance(event, DayBegun)]
    assert days[-2:] == ["20261127", "20261130"]


def test_a_day_goes_through_its_stages(floor: SidedFloor) -> None:
    """A day is BEFORE, TRADING, SQUARE_OFF, LAST_CALL and ENDED, each once."""
    floor.until("20261125 23:59")
    events = floor.events()
    begun = next(at for at, event in enumerate(events) if isinstance(event, DayBegun) and event.date == "20261125")
    stages = [event.stage for event in events[begun:] if isinstance(event, StageReached)]
    assert stages == [Stage.TRADING, Stage.SQUARE_OFF, Stage.LAST_CALL, Stage.ENDED]


# Restarts


def a_long_story(floor: SidedFloor, pause: Callable[[], None]) -> None:
    """Three sessions with everything in them; `pause` comes between."""
    entry = held(floor)
    other = floor.place(client="B", price=450.00)
    pause()
    floor.until("20261123 15:19")
    pause()
    floor.until("20261123 15:20:30")
    pause()
    floor.tick(456.00, 3)
    floor.until("20261123 15:45")
    pause()
    floor.until("20261124 00:00:01")
    pause()
    floor.until("20261124 15:25")
    pause()
    floor.until("20261125 09:14")
    pause()
    floor.until("20261125 09:16")
    pause()
    floor.tick(456.50, 100)
    held(floor, 10)
    floor.tick(458.95, 100)
    pause()
    floor.until("20261127 16:00")
    pause()
    floor.until("20261129 12:00")
    pause()
    floor.until("20261130 09:20")
    pause()
    assert entry not in floor.state.orders
    assert other not in floor.state.orders
    assert floor.net() == 0
    floor.place()


def test_restarts_across_the_days_change_nothing(floor: SidedFloor) -> None:
    """Restarts across midnight, square-off, a holiday and a weekend equal none, byte for byte."""
    crashing = SidedFloor(floor.side, "A", "B", sessions=SESSIONS, start="20261123 10:00")
    a_long_story(floor, lambda: None)
    a_long_story(crashing, crashing.restart)
    assert encode_state(floor.state) == encode_state(crashing.state)
    assert floor.steps == crashing.steps


def asleep(floor: SidedFloor, moment: str) -> None:
    """The process does not run until then, and starts: all that fell due happens now."""
    floor.now_ns = SidedFloor(floor.side, sessions=SESSIONS, start=moment).now_ns - 1_000_000
    floor.restart()


@pytest.mark.parametrize("moment", ["20261123 15:29", "20261123 18:00", "20261124 10:00", "20261125 08:00"])
def test_who_slept_through_a_turn_does_it_at_his_start(floor: SidedFloor, moment: str) -> None:
    """A server that slept through square-off or the end does at its start what is due: nothing works unasked."""
    entry = held(floor)
    asleep(floor, moment)
    stop, target = floor.legs(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    if moment == "20261123 15:29":
        assert (stop.status, stop.info) == (Status.CONFIRMED, "CLOSING")
    else:
        assert (stop.status, stop.info, target.info) == (Status.CANCELLED, "SESSION_END", "SESSION_END")
        assert floor.order(entry).info == "UNPROTECTED"
    floor.until("20261125 09:20")
    floor.tick(456.00, 100)
    assert floor.net() == 0


def test_who_slept_into_the_next_session_finds_yesterdays_shares(floor: SidedFloor) -> None:
    """Asleep from Monday into Wednesday's session: yesterday ended first, and the first print rescues."""
    entry = held(floor)
    over = floor.place(price=450.00)
    asleep(floor, "20261125 11:00")
    assert floor.state.day == "20261125"
    assert floor.order(entry).info == "UNPROTECTED"
    assert over not in floor.state.orders
    floor.tick(456.00, 100)
    assert floor.net() == 0


# Always open


def test_a_market_that_is_always_open_has_no_turns(floor: SidedFloor) -> None:
    """`always` has no cut-off, no square-off and no end: at any hour all is as in the session."""
    one = SidedFloor(floor.side, "A", sessions=AlwaysOpen(), start="20261123 10:00")
    entry = held(one)
    for moment in ("20261123 15:21", "20261123 15:31", "20261124 03:00"):
        one.until(moment)
        one.restart()
        stop, target = one.legs(entry)
        assert (stop.status, target.status) == (Status.TRIGGER_PENDING, Status.CONFIRMED)
        assert one.order(entry).status is Status.CONFIRMED
        assert one.place(price=450.00)
    assert not any(isinstance(event, StageReached) for event in one.events())
    assert isinstance(one.cancel(entry, "STOPLOSS"), Cancelled)


def test_a_market_that_is_always_open_archives_at_midnight(floor: SidedFloor) -> None:
    """`always`: at midnight what is over goes and the profit is cash; what works goes on."""
    one = SidedFloor(floor.side, "A", sessions=AlwaysOpen(), start="20261123 10:00")
    closed = held(one, 10)
    one.tick(458.95, 100)
    working = one.place(price=450.00)
    cash = one.state.accounts["A"].cash_paise
    one.until("20261124 00:00")
    assert closed not in one.state.orders
    assert one.state.accounts["A"].cash_paise == cash + 10 * 200
    assert one.order(working).status is Status.CONFIRMED
    one.restart()
    assert one.order(one.place()).basket_id.startswith("20261124-")
