"""Whatever is sent, the answer is a clear 4xx in JSON and the journal holds nothing new."""

import json
from urllib.parse import quote

import pytest
from tests.e2e.caller import NOT_FOUND, Caller, Placed, Reply, bracket_body, field_fault
from tests.e2e.process import Server

KART = "/api/v1/orders/kart"
JSON = {"content-type": "application/json"}
BODY_MAX = 64 * 1024
TOO_LARGE = b'{"status":"error","message":"Request too large","error_code":44000,"data":{}}'
DEEP = 10_000


@pytest.fixture(scope="module")
def standing(server: Server) -> Placed:
    """An order that every request of this module leaves as it is."""
    return server.caller().place()


def deliver(server: Server, request: tuple[str, str, bytes | None, dict[str, str]]) -> Reply:
    """Send a request; assert what holds for each answer here: JSON, a 4xx, and a journal without a new record."""
    caller = server.caller()
    method, target, body, headers = request
    before = server.records()
    reply = caller.send(method, target, body, caller.auth | headers)
    assert_clear(reply)
    assert server.records() == before
    return reply


def assert_clear(reply: Reply) -> None:
    """A 4xx in JSON that says what is wrong, without the key that makes two SDKs raise."""
    assert 400 <= reply.status < 500, reply
    said = reply.json
    assert said["status"] in ("error", "failed")
    assert said["message"]
    assert "error_type" not in said


UNREADABLE = {
    "truncated object": b'{"client_id":"C1","oms_order_id":',
    "truncated string": b'{"client_id":"C1',
    "nothing but a brace": b"{",
    "two documents": b'{"client_id":"C1"}{"client_id":"C1"}',
    "trailing comma": b'{"client_id":"C1",}',
    "single quotes": b"{'client_id':'C1'}",
    "an array": b'["C1"]',
    "a text": b'"C1"',
    "a number": b"1",
    "a null": b"null",
    "deep arrays, unclosed": b"[" * DEEP,
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects, unclosed": b'{"a":' * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "NaN": b'{"quantity":NaN}',
    "Infinity": b'{"quantity":-Infinity}',
    "not UTF-8": b'{"client_id":"\xff"}',
    "half a surrogate pair": b'{"client_id":"\\ud800"}',
    "a raw NUL": b'{"client_id":"C\x001"}',
    "a key with two values": b'{"oms_order_id":"1","oms_order_id":"2"}',
    "a key with two types": b'{"oms_order_id":"1","oms_order_id":{}}',
    "an inner key with two values": b'{"x":{"a":1,"a":2}}',
    "neither JSON nor a form": b"<xml/>",
}


@pytest.mark.parametrize("declared", ["application/json", "text/plain"])
@pytest.mark.parametrize("document", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_bodies(server: Server, standing: Placed, document: bytes, declared: str) -> None:
    """A body that cannot be read as one JSON object is 400 "`body` is invalid", on DELETE as on POST."""
    assert len(document) <= BODY_MAX
    for method, target in (("DELETE", f"{KART}/{standing.entry_id}"), ("POST", KART)):
        reply = deliver(server, (method, target, document, {"content-type": declared}))
        assert (reply.status, reply.body) == (400, field_fault("body"))


UNREADABLE_QUERIES = ["%7B%22a%22:", "%5B1%5D", "a=1&a=2", "client_id=%FF", quote('{"a":1,"a":2}'), quote("[" * 2_000)]


@pytest.mark.parametrize("query", UNREADABLE_QUERIES)
def test_unreadable_queries(server: Server, standing: Placed, query: str) -> None:
    """A query that cannot be read is refused as a body is."""
    reply = deliver(server, ("DELETE", f"{KART}/{standing.entry_id}?{query}", None, {}))
    assert (reply.status, reply.body) == (400, field_fault("body"))


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], [[]]])
@pytest.mark.parametrize(
    "field", ["client_id", "oms_order_id", "execution_type", "exchange_order_id", "leg_order_indicator"]
)
def test_wrong_types_in_a_cancel(server: Server, standing: Placed, field: str, value: object) -> None:
    """An object or array in a field that a cancel needs is refused by the field's name."""
    body = json.dumps({"leg_order_indicator": "ENTRY", field: value}).encode()
    reply = deliver(server, ("DELETE", f"{KART}/{standing.entry_id}", body, JSON))
    assert (reply.status, reply.body) == (400, field_fault(field))


NEEDED = [
    "client_id",
    "exchange",
    "execution_type",
    "instrument_token",
    "order_side",
    "order_type",
    "price",
    "product",
    "quantity",
    "square_off_value",
    "stop_loss_value",
    "validity",
]


def place_refused(server: Server, **changes: object) -> Reply:
    """A placement that must be refused, without a trace."""
    body = bracket_body("C1", **changes)
    return deliver(server, ("POST", KART, json.dumps(body).encode(), JSON))


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], []])
@pytest.mark.parametrize("field", NEEDED)
def test_wrong_types_in_a_placement(server: Server, standing: Placed, field: str, value: object) -> None:
    """An object or array in a field that a placement needs is refused by the field's name."""
    reply = place_refused(server, **{field: value})
    assert (reply.status, reply.body) == (400, field_fault(field))


@pytest.mark.parametrize("value", ["nonsense", True, "\u0663"])
@pytest.mark.parametrize(
    "field",
    ["order_side", "order_type", "price", "product", "quantity", "square_off_value", "stop_loss_value", "validity"],
)
def test_wrong_words_in_a_placement(server: Server, standing: Placed, field: str, value: object) -> None:
    """What is no word of the field's list, or no number, is refused by the field's name."""
    reply = place_refused(server, **{field: value})
    assert (reply.status, reply.body) == (400, field_fault(field))


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        (0, "BAD_LOT"),
        (-1, "BAD_LOT"),
        ("-10", "BAD_LOT"),
        (2.5, "BAD_LOT"),
        ("0.000001", "BAD_LOT"),
        (-1e300, "BAD_LOT"),
        (100_001, "FREEZE_QUANTITY"),
        (10**18, "FREEZE_QUANTITY"),
        ("1" + "0" * 5000, "FREEZE_QUANTITY"),
        ("1e400", "FREEZE_QUANTITY"),
    ],
)
def test_impossible_quantities(server: Server, standing: Placed, quantity: object, reason: str) -> None:
    """A quantity that is no whole lot is BAD_LOT, one beyond the freeze quantity FREEZE_QUANTITY."""
    reply = place_refused(server, quantity=quantity)
    assert (reply.status, reply.body) == (400, field_fault("quantity", reason=reason))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("price", 450.02, "BAD_TICK"),
        ("price", "450.051", "BAD_TICK"),
        ("price", "450.0500001", "BAD_TICK"),
        ("price", 365.50, "OUTSIDE_BAND"),
        ("price", 548.40, "OUTSIDE_BAND"),
        ("price", -450, "OUTSIDE_BAND"),
        ("square_off_value", 0, "OFFSET_INVALID"),
        ("square_off_value", -1, "OFFSET_INVALID"),
        ("square_off_value", 0.04, "OFFSET_INVALID"),
        ("square_off_value", 1000, "OFFSET_INVALID"),
        ("stop_loss_value", 0, "OFFSET_INVALID"),
        ("stop_loss_value", "0.01", "OFFSET_INVALID"),
        ("stop_loss_value", 449, "OFFSET_INVALID"),
        ("product", "CNC", "PRODUCT_NOT_ALLOWED"),
        ("instrument_token", "999999", "UNKNOWN_INSTRUMENT"),
        ("instrument_token", -1, "UNKNOWN_INSTRUMENT"),
    ],
)
def test_impossible_terms(server: Server, standing: Placed, field: str, value: object, reason: str) -> None:
    """Prices off the tick or outside the band, senseless offsets and strange instruments are named with a reason."""
    reply = place_refused(server, **{field: value})
    assert (reply.status, reply.body) == (400, field_fault(field, reason=reason))


@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "1E+99999999999999999999", "1" + "0" * 5000, "0." + "0" * 5000 + "1"]
)
@pytest.mark.parametrize("field", ["price", "quantity", "square_off_value", "stop_loss_value", "trailing_stop_loss"])
def test_numbers_beyond_measure(server: Server, standing: Placed, field: str, text: str) -> None:
    """A number that no float and no price can hold is refused by the field's name, written as number or as text."""
    changes = {field: "HERE"} | ({"is_trailing": True} if field == "trailing_stop_loss" else {})
    document = json.dumps(bracket_body("C1", **changes))
    for written in (document.replace('"HERE"', text), document.replace("HERE", text)):
        reply = deliver(server, ("POST", KART, written.encode(), JSON))
        assert reply.status == 400
        assert reply.json["message"] == f"`{field}` is invalid"


@pytest.mark.parametrize("field", [field for field in NEEDED if field not in ("client_id", "validity")])
def test_what_a_placement_cannot_do_without(server: Server, standing: Placed, field: str) -> None:
    """A placement with a blank or null field that it needs is 400 "can't be blank", and without the field as well."""
    whole = bracket_body("C1")
    without = {name: value for name, value in whole.items() if name != field}
    for body in (whole | {field: None}, whole | {field: " "}, without):
        reply = deliver(server, ("POST", KART, json.dumps(body).encode(), JSON))
        assert (reply.status, reply.body) == (400, field_fault(field, "can't be blank"))


@pytest.mark.parametrize("size", [BODY_MAX + 1, 10 * 1024 * 1024])
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_large_bodies(server: Server, standing: Placed, method: str, size: int) -> None:
    """A body over 64 KiB is 413: sent whole, only declared, or coming in chunks without a declared length."""
    caller = server.caller()
    target = KART if method == "POST" else f"{KART}/{standing.entry_id}"
    before = server.records()
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"x-authorization-token: {caller.token}\r\n"
    )
    whole = caller.send(method, target, b" " * size, JSON | caller.auth)
    declared = caller.send_raw(f"{head}Content-Length: {size}\r\n\r\n".encode())
    chunk = b"%x\r\n" % (BODY_MAX + 1) + b" " * (BODY_MAX + 1) + b"\r\n"
    chunked = caller.send_raw(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk)
    for reply in (whole, declared, chunked):
        assert_clear(reply)
        assert (reply.status, reply.body) == (413, TOO_LARGE)
    assert server.records() == before


def test_a_body_of_64_kib_is_taken(trader: Caller) -> None:
    """A body of 64 KiB to the byte is read as any other."""
    placed = trader.place()
    body = json.dumps({"leg_order_indicator": "ENTRY"}).encode()
    reply = trader.send("DELETE", f"{KART}/{placed.entry_id}", body.ljust(BODY_MAX), JSON | trader.auth)
    assert reply.status == 200


STRANGE_IDS = [
    "%00",
    "20220106%00-106",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2Freadyz",
    "a%2Fb",
    "%2F",
    "%0d%0aX-Evil:%201",
    "%F0%9F%92%A9",
    "%FF%FE",
    "20220106-106%20OR%201=1",
    "'%20OR%20''='",
    "%3Cscript%3E",
    "<oms_order_id>",
    "%3Coms_order_id%3E",
    "a" * 2_000,
    "-" * 33,
    "%25",
    "%zz",
]


@pytest.mark.parametrize("strange", STRANGE_IDS)
def test_strange_ids(server: Server, standing: Placed, strange: str) -> None:
    """An id that is none names no order: 404 Order not found, in the path as in the query."""
    for prefix in (f"{KART}/", "/api/v1/orders/"):
        reply = deliver(server, ("DELETE", prefix + strange, None, {}))
        assert (reply.status, reply.body) == (404, NOT_FOUND), prefix


@pytest.mark.parametrize("strange", ["20220106-106\u0000", "../../x", "a/b", "\u202e", "x" * 40_000, "-1", "1e400"])
def test_strange_ids_in_a_body(server: Server, standing: Placed, strange: str) -> None:
    """An id in the body that is none names no order."""
    body = json.dumps({"oms_order_id": strange, "leg_order_indicator": "ENTRY"}).encode()
    reply = deliver(server, ("DELETE", KART, body, JSON))
    assert (reply.status, reply.body) == (404, NOT_FOUND)


@pytest.mark.parametrize("path", ["../../../etc/passwd", "x/y", "x//", "x/../y"])
def test_paths_with_more_parts(server: Server, standing: Placed, path: str) -> None:
    """A path that goes on after the id, or climbs, leads nowhere."""
    assert deliver(server, ("DELETE", f"{KART}/{path}", None, {})).status == 404


UNKNOWN = [
    ("GET", "/", 404),
    ("GET", "/api/v1/nowhere", 404),
    ("DELETE", "/api/v9/orders/kart/1", 404),
    ("POST", "/api/v1/order", 404),
    ("GET", "/favicon.ico", 404),
    ("GET", "//", 404),
    ("PATCH", KART, 405),
    ("PATCH", f"{KART}/1", 405),
    ("OPTIONS", "/api/v1/orders", 405),
    ("POST", f"{KART}/1", 405),
    ("PURGE", KART, 405),
    ("DELETE", "/readyz", 405),
]


@pytest.mark.parametrize(("method", "target", "status"), UNKNOWN)
def test_unknown_routes_and_methods(server: Server, standing: Placed, method: str, target: str, status: int) -> None:
    """An unknown route is 404 and an unknown method 405, in JSON like everything."""
    reply = deliver(server, (method, target, None, {}))
    assert reply.status == status
    message = "Method not allowed" if status == 405 else "Resource not found"
    assert reply.json["message"].startswith(message)


TICK = {"exchange": "NSE", "instrument_token": 3045, "last_price": 456.95, "last_quantity": 10}


@pytest.mark.parametrize(
    "change",
    [
        {"last_price": 456.96},
        {"last_price": 1},
        {"last_price": -456.95},
        {"last_price": "x"},
        {"last_price": {}},
        {"last_quantity": -1},
        {"last_quantity": 1.5},
        {"last_quantity": []},
        {"instrument_token": 999_999},
        {"instrument_token": None},
        {"exchange": "XYZ"},
        {"bids": 5},
        {"bids": [[1]]},
        {"bids": [[456.95, -1]]},
        {"asks": [[456.96, 1]]},
        {"asks": [[1, 1]]},
    ],
)
def test_impossible_ticks(server: Server, standing: Placed, change: dict[str, object]) -> None:
    """A tick off the tick size, outside the band or without sense is refused and recorded nowhere."""
    assert deliver(server, ("POST", "/sandbox/v1/ticks", json.dumps(TICK | change).encode(), JSON)).status == 400


def test_the_order_stands_after_all(server: Server, standing: Placed, trader: Caller) -> None:
    """After every malformed request of this module the order is as it was placed, the journal sound, the log clean."""
    row = trader.row(standing.entry_id)
    assert (row["order_status"], row["filled_quantity"]) == ("CONFIRMED", 0)
    assert server.verify().returncode == 0
    assert "Traceback" not in server.errors()
    assert not any(token in server.errors() for token in server.tokens.values())


@pytest.mark.parametrize(
    ("request_bytes", "status", "message"),
    [
        (b"BREW /api/v1/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 400, "Bad request"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "Bad request"),
        (b"GET /api/v1/orders?" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 413, "Request too large"),
        (b"GET /healthz HTTP/1.1\r\nhost: a\r\nx-fill: " + b"a" * 70_000 + b"\r\n\r\n", 413, "Request too large"),
    ],
    ids=["unknown method", "not http", "long target", "large headers"],
)
def test_refusals_of_the_parser_are_json_too(
    server: Server, trader: Caller, request_bytes: bytes, status: int, message: str
) -> None:
    """What no route ever sees is refused in the dialect, and the server goes on."""
    reply = trader.send_raw(request_bytes)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body) == {"status": "error", "message": message, "error_code": 44000, "data": {}}
    assert trader.get("/healthz").status == 200
