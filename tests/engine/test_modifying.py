"""Modifying: what each field may become, what it costs, and what follows (bracket.md section 4)."""

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import SBIN, Floor, paise

from bracketd.domain.order import Order, OrderType, Side, Status
from bracketd.domain.outcomes import FieldFault, Modified, NotFound, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.state import encode_state

BOTH = pytest.mark.parametrize("side", list(Side))


def reason(outcome: Outcome) -> tuple[Reason, str]:
    """The reason and field of a refusal."""
    assert isinstance(outcome, Refused), outcome
    return outcome.reason, outcome.field


def working(side: Side = Side.BUY, filled: int = 0, **fields: object) -> tuple[SidedFloor, str]:
    """A bracket for 10 at 456.95 (T 2, S 1) of which so much is filled, the last print at its limit or just above."""
    floor = SidedFloor(side)
    floor.silent(457.50)
    entry = floor.place(**({"t": 2.0, "s": 1.0} | fields))
    if filled:
        floor.silent(456.95, filled)
    return floor, entry


def prices(floor: SidedFloor, entry: str) -> tuple[float, float]:
    """(stop trigger, target price) in rupees, in the test's terms."""
    stop, target = floor.legs(entry)
    return floor.paise(stop.trigger_paise) / 100, floor.paise(target.price_paise) / 100


def leg_ids(floor: SidedFloor, entry: str) -> tuple[str, str]:
    """(stop's id, target's id)."""
    stop, target = floor.legs(entry)
    return stop.order_id, target.order_id


@BOTH
def test_an_entry_takes_a_new_price_and_quantity(side: Side) -> None:
    """The row shows the new total and price, is MODIFY_CONFIRMED, and fills at the new price."""
    floor, entry = working(side)
    before = floor.order(entry).priority
    assert floor.modify(entry, price=456.50, quantity=12) == Modified(entry)
    row = floor.order(entry)
    assert told(row) == (Status.MODIFY_CONFIRMED, 12, 0, 12, 0)
    assert floor.paise(row.price_paise) == 45_650
    assert row.priority > before
    floor.silent(456.50, 5)
    assert told(row) == (Status.MODIFY_CONFIRMED, 12, 5, 7, 0)
    assert prices(floor, entry) == (455.50, 458.50)
    floor.restart()


@BOTH
def test_an_entry_made_marketable_fills_at_once(side: Side) -> None:
    """A limit moved to what is displayed takes it, within its limit, and its legs protect what it took."""
    floor, entry = working(side)
    floor.tick(457.50, 4)
    assert floor.modify(entry, price=457.50) == Modified(entry)
    assert floor.trades(entry) == [(457.50, 4)]
    assert told(floor.order(entry)) == (Status.MODIFY_CONFIRMED, 10, 4, 6, 0)
    assert prices(floor, entry) == (456.50, 459.50)


@BOTH
def test_a_target_made_marketable_closes_at_once(side: Side) -> None:
    """A target moved to what is displayed takes it; the first exit fill cancels the entry's remainder."""
    floor, entry = working(side, filled=4)
    _, target = leg_ids(floor, entry)
    floor.tick(457.00, 50)
    assert floor.order(entry).filled == 4
    assert floor.modify(target, price=457.00) == Modified(target)
    assert floor.trades(target) == [(457.00, 4)]
    assert told(floor.order(entry))[:3] == (Status.CANCELLED, 10, 4)
    assert floor.order(target).status is Status.COMPLETE
    assert floor.net() == 0


def test_what_changes_nothing_succeeds_and_leaves_no_trace() -> None:
    """Zeros, absent and equal fields keep priority, status, reference and the journal as they are."""
    floor, entry = working()
    before, steps = encode_state(floor.state), len(floor.steps)
    assert floor.modify(entry) == Modified(entry)
    assert floor.modify(entry, price=456.95, quantity=10, t=2.0, s=1.0, trigger=0) == Modified(entry)
    assert (encode_state(floor.state), len(floor.steps)) == (before, steps)


def test_shrinking_keeps_the_place_and_growing_loses_it() -> None:
    """Of two entries at one price the first still fills first after a shrinking, and last after a growth."""
    floor = Floor()
    floor.tick(457.50, 1_000, (), ())
    first, second = floor.place(), floor.place()
    floor.modify(first, quantity=8)
    floor.tick(456.95, 3, (), ())
    assert [floor.state.orders[each].filled for each in (first, second)] == [3, 0]
    floor.modify(first, quantity=9)
    floor.tick(456.95, 4, (), ())
    assert [floor.state.orders[each].filled for each in (first, second)] == [3, 4]


@BOTH
def test_a_quantity_of_what_is_filled_completes_the_entry(side: Side) -> None:
    """The entry is COMPLETE and blocks no more than its position; less than is filled is no lot."""
    floor, entry = working(side, filled=4)
    assert reason(floor.modify(entry, quantity=3)) == (Reason.BAD_LOT, "quantity")
    assert floor.modify(entry, quantity=4) == Modified(entry)
    assert told(floor.order(entry)) == (Status.COMPLETE, 4, 4, 0, 0)
    assert reason(floor.modify(entry, quantity=5)) == (Reason.TOO_LATE, "")
    floor.silent(455.95, 100)
    floor.tick(455.95, 100)
    assert floor.net() == 0


@BOTH
def test_a_changed_offset_prices_its_own_leg(side: Side) -> None:
    """Each offset re-bases its leg from the average fill price and leaves the other alone, place included."""
    floor, entry = working(side, filled=4)
    target = floor.legs(entry)[1]
    place = target.priority
    assert floor.modify(entry, s=1.52) == Modified(entry)
    assert (prices(floor, entry), target.priority) == ((455.45, 458.95), place)
    assert floor.modify(entry, t=3.0) == Modified(entry)
    assert prices(floor, entry) == (455.45, 459.95)
    assert target.priority > place


@BOTH
def test_legs_priced_by_hand_only_grow_until_an_offset_takes_them_back(side: Side) -> None:
    """A later fill at another price leaves hand-set prices; a changed offset re-bases that leg again."""
    floor, entry = working(side, filled=4)
    stop, target = leg_ids(floor, entry)
    assert floor.modify(stop, trigger=456.00) == Modified(stop)
    assert floor.modify(target, price=460.00) == Modified(target)
    assert floor.order(stop).status is Status.TRIGGER_PENDING
    assert floor.order(target).status is Status.MODIFY_CONFIRMED
    floor.modify(entry, price=456.75)
    floor.silent(456.75, 4)
    assert prices(floor, entry) == (456.00, 460.00)
    assert [leg.quantity for leg in floor.legs(entry)] == [8, 8]
    floor.modify(entry, t=2.5)
    # The average is 456.85.
    assert prices(floor, entry) == (456.00, 459.35)
    floor.modify(entry, s=1.5)
    assert prices(floor, entry) == (455.35, 459.35)


@BOTH
def test_a_changed_stop_offset_shifts_a_trailed_trigger(side: Side) -> None:
    """The trigger moves by the difference and the anchor stays, so the next move is measured as before."""
    floor, entry = working(side, filled=4, t=20.0, step=0.5)
    floor.silent(458.95)
    bracket = floor.state.bracket_of(entry)
    assert (prices(floor, entry)[0], floor.paise(bracket.anchor_paise)) == (457.95, 45_895)
    assert floor.modify(entry, s=1.5) == Modified(entry)
    assert (prices(floor, entry)[0], floor.paise(bracket.anchor_paise)) == (457.45, 45_895)
    floor.silent(459.45)
    assert prices(floor, entry)[0] == 457.95


@BOTH
def test_a_trigger_set_by_hand_trails_from_the_last_print(side: Side) -> None:
    """The anchor is the last print: the stop moves once the market is a step beyond that."""
    floor, entry = working(side, filled=10, t=20.0, step=0.5)
    floor.silent(457.40)
    stop, _ = leg_ids(floor, entry)
    assert floor.modify(stop, trigger=456.50) == Modified(stop)
    assert floor.paise(floor.state.bracket_of(entry).anchor_paise) == 45_740
    floor.silent(457.85)
    assert prices(floor, entry)[0] == 456.50
    floor.silent(457.90)
    assert prices(floor, entry)[0] == 457.00


@BOTH
def test_trailing_switched_on_later_begins_at_the_last_print(side: Side) -> None:
    """A step given by the stop's id, with the entry COMPLETE, trails from the last print on."""
    floor, entry = working(side, filled=10, t=20.0)
    floor.silent(458.00)
    stop, _ = leg_ids(floor, entry)
    assert floor.modify(stop, step=0.5) == Modified(stop)
    floor.silent(458.45)
    assert prices(floor, entry)[0] == 455.95
    floor.silent(458.60)
    assert prices(floor, entry)[0] == 456.55
    floor.restart()
    floor.silent(459.10)
    assert prices(floor, entry)[0] == 457.05


@BOTH
def test_a_stop_stays_on_its_side_of_the_market(side: Side) -> None:
    """A trigger at the last print, set by hand or by a new offset, is refused; a tick away is taken."""
    floor, entry = working(side, filled=4)
    stop, _ = leg_ids(floor, entry)
    assert reason(floor.modify(stop, trigger=456.95)) == (Reason.TRIGGER_WRONG_SIDE, "trigger_price")
    assert floor.modify(stop, trigger=456.90) == Modified(stop)
    floor.modify(entry, price=456.00)
    floor.silent(456.95, 1)
    assert floor.modify(entry, s=0.05) == Modified(entry)
    assert prices(floor, entry)[0] == 456.90


@BOTH
def test_an_sl_entry_keeps_its_trigger_beyond_the_market(side: Side) -> None:
    """The trigger stays strictly beyond the last print and the limit at or beyond the trigger."""
    floor, entry = working(side, order_type=OrderType.SL, price=459.0, trigger=458.0)
    wrong = (Reason.TRIGGER_WRONG_SIDE, "trigger_price")
    assert reason(floor.modify(entry, trigger=457.50)) == wrong
    assert reason(floor.modify(entry, trigger=459.05)) == wrong
    assert reason(floor.modify(entry, price=457.95)) == wrong
    assert floor.modify(entry, trigger=457.55) == Modified(entry)
    assert floor.order(entry).status is Status.TRIGGER_PENDING
    floor.silent(457.55)
    assert floor.order(entry).status is Status.MODIFY_CONFIRMED
    assert reason(floor.modify(entry, trigger=458.5)) == (Reason.CANNOT_MODIFY_FIELD, "trigger_price")


def test_fields_that_nobody_can_change() -> None:
    """Another type, side, product, instrument or exchange, and what a leg has not, is CANNOT_MODIFY_FIELD."""
    floor, entry = working(filled=4)
    stop, target = leg_ids(floor, entry)
    for order_id, field, sent in (
        (entry, "order_type", {"order_type": OrderType.MARKET}),
        (entry, "order_side", {"side": Side.SELL}),
        (entry, "product", {"product": "CNC"}),
        (entry, "instrument_token", {"instrument_token": "22"}),
        (entry, "exchange", {"exchange": "BSE"}),
        (entry, "trigger_price", {"trigger": 450.0}),
        (stop, "quantity", {"quantity": 5}),
        (stop, "price", {"price": 450.0}),
        (target, "square_off_value", {"t": 3.0}),
        (target, "trailing_stop_loss", {"step": 3.0}),
        (target, "trigger_price", {"trigger": 450.0}),
    ):
        assert reason(floor.modify(order_id, **sent)) == (Reason.CANNOT_MODIFY_FIELD, field)
    assert floor.modify(stop, quantity=4, t=2.0) == Modified(stop)


def test_the_reasons_of_a_placement() -> None:
    """Lot, freeze, tick, band, offsets and margin are judged as at placement, and a refusal changes nothing."""
    floor, entry = working()
    before = encode_state(floor.state)
    for field, why, sent in (
        ("quantity", Reason.BAD_LOT, {"quantity": -1}),
        ("quantity", Reason.BAD_LOT, {"finer": frozenset({"quantity"})}),
        ("quantity", Reason.FREEZE_QUANTITY, {"quantity": 100_001}),
        ("price", Reason.BAD_TICK, {"price": 456.97}),
        ("price", Reason.OUTSIDE_BAND, {"price": 900.0}),
        ("square_off_value", Reason.OFFSET_INVALID, {"t": 0.04}),
        ("stop_loss_value", Reason.OFFSET_INVALID, {"s": 300.0}),
        ("trailing_stop_loss", Reason.OFFSET_INVALID, {"step": 0.01}),
        ("quantity", Reason.BAD_LOT, {"quantity": -1, "price": 456.97}),
    ):
        assert reason(floor.modify(entry, **sent)) == (why, field)
    assert encode_state(floor.state) == before


def test_margin_follows_the_price() -> None:
    """A dearer or larger entry blocks more, is refused where that is not there, and a cheaper one gives back."""
    floor = Floor(cash_paise=92_000)
    floor.tick(457.50, 1_000, (), ())
    entry = floor.place(quantity=10)
    account = floor.state.accounts["A"]
    assert account.blocked_paise == 91_390
    assert reason(floor.modify(entry, quantity=11)) == (Reason.MARGIN_SHORT, "")
    assert reason(floor.modify(entry, price=460.50)) == (Reason.MARGIN_SHORT, "")
    assert floor.modify(entry, price=460.0) == Modified(entry)
    assert floor.modify(entry, price=450.0) == Modified(entry)
    assert account.blocked_paise == 90_000


def test_the_state_answers_before_the_reference_and_the_fields() -> None:
    """Terminal and triggered orders answer with their state, then a stale reference, then the field."""
    floor, entry = working(filled=4)
    stop, target = leg_ids(floor, entry)
    row: Order = floor.order(entry)
    stale = float(row.activity_reference + 1_024)
    assert reason(floor.modify(entry, reference=stale, order_type=OrderType.MARKET)) == (Reason.STALE_REFERENCE, "")
    assert floor.modify(entry, reference=float(row.activity_reference), quantity=9) == Modified(entry)
    malformed = floor.modify(entry, malformed=("price",), order_type=OrderType.MARKET)
    assert reason(malformed) == (Reason.CANNOT_MODIFY_FIELD, "order_type")
    assert floor.modify(entry, malformed=("price",), quantity=-1) == FieldFault("price")
    floor.cancel(entry)
    assert reason(floor.modify(entry, reference=1e18)) == (Reason.ALREADY_CANCELLED, "")
    floor.silent(455.0)
    assert reason(floor.modify(stop, trigger=450.0)) == (Reason.TOO_LATE, "")
    assert reason(floor.modify(target, price=450.0)) == (Reason.ALREADY_CANCELLED, "")


def test_other_clients_orders_are_not_found() -> None:
    """Another client's order, and a word that names another leg than the id, are refused before anything else."""
    floor = Floor("A", "B")
    entry = floor.place()
    assert floor.modify(entry, client="B", quantity=5) == NotFound()
    assert floor.modify(entry, leg="TARGET", quantity=5) == FieldFault("leg_order_indicator")
    assert floor.modify(entry, execution_type="CO") == FieldFault("execution_type")


def test_the_session_bounds_a_modification() -> None:
    """After the cut-off a larger quantity is SESSION_CLOSED and a price is not; after the end everything is."""
    floor, entry = working()
    floor.phase = SessionPhase.CUT_OFF
    assert reason(floor.modify(entry, quantity=11)) == (Reason.SESSION_CLOSED, "")
    assert floor.modify(entry, quantity=9, price=456.0) == Modified(entry)
    floor.phase = SessionPhase.CLOSED
    assert reason(floor.modify(entry, price=456.5)) == (Reason.SESSION_CLOSED, "")
    assert floor.modify(entry) == Modified(entry)


def test_the_market_that_judged_is_on_record() -> None:
    """A replay of a modification needs no feed: the last print stands in the steps."""
    floor = Floor()
    entry = floor.place()
    floor.tick(458.0)
    floor.modify(entry, quantity=9)
    assert floor.replayed().markets[SBIN].print_paise == paise(458.0)
    floor.restart()
