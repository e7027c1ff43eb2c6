"""Orders by themselves: placing, cancelling by rule E alone, modifying, what they bind, what is carried overnight."""

import msgspec
import pytest
from tests.stormy_floor import MINUTE_NS, START_NS, StormyFloor
from tests.trading_floor import Floor, bracket, levels, paise, regular

from bracketd.domain.account import Position
from bracketd.domain.commands import CancelOrder, ModifyOrder, PlaceBracket
from bracketd.domain.events import BracketPlaced, HeldModified, OrderReleased, decode_step, encode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import day_start_ns
from bracketd.domain.order import Execution, Leg, OrderType, Product, Side, Status, Terms, Validity
from bracketd.domain.outcomes import Cancelled, FieldFault, Modified, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase, Stage
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.invariants import check_state
from bracketd.engine.stake import open_cost_paise
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point

EVENING_NS = day_start_ns("20261123") + 20 * 60 * MINUTE_NS
"""A Monday evening; Tuesday is a holiday, so that the next session opens on Wednesday at 9:15."""


@pytest.fixture
def floor() -> Floor:
    """A floor where 456.95 printed last."""
    floor = Floor("A", "B", cash_paise=paise(100_000))
    floor.tick(456.95)
    return floor


def evening() -> StormyFloor:
    """A floor after the session."""
    storm = StormyFloor(start_ns=EVENING_NS)
    assert storm.state.stage is Stage.ENDED
    return storm


def wait_until(storm: StormyFloor, date: str, minutes: int) -> None:
    """Let time go by until that many minutes after midnight of a date."""
    storm.wait(day_start_ns(date) + minutes * MINUTE_NS - storm.now_ns)


def test_a_fill_makes_no_legs(floor: Floor) -> None:
    """An order by itself fills to the end and nothing is made beside it."""
    order_id = floor.regular(price=457.0)
    order = floor.state.orders[order_id]
    assert (order.status, order.filled, order.shown_leg) == (Status.COMPLETE, 10, Leg.NONE)
    assert [row.order_id for row in floor.state.orders.values()] == [order_id]


@pytest.mark.parametrize("product", Product)
@pytest.mark.parametrize("order_type", OrderType)
def test_every_type_and_product(floor: Floor, order_type: OrderType, product: Product) -> None:
    """All four order types are taken in all three products, and work as those of a bracket's entry do."""
    trigger = 458.0 if order_type in (OrderType.SL, OrderType.SLM) else 0.0
    order_id = floor.regular(order_type=order_type, product=product, price=458.5 if trigger else 450.0, trigger=trigger)
    status = {OrderType.LIMIT: Status.CONFIRMED, OrderType.MARKET: Status.COMPLETE}
    assert floor.state.orders[order_id].status is status.get(order_type, Status.TRIGGER_PENDING)
    floor.tick(458.0, 100, asks=levels((458.0, 100)))
    triggered = order_type is not OrderType.LIMIT
    assert (floor.state.orders[order_id].filled > 0) is triggered


def test_an_ioc_leaves_nothing(floor: Floor) -> None:
    """What an IOC does not get at once is CANCELLED, and what it got stays."""
    floor.tick(456.95, 4)
    order = floor.state.orders[floor.regular(price=457.0, validity="IOC")]
    assert (order.status, order.filled, order.cancelled) == (Status.CANCELLED, 4, 6)
    assert floor.state.positions[order.position_key].net == 4


def test_rule_e_alone(floor: Floor) -> None:
    """A cancel takes the remainder, keeps what is filled, and succeeds again when it is asked again."""
    floor.tick(456.95, 4)
    order_id = floor.regular(price=457.0)
    assert floor.cancel(order_id) == Cancelled(order_id)
    assert floor.cancel(order_id, "ENTRY") == Cancelled(order_id)
    order = floor.state.orders[order_id]
    assert (order.status, order.filled, order.remaining) == (Status.CANCELLED, 4, 0)
    assert floor.state.stakes[order.position_key].total.net == 4


def test_a_filled_one_is_too_late(floor: Floor) -> None:
    """A cancel of an executed order is TOO_LATE and sells nothing."""
    order_id = floor.regular(price=457.0)
    assert floor.cancel(order_id) == Refused(Reason.TOO_LATE)
    assert len(floor.state.orders) == 1


@pytest.mark.parametrize("leg", ["TARGET", "STOPLOSS", "SECOND"])
@pytest.mark.parametrize("price", [450.0, 457.0])
def test_it_has_no_exits(floor: Floor, leg: str, price: float) -> None:
    """Naming an exit leg of an order by itself is LEG_NOT_ACTIVE and changes nothing."""
    order_id = floor.regular(price=price)
    before = floor.state.orders[order_id].status
    assert floor.cancel(order_id, leg) == Refused(Reason.LEG_NOT_ACTIVE)
    assert floor.state.orders[order_id].status is before


@pytest.mark.parametrize(
    ("placed", "word", "fits"),
    [
        ("REGULAR", "regular", True),
        ("REGULAR", "AMO", False),
        ("REGULAR", "BO", False),
        ("AMO", "AMO", True),
        ("AMO", "Regular", True),
        ("AMO", "CO", False),
    ],
)
def test_what_a_request_may_call_it(floor: Floor, placed: str, word: str, fits: bool) -> None:
    """An execution type that is not the order's is refused; an AMO is a regular order too."""
    order_id = floor.regular(price=450.0, execution=Execution(placed))
    outcome = floor.cancel(order_id, execution_type=word)
    assert outcome == (Cancelled(order_id) if fits else FieldFault("execution_type"))


@pytest.mark.parametrize("field", ["t", "s", "step"])
def test_offsets_are_refused(floor: Floor, field: str) -> None:
    """An offset that no leg would obey is refused: somebody would count on a stop that is not there."""
    names = {"t": "square_off_value", "s": "stop_loss_value", "step": "trailing_stop_loss"}
    assert floor.command(regular(**{field: 1.0})) == Refused(Reason.OFFSET_INVALID, names[field])


def test_modifying(floor: Floor) -> None:
    """Price and quantity can be changed; a bracket's fields cannot, and what is filled is the least there can be."""
    order_id = floor.regular(price=450.0)
    assert floor.modify(order_id, price=451.0, quantity=20) == Modified(order_id)
    order = floor.state.orders[order_id]
    assert (order.price_paise, order.quantity, order.status) == (45_100, 20, Status.MODIFY_CONFIRMED)
    for field, name in (("s", "stop_loss_value"), ("t", "square_off_value"), ("step", "trailing_stop_loss")):
        assert floor.modify(order_id, **{field: 1.0}) == Refused(Reason.CANNOT_MODIFY_FIELD, name)
    floor.tick(451.0, 8)
    assert floor.modify(order_id, quantity=7) == Refused(Reason.BAD_LOT, "quantity")
    assert floor.modify(order_id, quantity=8) == Modified(order_id)
    assert floor.state.orders[order_id].status is Status.COMPLETE


def test_the_cut_off_is_for_intraday_orders(floor: Floor) -> None:
    """After the cut-off CNC and NRML are taken and MIS is not; outside the session none is."""
    floor.phase = SessionPhase.CUT_OFF
    assert isinstance(floor.command(regular(price=450.0)), Placed)
    assert isinstance(floor.command(regular(price=450.0, product="NRML")), Placed)
    assert floor.command(regular(price=450.0, product="MIS")) == Refused(Reason.SESSION_CLOSED)
    floor.phase = SessionPhase.CLOSED
    assert floor.command(regular(price=450.0)) == Refused(Reason.SESSION_CLOSED)


# What they bind


def blocked(floor: Floor) -> float:
    """What is blocked of A's money, in rupees."""
    return floor.state.accounts["A"].blocked_paise / 100


@pytest.mark.parametrize(("product", "leverage"), [("CNC", 1), ("NRML", 1), ("MIS", 5)])
def test_what_an_order_blocks(floor: Floor, product: str, leverage: int) -> None:
    """A working order blocks its value by the product's leverage, and its cancel gives back exactly that."""
    order_id = floor.regular(price=450.0, product=product)
    assert blocked(floor) == 4500 / leverage
    floor.cancel(order_id)
    assert blocked(floor) == 0


def test_a_position_blocks_its_cost(floor: Floor) -> None:
    """What is held blocks what it has cost, and an order that only reduces it blocks nothing more."""
    floor.tick(450.0, 100)
    floor.regular(price=450.0, product="MIS")
    assert blocked(floor) == 900
    floor.regular(price=460.0, product="MIS", side=Side.SELL)
    assert blocked(floor) == 900
    floor.regular(price=470.0, product="MIS", side=Side.SELL, quantity=5)
    assert blocked(floor) == 900 + 470
    floor.tick(460.0, 100)
    account = floor.state.accounts["A"]
    assert (blocked(floor), account.realised_paise) == (470, paise(100))


def test_two_averages(floor: Floor) -> None:
    """What was bought and sold again has earned the matched shares times the difference of the averages."""
    for price, side, quantity in ((450.0, Side.BUY, 10), (453.0, Side.BUY, 20), (455.0, Side.SELL, 15)):
        floor.tick(price, 100)
        floor.regular(price=price, product="NRML", side=side, quantity=quantity)
    account = floor.state.accounts["A"]
    assert account.realised_paise == paise(15 * (455 - 452))
    assert account.blocked_paise == paise(15 * 452)


def test_margin_short(floor: Floor) -> None:
    """An order of more than there is, is refused, and so is a growth to that; a shrinking never is."""
    assert floor.command(regular(price=450.0, quantity=223)) == Refused(Reason.MARGIN_SHORT)
    order_id = floor.regular(price=450.0, quantity=222)
    assert floor.modify(order_id, quantity=223) == Refused(Reason.MARGIN_SHORT)
    assert floor.modify(order_id, quantity=10) == Modified(order_id)
    assert isinstance(floor.command(regular(price=450.0, quantity=223, product="MIS")), Placed)


def test_cnc_sells_what_is_held(floor: Floor) -> None:
    """Of CNC no more can be sold than is held and not being sold already; a cancel frees the shares again."""
    assert floor.command(regular(side=Side.SELL, quantity=1)) == Refused(Reason.MARGIN_SHORT)
    floor.regular(price=457.0)
    first = floor.regular(side=Side.SELL, quantity=6, price=470.0)
    assert floor.command(regular(side=Side.SELL, quantity=5, price=470.0)) == Refused(Reason.MARGIN_SHORT)
    assert floor.modify(first, quantity=11) == Refused(Reason.MARGIN_SHORT)
    assert floor.modify(first, quantity=10) == Modified(first)
    floor.cancel(first)
    floor.regular(side=Side.SELL, quantity=10, price=450.0)
    assert floor.state.stakes["A NSE:3045 CNC"].total.net == 0
    assert floor.command(regular(side=Side.SELL, quantity=1)) == Refused(Reason.MARGIN_SHORT)


def test_others_shares_are_others(floor: Floor) -> None:
    """What one client holds, or holds in another product, cannot be sold by another or as CNC."""
    floor.regular("B", price=457.0)
    floor.regular("A", price=457.0, product="NRML")
    assert floor.command(regular("A", side=Side.SELL, quantity=1)) == Refused(Reason.MARGIN_SHORT)


def test_a_wrong_stake_is_found(floor: Floor) -> None:
    """A stake that is not what was traded breaks the invariant, and so does an account that blocks another sum."""
    floor.regular(price=457.0)
    stake = floor.state.stakes["A NSE:3045 CNC"]
    stake.total.bought += 1
    with pytest.raises(InvariantBroken, match="a stake is what was carried and traded"):
        check_state(floor.state)
    stake.total.bought -= 1
    floor.state.accounts["A"].blocked_paise += 1
    with pytest.raises(InvariantBroken, match="an account's sums"):
        check_state(floor.state)


def test_a_restart_changes_nothing(floor: Floor) -> None:
    """Replay gives the same stakes and the same working orders at the same places."""
    floor.regular(price=457.0)
    order_id = floor.regular(price=450.0)
    floor.restart()
    floor.tick(450.0, 100)
    assert floor.state.orders[order_id].status is Status.COMPLETE


def test_old_placements_are_brackets() -> None:
    """A placement of a journal from before there were other executions is a bracket on its way to the venue."""
    placed = BracketPlaced(
        1, "b", "e", "A", "NSE:3045", Side.BUY, OrderType.LIMIT, Product.MIS, Validity.DAY,
        1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, "", "",
    )  # fmt: skip
    (old,) = msgspec.msgpack.decode(encode_step([placed]))
    (known,) = decode_step(msgspec.msgpack.encode([old[:-2]]))
    assert known == placed


def test_digests_differ_by_execution() -> None:
    """The same terms as another kind of order are another request; a bracket's digest is what it always was."""
    digests = {bracket(execution=kind).digest() for kind in Execution}
    assert len(digests) == len(Execution)
    assert bracket().digest().hex() == "3f73601166466c2d006ce0c61f6da74e"


# Held for the session


def amo(price: float = 450.0, client: str = "A", **fields: object) -> PlaceBracket:
    """An AMO."""
    return regular(client, price=price, execution=Execution.AMO, **fields)


def placed(storm: StormyFloor, command: PlaceBracket) -> str:
    """The id of an order that must be taken."""
    outcome = storm.ask(command)
    assert isinstance(outcome, Placed), outcome
    return outcome.order_id


def test_an_amo_waits_for_the_session() -> None:
    """An AMO is PENDING and works nowhere until the session opens; then it is sent, the oldest first."""
    storm = evening()
    first, second = placed(storm, amo()), placed(storm, amo(product="MIS"))
    order = storm.state.orders[first]
    assert (order.status, order.info, order.exchange_order_id) == (Status.PENDING, "AMO", "")
    assert storm.exchange._work == {}
    assert storm.state.accounts["A"].blocked_paise == paise(4500) + paise(900)
    storm.restart()
    wait_until(storm, "20261125", 9 * 60 + 14)
    storm.check()
    assert storm.exchange._work == {}
    wait_until(storm, "20261125", 9 * 60 + 16)
    rows = [storm.state.orders[each] for each in (first, second)]
    assert [row.status for row in rows] == [Status.CONFIRMED, Status.CONFIRMED]
    assert rows[0].info == ""
    assert 0 < rows[0].priority < rows[1].priority
    assert list(storm.exchange._work) == [first, second]


def test_only_an_amo_waits() -> None:
    """After the session a regular order is SESSION_CLOSED, and so is a bracket."""
    storm = evening()
    assert storm.ask(regular(price=450.0)) == Refused(Reason.SESSION_CLOSED)
    assert storm.ask(bracket()) == Refused(Reason.SESSION_CLOSED)


def test_an_amo_in_the_session_is_sent(floor: Floor) -> None:
    """An AMO that comes while the market trades is sent at once: a moment before the open or after is the same."""
    order = floor.state.orders[floor.regular(price=450.0, execution=Execution.AMO)]
    assert (order.status, order.held) == (Status.CONFIRMED, False)
    floor.phase = SessionPhase.CUT_OFF
    assert floor.command(amo(product="MIS")) == Refused(Reason.SESSION_CLOSED)


def test_a_held_one_is_cancelled_here() -> None:
    """A held order is cancelled without the venue, for good, and gives back what it blocked."""
    storm = evening()
    order_id = placed(storm, amo())
    cancel = CancelOrder(client_id="A", ids=(order_id,), execution_type="AMO")
    assert storm.ask(cancel) == Cancelled(order_id)
    assert storm.ask(cancel) == Cancelled(order_id)
    assert storm.state.accounts["A"].blocked_paise == 0
    storm.check()
    wait_until(storm, "20261125", 9 * 60 + 16)
    assert order_id not in storm.state.orders
    assert storm.exchange._work == {}


def test_a_held_one_is_modified_here() -> None:
    """A held order takes other terms without the venue, stays PENDING, and is sent with them."""
    storm = evening()
    order_id = placed(storm, amo())
    assert storm.ask(ModifyOrder(client_id="A", ids=(order_id,), price_paise=45_200, quantity=20)) == Modified(order_id)
    order = storm.state.orders[order_id]
    assert (order.status, order.price_paise, order.quantity, order.remaining) == (Status.PENDING, 45_200, 20, 20)
    assert storm.state.accounts["A"].blocked_paise == 20 * 45_200
    wait_until(storm, "20261125", 9 * 60 + 16)
    assert (order.status, storm.exchange._work[order_id].limit_paise) == (Status.CONFIRMED, 45_200)
    assert storm.exchange._work[order_id].remaining == 20


def test_a_missed_session_is_waited_out() -> None:
    """A server that sleeps through a day sends what it held when the next one opens, an intraday order not before."""
    storm = evening()
    order_id, intraday = placed(storm, amo()), placed(storm, amo(product="MIS"))
    storm.now_ns = day_start_ns("20261125") + 20 * 60 * MINUTE_NS
    storm.restart()
    storm.do_due()
    assert storm.state.orders[order_id].held
    storm.now_ns = day_start_ns("20261126") + (15 * 60 + 22) * MINUTE_NS
    storm.restart()
    storm.do_due()
    assert storm.state.stage is Stage.SQUARE_OFF
    assert not storm.state.orders[order_id].held
    assert storm.state.orders[intraday].held
    storm.check()


def test_held_events_are_facts_of_the_journal() -> None:
    """The two events of held orders come back from their bytes as they were."""
    events = [OrderReleased(1, "o"), HeldModified(2, "o", Terms(1, 2, 3, 4, 5, 6, 7, 8))]
    assert decode_step(encode_step(events)) == events


# Overnight


def test_square_off_takes_intraday_orders_only() -> None:
    """At square-off a working MIS order goes; CNC and NRML work on until the session's end."""
    storm = StormyFloor(start_ns=START_NS)
    ids = {product: placed(storm, regular(price=450.0, product=product)) for product in Product}
    wait_until(storm, "20261123", 15 * 60 + 21)
    storm.check()
    assert storm.state.orders[ids[Product.MIS]].status is Status.CANCELLED
    assert storm.state.orders[ids[Product.CNC]].status is Status.CONFIRMED
    wait_until(storm, "20261123", 15 * 60 + 31)
    assert {(storm.state.orders[each].status, storm.state.orders[each].info) for each in ids.values()} == {
        (Status.CANCELLED, "SESSION_END"),
        (Status.CANCELLED, ""),
    }


def test_what_is_held_overnight() -> None:
    """Shares that are open at the day's end are there the next day at their cost, and what was earned is cash."""
    storm = StormyFloor(start_ns=START_NS)
    storm.tick(Tick("NSE:3045", 45_000, 100))
    placed(storm, regular(price=450.0, quantity=10))
    storm.tick(Tick("NSE:3045", 46_000, 100))
    placed(storm, regular(price=460.0, quantity=4, side=Side.SELL))
    account = storm.state.accounts["A"]
    cash, available = account.cash_paise, account.available_paise
    assert account.realised_paise == 4 * 1000
    wait_until(storm, "20261125", 60)
    storm.check()
    assert (account.cash_paise, account.realised_paise) == (cash + 4 * 1000, 0)
    assert account.available_paise == available
    key = "A NSE:3045 CNC"
    assert storm.state.trades == {}
    assert (storm.state.positions[key].net, storm.state.positions[key].bought_value_paise) == (6, 6 * 45_000)
    storm.restart()
    wait_until(storm, "20261125", 9 * 60 + 20)
    storm.tick(Tick("NSE:3045", 47_000, 100))
    placed(storm, regular(price=470.0, quantity=6, side=Side.SELL))
    account = storm.state.accounts["A"]
    assert (account.blocked_paise, account.realised_paise) == (0, 6 * 2000)
    wait_until(storm, "20261126", 60)
    storm.check()
    assert (storm.state.stakes, storm.state.positions) == ({}, {})
    assert storm.state.accounts["A"].cash_paise == cash + 4 * 1000 + 6 * 2000


# Square-off


def held_intraday(*rules: FaultRule) -> StormyFloor:
    """A floor just before square-off, where A is ten shares long and works to buy five more."""
    storm = StormyFloor(start_ns=START_NS)
    storm.tick(Tick("NSE:3045", 45_695, 100))
    placed(storm, regular(price=457.0, product="MIS"))
    placed(storm, regular(price=450.0, product="MIS", quantity=5))
    wait_until(storm, "20261123", 15 * 60 + 19)
    storm.set_plan(FaultPlan(rules))
    return storm


@pytest.mark.parametrize("restarts", [False, True])
def test_square_off_closes_intraday_positions(restarts: bool) -> None:
    """At square-off the working order goes and an order of our own sells what is held; then nothing is left to do."""
    storm = held_intraday()
    wait_until(storm, "20261123", 15 * 60 + 21)
    if restarts:
        storm.restart()
        storm.do_due()
    storm.check()
    closing = list(storm.state.orders.values())[-1]
    assert (closing.squares, closing.side, closing.quantity) == (True, Side.SELL, 10)
    assert (closing.order_type, closing.info, closing.status) == (OrderType.MARKET, "SQUARE_OFF", Status.COMPLETE)
    assert storm.state.stakes["A NSE:3045 MIS"].total.net == 0
    storm.tick(Tick("NSE:3045", 45_695, 100))
    assert len(storm.state.orders) == 3
    assert storm.state.accounts["A"].blocked_paise == 0


def test_square_off_leaves_other_products() -> None:
    """What is CNC or NRML is kept through square-off and the night."""
    storm = StormyFloor(start_ns=START_NS)
    storm.tick(Tick("NSE:3045", 45_695, 100))
    for product in ("CNC", "NRML"):
        placed(storm, regular(price=457.0, product=product))
    wait_until(storm, "20261123", 15 * 60 + 29)
    storm.check()
    assert {stake.total.net for stake in storm.state.stakes.values()} == {10}


def test_a_refused_square_off_is_tried_again() -> None:
    """An order of ours that the venue refuses is placed again within a second, one try at a time, until it is taken."""
    storm = held_intraday(FaultRule(on=Point.PLACE, action=Action.REFUSE, times=3))
    wait_until(storm, "20261123", 15 * 60 + 20)
    storm.check()
    tries = [order for order in storm.state.orders.values() if order.squares]
    assert [order.status for order in tries] == [Status.REJECTED]
    storm.restart()
    storm.set_plan(FaultPlan())
    storm.wait(1_100_000_000)
    storm.check()
    tries = [order for order in storm.state.orders.values() if order.squares]
    assert [order.status for order in tries] == [Status.REJECTED, Status.COMPLETE]


def test_a_late_cancel_is_waited_for() -> None:
    """No closing order is placed while it is not known what became of an order that may still fill."""
    storm = held_intraday(FaultRule(on=Point.CANCEL, action=Action.DELAY, delay_ms=1_500))
    wait_until(storm, "20261123", 15 * 60 + 20)
    storm.check()
    assert not any(order.squares for order in storm.state.orders.values())
    storm.tick(Tick("NSE:3045", 45_000, 3))
    storm.wait(2_000_000_000)
    storm.check()
    (closing,) = (order for order in storm.state.orders.values() if order.squares)
    assert closing.quantity == 13


def test_what_was_missed_is_squared_off_the_next_day() -> None:
    """A position that a sleeping server did not square off is carried, and closed at the next day's square-off."""
    storm = held_intraday()
    storm.now_ns = day_start_ns("20261123") + 20 * 60 * MINUTE_NS
    storm.restart()
    storm.do_due()
    wait_until(storm, "20261125", 10 * 60)
    assert storm.state.stakes["A NSE:3045 MIS"].total.net == 10
    assert storm.state.orders == {}
    wait_until(storm, "20261125", 15 * 60 + 21)
    storm.tick(Tick("NSE:3045", 45_695, 100))
    storm.check()
    assert storm.state.stakes["A NSE:3045 MIS"].total.net == 0


@pytest.mark.parametrize("held", [-10, 0, 7, 30])
def test_what_many_orders_block(held: int) -> None:
    """What is blocked is, after every order, its cancel and its fill, what the rule gives when each is looked at."""
    floor = Floor("A")
    floor.tick(456.95)
    if held:
        floor.regular(price=457.0 if held > 0 else 456.0, quantity=abs(held), product="NRML", side=_side(held))
    sides = (Side.BUY, Side.SELL)
    terms = ((440.0, 3), (470.0, 8), (441.0, 9), (471.0, 5), (442.0, 1), (472.0, 40))
    made = [
        floor.regular(price=price, quantity=quantity, product="NRML", side=sides[number % 2])
        for number, (price, quantity) in enumerate(terms)
    ]
    assert _looked_at(floor) == floor.state.accounts["A"].blocked_paise
    for change in (
        lambda: floor.cancel(made[0]),
        lambda: floor.modify(made[1], quantity=2),
        lambda: floor.modify(made[5], price=473.0),
        lambda: floor.tick(441.5, 1),
        lambda: floor.tick(470.5, 4),
        lambda: floor.cancel(made[5]),
    ):
        change()
        assert _looked_at(floor) == floor.state.accounts["A"].blocked_paise


def _side(held: int) -> Side:
    return Side.BUY if held > 0 else Side.SELL


def _looked_at(floor: Floor) -> int:
    """What a stake of NRML blocks, worked out from its orders alone."""
    total = floor.state.positions.get("A NSE:3045 NRML", Position())
    left = abs(total.net)
    value = open_cost_paise(total)
    for order in floor.state.orders.values():
        reducing = min(left, order.remaining) if order.side is not _side(total.net) and total.net else 0
        left -= reducing
        value += (order.remaining - reducing) * order.price_paise
    return value


def test_a_late_fill_is_booked_and_kept() -> None:
    """A fill that is heard of after the cancel is booked and held; nothing is placed to undo it."""
    storm = StormyFloor(start_ns=START_NS)
    order_id = placed(storm, regular(price=456.95, quantity=10))
    storm.set_plan(FaultPlan((FaultRule(on=Point.FILL, action=Action.DELAY, delay_ms=1_500),)))
    storm.tick(Tick("NSE:3045", 45_695, 4, (), ()))
    assert storm.ask(CancelOrder(client_id="A", ids=(order_id,))) == Cancelled(order_id)
    storm.wait(2_000_000_000)
    storm.check()
    order = storm.state.orders[order_id]
    assert (order.status, order.filled, list(storm.state.orders)) == (Status.CANCELLED, 4, [order_id])
    assert storm.state.stakes[order.position_key].total.net == 4


def test_a_growth_is_judged_by_what_is_left() -> None:
    """What has filled is paid for already: a growth asks for the rest alone."""
    floor = Floor("A", cash_paise=paise(10_000))
    floor.tick(456.95)
    order_id = floor.regular(price=450.0, quantity=20)
    floor.tick(450.0, 15, (), ())
    assert floor.modify(order_id, quantity=23) == Refused(Reason.MARGIN_SHORT)
    assert floor.modify(order_id, quantity=22) == Modified(order_id)
