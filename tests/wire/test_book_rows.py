"""Book rows: whatever an order is, its row is to the byte what the row as a dictionary would be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading_floor import INSTRUMENTS, SBIN, Floor

from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Execution, Leg, Marks, Order, OrderType, Particulars, Product, Side, Status, Validity
from bracketd.engine.state import State
from bracketd.wire import book_rows
from bracketd.wire.amounts import JSON
from bracketd.wire.book_rows import BookRows
from bracketd.wire.order_rows import order_row

COUNTS = st.integers(0, 10**9)
PAISE = st.integers(0, 10**12)
TIMES = st.integers(0, 2**62)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


ORDERS = st.builds(
    Order,
    order_id=st.from_regex(r"\d{8}-\d{1,5}", fullmatch=True),
    basket_id=st.sampled_from(["20260105-1", "20260105-7"]),
    parent_id=st.sampled_from(["", "20260105-2"]),
    client_id=st.just("A"),
    instrument=st.sampled_from([SBIN, "NSE:999999", "BSE:12"]),
    leg=st.sampled_from(Leg),
    side=st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    quantity=COUNTS,
    remaining=COUNTS,
    price_paise=PAISE,
    trigger_paise=PAISE,
    status=st.sampled_from(Status),
    placed_ns=TIMES,
    changed_ns=TIMES,
    ahead_ns=COUNTS,
    filled=st.sampled_from([0, 0, 1, 3, 800]),
    traded_value_paise=PAISE,
    last_trade_paise=PAISE,
    last_trade_ns=TIMES,
    exchange_order_id=TEXTS,
    accepted_ns=TIMES,
    user_order_id=TEXTS,
    particulars=st.builds(
        Particulars,
        execution=st.sampled_from(Execution),
        product=st.sampled_from(Product),
        validity=st.sampled_from(Validity),
        device=TEXTS,
        disclosed_quantity=COUNTS,
        protection_bp=st.integers(0, 10_000),
    ),
    marks=st.builds(Marks, info=TEXTS, rejection=TEXTS),
)


def a_bracket() -> Bracket:
    """A bracket that rests."""
    floor = Floor("A")
    return floor.state.bracket_of(floor.place())


BRACKET = a_bracket()


@given(st.lists(ORDERS, min_size=1, max_size=4), st.sampled_from([0, 5, 150]), PAISE, PAISE)
def test_rows_are_the_dictionaries_to_the_byte(orders: list[Order], step: int, target: int, stop: int) -> None:
    """Every kind of order, with every text and amount, is shown as `order_row` says it."""
    offsets = {"target_offset_paise": target, "stop_offset_paise": stop}
    bracket = msgspec.structs.replace(BRACKET, trailing_step_paise=step, **offsets)
    state = State(brackets={"20260105-1": bracket})
    expected = [order_row(state, order, INSTRUMENTS.get(order.instrument)) for order in orders]
    rows = BookRows(state, INSTRUMENTS)
    assert rows.encode("A", orders) == JSON.encode(expected)
    assert rows.encode("A", orders) == JSON.encode(expected)


def test_a_client_is_named_as_its_name_is_written() -> None:
    """A client's name is escaped where JSON wants it."""
    floor = Floor('A "B"')
    floor.place('A "B"', quantity=1)
    orders = list(floor.state.orders.values())
    shown = BookRows(floor.state, INSTRUMENTS).encode('A "B"', orders)
    assert shown == JSON.encode([order_row(floor.state, orders[0], INSTRUMENTS[SBIN])])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one piece too many all are forgotten, and rows stay right."""
    monkeypatch.setattr(book_rows, "PIECES_MAX", 3)
    pieces = book_rows._Pieces[int](lambda key: msgspec.Raw(b"%d" % key))
    for number in range(20):
        assert bytes(pieces[number]) == b"%d" % number
        assert len(pieces) <= 3
