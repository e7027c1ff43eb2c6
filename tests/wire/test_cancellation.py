"""The fields of a cancel: the short way of one source of texts reads what the long way reads."""

import itertools

import pytest

from bracketd.wire.cancellation import read_cancellation
from bracketd.wire.fields import BAD, Fields
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

NAMES = ("oms_order_id", "execution_type", "exchange_order_id", "leg_order_indicator")
VALUES = (None, "", "1")


def read(path_id: str | None, body: Fields, query: Fields, *, short: bool) -> object:
    """The command, or what is wrong with the request."""
    parameters = Parameters.of(path_id, body, query)
    assert parameters.only is not None
    if not short:
        parameters.only = None
    try:
        return read_cancellation(parameters, "A")
    except FieldError as fault:
        return fault.field, fault.blank


@pytest.mark.parametrize("path_id", [None, "1", "2"])
@pytest.mark.parametrize("in_query", [False, True])
def test_one_source_is_read_alike_on_both_ways(path_id: str | None, in_query: bool) -> None:
    """Absent, blank and there, of every field that a cancel has, in the body or in the query."""
    for values in itertools.product(VALUES, repeat=len(NAMES)):
        fields: Fields = {name: value for name, value in zip(NAMES, values, strict=True) if value is not None}
        sources: tuple[Fields, Fields] = ({}, fields) if in_query else (fields, {})
        assert read(path_id, *sources, short=True) == read(path_id, *sources, short=False)


def test_two_sources_and_what_is_no_text_have_no_short_way() -> None:
    """There a field can conflict, or be unreadable."""
    assert Parameters.of("1", {"execution_type": "BO"}, {"client_id": "A"}).only is None
    assert Parameters.of("1", {"execution_type": BAD}, {}).only is None
    assert Parameters.of("1", {}, {"execution_type": BAD}).only is None
    assert Parameters.of("1", {}, {}).only == {}
