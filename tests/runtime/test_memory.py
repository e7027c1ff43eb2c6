"""Memory: what a resting entry and a working bracket own in the engine and the paper exchange, counted by objects.

Sizes are those of CPython 3.11 and later; nothing is timed, and the figures are the same on every run.
"""

import gc
import sys
from typing import Any

import msgspec
from tests.trading_floor import Floor

RESTING_BYTES = 1_000
"""A resting entry without its places in long dictionaries, which grow in leaps. With every field in each row: 1,238."""

WORKING_BYTES = 2_300
"""A bracket with both legs at work, counted in the same way. With every field in each row: 2,845."""

_SHARED = 64
"""As many are looked at; what fewer than one in sixteen brackets has is nobody's own."""


def test_a_resting_entry_is_small() -> None:
    """The rows, texts and numbers that one more resting bracket brings, and its order at the exchange."""
    floor = Floor("A")
    assert _bytes_each(floor, fill=False) <= RESTING_BYTES


def test_a_working_bracket_is_small() -> None:
    """The same of one that filled: three rows, a trade, and a pair of orders at the exchange."""
    floor = Floor("A")
    assert _bytes_each(floor, fill=True) <= WORKING_BYTES


def test_rows_share_what_they_have_alike() -> None:
    """What most rows have alike is one object, however many there are."""
    floor = Floor("A")
    rows = [floor.state.orders[floor.place()] for _ in range(3)]
    assert len({id(row.particulars) for row in rows}) == len({id(row.marks) for row in rows}) == 1
    assert len({id(bracket.turns) for bracket in floor.state.brackets.values()}) == 1


def _bytes_each(floor: Floor, *, fill: bool) -> float:
    before = _bytes(floor)
    for _ in range(_SHARED):
        floor.place()
    if fill:
        floor.tick(450.0, 10**6)
    assert len(floor.state.orders) == (3 if fill else 1) * _SHARED
    return (_bytes(floor) - before) / _SHARED


def _bytes(floor: Floor) -> int:
    """The size of everything that is reached from the state and the exchange, containers of many left out."""
    sizes: dict[int, int] = {}
    waiting: list[Any] = [floor.state, floor.venue]
    while waiting:
        one = waiting.pop()
        if id(one) in sizes or isinstance(one, type) or callable(one):
            continue
        many = isinstance(one, dict | list | set) and len(one) > 8
        sizes[id(one)] = 0 if many else sys.getsizeof(one)
        if isinstance(one, msgspec.Struct):
            waiting += [getattr(one, name) for name in one.__struct_fields__]
        else:
            waiting += gc.get_referents(one)
    return sum(sizes.values())
