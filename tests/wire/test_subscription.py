"""Subscriptions: what clients of the family say, and what of it is answered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading_floor import INSTRUMENTS, SBIN

from bracketd.wire import replies
from bracketd.wire.frames import Mode
from bracketd.wire.replies import EarlyReply
from bracketd.wire.subscription import Subscription, read_subscription
from bracketd.wire.words import FieldError


def read(message: Any) -> Subscription | None:
    """What a message of client A is: text as it is, anything else as its JSON."""
    return read_subscription(message if isinstance(message, str | bytes) else json.dumps(message), "A", INSTRUMENTS)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("marketdata", Mode.MARKETDATA),
        ("compact_marketdata", Mode.COMPACT),
        ("full_snapquote", Mode.FULL_SNAPQUOTE),
        ("tbt_full_snapquote", Mode.FULL_SNAPQUOTE),
    ],
)
def test_quotes_are_named_by_a_word(word: str, mode: Mode) -> None:
    """Each word subscribes to one layout, and unsubscribes from it."""
    assert read({"a": "subscribe", "v": [[1, 3045]], "m": word}) == Subscription(True, word, mode, (SBIN,))
    assert read({"a": "unsubscribe", "v": [[1, 3045]], "m": word}) == Subscription(False, word, mode, (SBIN,))


@pytest.mark.parametrize("pair", [[1, 3045], ["1", "3045"], [1, " 3045 "], ["1 ", 3045]])
def test_numbers_may_be_texts(pair: list[object]) -> None:
    """Exchange and token are numbers or texts of numbers."""
    assert read({"a": "subscribe", "v": [pair], "m": "marketdata"}) == Subscription(
        True, "marketdata", Mode.MARKETDATA, (SBIN,)
    )


@pytest.mark.parametrize("value", [["A", "web"], ["A"], [], None, [" A ", "WEB"]])
def test_updates_are_ones_own(value: object) -> None:
    """Updates are asked for with one's own client id, or with none."""
    assert read({"a": "subscribe", "v": value, "m": "updates"}) == Subscription(True, "updates", None)
    assert read({"a": "subscribe", "m": "Updates "}) == Subscription(True, "updates", None)


def test_updates_of_another_client_are_forbidden() -> None:
    """Another client's id is refused, whether there is such a client or not."""
    with pytest.raises(EarlyReply) as refused:
        read({"a": "subscribe", "v": ["B", "web"], "m": "updates"})
    assert refused.value.reply == replies.FORBIDDEN


@pytest.mark.parametrize("beat", ['{"a": "h", "v": [], "m": ""}', '{"a":"h"}', b'{"a":"h"}', '{"a":" H "}'])
def test_heartbeat_is_nothing(beat: str | bytes) -> None:
    """A heartbeat in any of the family's forms asks for nothing."""
    assert read(beat) is None


MALFORMED: list[str | bytes] = [
    '{"a":"h","v":[], m:""}',
    "",
    " ",
    "{",
    "}",
    "[",
    '"',
    "nul",
    "NaN",
    "{'a':'h'}",
    '{"a":}',
    '{"a":"subscribe"',
    '{"a":"subscribe",}',
    '{"a":"subscribe"} {"a":"subscribe"}',
    '{"a":"\\ud800"}',
    '{"a":"\x00"}',
    "\ufeff{}",
    "[" * 30_000,
    '{"a":' * 10_000,
    b"\xff\xfe\x00",
    b'{"a":"\xc3"}',
    "1e",
    "-",
    '{"a":"subscribe" "v":[]}',
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_json_is_passed_over(text: str | bytes) -> None:
    """What cannot be read is no message: a client of the family sends it as its heartbeat."""
    assert read(text) is None


@pytest.mark.parametrize(
    ("message", "field", "blank"),
    [
        ([], "body", False),
        ("1", "body", False),
        ({}, "a", True),
        ({"a": ""}, "a", True),
        ({"a": 1}, "a", False),
        ({"a": "buy"}, "a", False),
        ({"a": "subscribe"}, "m", True),
        ({"a": "subscribe", "m": ["marketdata"]}, "m", False),
        ({"a": "subscribe", "m": "position_updates", "v": [[1, 3045]]}, "m", False),
        ({"a": "subscribe", "m": "marketdata"}, "v", True),
        ({"a": "subscribe", "m": "marketdata", "v": []}, "v", True),
        ({"a": "subscribe", "m": "marketdata", "v": "3045"}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [3045]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, 3045, 2]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[True, 3045]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, None]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, 3045.5]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, -3045]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, "٣"]]}, "v", False),
        ({"a": "subscribe", "m": "marketdata", "v": [[1, "1" * 5_000]]}, "v", False),
        ({"a": "subscribe", "m": "updates", "v": "A"}, "v", False),
        ({"a": "subscribe", "m": "updates", "v": [["A", "web"]]}, "v", False),
    ],
)
def test_wrong_field_is_named(message: object, field: str, blank: bool) -> None:
    """A message that can be read and is wrong is refused by the first field at fault."""
    with pytest.raises(FieldError) as refused:
        read(message)
    assert (refused.value.field, refused.value.blank) == (field, blank)


@pytest.mark.parametrize("pair", [[1, 1], [6, 3045], [5, 3045], [0, 0], [1, 9_999_999_999]])
def test_unknown_instrument_is_refused_with_its_reason(pair: list[int]) -> None:
    """One pair that names nothing refuses the whole message."""
    with pytest.raises(EarlyReply) as refused:
        read({"a": "subscribe", "m": "marketdata", "v": [[1, 3045], pair]})
    assert json.loads(refused.value.reply.body)["reason"] == "UNKNOWN_INSTRUMENT"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "v", "m", "x"]), inner),
    max_leaves=12,
)


@given(
    st.one_of(
        st.text(),
        st.binary(),
        _json.map(json.dumps),
        st.fixed_dictionaries(
            {"a": st.sampled_from(["subscribe", "unsubscribe"]), "m": st.sampled_from(["updates", "marketdata"])},
            optional={"v": _json},
        ).map(json.dumps),
    )
)
def test_anything_may_be_sent(text: str | bytes) -> None:
    """Whatever a client sends is a subscription, nothing, or refused in one of the two known ways."""
    try:
        found = read_subscription(text, "A", INSTRUMENTS)
    except (FieldError, EarlyReply):
        return
    assert found is None or set(found.instruments) <= {SBIN}
