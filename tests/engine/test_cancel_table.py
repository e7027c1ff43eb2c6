"""The cancel decision table of bracket.md section 4, cell by cell, on the paper exchange, for both sides.

Every bracket is a LIMIT for 10 at 456.95 with its target 2.00 and its stop 1.00 away, unless a test says otherwise.
"""

from collections.abc import Callable

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import levels

from bracketd.domain.order import Leg, OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled, FieldFault, NotFound, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase

BOUGHT = (Status.COMPLETE, 10, 10, 0, 0)
PART = (Status.CANCELLED, 10, 4, 0, 6)
TOO_LATE = Refused(Reason.TOO_LATE)
LEG_NOT_ACTIVE = Refused(Reason.LEG_NOT_ACTIVE)
MARKET_CLOSED = Refused(Reason.MARKET_CLOSED)

ENTRY_WORDS = (None, "ENTRY", "entry", " Entry ")
EXIT_WORDS = ("TARGET", "STOPLOSS", "SECOND", "THIRD", "stoploss", " Target ")
LEG_WORDS = (None, *EXIT_WORDS)
EXITS = [("entry", word) for word in EXIT_WORDS] + [(leg, word) for leg in ("stop", "target") for word in LEG_WORDS]
"""Every way of asking for rule X: the entry's id with an exit's word, a leg's id with none or an exit's."""


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


# How a bracket comes to stand where the table's rows say


def working(floor: SidedFloor) -> str:
    """Working, nothing filled."""
    return floor.place()


def partly_filled(floor: SidedFloor) -> str:
    """4 of 10 filled, the remainder working, nobody displayed."""
    entry = floor.place()
    floor.silent(456.95, 4)
    return entry


def entry_complete(floor: SidedFloor) -> str:
    """All 10 filled, both legs working, nobody displayed."""
    entry = floor.place()
    floor.silent(456.95, 10)
    return entry


def entry_cancelled(floor: SidedFloor) -> str:
    """4 filled, the rest cancelled by rule E, both legs working."""
    entry = partly_filled(floor)
    assert floor.cancel(entry) == Cancelled(entry)
    return entry


def ioc_partly_filled(floor: SidedFloor) -> str:
    """4 filled at once, the IOC's rest dead, both legs working."""
    floor.tick(456.95, 0, (), levels((456.95, 4)))
    return floor.place(validity="IOC")


def target_partly_filled(floor: SidedFloor) -> str:
    """All bought, 3 of 10 sold by the target, 7 open."""
    entry = entry_complete(floor)
    floor.silent(458.95, 3)
    return entry


def part_then_target_part(floor: SidedFloor) -> str:
    """4 bought, 1 sold by the target, which took the entry's remainder out; 3 open."""
    entry = partly_filled(floor)
    floor.silent(458.95, 1)
    return entry


def stop_triggered(floor: SidedFloor) -> str:
    """All bought, the stop triggered into an empty book, 10 open."""
    entry = entry_complete(floor)
    floor.silent(455.95)
    return entry


def part_then_stop_triggered(floor: SidedFloor) -> str:
    """4 bought, then the stop triggered into an empty book, which took the entry's remainder out; 4 open."""
    entry = partly_filled(floor)
    floor.silent(455.95)
    return entry


def closing(floor: SidedFloor) -> str:
    """All bought, a closing order for 10 under way in an empty book."""
    entry = entry_complete(floor)
    assert isinstance(floor.cancel(entry, "STOPLOSS"), Cancelled)
    return entry


def part_then_closing(floor: SidedFloor) -> str:
    """4 bought, a closing order for 4 under way in an empty book."""
    entry = partly_filled(floor)
    assert isinstance(floor.cancel(entry, "TARGET"), Cancelled)
    return entry


def nothing_filled(floor: SidedFloor) -> str:
    """Cancelled before anything was filled."""
    entry = working(floor)
    floor.cancel(entry)
    return entry


def ioc_nothing_filled(floor: SidedFloor) -> str:
    """An IOC that found nobody."""
    return floor.place(validity="IOC")


def closed_by_exit(floor: SidedFloor) -> str:
    """All bought, all sold by a closing order."""
    entry = closing(floor)
    floor.tick(456.95)
    return entry


def part_closed_by_exit(floor: SidedFloor) -> str:
    """4 bought, 4 sold by a closing order."""
    entry = part_then_closing(floor)
    floor.tick(456.95)
    return entry


def closed_by_exit_after_trigger(floor: SidedFloor) -> str:
    """All bought; an exit that found the stop triggered; then the stop sold all."""
    entry = stop_triggered(floor)
    floor.cancel(entry, "TARGET")
    floor.tick(455.95)
    return entry


def closed_by_target(floor: SidedFloor) -> str:
    """All bought, all sold by the target."""
    entry = entry_complete(floor)
    floor.silent(458.95)
    return entry


def part_closed_by_target(floor: SidedFloor) -> str:
    """4 bought, 4 sold by the target."""
    entry = partly_filled(floor)
    floor.silent(458.95)
    return entry


def closed_by_stop(floor: SidedFloor) -> str:
    """All bought, all sold by the stop."""
    entry = entry_complete(floor)
    floor.tick(455.95)
    return entry


def part_closed_by_stop(floor: SidedFloor) -> str:
    """4 bought, 4 sold by the stop."""
    entry = partly_filled(floor)
    floor.tick(455.95)
    return entry


def session_over(before: Callable[[SidedFloor], str]) -> Callable[[SidedFloor], str]:
    """As before, and then the session ended."""

    def after(floor: SidedFloor) -> str:
        entry = before(floor)
        floor.phase = SessionPhase.CLOSED
        return entry

    return after


Way = tuple[str, str | None]
State = Callable[[SidedFloor], str]


def ask(floor: SidedFloor, entry: str, way: Way) -> Outcome:
    """Cancel by the entry's or a leg's id, with a word or none."""
    return floor.cancel(named_id(floor, entry, way[0]), way[1])


def named_id(floor: SidedFloor, entry: str, which: str) -> str:
    """The id that a way of asking starts from."""
    if which == "entry":
        return entry
    stop, target = floor.legs(entry)
    return {"stop": stop, "target": target}[which].order_id


def meant_id(floor: SidedFloor, entry: str, way: Way) -> str:
    """The row that a way of asking means: a leg's own id decides, with the entry's id the word does."""
    if way[0] != "entry":
        return named_id(floor, entry, way[0])
    if way[1] in ENTRY_WORDS:
        return entry
    word = str(way[1]).strip().upper()
    return named_id(floor, entry, "stop" if word in ("STOPLOSS", "THIRD") else "target")


def frozen(floor: SidedFloor, entry: str) -> list[tuple[object, ...]]:
    """Everything about the bracket's rows that a cancel without effect must not change, its references included."""
    rows = [row for row in floor.rows(entry) if row is not None]
    return [(told(row), row.info, row.order_type, row.price_paise, row.activity_reference) for row in rows]


# Column 1: the entry's id, ENTRY or none


@pytest.mark.parametrize("word", ENTRY_WORDS)
def test_a_working_entry_is_cancelled_and_leaves_nothing(floor: SidedFloor, word: str | None) -> None:
    """Working, nothing filled: the entry is CANCELLED, no legs, no position, the margin back."""
    entry = working(floor)
    assert floor.cancel(entry, word) == Cancelled(entry)
    row, stop, target = floor.rows(entry)
    assert told(row) == (Status.CANCELLED, 10, 0, 0, 10)
    assert (stop, target) == (None, None)
    assert floor.net() == 0
    assert floor.state.accounts["A"].blocked_paise == 0


@pytest.mark.parametrize("word", ENTRY_WORDS)
def test_of_a_partly_filled_entry_the_remainder_is_cancelled_and_the_legs_stay(
    floor: SidedFloor, word: str | None
) -> None:
    """Partly filled: rule E takes the remainder, and both legs keep what was filled."""
    entry = partly_filled(floor)
    assert floor.cancel(entry, word) == Cancelled(entry)
    row, stop, target = floor.rows(entry)
    assert stop is not None
    assert target is not None
    assert told(row) == PART
    assert told(stop) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
    assert told(target) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert (stop.order_type, stop.price_paise, floor.paise(stop.trigger_paise)) == (OrderType.SLM, 0, 45_595)
    assert (target.order_type, floor.paise(target.price_paise)) == (OrderType.LIMIT, 45_895)
    assert (stop.info, target.info) == ("", "")
    assert floor.net() == 4


@pytest.mark.parametrize("word", ENTRY_WORDS)
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (entry_complete, TOO_LATE),
        (entry_cancelled, None),
        (ioc_partly_filled, None),
        (target_partly_filled, TOO_LATE),
        (part_then_target_part, None),
        (stop_triggered, TOO_LATE),
        (part_then_stop_triggered, None),
        (closing, TOO_LATE),
        (part_then_closing, None),
        (nothing_filled, None),
        (ioc_nothing_filled, None),
        (closed_by_exit, TOO_LATE),
        (part_closed_by_exit, None),
        (closed_by_exit_after_trigger, TOO_LATE),
        (closed_by_target, TOO_LATE),
        (part_closed_by_target, None),
        (closed_by_stop, TOO_LATE),
        (part_closed_by_stop, None),
        (session_over(entry_complete), TOO_LATE),
        (session_over(entry_cancelled), None),
        (session_over(stop_triggered), TOO_LATE),
    ],
)
def test_an_entry_that_is_terminal_answers_by_its_state_and_nothing_moves(
    floor: SidedFloor, state: State, expected: Outcome | None, word: str | None
) -> None:
    """By the entry's state: COMPLETE is TOO_LATE, CANCELLED is success; nothing of the bracket changes, ever again."""
    entry = state(floor)
    before, net = frozen(floor, entry), floor.net()
    for _ in range(3):
        assert floor.cancel(entry, word) == (expected or Cancelled(entry))
    assert frozen(floor, entry) == before
    assert floor.net() == net


def test_after_the_session_a_working_remainder_is_still_cancelled_by_rule_e(floor: SidedFloor) -> None:
    """Open > 0 after the session's end, column 1: by the entry's state, which still works here."""
    entry = session_over(partly_filled)(floor)
    assert floor.cancel(entry) == Cancelled(entry)
    assert told(floor.order(entry)) == PART
    assert told(floor.legs(entry)[0]) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)


# Columns 2 and 3, before there are legs


@pytest.mark.parametrize("word", EXIT_WORDS)
@pytest.mark.parametrize("state", [working, nothing_filled, ioc_nothing_filled])
def test_an_exit_named_before_a_fill_is_not_active(floor: SidedFloor, state: State, word: str) -> None:
    """The entry's id with TARGET or STOPLOSS, nothing filled: LEG_NOT_ACTIVE, and nothing changes."""
    entry = state(floor)
    before = frozen(floor, entry)
    assert floor.cancel(entry, word) == LEG_NOT_ACTIVE
    assert frozen(floor, entry) == before


@pytest.mark.parametrize("word", [*LEG_WORDS, "ENTRY", "nonsense"])
@pytest.mark.parametrize("state", [working, nothing_filled, ioc_nothing_filled])
def test_a_leg_that_does_not_exist_is_not_found(floor: SidedFloor, state: State, word: str | None) -> None:
    """A leg's id, nothing filled: not found, whatever else the request says; the ids that legs would get included."""
    entry = state(floor)
    date = entry.partition("-")[0]
    for number in (3, 4, 5):
        assert floor.cancel(f"{date}-{number}", word) == NotFound()


# Columns 2 and 3: rule X


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(
    ("state", "bought", "sold", "entry_row"),
    [
        (partly_filled, 4, 0, PART),
        (entry_complete, 10, 0, BOUGHT),
        (entry_cancelled, 4, 0, PART),
        (ioc_partly_filled, 4, 0, PART),
        (target_partly_filled, 10, 3, BOUGHT),
        (part_then_target_part, 4, 1, PART),
    ],
)
def test_rule_x_turns_the_stop_into_the_closing_order(
    floor: SidedFloor, state: State, bought: int, sold: int, entry_row: tuple[object, ...], way: Way
) -> None:
    """Rule X: remainder and TARGET are CANCELLED, the STOPLOSS is the closing order for exactly what is open."""
    entry = state(floor)
    stop, target = floor.legs(entry)
    numbers = stop.order_id, stop.exchange_order_id
    assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))
    open_now = bought - sold
    assert told(floor.order(entry)) == entry_row
    assert told(target) == (Status.CANCELLED, bought, sold, 0, open_now)
    assert told(stop) == (Status.CONFIRMED, bought, 0, open_now, sold)
    assert (stop.order_id, stop.exchange_order_id) == numbers
    assert (stop.leg, stop.order_type, stop.price_paise, stop.trigger_paise) == (Leg.STOPLOSS, OrderType.MARKET, 0, 0)
    assert stop.info == "CLOSING"
    assert floor.net() == open_now
    floor.tick(456.00)
    assert told(stop) == (Status.COMPLETE, bought, open_now, 0, sold)
    assert floor.trades(stop.order_id) == [(456.00, open_now)]
    assert floor.net() == 0
    assert len(floor.state.orders) == 3


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(("state", "bought"), [(partly_filled, 4), (entry_complete, 10), (entry_cancelled, 4)])
def test_rule_x_into_a_book_that_is_there_closes_at_once(
    floor: SidedFloor, state: State, bought: int, way: Way
) -> None:
    """Rule X where somebody is displayed: the closing order's fills are the STOPLOSS's, all before the reply."""
    entry = state(floor)
    floor.tick(456.95, 0, levels((456.90, 3), (456.85, 100)), ())
    assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.COMPLETE, bought, bought, 0, 0)
    assert told(target) == (Status.CANCELLED, bought, 0, 0, bought)
    assert floor.trades(stop.order_id) == [(456.90, 3), (456.85, bought - 3)]
    assert floor.net() == 0


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(
    ("state", "bought", "info"),
    [
        (stop_triggered, 10, ""),
        (part_then_stop_triggered, 4, ""),
        (closing, 10, "CLOSING"),
        (part_then_closing, 4, "CLOSING"),
    ],
)
def test_a_stop_in_force_is_the_exit_already(floor: SidedFloor, state: State, bought: int, info: str, way: Way) -> None:
    """STOPLOSS triggered, or closing under way: success again and again, no second order, and an exit remembered."""
    entry = state(floor)
    before = frozen(floor, entry)
    stop, target = floor.legs(entry)
    for _ in range(3):
        assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))
    assert frozen(floor, entry) == before
    assert told(stop) == (Status.CONFIRMED, bought, 0, bought, 0)
    assert (stop.info, stop.order_type) == (info, OrderType.MARKET if info else OrderType.SLM)
    floor.tick(455.95)
    assert told(stop) == (Status.COMPLETE, bought, bought, 0, 0)
    assert target.status is Status.CANCELLED
    for _ in range(2):
        assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way)), "closed by an accepted exit"
    assert floor.net() == 0


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize("state", [closed_by_exit, part_closed_by_exit, closed_by_exit_after_trigger])
def test_a_bracket_closed_by_an_accepted_exit_says_so_again_and_again(
    floor: SidedFloor, state: State, way: Way
) -> None:
    """Closed by an accepted exit: success, again and again, after a restart too, and nothing moves."""
    entry = state(floor)
    before = frozen(floor, entry)
    for _ in range(2):
        assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))
    floor.restart()
    assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))
    assert frozen(floor, entry) == before
    assert floor.net() == 0


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(
    ("state", "closer"),
    [
        (closed_by_target, Leg.TARGET),
        (part_closed_by_target, Leg.TARGET),
        (closed_by_stop, Leg.STOPLOSS),
        (part_closed_by_stop, Leg.STOPLOSS),
    ],
)
def test_a_bracket_closed_otherwise_answers_by_the_named_leg(
    floor: SidedFloor, state: State, closer: Leg, way: Way
) -> None:
    """Closed by target or stop: the named leg COMPLETE is TOO_LATE, CANCELLED is success; nothing moves."""
    entry = state(floor)
    before = frozen(floor, entry)
    meant = floor.order(meant_id(floor, entry, way))
    bought = floor.order(entry).filled
    if meant.leg is closer:
        assert told(meant) == (Status.COMPLETE, bought, bought, 0, 0)
        assert ask(floor, entry, way) == TOO_LATE
    else:
        assert told(meant) == (Status.CANCELLED, bought, 0, 0, bought)
        assert meant.info == "OCO"
        assert ask(floor, entry, way) == Cancelled(meant.order_id)
    assert frozen(floor, entry) == before
    assert floor.net() == 0


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(
    "state", [partly_filled, entry_complete, entry_cancelled, target_partly_filled, stop_triggered]
)
def test_an_exit_after_the_session_finds_the_market_closed(floor: SidedFloor, state: State, way: Way) -> None:
    """Open > 0 after the session's end: MARKET_CLOSED, and no order is touched."""
    entry = session_over(state)(floor)
    before = frozen(floor, entry)
    assert ask(floor, entry, way) == MARKET_CLOSED
    assert frozen(floor, entry) == before


@pytest.mark.parametrize("way", EXITS)
def test_a_bracket_closed_by_an_exit_says_so_after_the_session_as_well(floor: SidedFloor, way: Way) -> None:
    """Nothing is open after the session: the answer is the one of the bracket's own row, not MARKET_CLOSED."""
    entry = session_over(closed_by_exit)(floor)
    assert ask(floor, entry, way) == Cancelled(meant_id(floor, entry, way))


# Ids and words


@pytest.mark.parametrize("word", ["ENTRY", "entry", " En try "])
@pytest.mark.parametrize("which", ["stop", "target"])
def test_a_legs_id_with_entry_is_refused(floor: SidedFloor, which: str, word: str) -> None:
    """A leg's id together with ENTRY: the indicator is invalid, and nothing changes."""
    entry = partly_filled(floor)
    before = frozen(floor, entry)
    assert ask(floor, entry, (which, word)) == FieldFault("leg_order_indicator")
    assert frozen(floor, entry) == before


def test_the_entry_named_by_its_id_as_the_indicator_is_refused_with_a_legs_id(floor: SidedFloor) -> None:
    """A leg's id with the entry's, the basket's or the entry's exchange id as the indicator is a leg with ENTRY."""
    entry = partly_filled(floor)
    row = floor.order(entry)
    for word in (entry, row.basket_id, row.exchange_order_id):
        assert ask(floor, entry, ("stop", word)) == FieldFault("leg_order_indicator")


def test_a_basket_id_is_an_alias_of_its_entry(floor: SidedFloor) -> None:
    """A basket's id cancels its entry's remainder, and with an exit's word it closes the bracket."""
    entry = partly_filled(floor)
    basket = floor.order(entry).basket_id
    assert floor.cancel(basket) == Cancelled(entry)
    assert told(floor.order(entry)) == PART
    stop, _ = floor.legs(entry)
    assert floor.cancel(basket, "STOPLOSS") == Cancelled(stop.order_id)
    assert stop.info == "CLOSING"


def test_an_exchange_id_is_an_alias_of_its_order(floor: SidedFloor) -> None:
    """An exchange order id of the client's own means the order that carries it, entry and legs alike."""
    entry = partly_filled(floor)
    stop, target = floor.legs(entry)
    assert floor.cancel(floor.order(entry).exchange_order_id) == Cancelled(entry)
    assert told(floor.order(entry)) == PART
    assert stop.info == ""
    assert floor.cancel(target.exchange_order_id) == Cancelled(target.order_id)
    assert stop.info == "CLOSING"
    assert floor.cancel(stop.exchange_order_id) == Cancelled(stop.order_id)


@pytest.mark.parametrize("kind", ["order", "exchange"])
@pytest.mark.parametrize("leg", [Leg.STOPLOSS, Leg.TARGET])
def test_an_id_as_the_indicator_names_its_row(floor: SidedFloor, leg: Leg, kind: str) -> None:
    """The indicator may be an oms or exchange id of the same bracket: it names that row."""
    entry = partly_filled(floor)
    row = floor.legs(entry)[0 if leg is Leg.STOPLOSS else 1]
    word = row.order_id if kind == "order" else row.exchange_order_id
    assert floor.cancel(entry, word) == Cancelled(row.order_id)
    assert floor.legs(entry)[0].info == "CLOSING"


def test_the_entrys_own_ids_as_the_indicator_mean_entry(floor: SidedFloor) -> None:
    """The entry's id with the entry's, the basket's or its exchange id as the indicator is rule E."""
    for pick in ("order_id", "basket_id", "exchange_order_id"):
        entry = floor.place()
        assert floor.cancel(entry, getattr(floor.order(entry), pick)) == Cancelled(entry)
        assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)


def test_an_id_of_another_bracket_is_no_indicator(floor: SidedFloor) -> None:
    """The indicator names rows of the same bracket only, the client's other brackets excluded."""
    entry, other = partly_filled(floor), floor.place()
    assert floor.cancel(entry, other) == FieldFault("leg_order_indicator")
    assert floor.cancel(other, floor.legs(entry)[0].order_id) == FieldFault("leg_order_indicator")


def test_another_clients_ids_are_not_found_in_any_form(floor: SidedFloor) -> None:
    """Another client's order, leg, basket and exchange ids are not found, exactly like ids that never were."""
    entry = partly_filled(floor)
    before = frozen(floor, entry)
    rows = [row for row in floor.rows(entry) if row is not None]
    for text in [row.order_id for row in rows] + [row.exchange_order_id for row in rows] + [rows[0].basket_id]:
        for word in (None, "ENTRY", "TARGET", "nonsense"):
            assert floor.cancel(text, word, client="B") == NotFound()
    assert floor.cancel("20200101-1", client="B") == NotFound()
    assert frozen(floor, entry) == before
