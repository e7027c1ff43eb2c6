"""The engine's cancel table against bracket.md section 4 written by hand, and what no fault-free venue brings about."""

import pytest
from tests.trading_floor import INSTRUMENTS, Floor, bracket

from bracketd.domain.commands import CancelOrder
from bracketd.domain.events import AnyEvent, CancelRefused, CancelRequested, ClosingRefused, ExitRequested, OrderRefused
from bracketd.domain.order import Status
from bracketd.domain.outcomes import NotFound, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.cancel_table import BY_STATUS, CANCEL_TABLE, Situation, situation_of
from bracketd.engine.cancelling import Decision, decide_cancel
from bracketd.engine.deciding import decide
from bracketd.engine.evolve import evolve
from bracketd.engine.invariants import check_state
from bracketd.engine.moment import Moment
from bracketd.engine.protection import due

BY_HAND = {
    "placed, venue has not acknowledged": ("rule E", "LEG_NOT_ACTIVE", "not found"),
    "working, nothing filled": ("rule E", "LEG_NOT_ACTIVE", "not found"),
    "a modify or cancel in flight": ("after its answer", "after its answer", "after its answer"),
    "partly filled, remainder working": ("rule E", "rule X", "rule X"),
    "entry COMPLETE, legs working": ("TOO_LATE", "rule X", "rule X"),
    "entry CANCELLED after a fill, legs working": ("success, nothing to do", "rule X", "rule X"),
    "STOPLOSS triggered, open > 0": (
        "by the entry's state",
        "success, no second order; counts as an accepted exit",
        "success, no second order; counts as an accepted exit",
    ),
    "closing or rescue order under way": (
        "by the entry's state",
        "success, no second order; counts as an accepted exit",
        "success, no second order; counts as an accepted exit",
    ),
    "a leg REJECTED, or an exit refused before, stop in force": ("by the entry's state", "rule X", "rule X"),
    "UNPROTECTED, in the session": ("by the entry's state", "rule X", "rule X"),
    "entry CANCELLED, nothing filled": ("success, nothing to do", "LEG_NOT_ACTIVE", "not found"),
    "closed by an accepted exit": ("by the entry's state", "success, nothing to do", "success, nothing to do"),
    "closed otherwise (target, stop, rescue)": (
        "by the entry's state",
        "by the named leg's state",
        "by the named leg's state",
    ),
    "open > 0 after the session's end": ("by the entry's state", "MARKET_CLOSED", "MARKET_CLOSED"),
    "entry REJECTED": ("ALREADY_REJECTED", "ALREADY_REJECTED", "not found"),
}


def test_the_table_is_the_one_written_by_hand() -> None:
    """Every row and cell of the engine's table is the one of bracket.md section 4."""
    assert {str(row): tuple(map(str, cells)) for row, cells in CANCEL_TABLE.items()} == BY_HAND


def test_every_situation_has_a_row() -> None:
    """No situation is without its row, so no cancel is without an answer."""
    assert set(CANCEL_TABLE) == set(Situation)


def test_by_the_state_means_three_answers() -> None:
    """By the state: COMPLETE is TOO_LATE, CANCELLED success, REJECTED ALREADY_REJECTED; nothing else is terminal."""
    assert {str(status): str(said) for status, said in BY_STATUS.items()} == {
        "COMPLETE": "TOO_LATE",
        "CANCELLED": "success, nothing to do",
        "REJECTED": "ALREADY_REJECTED",
    }


def unacknowledged() -> tuple[Floor, str]:
    """A floor with a bracket that the venue has not heard of yet."""
    floor = Floor("A")
    decision = decide(floor.state, bracket(), INSTRUMENTS, Moment(floor.now_ns, floor.phase))
    for event in decision.events:
        evolve(floor.state, event)
    return floor, decision.named_id


def judged(floor: Floor, order_id: str, leg: str | None = None) -> Decision:
    """What the engine makes of a cancel, with nothing carried out."""
    return decide_cancel(floor.state, CancelOrder(client_id="A", ids=(order_id,), leg=leg), floor.now_ns, False)


def test_an_unacknowledged_entry_is_asked_to_be_cancelled() -> None:
    """Placed and not acknowledged: rule E asks the venue at once, an exit is not active, a leg's id not found."""
    floor, entry = unacknowledged()
    assert judged(floor, entry).events == (CancelRequested(floor.now_ns, entry),)
    assert judged(floor, entry).outcome is None
    assert judged(floor, entry, "TARGET").outcome == Refused(Reason.LEG_NOT_ACTIVE)
    assert judged(floor, entry.partition("-")[0] + "-3").outcome == NotFound()


@pytest.mark.parametrize("leg", [None, "ENTRY", "TARGET", "STOPLOSS"])
def test_what_is_in_flight_is_waited_for(leg: str | None) -> None:
    """A cancel in flight: a further request makes no event and no answer, it waits for the bracket to move."""
    floor, entry = unacknowledged()
    evolve(floor.state, CancelRequested(floor.now_ns, entry))
    decision = judged(floor, entry, leg)
    assert (decision.events, decision.outcome, decision.ticket) == ((), None, None)
    assert decision.waits_for == floor.state.orders[entry].basket_id


@pytest.mark.parametrize("leg", [None, "ENTRY", "TARGET", "STOPLOSS"])
def test_a_rejected_entry_says_so_to_everyone(leg: str | None) -> None:
    """Entry REJECTED: ALREADY_REJECTED whatever leg is named."""
    floor, entry = unacknowledged()
    evolve(floor.state, OrderRefused(floor.now_ns, entry, "no"))
    assert judged(floor, entry, leg).outcome == Refused(Reason.ALREADY_REJECTED)
    assert floor.state.accounts["A"].blocked_paise == 0


@pytest.mark.parametrize("which", ["entry", "stop", "target"])
def test_an_exit_that_was_refused_is_tried_afresh(which: str) -> None:
    """An exit refused before, stop in force: rule X anew by every id, rule E by the entry's state."""
    floor = Floor("A")
    entry = floor.place()
    floor.tick(456.95, 10, (), ())
    basket = floor.state.orders[entry].basket_id
    refused: list[AnyEvent] = [ExitRequested(floor.now_ns, basket), ClosingRefused(floor.now_ns, basket, "no")]
    for event in refused:
        evolve(floor.state, event)
    stop, target = floor.legs(entry)
    named = {"entry": (entry, "TARGET"), "stop": (stop.order_id, None), "target": (target.order_id, None)}[which]
    assert judged(floor, *named).events == (ExitRequested(floor.now_ns, basket),)
    assert judged(floor, entry).outcome == Refused(Reason.TOO_LATE)
    assert situation_of(floor.state, floor.state.brackets[basket], True) is Situation.SESSION_OVER


def test_an_exit_after_a_refused_target_cancel_asks_the_venue_again() -> None:
    """An exit that failed on the TARGET's cancel leaves the stop in force; a later exit asks for that cancel anew."""
    floor = Floor("A")
    entry = floor.place()
    floor.tick(456.95, 10, (), ())
    stop, target = floor.legs(entry)
    bracket_row = floor.state.bracket_of(entry)
    for _ in range(2):
        evolve(floor.state, ExitRequested(floor.now_ns, bracket_row.basket_id))
        asked = due(floor.state, bracket_row, floor.now_ns)
        assert asked == CancelRequested(floor.now_ns, target.order_id)
        evolve(floor.state, asked)
        assert due(floor.state, bracket_row, floor.now_ns) is None
        evolve(floor.state, CancelRefused(floor.now_ns, target.order_id, "busy"))
        assert target.status is Status.CONFIRMED
        refused = due(floor.state, bracket_row, floor.now_ns)
        assert refused == ClosingRefused(floor.now_ns, bracket_row.basket_id, "busy")
        evolve(floor.state, refused)
        assert due(floor.state, bracket_row, floor.now_ns) is None
        assert stop.status is Status.TRIGGER_PENDING
        check_state(floor.state)
