"""JSON objects: the quick reading of a flat one is the scanner's reading, or none."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bracketd.wire.fields import Fields, Unreadable
from bracketd.wire.json_object import _read_flat, _scanned, read_json_object

KEYS = st.sampled_from(['"a"', '"b"', '"a"', '""', '"\\u0061"', '" a"', "a"])
VALUES = st.one_of(
    st.sampled_from(['"x"', '" x "', '""', '"\\""', '"\\\\"', '"\n"', '"\x7f\u2028"', '"{"', '":"', '"é"']),
    st.sampled_from(["null", "true", "false", "[]", "{}", '{"a":1}', '["b"]', "NaN", "01", "1."]),
    st.sampled_from(["0", "-0", "1", "-0.0", "1.0", "400.05", "1e5", "1E400"]),
    st.integers(-(10**33), 10**33).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
)
SPACE = st.sampled_from(["", "", " ", "\n", "\x0b"])


@st.composite
def objects(draw: st.DrawFn) -> str:
    """An object of a few pairs, keys twice and spaces anywhere; sometimes with a character more or less."""
    pairs = [
        "".join((draw(SPACE), draw(KEYS), draw(SPACE), ":", draw(SPACE), draw(VALUES), draw(SPACE)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    text = draw(SPACE) + "{" + ",".join(pairs) + "}" + draw(SPACE)
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(["", "", "", '"', "}", ",", "\\"])) + text[at + draw(st.integers(0, 1)) :]


@settings(max_examples=500)
@given(objects())
@example('{"a":1,"a" :2}')
@example('{"a":"x","a":1,"b":2}')
@example('{"a":1,"b":"\\"\\"","a":1}')
def test_a_quick_reading_is_the_scanners(text: str) -> None:
    """Whatever the text is, it is read as the scanner reads it, and refused where that refuses it."""
    try:
        scanned: Fields | None = _scanned(text.strip(" \t\n\r"))
    except Unreadable:
        scanned = None
    flat = _read_flat(text.strip(" \t\n\r"))
    assert flat is None or (flat == scanned and list(flat) == list(scanned))
    if scanned is None:
        with pytest.raises(Unreadable):
            read_json_object(text)
    else:
        assert read_json_object(text) == scanned


@pytest.mark.parametrize(
    "text",
    [
        '{"client_id":"A","execution_type":"BO"}',
        '{"price": 400.10, "quantity": 3, "is_trailing": false, "device": null}',
    ],
)
def test_what_clients_send_is_read_quickly(text: str) -> None:
    """Flat objects of texts, numbers and words need no scanner."""
    assert _read_flat(text) == _scanned(text)
    assert all(value.__class__ is str for value in _read_flat(text).values())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"a" :2}',
        '{"a":"x","a":"x"}',
        '{"a":{"b":1}}',
        '{"a":["b"]}',
        '{"a":"\\u0062"}',
        "[]",
        '"a"',
    ],
)
def test_what_may_be_something_else_is_left_to_the_scanner(text: str) -> None:
    """A key twice, whatever is nested or escaped, and what is no object."""
    assert _read_flat(text) is None
