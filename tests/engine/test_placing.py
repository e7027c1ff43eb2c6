"""Placing: the reasons of bracket.md section 6 in their order, leg prices (2.2) and margin (invariant 21)."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from tests.sided_floor import SidedFloor
from tests.trading_floor import INSTRUMENTS, LOWER, SBIN, START_NS, UPPER, Floor, bracket, levels

from bracketd.domain.commands import OpenAccount, PlaceBracket
from bracketd.domain.instrument import Instrument
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.domain.order import OrderType, Product, Side, Status, Validity
from bracketd.domain.outcomes import Cancelled, Outcome, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.deciding import decide
from bracketd.engine.moment import Moment
from bracketd.engine.state import encode_state

LIMIT, MARKET, SL, SLM = OrderType.LIMIT, OrderType.MARKET, OrderType.SL, OrderType.SLM
LOTS = "NSE:7"
IN_LOTS = msgspec.structs.replace(INSTRUMENTS[SBIN], token=7, symbol="LOTS", lot=25, freeze_quantity=100)


def judged(
    command: PlaceBracket,
    *,
    phase: SessionPhase = SessionPhase.OPEN,
    printed: int = 0,
    cash_paise: int = 10**11,
    instruments: dict[str, Instrument] | None = None,
) -> Outcome:
    """What comes of a placement at a moment, with nothing carried out."""
    floor = Floor("A", cash_paise=cash_paise)
    book = INSTRUMENTS | {LOTS: IN_LOTS} if instruments is None else instruments
    outcome = decide(floor.state, command, book, Moment(START_NS + 10**9, phase, printed)).outcome
    assert outcome is not None
    return outcome


def refused(**fields: Any) -> tuple[str, str]:
    """(reason, field) of a bracket that must be refused; "PLACED" where it is not."""
    moment = {name: fields.pop(name) for name in ("phase", "printed", "cash_paise") if name in fields}
    finer = frozenset(fields.pop("finer", ()))
    command = msgspec.structs.replace(bracket(**fields), finer=finer)
    outcome = judged(command, **moment)
    return (str(outcome.reason), outcome.field) if isinstance(outcome, Refused) else ("PLACED", "")


TAKEN = ("PLACED", "")


def test_an_unknown_instrument_is_refused() -> None:
    """UNKNOWN_INSTRUMENT names instrument_token."""
    assert refused(instrument="NSE:1") == ("UNKNOWN_INSTRUMENT", "instrument_token")


@pytest.mark.parametrize("product", ["CNC", "NRML"])
def test_only_mis_is_allowed(product: str) -> None:
    """PRODUCT_NOT_ALLOWED names product: brackets are MIS only."""
    assert refused(product=product) == ("PRODUCT_NOT_ALLOWED", "product")


@pytest.mark.parametrize("phase", [SessionPhase.CUT_OFF, SessionPhase.CLOSED])
def test_after_the_cut_off_no_bracket_is_taken(phase: SessionPhase) -> None:
    """SESSION_CLOSED lies in the state and names no field."""
    assert refused(phase=phase) == ("SESSION_CLOSED", "")


@pytest.mark.parametrize("quantity", [0, -25, 1, 24, 26, 101])
def test_only_whole_lots_are_taken(quantity: int) -> None:
    """BAD_LOT: nothing, less than nothing, and what is no multiple of the lot, above the freeze quantity as well."""
    assert refused(instrument=LOTS, quantity=quantity) == ("BAD_LOT", "quantity")


def test_more_than_the_freeze_quantity_is_refused() -> None:
    """FREEZE_QUANTITY begins one lot beyond it."""
    assert refused(instrument=LOTS, quantity=100) == TAKEN
    assert refused(instrument=LOTS, quantity=125) == ("FREEZE_QUANTITY", "quantity")


def test_prices_lie_on_the_tick() -> None:
    """BAD_TICK names the price that is off the grid, and the price goes before the trigger."""
    assert refused(price=456.96) == ("BAD_TICK", "price")
    assert refused(order_type=SL, price=458.00, trigger=457.96) == ("BAD_TICK", "trigger_price")
    assert refused(order_type=SL, price=458.01, trigger=457.96) == ("BAD_TICK", "price")
    assert refused(order_type=SLM, price=0, trigger=457.96) == ("BAD_TICK", "trigger_price")


def test_a_price_finer_than_a_paisa_is_off_the_tick() -> None:
    """BAD_TICK: a text finer than a paisa is on no tick, even where what is left of it would be."""
    assert refused(finer=["price"]) == ("BAD_TICK", "price")
    assert refused(order_type=SLM, price=0, trigger=458.00, finer=["trigger_price"]) == ("BAD_TICK", "trigger_price")


def test_prices_lie_in_the_band() -> None:
    """OUTSIDE_BAND begins one tick beyond the band, whose limits are inside it."""
    assert refused(price=UPPER / 100 - 2) == TAKEN
    assert refused(price=UPPER / 100 + 0.05) == ("OUTSIDE_BAND", "price")
    assert refused(price=LOWER / 100 - 0.05) == ("OUTSIDE_BAND", "price")
    assert refused(price=0) == ("OUTSIDE_BAND", "price")
    assert refused(order_type=SLM, price=0, trigger=UPPER / 100 + 0.05) == ("OUTSIDE_BAND", "trigger_price")


def test_the_price_of_a_market_or_slm_is_ignored() -> None:
    """`price` of a MARKET or SL-M is never judged and never kept."""
    for order_type, trigger in ((MARKET, 0.0), (SLM, 458.0)):
        floor = Floor("A")
        entry = floor.place(order_type=order_type, price=9.99, trigger=trigger)
        assert floor.state.orders[entry].price_paise == 0


def test_the_trigger_of_a_limit_or_market_is_ignored() -> None:
    """`trigger_price` of a LIMIT or MARKET is never judged and never kept."""
    for order_type in (LIMIT, MARKET):
        floor = Floor("A")
        entry = floor.place(order_type=order_type, trigger=9.99)
        assert floor.state.orders[entry].trigger_paise == 0


@pytest.mark.parametrize("printed", [0, 45_695])
def test_an_entry_stop_lies_strictly_beyond_the_last_print(printed: int) -> None:
    """TRIGGER_WRONG_SIDE: a trigger at the last print, or at the base price before it, is not beyond it."""
    wrong = ("TRIGGER_WRONG_SIDE", "trigger_price")
    for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):
        for order_type in (SL, SLM):
            fields = {"side": side, "order_type": order_type, "printed": printed}
            assert refused(price=456.95 + sign, trigger=456.95, **fields) == wrong
            assert refused(price=456.95 + sign, trigger=456.95 - sign * 0.05, **fields) == wrong
            assert refused(price=456.95 + sign, trigger=456.95 + sign * 0.05, **fields) == TAKEN


def test_an_entry_stop_is_judged_by_the_print_and_not_by_the_base_price() -> None:
    """Once something printed, that is the last price."""
    assert refused(order_type=SLM, price=0, trigger=458.00, printed=45_900) == ("TRIGGER_WRONG_SIDE", "trigger_price")
    assert refused(order_type=SLM, price=0, trigger=450.00, printed=44_000) == TAKEN


def test_an_sls_limit_lies_at_or_beyond_its_trigger() -> None:
    """TRIGGER_WRONG_SIDE: the limit may be the trigger itself, never on the near side of it."""
    for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):
        trigger = 456.95 + sign
        fields = {"side": side, "order_type": SL, "trigger": trigger}
        assert refused(price=trigger, **fields) == TAKEN
        assert refused(price=trigger + sign * 0.05, **fields) == TAKEN
        assert refused(price=trigger - sign * 0.05, **fields) == ("TRIGGER_WRONG_SIDE", "trigger_price")


def test_offsets_are_at_least_one_tick_and_need_no_tick() -> None:
    """OFFSET_INVALID names the offset; one tick is enough and 0.07 is no fault."""
    assert refused(t=0.04) == ("OFFSET_INVALID", "square_off_value")
    assert refused(s=0.04) == ("OFFSET_INVALID", "stop_loss_value")
    assert refused(t=0, s=0) == ("OFFSET_INVALID", "square_off_value")
    assert refused(t=-2.0) == ("OFFSET_INVALID", "square_off_value")
    assert refused(t=0.05, s=0.05) == TAKEN
    assert refused(t=0.07, s=0.13) == TAKEN


def test_a_leg_outside_the_band_is_refused_at_placement() -> None:
    """OFFSET_INVALID: both legs land in the band from the limit, the outermost tick included."""
    top, bottom = UPPER / 100, LOWER / 100
    for side, far, near in ((Side.BUY, "t", "s"), (Side.SELL, "s", "t")):
        names = {"t": "square_off_value", "s": "stop_loss_value"}
        assert refused(side=side, price=top - 1, **{far: 1.00, near: 1.00}) == TAKEN
        assert refused(side=side, price=top - 1, **{far: 1.05, near: 1.00}) == ("OFFSET_INVALID", names[far])
        assert refused(side=side, price=bottom + 1, **{far: 1.00, near: 1.05}) == ("OFFSET_INVALID", names[near])


def test_offsets_are_checked_from_limit_trigger_or_last_print() -> None:
    """OFFSET_INVALID is judged from an SL's limit, an SL-M's trigger and a MARKET's last print."""
    top = UPPER / 100
    wrong = ("OFFSET_INVALID", "square_off_value")
    assert refused(order_type=SL, trigger=top - 3, price=top - 1, t=2) == wrong
    assert refused(order_type=SL, trigger=top - 3, price=top - 2, t=2) == TAKEN
    assert refused(order_type=SLM, trigger=top - 1, price=0, t=2) == wrong
    assert refused(order_type=SLM, trigger=top - 2, price=0, t=2) == TAKEN
    assert refused(order_type=MARKET, price=0, t=2, printed=UPPER - 100) == wrong
    assert refused(order_type=MARKET, price=0, t=2, printed=UPPER - 200) == TAKEN


def test_the_reasons_answer_in_their_order() -> None:
    """With everything wrong the reasons come in the order of section 6, each once the one before is put right."""
    fields: dict[str, Any] = {
        "instrument": "NSE:1",
        "product": "CNC",
        "phase": SessionPhase.CLOSED,
        "quantity": 126,
        "order_type": SL,
        "price": 600.01,
        "trigger": 456.91,
        "t": 0.01,
        "s": 200.0,
        "cash_paise": 1,
    }
    mendings: list[tuple[tuple[str, str], dict[str, Any]]] = [
        (("UNKNOWN_INSTRUMENT", "instrument_token"), {"instrument": LOTS}),
        (("PRODUCT_NOT_ALLOWED", "product"), {"product": "MIS"}),
        (("SESSION_CLOSED", ""), {"phase": SessionPhase.OPEN}),
        (("BAD_LOT", "quantity"), {"quantity": 125}),
        (("FREEZE_QUANTITY", "quantity"), {"quantity": 100}),
        (("BAD_TICK", "price"), {"price": 600.00}),
        (("BAD_TICK", "trigger_price"), {"trigger": 456.90}),
        (("OUTSIDE_BAND", "price"), {"price": 460.00}),
        (("TRIGGER_WRONG_SIDE", "trigger_price"), {"trigger": 458.00}),
        (("OFFSET_INVALID", "square_off_value"), {"t": 2.0}),
        (("OFFSET_INVALID", "stop_loss_value"), {"s": 1.0}),
        (("MARGIN_SHORT", ""), {"cash_paise": 10**9}),
    ]
    for expected, mending in mendings:
        assert refused(**fields) == expected
        fields |= mending
    assert refused(**fields) == TAKEN


def test_what_is_refused_makes_no_row() -> None:
    """A refused placement leaves no row, no number and no margin behind."""
    floor = Floor("A")
    before = encode_state(floor.state)
    assert floor.command(bracket(price=456.96)) == Refused(Reason.BAD_TICK, "price")
    assert encode_state(floor.state) == before
    assert floor.place().endswith("-2")


def test_a_placed_bracket_has_its_numbers_and_one_row() -> None:
    """Basket and entry take the next two numbers; no leg row exists before a fill."""
    floor = Floor("A")
    outcome = floor.command(bracket())
    assert isinstance(outcome, Placed)
    assert (outcome.basket_id.partition("-")[2], outcome.order_id.partition("-")[2]) == ("1", "2")
    row, stop, target = floor.rows(outcome.order_id)
    assert (row.status, stop, target) == (Status.CONFIRMED, None, None)
    assert row.exchange_order_id != ""


# Leg prices


def expected_legs(side: Side, fills: list[tuple[int, int]], target: int, stop: int) -> tuple[int, int]:
    """(target price, trigger) by exact fractions: offsets from the exact average, rounded toward the entry, in band."""
    quantity = sum(count for _, count in fills)
    average = Fraction(sum(price * count for price, count in fills), quantity)
    sign = 1 if side is Side.BUY else -1
    prices = []
    for exact in (average + sign * target, average - sign * stop):
        down = exact > average
        rounded = (exact // 5) * 5 if down else -((-exact) // 5) * 5
        prices.append(int(max(LOWER, min(UPPER, rounded))))
    return prices[0], prices[1]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize("target", [5, 7, 33, 200])
@pytest.mark.parametrize("stop", [5, 6, 49, 100])
@pytest.mark.parametrize("split", [(1, 2, 4), (3, 3, 1), (6, 0, 1), (1, 0, 0)])
def test_legs_are_priced_from_the_exact_average_at_every_fill(
    side: Side, target: int, stop: int, split: tuple[int, ...]
) -> None:
    """Every fill re-bases both legs on the exact average, rounded to the tick toward the entry."""
    floor = Floor("A")
    sign = 1 if side is Side.BUY else -1
    shown = [(45_695 + sign * 5 * step, count) for step, count in enumerate(split) if count]
    fills: list[tuple[int, int]] = []
    floor.tick(456.95, 0, (), ())
    entry = floor.place(side=side, order_type=MARKET, quantity=99, t=target / 100, s=stop / 100)
    for price, count in shown:
        depth = levels((price / 100, count))
        floor.tick(456.95, 0, *(((), depth) if side is Side.BUY else (depth, ())))
        fills.append((price, count))
        stop_row, target_row = floor.legs(entry)
        assert (target_row.price_paise, stop_row.trigger_paise) == expected_legs(side, fills, target, stop)
        assert stop_row.price_paise == target_row.trigger_paise == 0
        assert stop_row.quantity == target_row.quantity == sum(count for _, count in fills)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_average_is_exact_where_rounding_it_first_would_matter(side: Side) -> None:
    """Fills at 456.95 and twice 457.00 average 456.98333: with 0.07 the target is 457.05, with 0.01667 more not."""
    floor = SidedFloor(side, "A")
    floor.tick(456.95, 0, (), levels((456.95, 1), (457.00, 2)))
    entry = floor.place(price=457.00, quantity=3, t=0.07, s=0.07)
    stop, target = floor.legs(entry)
    assert (floor.paise(target.price_paise), floor.paise(stop.trigger_paise)) == (45_705, 45_695)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_leg_that_rebasing_puts_outside_the_band_stands_at_its_outermost_tick(side: Side) -> None:
    """An entry filled far better than its limit: its stop would lie below the band and is set to the band's edge."""
    floor = SidedFloor(side, "A")
    floor.tick(456.95, 0, (), levels((365.60, 4)))
    entry = floor.place(price=456.95, t=2.0, s=50.0)
    stop, target = floor.legs(entry)
    assert floor.trades(entry) == [(365.60, 4)]
    assert (floor.paise(stop.trigger_paise), floor.paise(target.price_paise)) == (LOWER, 36_760)


# Margin


def blocked(floor: Floor) -> int:
    """What the account has blocked, in paise."""
    return floor.state.accounts["A"].blocked_paise


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize("order_type", list(OrderType))
def test_margin_of_an_unfilled_bracket_returns_exactly(side: Side, order_type: OrderType) -> None:
    """Placed and cancelled unfilled, for every type: what is blocked is exactly what it was before (21)."""
    floor = SidedFloor(side, "A")
    floor.place(quantity=3)
    before = blocked(floor)
    stops = order_type in (SL, SLM)
    entry = floor.place(quantity=7, order_type=order_type, trigger=458.00 if stops else 0.0, price=458.50)
    assert blocked(floor) > before > 0
    assert floor.cancel(entry) == Cancelled(entry)
    assert blocked(floor) == before
    assert floor.state.accounts["A"].realised_paise == 0


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_exits_never_block_more(side: Side) -> None:
    """Neither the legs, nor an exit, nor its fills raise what is blocked; a closed bracket blocks nothing."""
    floor = SidedFloor(side, "A")
    entry = floor.place()
    seen = [blocked(floor)]
    for step in (
        lambda: floor.silent(456.95, 10),
        lambda: floor.silent(458.95, 3),
        lambda: floor.cancel(entry, "STOPLOSS"),
        lambda: floor.tick(457.00, 4),
        lambda: floor.tick(456.00, 4),
    ):
        step()
        seen.append(blocked(floor))
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    gain = 3 * 200 + 4 * 5 - 3 * 95
    assert floor.state.accounts["A"].realised_paise == gain


def test_margin_short_begins_one_paisa_below_what_is_needed() -> None:
    """10 shares at 456.95 with a leverage of 5 need 913.90: with a paisa less the answer is MARGIN_SHORT."""
    assert refused(cash_paise=91_390) == TAKEN
    assert refused(cash_paise=91_389) == ("MARGIN_SHORT", "")


def test_what_is_blocked_already_counts_against_a_new_bracket() -> None:
    """Two brackets that fit alone do not fit together; once the first is cancelled the second fits."""
    floor = Floor("A", cash_paise=100_000)
    entry = floor.place()
    assert floor.command(bracket()) == Refused(Reason.MARGIN_SHORT)
    floor.cancel(entry)
    assert isinstance(floor.command(bracket()), Placed)


def test_one_accounts_margin_is_not_anothers() -> None:
    """What A blocks leaves B's cash alone."""
    floor = Floor("A", "B", cash_paise=100_000)
    floor.place("A")
    assert isinstance(floor.command(bracket("B")), Placed)


def test_opening_an_account_again_changes_nothing() -> None:
    """An account keeps the cash that it was opened with."""
    floor = Floor("A", cash_paise=100_000)
    before = encode_state(floor.state)
    floor.command(OpenAccount("A", 1, 1))
    assert encode_state(floor.state) == before


def test_products_and_validities_are_what_the_row_says() -> None:
    """The entry's row carries what was asked; its legs are MIS, DAY and on the other side."""
    floor = Floor("A")
    floor.tick(456.95, 0, (), levels((456.95, 4)))
    entry = floor.place(validity="IOC", user_order_id="7")
    stop, target = floor.legs(entry)
    row = floor.state.orders[entry]
    assert (row.validity, row.product, row.user_order_id) == (Validity.IOC, Product.MIS, "7")
    for leg in (stop, target):
        assert (leg.validity, leg.product, leg.side) == (Validity.DAY, Product.MIS, Side.SELL)
        assert leg.parent_id == entry


def test_ticks_are_found_from_both_sides() -> None:
    """The grid of the expectations above is the product's: floor and ceiling to the tick."""
    assert (floor_to_tick(45_698, 5), ceil_to_tick(45_698, 5)) == (45_695, 45_700)
