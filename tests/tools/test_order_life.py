"""The life of an order summed up for a picture says no more and no less than the engine's table."""

import hypothesis.strategies as st
from hypothesis import given
from tools.order_life import ANY, Life, Transitions, life_of

from bracketd.domain.order import Status
from bracketd.engine.transitions import TRANSITIONS, Happening

TABLES = st.dictionaries(
    st.tuples(st.sampled_from(Status), st.sampled_from(Happening)), st.none() | st.sampled_from(Status), max_size=150
)


def table_of(life: Life) -> Transitions:
    """The table that a summary was made of."""
    table: dict[tuple[Status, Happening], Status | None] = {}
    for (source, target), happenings in life.arrows.items():
        for status in (set(life.open) - {target}) if source == ANY else {Status(source)}:
            table.update(((status, happening), target) for happening in happenings)
    for name, happenings in life.stays.items():
        for status in life.open if name == ANY else (Status(name),):
            table.update(((status, happening), status) for happening in happenings)
    for name, happenings in life.returns.items():
        table.update(((Status(name), happening), None) for happening in happenings)
    return table


def test_the_summary_is_the_table() -> None:
    """What the picture of an order's life shows, put together again, is the engine's table."""
    assert table_of(life_of(TRANSITIONS)) == TRANSITIONS


@given(TABLES)
def test_any_table_can_be_summed_up(table: dict[tuple[Status, Happening], Status | None]) -> None:
    """Whatever the table comes to be, its summary loses no row, adds none, and has each status once."""
    life = life_of(table)
    assert table_of(life) == table
    assert sorted((*life.open, *life.ends)) == sorted(Status)


def test_what_every_open_status_shares_is_said_once() -> None:
    """A happening that leads every open status to one other is one arrow, and one that changes none is one line."""
    table: dict[tuple[Status, Happening], Status | None] = {}
    for status in (Status.PENDING, Status.CONFIRMED, Status.CANCEL_PENDING):
        table[status, Happening.FILLED] = Status.COMPLETE
        table[status, Happening.FILLED_PART] = status
        if status is not Status.CANCEL_PENDING:
            table[status, Happening.CANCEL_REQUESTED] = Status.CANCEL_PENDING
    life = life_of(table)
    assert life.arrows == {
        (ANY, Status.COMPLETE): (Happening.FILLED,),
        (ANY, Status.CANCEL_PENDING): (Happening.CANCEL_REQUESTED,),
    }
    assert life.stays == {ANY: (Happening.FILLED_PART,)}
