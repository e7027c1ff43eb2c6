"""The checks 5 to 10 of bracket.md section 5, each alone and each before the next, on crafted requests."""

import pytest
from tests.trading_floor import Floor

from bracketd.domain.commands import CancelOrder
from bracketd.domain.outcomes import FieldFault, NotFound, Outcome
from bracketd.engine.cancel_table import Named
from bracketd.engine.cancelling import name_row

PLACEHOLDER = "<oms_order_id>"


@pytest.fixture
def floor() -> Floor:
    """A floor with client A's partly filled bracket and client B's working one."""
    floor = Floor("A", "B")
    floor.place("A")
    floor.tick(456.95, 4, (), ())
    floor.place("B")
    return floor


def ids_of(floor: Floor) -> tuple[str, str, str, str]:
    """(entry, stop, target of A's bracket, entry of B's)."""
    mine, other = floor.state.brackets.values()
    return mine.entry_id, mine.stop_id, mine.target_id, other.entry_id


def judged(floor: Floor, *ids: str, **fields: object) -> tuple[str, str, Named] | Outcome:
    """(order id, leg word, how it was named), or what is wrong with the request."""
    named = name_row(floor.state, CancelOrder(client_id="A", ids=ids, **fields))  # type: ignore[arg-type]
    return (named[0].order_id, str(named[1]), named[2]) if isinstance(named, tuple) else named


def test_an_unknown_malformed_or_foreign_id_is_not_found(floor: Floor) -> None:
    """Check 5: unknown, another client's, malformed and the literal placeholder are all the same not found."""
    foreign = ids_of(floor)[3]
    for text in ("20260101-99", foreign, "", "x" * 40, "a b", "É", PLACEHOLDER, "../1", "1\n"):
        assert judged(floor, text) == NotFound(), text


def test_a_further_id_may_be_any_form_of_the_same_order(floor: Floor) -> None:
    """Check 6: the entry's id, its basket's and its exchange id are one order; each may stand beside another."""
    entry = ids_of(floor)[0]
    row = floor.state.orders[entry]
    forms = (entry, row.basket_id, row.exchange_order_id)
    for first in forms:
        for second in forms:
            assert judged(floor, first, second) == (entry, "ENTRY", Named.ENTRY)


def test_a_further_id_of_another_order_is_invalid(floor: Floor) -> None:
    """Check 6: a further id that is a leg's, another client's, unknown or malformed is a wrong field, not a 404."""
    entry, stop, target, foreign = ids_of(floor)
    for other in (stop, target, foreign, "20260101-99", PLACEHOLDER):
        assert judged(floor, entry, other) == FieldFault("oms_order_id"), other
        assert judged(floor, entry, entry, other) == FieldFault("oms_order_id"), other


def test_an_object_where_a_further_id_is_read_is_invalid_only_after_the_first_is_known(floor: Floor) -> None:
    """A value's type is checked where it is first needed: an unknown id in the path answers before it."""
    entry = ids_of(floor)[0]
    unreadable = frozenset({"oms_order_id"})
    assert judged(floor, entry, unreadable=unreadable) == FieldFault("oms_order_id")
    assert judged(floor, "20260101-99", unreadable=unreadable) == NotFound()


@pytest.mark.parametrize("field", ["execution_type", "exchange_order_id", "leg_order_indicator"])
def test_a_field_with_two_values_is_invalid(floor: Floor, field: str) -> None:
    """Check 7: a field of checks 8 to 10 that body and query disagree on."""
    assert judged(floor, ids_of(floor)[0], conflicting=frozenset({field})) == FieldFault(field)


def test_the_execution_type_is_the_orders_own_in_any_case(floor: Floor) -> None:
    """Check 8: absent or BO in any case passes, everything else is invalid."""
    entry = ids_of(floor)[0]
    for right in (None, "BO", "bo", "Bo"):
        assert judged(floor, entry, execution_type=right) == (entry, "ENTRY", Named.ENTRY)
    for wrong in ("REGULAR", "CO", "AMO", "BOO", "B O"):
        assert judged(floor, entry, execution_type=wrong) == FieldFault("execution_type")


def test_the_exchange_id_is_the_paths_orders_or_the_named_legs(floor: Floor) -> None:
    """Check 9: the path's order's number and the named leg's pass; the other leg's, another's and nobody's do not."""
    orders = floor.state.orders
    entry, stop, target, foreign = (orders[order_id] for order_id in ids_of(floor))
    for own in (entry, target):
        judgement = judged(floor, entry.order_id, leg="TARGET", exchange_order_id=own.exchange_order_id)
        assert judgement == (entry.order_id, "TARGET", Named.EXIT)
    for wrong in (stop.exchange_order_id, foreign.exchange_order_id, "1", entry.order_id):
        judgement = judged(floor, entry.order_id, leg="TARGET", exchange_order_id=wrong)
        assert judgement == FieldFault("exchange_order_id")
    assert judged(floor, stop.order_id, exchange_order_id=stop.exchange_order_id) == (
        stop.order_id,
        "STOPLOSS",
        Named.LEG,
    )


def test_a_blank_exchange_id_is_blank_only_where_the_order_has_one(floor: Floor) -> None:
    """Check 9: present but blank while the order has a number cannot be blank; an order without one takes anything."""
    entry = ids_of(floor)[0]
    assert judged(floor, entry, exchange_order_id="") == FieldFault("exchange_order_id", blank=True)
    floor.state.orders[entry].exchange_order_id = ""
    for sent in ("", "1100000000000009"):
        assert judged(floor, entry, exchange_order_id=sent) == (entry, "ENTRY", Named.ENTRY)


def test_the_indicator_is_read_without_case_and_blanks(floor: Floor) -> None:
    """Check 10: the words of the legs, SECOND and THIRD included, in any case and with any blanks."""
    entry = ids_of(floor)[0]
    words = {"ENTRY": "ENTRY", "TARGET": "TARGET", "SECOND": "TARGET", "STOPLOSS": "STOPLOSS", "THIRD": "STOPLOSS"}
    for word, leg in words.items():
        for form in (word, word.lower(), word.title(), f" {word} ", " ".join(word), f"\t{word}\n"):
            how = Named.ENTRY if leg == "ENTRY" else Named.EXIT
            assert judged(floor, entry, leg=form) == (entry, leg, how), form
    for wrong in ("FIRST", "STOP", "STOP_LOSS", "TARGETS", "1", "ENTRYTARGET"):
        assert judged(floor, entry, leg=wrong) == FieldFault("leg_order_indicator"), wrong


def test_an_absent_indicator_means_the_ids_own_leg(floor: Floor) -> None:
    """Check 10: without a word each id means itself."""
    entry, stop, target, _ = ids_of(floor)
    assert judged(floor, entry) == (entry, "ENTRY", Named.ENTRY)
    assert judged(floor, stop) == (stop, "STOPLOSS", Named.LEG)
    assert judged(floor, target) == (target, "TARGET", Named.LEG)


def test_an_object_as_the_indicator_is_invalid(floor: Floor) -> None:
    """Check 10: an object or array is no leg."""
    fault = FieldFault("leg_order_indicator")
    assert judged(floor, ids_of(floor)[0], unreadable=frozenset({"leg_order_indicator"})) == fault


def test_the_first_wrong_field_answers(floor: Floor) -> None:
    """With everything wrong the checks answer in their order, each after the one before is put right."""
    entry = ids_of(floor)[0]
    all_fields = ("execution_type", "exchange_order_id", "leg_order_indicator")
    wrong: dict[str, object] = {
        "execution_type": "CO",
        "exchange_order_id": "1",
        "leg": "nonsense",
        "conflicting": frozenset(all_fields),
    }
    assert judged(floor, "20260101-99", "20260101-98", **wrong) == NotFound()
    assert judged(floor, entry, "20260101-98", **wrong) == FieldFault("oms_order_id")
    for count, field in enumerate(all_fields):
        left = wrong | {"conflicting": frozenset(all_fields[count:])}
        assert judged(floor, entry, entry, **left) == FieldFault(field)
    wrong["conflicting"] = frozenset()
    assert judged(floor, entry, **wrong) == FieldFault("execution_type")
    wrong["execution_type"] = "BO"
    assert judged(floor, entry, **wrong) == FieldFault("exchange_order_id")
    wrong["exchange_order_id"] = ""
    assert judged(floor, entry, **wrong) == FieldFault("exchange_order_id", blank=True)
    wrong["exchange_order_id"] = None
    assert judged(floor, entry, **wrong) == FieldFault("leg_order_indicator")
    wrong["leg"] = "ENTRY"
    assert judged(floor, entry, **wrong) == (entry, "ENTRY", Named.ENTRY)


def test_an_object_in_the_execution_type_or_exchange_id_is_that_fields_fault(floor: Floor) -> None:
    """Types are judged in the checks' order as well."""
    entry = ids_of(floor)[0]
    fields = ("execution_type", "exchange_order_id", "leg_order_indicator")
    for count, field in enumerate(fields):
        assert judged(floor, entry, unreadable=frozenset(fields[count:])) == FieldFault(field)
