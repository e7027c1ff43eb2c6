"""Words: enumerated words and numbers are read leniently, and what is none names its field."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bracketd.domain.order import OrderType, Product, Side, Validity
from bracketd.wire import numerals, words
from bracketd.wire.parameters import Parameters, read_parameters
from bracketd.wire.words import FieldError

Reader = Callable[[Parameters, str], Any]


def agreed(stands_for: Mapping[str, Any]) -> Callable[..., Any]:
    """A reader of the words of a list, of a text that is agreed on."""

    def read(parameters: Parameters, field: str, default: Any = None) -> Any:
        return words.word_of(words.agreed(parameters)(field), field, stands_for, default)

    return read


order_type, validity, boolean = agreed(words.ORDER_TYPES), agreed(words.VALIDITIES), agreed(words.BOOLEANS)


def activity_reference(parameters: Parameters, field: str) -> float | None:
    """The activity reference of a text that is agreed on."""
    return words.reference_of(words.agreed(parameters)(field), field)


READERS: list[Reader] = [
    words.text,
    words.side,
    order_type,
    validity,
    words.product,
    boolean,
    words.rupees,
    words.quantity,
]


def sent(value: Any) -> Parameters:
    """A request whose field "f" has this JSON value."""
    return read_parameters(b"", b"application/json", json.dumps({"f": value}).encode())


def raw(numeral: str) -> Parameters:
    """A request whose field "f" has this JSON text."""
    return read_parameters(b"", b"application/json", f'{{"f":{numeral}}}'.encode())


@pytest.mark.parametrize(
    ("reader", "spellings", "value"),
    [
        (words.side, ["BUY", "buy", "Buy", "B", " b "], Side.BUY),
        (words.side, ["SELL", "sell", "S"], Side.SELL),
        (order_type, ["LIMIT", "Limit"], OrderType.LIMIT),
        (order_type, ["MARKET", "market"], OrderType.MARKET),
        (order_type, ["SL", "sl"], OrderType.SL),
        (order_type, ["SLM", "SL-M", "sl-m"], OrderType.SLM),
        (validity, ["DAY", "Day", "day"], Validity.DAY),
        (validity, ["IOC", "ioc"], Validity.IOC),
        (words.product, ["MIS", "mis"], Product.MIS),
        (words.product, ["CNC"], Product.CNC),
        (words.product, ["NRML", "NMRL", "nmrl"], Product.NRML),
        (boolean, [True, "true", "True", "TRUE", 1, "1", 1.0], True),
        (boolean, [False, "false", "False", 0, "0"], False),
    ],
)
def test_words_are_read_in_every_spelling(reader: Reader, spellings: list[Any], value: object) -> None:
    """Each spelling that clients use is the word it stands for."""
    assert [reader(sent(spelling), "f") for spelling in spellings] == [value] * len(spellings)


@pytest.mark.parametrize("reader", READERS[1:])
@pytest.mark.parametrize("value", ["x", "BUYS", "yes", "-", "NaN", "1_0", "\u0663", "0x1", "1e", "--1", ".", "inf"])
def test_what_is_no_word_is_invalid(reader: Reader, value: str) -> None:
    """A text that is no word or number of the field is refused in the field's name."""
    with pytest.raises(FieldError) as refusal:
        reader(sent(value), "f")
    assert (refusal.value.field, refusal.value.blank) == ("f", False)


@pytest.mark.parametrize("reader", READERS)
def test_an_object_or_array_is_invalid(reader: Reader) -> None:
    """An object or array is refused where the field is needed, even where it could be absent."""
    for value in ({}, [], {"BUY": 1}, ["BUY"]):
        with pytest.raises(FieldError) as refusal:
            reader(sent(value), "f")
        assert not refusal.value.blank
    with pytest.raises(FieldError):
        activity_reference(sent([1]), "f")
    with pytest.raises(FieldError):
        words.quantity(sent([1]), "f", default=0)


@pytest.mark.parametrize("reader", READERS)
def test_a_needed_field_cannot_be_blank(reader: Reader) -> None:
    """Absent, null and blank are the same where a field is needed."""
    for parameters in (sent(None), sent(""), sent("  "), read_parameters(b"", None, b"")):
        with pytest.raises(FieldError) as refusal:
            reader(parameters, "f")
        assert (refusal.value.field, refusal.value.blank) == ("f", True)


def test_a_default_stands_for_absent_and_blank() -> None:
    """A field with a default may be absent or blank, and falsy defaults count."""
    for parameters in (sent(None), sent(" ")):
        assert words.text(parameters, "f", default="") == ""
        assert boolean(parameters, "f", default=False) is False
        assert words.quantity(parameters, "f", default=0) == 0
        assert words.rupees(parameters, "f", default=(0, False)) == (0, False)
        assert validity(parameters, "f", default=Validity.DAY) is Validity.DAY
    assert boolean(sent(True), "f", default=False) is True


@pytest.mark.parametrize(
    ("numeral", "paise", "finer"),
    [
        ("456.95", 45695, False),
        ("456.950", 45695, False),
        ('"456.950"', 45695, False),
        ("0.05", 5, False),
        ("5e-2", 5, False),
        ("1e2", 10000, False),
        ('"1e2"', 10000, False),
        ("0.055", 5, True),
        ("-1.5", -150, False),
        ("0", 0, False),
        ('"+3"', 300, False),
    ],
)
def test_rupees_become_paise(numeral: str, paise: int, finer: bool) -> None:
    """Rupees are read exactly, as number or text, and what is finer than a paisa is told."""
    assert words.rupees(raw(numeral), "f") == (paise, finer)


@pytest.mark.parametrize("numeral", ["1e400", "1e20", "9" * 5000, '"1,000"', '"Rs 5"', "true"])
def test_what_is_no_money_is_invalid(numeral: str) -> None:
    """Amounts beyond the system's limit and texts that are no number are refused."""
    with pytest.raises(FieldError):
        words.rupees(raw(numeral), "f")


@given(st.integers(-(10**12), 10**12))
def test_rupees_mean_the_same_as_number_and_text(paise: int) -> None:
    """An amount is the same paise as a JSON number and as a text."""
    sign = "-" if paise < 0 else ""
    numeral = f"{sign}{abs(paise) // 100}.{abs(paise) % 100:02d}"
    assert words.rupees(raw(numeral), "f") == words.rupees(raw(f'"{numeral}"'), "f") == (paise, False)


@pytest.mark.parametrize(
    ("numeral", "count"),
    [
        ("3", 3),
        ('"3"', 3),
        ("3.0", 3),
        ('"3.00"', 3),
        ("1e3", 1000),
        ("2.5", 0),
        ("0.1", 0),
        ("1e-400", 0),
        ("-0", 0),
        ("-2", -2),
        ("1e400", words.QUANTITY_LIMIT),
        ("-1e400", -words.QUANTITY_LIMIT),
        ("7" * 5000, words.QUANTITY_LIMIT),
        ('"' + "7" * 5000 + '"', words.QUANTITY_LIMIT),
        ("1000000000000000", words.QUANTITY_LIMIT),
        ("999999999999999", 999999999999999),
    ],
)
def test_quantities_are_whole(numeral: str, count: int) -> None:
    """A quantity is an integer; a number that is not whole is 0, an endless one the limit."""
    assert words.quantity(raw(numeral), "f") == count


@pytest.mark.parametrize("numeral", ["1325938440097498600", '"1325938440097498600"', "1.3259384400974986e18"])
def test_references_are_compared_as_floats(numeral: str) -> None:
    """An activity reference is the same float64 however a browser has printed it."""
    assert activity_reference(raw(numeral), "f") == float(1325938440097498624)


@pytest.mark.parametrize("numeral", ["0", "10", '"10"', "10.0", "null", '""', "-3"])
def test_small_references_check_nothing(numeral: str) -> None:
    """Absent, blank, 0 and 10 ask for no check."""
    assert activity_reference(raw(numeral), "f") is None


@pytest.mark.parametrize("numeral", ["1e400", '"abc"', '"Infinity"', '"nan"', "true", "9" * 5000])
def test_references_are_finite_numbers(numeral: str) -> None:
    """A reference that is no finite number is refused."""
    with pytest.raises(FieldError):
        activity_reference(raw(numeral), "f")


def test_execution_type_ignores_case() -> None:
    """The execution type is compared in capitals."""
    assert words.execution_type("Bo") == "BO"


@pytest.mark.parametrize("value", ["BUY", "", None, {}])
def test_a_field_is_agreed_on_or_refused(value: Any) -> None:
    """Body and query that say two things of a field are refused, whoever reads it; all else is what is there."""
    body = json.dumps({"f": value}).encode()
    disagree = read_parameters(b"f=SELL", b"application/json", body)
    if value not in ("", None):
        with pytest.raises(FieldError) as refusal:
            words.agreed(disagree)("f")
        assert (refusal.value.field, refusal.value.blank) == ("f", False)
    else:
        assert words.agreed(disagree)("f") == "SELL"
    if value != {}:
        alone = read_parameters(b"", b"application/json", body)
        agreeing = read_parameters(b"g=1", b"application/json", body)
        assert (alone.only is None, agreeing.only is None) == (False, True)
        assert (words.agreed(alone)("f") or None) == words.agreed(agreeing)("f") == (value or None)
        assert words.agreed(alone)("h") is words.agreed(agreeing)("h") is None


@example("0." + "0" * 33 + "1")
@example("0.000")
@example("-120.50")
@example("1" + "0" * 33)
@given(st.from_regex(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_most_numerals_only_lose_zeros(numeral: str) -> None:
    """What is taken for the shortest text of its number at a look is so by all the rules."""
    if numerals._PLAIN.fullmatch(numeral) is not None:
        assert numerals.shortest_text(numeral) == numerals._written_out(numeral)
