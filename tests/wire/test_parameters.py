"""Parameters: every encoding of a request gives the same named texts, and what is ambiguous gives none."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bracketd.wire.fields import Unreadable
from bracketd.wire.form import JUNK_TAIL
from bracketd.wire.json_object import DEPTH_MAX
from bracketd.wire.parameters import (
    ALIASES,
    RECALLED,
    RECALLED_BYTES_MAX,
    Parameters,
    _recall,
    read_parameters,
    recall_parameters,
)

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
CANCEL = {
    "client_id": "CLIENT1",
    "exchange_order_id": "1100000000006951",
    "execution_type": "BO",
    "leg_order_indicator": "ENTRY",
    "oms_order_id": "20220106-106",
    "status": "CONFIRMED",
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
other_names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=8)
names = st.sampled_from(sorted(CANCEL)) | other_names.filter(lambda name: name not in ALIASES)


def from_body(body: bytes | str, content_type: bytes | None = JSON) -> Parameters:
    """The parameters of a body alone."""
    return read_parameters(b"", content_type, body.encode() if isinstance(body, str) else body)


def from_query(query: bytes | str) -> Parameters:
    """The parameters of a query alone."""
    return read_parameters(query.encode() if isinstance(query, str) else query, None, b"")


def every_encoding(fields: dict[str, str]) -> dict[str, Parameters]:
    """The fields through each way of sending them."""
    document = json.dumps(fields)
    form = urlencode(fields)
    encodings = {
        "JSON body": from_body(document),
        "JSON body, raw UTF-8": from_body(json.dumps(fields, ensure_ascii=False)),
        "JSON body, CRLF": from_body(json.dumps(fields, indent=4).replace("\n", "\r\n")),
        "JSON body, BOM": from_body(b"\xef\xbb\xbf" + document.encode()),
        "JSON body, undeclared": from_body(document, None),
        "JSON body, declared a form": from_body(document, FORM),
        "JSON as the query": from_query(quote(document)),
        "JSON as the query, as requests quotes it": from_query(quote(document, safe="!#$&'()*+,/:;=?@[]~")),
        "query": from_query(form),
    }
    if form:
        encodings["form body"] = from_body(form, FORM + b"; charset=utf-8")
    return encodings


def meanings(parameters: Parameters) -> dict[str, tuple[str | None, bool, bool]]:
    """All that can be asked about each field present."""
    return {
        name: (parameters.text(name), parameters.is_blank(name), parameters.bad(name)) for name in parameters.names()
    }


@given(st.dictionaries(names, texts, max_size=8))
@example(CANCEL)
@example({"client_id": "a+b %26&=c", "leg_order_indicator": " \u00e9\U0001f600 "})
@example({"client_id": "{", "oms_order_id": "[]", "status": '"'})
def test_every_encoding_gives_the_same_texts(fields: dict[str, str]) -> None:
    """The same fields mean the same in every encoding."""
    expected = {name: (text.strip() or None, not text.strip(), False) for name, text in fields.items()}
    read = {encoding: meanings(parameters) for encoding, parameters in every_encoding(fields).items()}
    assert read == dict.fromkeys(read, expected)


@given(st.dictionaries(names, texts, min_size=1, max_size=8))
def test_an_undeclared_form_is_read_as_one(fields: dict[str, str]) -> None:
    """A form body is read as a form without a content type, as text/plain and as an unknown type."""
    form = urlencode(fields)
    declared = meanings(from_body(form, FORM))
    for content_type in (None, b"", b"text/plain", b"application/octet-stream"):
        assert meanings(from_body(form, content_type)) == declared


@given(st.binary(max_size=200), st.sampled_from([None, JSON, FORM, b"text/plain", b"\xff;;"]), st.binary(max_size=60))
@example(b'{"a":"\xff"}', JSON, b"%ff=1")
@example(b"-" * 100, JSON, b"%7B")
def test_arbitrary_bytes_are_read_or_unreadable(body: bytes, content_type: bytes | None, query: bytes) -> None:
    """No bytes raise anything but Unreadable."""
    try:
        parameters = read_parameters(query, content_type, body, "x")
    except Unreadable:
        return
    for name in parameters.names():
        assert isinstance(name, str)
        assert all(text == text.strip() != "" for text in parameters.values(name))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6).filter(lambda name: name not in ALIASES), json_values, max_size=5))
def test_every_json_object_is_readable(fields: dict[str, Any]) -> None:
    """Whatever a JSON encoder writes is read, and objects and arrays are told from texts."""
    parameters = from_body(json.dumps(fields))
    assert set(parameters.names()) == set(fields)
    for name, value in fields.items():
        assert parameters.bad(name) == isinstance(value, (dict, list))
        assert parameters.is_blank(name) == (value is None or (isinstance(value, str) and not value.strip()))


@given(st.text('{}[]",:1a= \\', max_size=40))
def test_what_opens_like_json_is_never_a_form(tail: str) -> None:
    """A text with a JSON opening is read exactly as a declared JSON body is."""
    for opener in '{["':
        body = opener + tail
        outcomes = []
        for content_type in (JSON, FORM, b"text/plain", None):
            try:
                outcomes.append(meanings(from_body(body, content_type)))
            except Unreadable:
                outcomes.append({"unreadable": (None, False, False)})
        assert outcomes == outcomes[:1] * 4


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "3",
        "null",
        "true",
        '"client_id=C1"',
        '{"client_id": "C1"',
        '{"client_id": "C1"} x',
        '{"client_id": "C1"}{}',
        '{"client_id": "C1",}',
        "{'client_id': 'C1'}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 01}',
        '{"a": "line\nbreak"}',
        '{"a": "\\ud800"}',
        '{"\\udc00": 1}',
        '{"a": [{"b": "\\ud83d"}]}',
        "client_id=C1",
        b'\xff\xfe{\x00"\x00a\x00"\x00:\x001\x00}\x00',
        b'{\x00"\x00a\x00"\x00:\x001\x00}\x00',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\xaf"}',
    ],
)
def test_a_body_that_is_no_object_is_unreadable(body: str | bytes) -> None:
    """A declared JSON body is one object in valid UTF-8 or it is unreadable."""
    with pytest.raises(Unreadable):
        from_body(body)


@pytest.mark.parametrize(
    "body",
    [
        "hello",
        "null",
        '{"client_id":"C1","x":"a=b&c=d',
        "[client_id=C1]",
        '"client_id=C1',
        '--b\r\nContent-Disposition: form-data; name="client_id"\r\n\r\nC1\r\n--b--',
        '<order leg="TARGET"/>',
        "leg: TARGET\nid=3",
        "leg=TARGET\nid=3",
        b'\x00{\x00"=\x001',
        b"client_id=\xff",
    ],
)
@pytest.mark.parametrize("content_type", [None, b"text/plain", b"multipart/form-data; boundary=b", b"text/xml"])
def test_a_body_that_nobody_can_name_is_unreadable(body: str | bytes, content_type: bytes | None) -> None:
    """What is neither JSON nor a form is refused: as no fields at all it would lose the leg that was meant."""
    with pytest.raises(Unreadable):
        from_body(body, content_type)


@pytest.mark.parametrize(
    "content_type", [JSON, b"Application/JSON; charset=utf-8", b"text/json", b"application/x+json"]
)
def test_a_form_declared_as_json_is_unreadable(content_type: bytes) -> None:
    """Who declares JSON has to send it."""
    with pytest.raises(Unreadable):
        from_body("client_id=C1", content_type)


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a&a=2", b"foo", b"a=%ff", b"a=\x00", b"%c3=1"])
def test_a_form_that_contradicts_itself_is_unreadable(body: bytes) -> None:
    """A declared form has an equal sign, valid UTF-8 and one value for a name."""
    with pytest.raises(Unreadable):
        from_body(body, FORM)


@pytest.mark.parametrize(
    "query", ["a=1&a=2", "%7B%22a%22:1", "%5B%5D", "%7B%7Dx", "a=%ff", "%7B%22a%22:1,%22a%22:2%7D"]
)
def test_a_query_that_contradicts_itself_is_unreadable(query: str) -> None:
    """A query with two values for a name, a broken document or bytes that are no UTF-8 is unreadable."""
    with pytest.raises(Unreadable):
        from_query(query)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
@pytest.mark.parametrize("content_type", [None, JSON, FORM, b"text/plain", b"application/json;charset=utf-8"])
def test_a_blank_body_has_no_fields(body: bytes, content_type: bytes | None) -> None:
    """Nothing, declared as whatever, is no fields."""
    assert from_body(body, content_type).names() == ()


@pytest.mark.parametrize(
    "document",
    [
        '{"a":"x","a":"y"}',
        '{"a":1,"a":2}',
        '{"a":"x","a":null}',
        '{"a":{},"a":"x"}',
        '{"a":"x","a":[]}',
        '{"a":[1],"a":[2]}',
        '{"a":true,"a":1}',
        '{"b":{"a":1,"a":2}}',
        '{"b":[{"c":{"a":"1","a":"2"}}]}',
        '{"\\u0061":"x","a":"y"}',
        '{"a":"x","a":"y","a":"x"}',
    ],
)
def test_duplicate_keys_with_different_values_are_unreadable(document: str) -> None:
    """Two values under one key, at any level and however the key is spelt, are refused, never the last one taken."""
    with pytest.raises(Unreadable):
        from_body(document)


@pytest.mark.parametrize(
    "document", ['{"a":"3","a":"3"}', '{"a":3,"a":" 3 "}', '{"a":3.0,"a":3e0}', '{"a":"3","b":{"c":[1],"c":[1]}}']
)
def test_duplicate_keys_with_one_value_are_read(document: str) -> None:
    """The same value twice is one value."""
    assert from_body(document).text("a") == "3"
    assert from_query("a=3&a=%203&b=").text("a") == "3"


def nested(levels: int, opening: str, closing: str) -> str:
    """A document that nests that many levels, the outer object counted."""
    inside = opening * (levels - 1) + "1" + closing * (levels - 1)
    return f'{{"deep":{inside}}}'


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_limited(opening: str, closing: str) -> None:
    """32 levels are read, 33 are not."""
    assert from_body(nested(DEPTH_MAX, opening, closing)).bad("deep")
    beside = nested(DEPTH_MAX, opening, closing)[:-1] + ',"flat":[{},[],{}]}'
    assert from_body(beside).bad("deep")
    with pytest.raises(Unreadable, match="deep"):
        from_body(nested(DEPTH_MAX + 1, opening, closing))


@pytest.mark.parametrize("document", ["[" * 65_000, '{"a":' * 13_000, '{"a":[' * 9_000, '{"a":"' + '\\"[' * 20_000])
def test_depth_is_judged_before_decoding(document: str) -> None:
    """Nesting of any depth is Unreadable, in a body and in a query, and never exhausts the stack."""
    with pytest.raises(Unreadable):
        from_body(document)
    with pytest.raises(Unreadable):
        from_query(quote(document))


def test_brackets_inside_texts_are_no_nesting() -> None:
    """Only brackets outside strings nest, escaped quotes honoured."""
    text = '{[\\"' * 40
    document = json.dumps({"a": text, "b": [{}] * 40})
    assert from_body(document).text("a") == text


@pytest.mark.parametrize(
    ("numeral", "text"),
    [
        ("3", "3"),
        ("3.0", "3"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0e999", "0"),
        ("456.95", "456.95"),
        ("456.950", "456.95"),
        ("-0.05", "-0.05"),
        ("5E-2", "0.05"),
        ("1100000000006951", "1100000000006951"),
        ("1100000000006951.0", "1100000000006951"),
        ("9007199254740993", "9007199254740993"),
        ("1.1e15", "1100000000000000"),
        ("1325938440097498600", "1325938440097498600"),
        ("1e32", "1" + "0" * 32),
        ("1e33", "1e33"),
        ("1e400", "1e400"),
        ("1E+400", "1e400"),
        ("-15e-400", "-1.5e-399"),
        ("1e-32", "0." + "0" * 31 + "1"),
        ("1e99999999999999999999999999", "1e1000000000"),
        ("1e" + "9" * 5000, "1e1000000000"),
        ("1e" + "0" * 5000 + "2", "100"),
        ("7" * 5000, "7" * 5000),
        ("1" + "0" * 4999, "1e4999"),
    ],
)
def test_a_number_is_its_shortest_text(numeral: str, text: str) -> None:
    """A JSON number becomes its shortest text, without a float, an overflow or a flood of zeros."""
    assert from_body(f'{{"a":{numeral}}}').text("a") == text


def test_words_of_json_are_texts() -> None:
    """Booleans are their JSON words; a text that looks like a number stays as it was sent."""
    parameters = from_body('{"t":true,"f":false,"s":"3.0"}')
    assert [parameters.text(name) for name in "tfs"] == ["true", "false", "3.0"]


@pytest.mark.parametrize("sent", ["null", '""', '" \\t"'])
def test_blank_is_absent_and_yet_known(sent: str) -> None:
    """Null and blank read as absent, and can be told from a field that was never sent."""
    parameters = from_body(f'{{"exchange_order_id":{sent}}}')
    assert parameters.text("exchange_order_id") is None
    assert parameters.is_blank("exchange_order_id")
    assert not parameters.is_blank("status")
    assert parameters.names() == ("exchange_order_id",)


def test_the_body_goes_before_the_query() -> None:
    """A field in both has the body's text; both are told, and that they differ."""
    parameters = read_parameters(b"a=query&b=same&c=only", JSON, b'{"a":"body","b":"same"}')
    assert [parameters.text(name) for name in "abc"] == ["body", "same", "only"]
    assert [parameters.values(name) for name in "abc"] == [("body", "query"), ("same",), ("only",)]
    assert [parameters.conflict(name) for name in "abc"] == [True, False, False]
    assert set(parameters.names()) == {"a", "b", "c"}


def test_a_blank_field_hides_nothing() -> None:
    """A blank in the body lets the query's text count, is no conflict with it, and is still known."""
    parameters = read_parameters(b"a=query", JSON, b'{"a":null}')
    assert (parameters.text("a"), parameters.values("a")) == ("query", ("query",))
    assert not parameters.conflict("a")
    assert parameters.is_blank("a")


def test_an_object_is_bad_where_it_counts() -> None:
    """An object or array is no text; where body and query differ in that, they conflict."""
    over = read_parameters(b"a=query", JSON, b'{"a":{"x":1}}')
    assert (over.text("a"), over.bad("a"), over.conflict("a"), over.values("a")) == (None, True, True, ("query",))
    under = read_parameters(b"%7B%22a%22:%5B%5D%7D", JSON, b'{"a":"body"}')
    assert (under.text("a"), under.bad("a"), under.conflict("a")) == ("body", False, True)
    assert under.bad_anywhere("a")
    assert not under.bad_anywhere("b")


def test_the_path_names_the_order_first() -> None:
    """The path's id stands apart from the fields and before every other id."""
    parameters = read_parameters(b"oms_order_id=Q", JSON, b'{"oms_order_id":"B"}', " P ")
    assert parameters.path_id == "P"
    assert parameters.text("oms_order_id") == "B"
    assert parameters.order_ids() == ("P", "B", "Q")
    assert read_parameters(b"oms_order_id=P", None, b"", "P").order_ids() == ("P",)
    assert read_parameters(b"oms_order_id=Q", None, b"", "").order_ids() == ("Q",)


def test_a_path_alone_is_a_request() -> None:
    """Path only: no fields, and the id of the path."""
    parameters = read_parameters(b"", None, b"", "20220106-106")
    assert (parameters.names(), parameters.order_ids()) == ((), ("20220106-106",))


@pytest.mark.parametrize(("typo", "name"), ALIASES.items())
def test_a_typo_stands_for_its_name(typo: str, name: str) -> None:
    """A documented typo is read as the name it was meant to be, in every encoding."""
    for parameters in every_encoding({typo: "X"}).values():
        assert meanings(parameters) == {name: ("X", False, False)}


@pytest.mark.parametrize(
    ("query", "body"), [("", {"a": 1}), ("client_id=RIGHT", {}), ("client_id=", {"client_id": ""})]
)
def test_the_correct_name_beats_its_typo(query: str, body: dict[str, Any]) -> None:
    """A typo counts only where its correct name, in body or query, is absent or blank."""
    document = json.dumps(body | {"clint_id": "TYPO"}).encode()
    parameters = read_parameters(query.encode(), JSON, document)
    right = "RIGHT" in query
    assert parameters.values("client_id") == (("RIGHT",) if right else ("TYPO",))
    assert "clint_id" not in parameters.names()


def test_the_correct_name_beats_its_typo_in_one_source() -> None:
    """Name and typo side by side: the name counts, whichever comes first."""
    for body in ('{"client_id":"A","ClientId":"B"}', '{"ClientId":"B","client_id":"A"}'):
        assert from_body(body).values("client_id") == ("A",)
    assert from_query("excution_type=CO&execution_type=BO").values("execution_type") == ("BO",)


def test_two_typos_must_agree() -> None:
    """Two typos of one name with different values are two values of one field."""
    assert from_body('{"clint_id":"A","ClientId":"A"}').text("client_id") == "A"
    with pytest.raises(Unreadable):
        from_body('{"clint_id":"A","ClientId":"B"}')


@pytest.mark.parametrize(
    "tail", ['{"client_id": "X"}', '{"a":"x=y&client_id=X"}', "{", '{"type": "completed", "type": 3}']
)
def test_a_json_tail_is_ignored_but_noticed(tail: str) -> None:
    """A JSON document behind a query's fields changes none of them, and is still seen to be there."""
    for sent in (quote(tail), quote(tail, safe="=&:,{}")):
        parameters = from_query(f"type=pending&client_id=C&{sent}")
        assert (parameters.values("type"), parameters.values("client_id")) == (("pending",), ("C",))
        assert parameters.names() == ("type", "client_id", JUNK_TAIL)


def test_a_document_query_may_hold_ampersands() -> None:
    """A JSON document as the query is one text: & and = inside it separate nothing, & around it adds nothing."""
    assert from_query("&%7B%22leg_order_indicator%22:%22TARGET%22%7D&").text("leg_order_indicator") == "TARGET"
    assert from_query('%7B"client_id":"A%26B","oms_order_id":"1+1=2&x"}').text("oms_order_id") == "1+1=2&x"


def test_a_plus_in_a_json_query_is_a_space() -> None:
    """URLSearchParams and quote_plus write a space as a plus, in a JSON document too."""
    parameters = read_parameters(b"%7B%22client_id%22:+%22C1%22,+%22note%22:+%22a%2Bb%22%7D", None, b"")
    assert parameters.text("client_id") == "C1"
    assert parameters.text("note") == "a+b"


@given(
    st.sampled_from([b"", b"client_id=A", b"leg_order_indicator=ENTRY&client_id=B", b"%7B%22a%22%3A1%7D", b"{"]),
    st.sampled_from([None, b"application/json", b"text/plain", b"application/x-www-form-urlencoded"]),
    st.sampled_from(
        [b"", b"{}", b'{"client_id":"A"}', b'{"clint_id":"A"}', b'{"a":[]}', b"client_id=A", b"[", b"\xff"]
    ),
    st.sampled_from([None, "", " ", "1", " 2 "]),
)
def test_what_is_recalled_is_what_was_read(query: bytes, kind: bytes | None, body: bytes, path_id: str | None) -> None:
    """A request that was read before is recalled as it would be read, under its own id, also when it is refused."""
    for _ in range(2):
        try:
            read: Parameters | None = read_parameters(query, kind, body, path_id)
        except Unreadable:
            read = None
        try:
            recalled: Parameters | None = recall_parameters(query, kind, body, path_id)
        except Unreadable:
            recalled = None
        assert recalled == read


def test_only_short_requests_are_recalled() -> None:
    """However many requests come, and however long, only so many short ones are kept."""
    for number in range(RECALLED + 10):
        recall_parameters(b"a=%d" % number, None, b"", "1")
    assert _recall.cache_info().currsize == RECALLED
    misses = _recall.cache_info().misses
    long = b"x" * RECALLED_BYTES_MAX
    for query, kind, body in ((b"a=" + long, None, b""), (b"", long, b"a=1"), (b"", None, b"a=" + long)):
        recall_parameters(query, kind, body, "1")
    assert _recall.cache_info().misses == misses
