"""Cover orders: a bracket without a target, under the bracket's own rules."""

import pytest
from tests.sided_floor import SidedFloor
from tests.stormy_floor import MINUTE_NS, START_NS, StormyFloor
from tests.trading_floor import SBIN, cover, levels, paise

from bracketd.domain.commands import CancelOrder
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import day_start_ns
from bracketd.domain.order import Execution, Leg, OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, FieldFault, Modified, NotFound, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point


@pytest.fixture(params=Side)
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor where 456.95 printed last; every test runs for both sides."""
    floor = SidedFloor(request.param, "A", "B")
    floor.tick(456.95, 0)
    return floor


def opened(floor: SidedFloor, quantity: int = 10, **fields: object) -> str:
    """A cover order filled at 456.95 with its stop one rupee away; returns its entry's id."""
    entry = floor.place(quantity=quantity, **({"execution": Execution.CO, "t": 0.0} | fields))
    floor.tick(456.95, quantity, (), ())
    return entry


def test_a_fill_makes_a_stop_alone(floor: SidedFloor) -> None:
    """The first fill makes the STOPLOSS, one offset away, and no target."""
    entry = opened(floor)
    rows = floor.state.rows_of(floor.state.bracket_of(entry))
    assert [row.leg for row in rows] == [Leg.ENTRY, Leg.STOPLOSS]
    assert all(row.execution is Execution.CO for row in rows)
    stop = rows[1]
    assert (stop.status, stop.quantity, floor.paise(stop.trigger_paise)) == (Status.TRIGGER_PENDING, 10, 45_595)


def test_the_stop_grows(floor: SidedFloor) -> None:
    """Each later fill grows the stop, and a restart in between changes nothing."""
    entry = floor.place(execution=Execution.CO, t=0.0)
    for filled in (3, 6, 10):
        floor.tick(456.95, filled - floor.state.orders[entry].filled, (), ())
        floor.restart()
        stop = floor.state.rows_of(floor.state.bracket_of(entry))[1]
        assert (stop.quantity, stop.remaining) == (filled, filled)


def test_the_stop_closes_it(floor: SidedFloor) -> None:
    """When the stop is reached it closes all that is open and is COMPLETE; nothing works any more."""
    entry = opened(floor)
    floor.tick(455.95, 1_000)
    bracket = floor.state.bracket_of(entry)
    assert [row.status for row in floor.state.rows_of(bracket)] == [Status.COMPLETE, Status.COMPLETE]
    assert floor.state.open_quantity(bracket) == 0
    assert (floor.venue._work, floor.venue._pairs) == ({}, {})
    assert floor.state.accounts["A"].blocked_paise == 0


def test_no_profit_closes_it(floor: SidedFloor) -> None:
    """No price on the good side closes a cover order."""
    entry = opened(floor)
    floor.tick(480.0, 1_000)
    assert floor.state.open_quantity(floor.state.bracket_of(entry)) == 10


def test_it_trails(floor: SidedFloor) -> None:
    """A cover order's stop trails as a bracket's does."""
    entry = opened(floor, step=0.5)
    floor.tick(458.95, 0)
    floor.tick(458.95, 1, (), ())
    stop = floor.state.rows_of(floor.state.bracket_of(entry))[1]
    assert floor.paise(stop.trigger_paise) == 45_795


def test_rule_e_keeps_the_stop(floor: SidedFloor) -> None:
    """A cancel of the entry takes the remainder and keeps the protection of what is filled."""
    entry = floor.place(execution=Execution.CO, t=0.0)
    floor.tick(456.95, 4, (), ())
    assert floor.cancel(entry) == Cancelled(entry)
    stop = floor.state.rows_of(floor.state.bracket_of(entry))[1]
    assert (stop.status, stop.remaining) == (Status.TRIGGER_PENDING, 4)


@pytest.mark.parametrize("by_leg", [False, True])
def test_rule_x_closes_it(floor: SidedFloor, by_leg: bool) -> None:
    """Naming the STOPLOSS, by its word or its own id, makes it the closing order for all that is open."""
    entry = opened(floor)
    stop = floor.state.rows_of(floor.state.bracket_of(entry))[1]
    outcome = floor.cancel(stop.order_id) if by_leg else floor.cancel(entry, "STOPLOSS")
    assert outcome == Cancelled(stop.order_id)
    assert (stop.order_type, stop.status, stop.info) == (OrderType.MARKET, Status.CONFIRMED, "CLOSING")
    floor.tick(456.5, 1_000)
    assert stop.status is Status.COMPLETE
    assert floor.cancel(entry, "STOPLOSS") == Cancelled(stop.order_id)


def test_naming_the_target(floor: SidedFloor) -> None:
    """TARGET is LEG_NOT_ACTIVE in every state of a cover order, and changes nothing."""
    entry = floor.place(execution=Execution.CO, t=0.0)
    assert floor.cancel(entry, "TARGET") == Refused(Reason.LEG_NOT_ACTIVE)
    floor.tick(456.95, 10, (), ())
    assert floor.cancel(entry, "TARGET") == Refused(Reason.LEG_NOT_ACTIVE)
    assert floor.state.open_quantity(floor.state.bracket_of(entry)) == 10
    floor.cancel(entry, "STOPLOSS")
    floor.tick(456.5, 1_000)
    assert floor.cancel(entry, "SECOND") == Refused(Reason.LEG_NOT_ACTIVE)


def test_what_names_it(floor: SidedFloor) -> None:
    """It is called CO; BO and REGULAR are not its execution type, and another client does not find it."""
    entry = opened(floor)
    assert floor.cancel(entry, execution_type="BO") == FieldFault("execution_type")
    assert floor.cancel(entry, execution_type="REGULAR") == FieldFault("execution_type")
    assert floor.cancel(entry, client="B", execution_type="CO") == NotFound()
    assert floor.cancel(entry, "STOPLOSS", execution_type="co") == Cancelled(floor.state.bracket_of(entry).stop_id)


def test_a_target_is_refused(floor: SidedFloor) -> None:
    """A square_off_value is refused, placing and modifying, and so is a stop of no offset or outside the band."""
    assert floor.command(cover(t=1.0)) == Refused(Reason.OFFSET_INVALID, "square_off_value")
    assert floor.command(cover(s=0.0)) == Refused(Reason.OFFSET_INVALID, "stop_loss_value")
    assert floor.command(cover(s=300.0)) == Refused(Reason.OFFSET_INVALID, "stop_loss_value")
    entry = opened(floor)
    assert floor.modify(entry, t=1.0) == Refused(Reason.TOO_LATE)
    working = floor.place(price=450.0, execution=Execution.CO, t=0.0)
    assert floor.modify(working, t=1.0) == Refused(Reason.CANNOT_MODIFY_FIELD, "square_off_value")


def test_it_is_intraday(floor: SidedFloor) -> None:
    """A cover order is MIS, as a bracket is."""
    assert floor.command(cover(product="CNC")) == Refused(Reason.PRODUCT_NOT_ALLOWED, "product")


def test_modifying(floor: SidedFloor) -> None:
    """The entry's price and offset can be changed, and the stop's trigger by hand."""
    entry = floor.place(execution=Execution.CO, t=0.0, quantity=10)
    floor.tick(456.95, 4, (), ())
    stop = floor.state.rows_of(floor.state.bracket_of(entry))[1]
    assert floor.modify(entry, s=2.0) == Modified(entry)
    assert floor.paise(stop.trigger_paise) == 45_495
    assert floor.modify(stop.order_id, trigger=455.0) == Modified(stop.order_id)
    assert floor.modify(entry, price=456.0) == Modified(entry)
    floor.tick(456.0, 6, (), ())
    assert (floor.paise(stop.trigger_paise), stop.remaining) == (45_500, 10)


def test_a_position_of_nothing_blocks_nothing(floor: SidedFloor) -> None:
    """An unfilled cover order that is cancelled gives back what it blocked."""
    entry = floor.place(price=450.0, execution=Execution.CO, t=0.0)
    assert floor.state.accounts["A"].blocked_paise > 0
    floor.cancel(entry)
    assert floor.state.accounts["A"].blocked_paise == 0


# When the venue does not play along


def storm_with(*rules: FaultRule) -> tuple[StormyFloor, str]:
    """A floor with these faults, and a cover order that works on it."""
    storm = StormyFloor()
    storm.set_plan(FaultPlan(rules))
    outcome = storm.ask(cover())
    assert isinstance(outcome, Placed)
    return storm, outcome.order_id


def test_a_refused_stop_is_closed_at_once() -> None:
    """A stop that the venue will not have is sent as the closing order, without a target to wait for."""
    storm, entry = storm_with(FaultRule(on=Point.LEG, action=Action.REFUSE))
    storm.tick(Tick(SBIN, paise(456.95), 10, levels((456.9, 100)), ()))
    storm.check()
    bracket = storm.state.bracket_of(entry)
    assert (bracket.leg_refused, bracket.unprotected) == (True, False)
    storm.tick(Tick(SBIN, paise(456.95), 10, levels((456.9, 100)), ()))
    assert storm.state.open_quantity(bracket) == 0


def test_a_refused_growth_and_closing() -> None:
    """A growth and a closing that are refused leave the cover order UNPROTECTED until a second has gone by."""
    storm, entry = storm_with(
        FaultRule(on=Point.GROWTH, action=Action.REFUSE), FaultRule(on=Point.CLOSE, action=Action.REFUSE, times=2)
    )
    storm.tick(Tick(SBIN, paise(456.95), 4, (), ()))
    storm.tick(Tick(SBIN, paise(456.95), 4, (), ()))
    storm.check()
    bracket = storm.state.bracket_of(entry)
    assert bracket.unprotected
    storm.restart()
    storm.wait(1_100_000_000)
    storm.check()
    assert not storm.state.bracket_of(entry).unprotected


def test_square_off() -> None:
    """At square-off a cover order is exited like a bracket."""
    storm, entry = storm_with()
    storm.tick(Tick(SBIN, paise(456.95), 4, (), ()))
    storm.wait(day_start_ns("20261123") + (15 * 60 + 21) * MINUTE_NS - START_NS)
    storm.check()
    bracket = storm.state.bracket_of(entry)
    assert bracket.exit_accepted
    assert storm.state.orders[entry].status is Status.CANCELLED
    again = storm.ask(CancelOrder(client_id="A", ids=(entry,), leg="STOPLOSS", execution_type="CO"))
    assert again == Cancelled(bracket.stop_id)
