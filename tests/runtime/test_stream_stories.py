"""What the listened-to machine may meet, told as stories: each is heard as REST shows it, step by step, to its end.

`HeardFloor` compares after every step; what stands here is that the story really is the one that it is called.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.engine.test_machine import STEPS
from tests.heard_floor import HeardFloor
from tests.runtime.test_stream_machine import HeardMachine
from tests.stormy_floor import MINUTE_NS
from tests.trading_floor import SBIN, bracket, paise

from bracketd.domain.commands import CancelOrder, ModifyOrder
from bracketd.domain.instrument import Tick
from bracketd.domain.order import Leg
from bracketd.domain.outcomes import Placed
from bracketd.runtime import streams
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point

MS = 1_000_000


def placed(floor: HeardFloor, **fields: object) -> str:
    """A bracket of A that is taken."""
    outcome = floor.ask(bracket(**fields))  # type: ignore[arg-type]
    assert isinstance(outcome, Placed), outcome
    return outcome.order_id


def print_(floor: HeardFloor, price: float, quantity: int = 1_000) -> None:
    """A print with nobody displayed."""
    floor.tick(Tick(SBIN, paise(price), quantity, (), ()))


def wrong(floor: HeardFloor, on: Point, action: Action, **fields: object) -> None:
    """One thing goes wrong from now on."""
    floor.set_plan(FaultPlan((FaultRule(on=on, action=action, **fields),)))  # type: ignore[arg-type]


def refused_stop(floor: HeardFloor) -> None:
    """The venue refuses the stop-loss and what would close: unprotected, tried again across a crash, taken at last."""
    points = (Point.LEG, Point.CLOSE, Point.PLACE)
    floor.set_plan(FaultPlan(tuple(FaultRule(on=on, action=Action.REFUSE, leg=Leg.STOPLOSS) for on in points)))
    placed(floor)
    print_(floor, 456.95)
    floor.wait(2_500 * MS)
    floor.restart()
    floor.wait(1_500 * MS)
    floor.set_plan(FaultPlan())
    floor.wait(2_500 * MS)


def refused_target(floor: HeardFloor) -> None:
    """The venue refuses the target while the stop-loss works."""
    wrong(floor, Point.LEG, Action.REFUSE, leg=Leg.TARGET)
    placed(floor)
    print_(floor, 456.95)
    floor.wait(2_500 * MS)
    print_(floor, 455.0)


def late_fill(floor: HeardFloor) -> None:
    """A fill is told after the entry's cancel: a rescue order closes what nobody holds."""
    entry = placed(floor)
    wrong(floor, Point.FILL, Action.DELAY, delay_ms=1_500)
    print_(floor, 456.95, 4)
    floor.ask(CancelOrder(client_id="A", ids=(entry,)))
    floor.wait(2_000 * MS)
    floor.set_plan(FaultPlan())
    print_(floor, 456.95)


def lost_answers(floor: HeardFloor) -> None:
    """A modify and a cancel whose answers are lost, and a crash in between."""
    entry = placed(floor, quantity=5)
    wrong(floor, Point.MODIFY_ANSWER, Action.DROP)
    floor.ask(ModifyOrder(client_id="A", ids=(entry,), quantity=9))
    floor.restart()
    floor.wait(7_000 * MS)
    floor.listen_anew("A")
    floor.ask(CancelOrder(client_id="A", ids=(entry,)))
    floor.wait(7_000 * MS)


def whole_day(floor: HeardFloor) -> None:
    """Open over square-off, the session's end and the night; the next day begins without what was over."""
    stopped = placed(floor)
    print_(floor, 456.95)
    print_(floor, 459.0)
    assert all(row.terminal for row in floor.state.rows_of(floor.state.bracket_of(stopped)))
    held = placed(floor, price=455.0, step=0.5)
    for price in (455.0, 455.5, 456.0):
        print_(floor, price)
    placed(floor, price=450.0)
    while floor.state.day == "20261123":
        change_ns = floor.sessions.next_change_ns(floor.now_ns)
        assert change_ns is not None
        floor.wait(change_ns - floor.now_ns)
        floor.listen_anew("B")
    assert stopped not in floor.state.orders
    assert held in floor.state.orders


def slept_through_the_end(floor: HeardFloor) -> None:
    """The machine is suspended on Monday and wakes on Wednesday: how Monday ended is heard before Wednesday begins."""
    placed(floor, price=450.0)
    floor.now_ns += 48 * 60 * MINUTE_NS
    floor.do_due()
    assert floor.state.day == "20261125"
    assert floor.state.orders == {}


def fill_before_its_acknowledgement(floor: HeardFloor) -> None:
    """A fill is told before the exchange's acknowledgement: its trade gets the exchange's number with the row."""
    wrong(floor, Point.ACKNOWLEDGEMENT, Action.DELAY, delay_ms=1_500)
    placed(floor)
    print_(floor, 456.95, 4)
    assert [trade["exchange_order_id"] for trade in floor.heard["A"][1].trades.values()] == [""]
    floor.wait(2_000 * MS)
    assert "" not in [trade["exchange_order_id"] for trade in floor.heard["A"][1].trades.values()]


def left_open_and_listened_to_anew(floor: HeardFloor) -> None:
    """All rows are at their end and shares are open: who listens from then on hears of the rescue order alone."""
    placed(floor)
    print_(floor, 456.95)
    while floor.state.stage.name != "ENDED":
        change_ns = floor.sessions.next_change_ns(floor.now_ns)
        assert change_ns is not None
        floor.wait(change_ns - floor.now_ns)
    assert all(row.terminal for row in floor.state.orders.values())
    floor.restart()
    while not floor.state.stage.trades:
        change_ns = floor.sessions.next_change_ns(floor.now_ns)
        assert change_ns is not None
        floor.wait(change_ns - floor.now_ns)
    print_(floor, 456.95)


STORIES: tuple[tuple[Callable[[HeardFloor], None], set[str]], ...] = (
    (refused_stop, {"StopRefused", "ProtectionLost", "UNPROTECTED", "ProtectionRegained"}),
    (refused_target, {"OrderRefused", "TradeBooked"}),
    (late_fill, {"OrderCancelled", "RescuePlaced", "TradeBooked"}),
    (lost_answers, {"ModifyRequested", "OrderModified", "CancelRequested", "OrderCancelled", "LetterArrived"}),
    (slept_through_the_end, {"StageReached", "OrderCancelled", "DayBegun"}),
    (fill_before_its_acknowledgement, {"TradeBooked", "OrderAccepted"}),
    (left_open_and_listened_to_anew, {"ExitRequested", "RescuePlaced", "DayBegun"}),
    (whole_day, {"StopTrailed", "ExitRequested", "StageReached", "DayBegun"}),
)


@pytest.mark.parametrize(("story", "wanted"), STORIES, ids=lambda value: getattr(value, "__name__", ""))
def test_story_is_heard_as_rest_shows_it(story: Callable[[HeardFloor], None], wanted: set[str]) -> None:
    """The story happens as it is called, and after each of its steps the stream equals REST."""
    with HeardFloor() as floor:
        story(floor)
        assert wanted <= floor.met
        floor.come_to_rest()


def deaf_to_the_siblings(plant: pytest.MonkeyPatch) -> None:
    """Of a bracket only the row that an event names is looked at."""
    plant.setattr(streams, "_rows", lambda state, event: named(state, event))


def named(state: object, event: object) -> list[object]:
    """The row that the event names, if any."""
    order = state.orders.get(getattr(event, "order_id", ""))  # type: ignore[attr-defined]
    return [] if order is None else [order]


def shown_too_early(plant: pytest.MonkeyPatch) -> None:
    """A step is pushed before it is on disk."""

    def hasty(self: streams.Streams, seq: int, events: list[object]) -> None:
        stepped(self, seq, events)  # type: ignore[arg-type]
        while self._undurable:
            self._push(self._undurable.popleft())

    stepped = streams.Streams.stepped
    plant.setattr(streams.Streams, "stepped", hasty)


def trades_forgotten(plant: pytest.MonkeyPatch) -> None:
    """Fills are told by their rows alone."""
    plant.setattr(streams, "TradeBooked", type(None))


PLANTS = (deaf_to_the_siblings, shown_too_early, trades_forgotten)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_planted_fault_is_heard(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine with listeners finds a hub that leaves something out or is too quick."""
    plant(monkeypatch)
    limits = settings(
        max_examples=60,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.generate,),
        database=None,
        derandomize=True,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(HeardMachine, settings=limits)
