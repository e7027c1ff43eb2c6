"""Order entry: the checks before the engine, their order, and the encodings that make no difference."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import JSON, KART, TOKEN, Counter

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.token import Claims
from bracketd.domain.commands import CancelOrder
from bracketd.domain.outcomes import Cancelled, NotFound, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.runtime.desk import NotServing
from bracketd.wire import replies

ID = "20220106-106"
SEED = {
    "client_id": "A",
    "exchange_order_id": "1100000000006951",
    "execution_type": "BO",
    "leg_order_indicator": "ENTRY",
    "oms_order_id": ID,
    "status": "CONFIRMED",
}
MEANT = CancelOrder(client_id="A", ids=(ID,), execution_type="BO", exchange_order_id="1100000000006951", leg="ENTRY")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
BLANK_ID = b'{"status":"error","message":"`oms_order_id` can\'t be blank","error_code":44000,"data":{}}'
BAD_BODY = b'{"status":"error","message":"`body` is invalid","error_code":44000,"data":{}}'


@pytest.mark.parametrize(
    ("target", "body", "headers"),
    [
        (f"{KART}/{ID}", json.dumps(SEED), [JSON]),
        (f"{KART}/{ID}/", json.dumps(SEED, indent=2).replace("\n", "\r\n"), [JSON]),
        (f"{KART}/{ID}", json.dumps(SEED), []),
        (f"{KART}/{ID}", urlencode(SEED), [FORM]),
        (f"{KART}/{ID}?{urlencode(SEED)}", "", [JSON]),
        (f"{KART}/{ID}?{quote(json.dumps(SEED))}", "", [JSON]),
        (KART, json.dumps(SEED), [JSON]),
        (f"{KART}/", json.dumps(SEED), [JSON]),
        (f"{KART}?{urlencode(SEED)}", "", []),
        (f"/api/v1/orders/{ID}", json.dumps(SEED), [JSON]),
        (f"/api/v1/orders/{ID}/?{urlencode(SEED)}", "", []),
        (f"/api/v1/order/bracket?{urlencode(SEED)}", "", []),
        (f"/api/v1/orders/bracket/?{urlencode(SEED)}", "", []),
        (f"{KART}/2022%30106-106", json.dumps(SEED), [JSON]),
    ],
)
async def test_encodings_mean_the_same(target: str, body: str, headers: list[tuple[bytes, bytes]]) -> None:
    """JSON, form, query, JSON as the query, every path: one command and one reply."""
    counter = Counter()
    answer = await counter.call("DELETE", target, body, *headers)
    assert counter.cancelled == MEANT
    assert (answer.status, answer.body) == (200, b'{"status":"success","message":"Order cancelled successfully"}')


async def test_path_alone_is_enough() -> None:
    """An id in the path needs no field beside it."""
    counter = Counter()
    answer = await counter.call("DELETE", f"{KART}/{ID}")
    assert (answer.status, counter.cancelled) == (200, CancelOrder(client_id="A", ids=(ID,)))


async def test_chunked_body() -> None:
    """A body that comes in pieces and without a length is one body."""
    counter = Counter()
    whole = json.dumps(SEED).encode()
    await counter.call("DELETE", KART, b"", JSON, chunks=[whole[:7], whole[7:50], b"", whole[50:]])
    assert counter.cancelled == MEANT


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("<oms_order_id>", "<oms_order_id>"),
        ("%3Coms_order_id%3E", "<oms_order_id>"),
        ("%00", "\0"),
        (f"{ID}%00", f"{ID}\0"),
        ("a%2Fb", "a/b"),
        ("..", ".."),
        ("%2e%2e", ".."),
        ("../../user/logout", "../../user/logout"),
        ("%252F", "%2F"),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        (f"/{ID}", f"/{ID}"),
        (f"{ID};v=1", f"{ID};v=1"),
        ("x" * 5000, "x" * 5000),
    ],
)
async def test_malformed_ids_are_not_found(segment: str, text: str) -> None:
    """Whatever stands in the path is decoded once, and the engine is asked; what is no id finds no order."""
    counter = Counter(floor=Floor("A"))
    answer = await counter.call("DELETE", f"{KART}/{segment}", SEED)
    assert counter.cancelled.ids == (text, ID)
    assert (answer.status, answer.body) == (404, b'{"status":"failed","message":"Order not found"}')


@pytest.mark.parametrize(
    ("target", "body", "ids"),
    [
        (f"{KART}/P", {"oms_order_id": "B"}, ("P", "B")),
        (f"{KART}/P?oms_order_id=Q", {"oms_order_id": "B"}, ("P", "B", "Q")),
        (f"{KART}/P?oms_order_id=P", {"oms_order_id": "P"}, ("P",)),
        (f"{KART}?oms_order_id=Q", {"oms_order_id": "B"}, ("B", "Q")),
        (f"{KART}?oms_order_id=Q", {"oms_order_id": ""}, ("Q",)),
        (f"{KART}/%20?oms_order_id=Q", {}, ("Q",)),
        (KART, {"osm_order_id": "T"}, ("T",)),
        (KART, {"oms_order_id": 20240314929}, ("20240314929",)),
    ],
)
async def test_ids_in_order(target: str, body: dict[str, Any], ids: tuple[str, ...]) -> None:
    """The path's id names the order, else the body's, else the query's; every other one is handed on."""
    counter = Counter()
    await counter.call("DELETE", target, body)
    assert counter.cancelled.ids == ids


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", {"exchange_order_id": ""}, {"exchange_order_id": ""}),
        ("", {"exchange_order_id": None}, {"exchange_order_id": ""}),
        ("exchange_order_id=", {}, {"exchange_order_id": ""}),
        ("exchange_order_id=7", {"exchange_order_id": " "}, {"exchange_order_id": "7"}),
        ("", {"exchange_order_id": 1100000000006951}, {"exchange_order_id": "1100000000006951"}),
        ("", {"exchange_order_id": {}}, {"unreadable": frozenset({"exchange_order_id"})}),
        ("", {"leg_order_indicator": ["ENTRY"]}, {"unreadable": frozenset({"leg_order_indicator"})}),
        ("", {"oms_order_id": {}}, {"unreadable": frozenset({"oms_order_id"})}),
        ("", {"status": {"any": ["thing"]}}, {}),
        ("execution_type=CO", {"execution_type": "BO"}, {"execution_type": "BO", "conflicting": {"execution_type"}}),
        ("leg_order_indicator=", {"leg_order_indicator": "Third"}, {"leg": "Third"}),
        ("excution_type=CO", {"execution_type": "BO"}, {"execution_type": "BO"}),
        ("", {"leg_order_indicator": None}, {}),
    ],
)
async def test_fields_reach_the_engine(query: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """The engine is told what was sent, what was blank, what is no text and what disagrees."""
    counter = Counter()
    await counter.call("DELETE", f"{KART}/{ID}?{query}", body)
    assert counter.cancelled == CancelOrder(client_id="A", ids=(ID,), **expected)


@pytest.mark.parametrize(
    ("target", "body", "status", "reply"),
    [
        (KART, b"", 400, BLANK_ID),
        (KART, b'{"oms_order_id":null}', 400, BLANK_ID),
        (f"{KART}/%20", b"{}", 400, BLANK_ID),
        (f"{KART}?leg_order_indicator=ENTRY", b"", 400, BLANK_ID),
        (KART, b'{"oms_order_id":["20220106-106"]}', 400, replies.field_invalid("oms_order_id").body),
        (f"{KART}?oms_order_id=Q", b'{"oms_order_id":{}}', 400, replies.field_invalid("oms_order_id").body),
        (f"{KART}/{ID}", b"[]", 400, BAD_BODY),
        (f"{KART}/{ID}", b'{"a":', 400, BAD_BODY),
        (f"{KART}/{ID}", b'{"oms_order_id":"1","oms_order_id":"2"}', 400, BAD_BODY),
        (f"{KART}/{ID}", b'{"a":' * 33 + b"1" + b"}" * 33, 400, BAD_BODY),
        (f"{KART}/{ID}?a=%FF", b"", 400, BAD_BODY),
        (f"{KART}/{ID}", b'{"client_id":"B"}', 403, replies.FORBIDDEN.body),
        (f"{KART}/{ID}?client_id=B", b'{"client_id":"A"}', 403, replies.FORBIDDEN.body),
        (f"{KART}/{ID}?clint_id=B", b"", 403, replies.FORBIDDEN.body),
        (f"{KART}/{ID}", b'{"client_id":{}}', 400, replies.field_invalid("client_id").body),
        (f"{KART}/{ID}?client_id=A", b'{"client_id":[]}', 400, replies.field_invalid("client_id").body),
    ],
)
async def test_refused_before_the_engine(target: str, body: bytes, status: int, reply: bytes) -> None:
    """A request that fails an early check never becomes a command."""
    counter = Counter()
    answer = await counter.call("DELETE", target, body, JSON)
    assert (answer.status, answer.body) == (status, reply)
    assert counter.desk.commands == []


CHECKS: list[tuple[str, int]] = [
    ("serving", 503),
    ("method", 405),
    ("size", 413),
    ("token", 401),
    ("body", 400),
    ("client", 403),
    ("id", 400),
]


@pytest.mark.parametrize("first", range(len(CHECKS)))
async def test_the_first_failing_check_answers(first: int) -> None:
    """Of all checks that a request fails the earliest in the order of bracket.md section 5 gives the answer."""
    failing = {name for name, _ in CHECKS[first:]}
    counter = Counter()
    counter.desk.serving = "serving" not in failing
    body = b'{"a":' if "body" in failing else b"{}"
    answer = await counter.call(
        "PATCH" if "method" in failing else "DELETE",
        f"{KART}?client_id=B" if "client" in failing else KART,
        body.ljust(65_537) if "size" in failing else body,
        JSON,
        token=None if "token" in failing else TOKEN,
    )
    assert answer.status == CHECKS[first][1]
    assert counter.desk.commands == []


async def test_order_of_the_last_three_checks() -> None:
    """Fields that cannot be read win over a foreign client, and that over a missing id; the texts tell them apart."""
    counter = Counter()
    assert (await counter.call("DELETE", f"{KART}?client_id=B", b"[]", JSON)).body == BAD_BODY
    assert (await counter.call("DELETE", f"{KART}?client_id=B")).body == replies.FORBIDDEN.body
    assert (await counter.call("DELETE", f"{KART}?client_id=A")).body == BLANK_ID


async def test_largest_body() -> None:
    """A body of 64 KiB is read, one byte more is refused, with a length declared or without."""
    counter = Counter()
    body = b"{}".ljust(65_536)
    assert (await counter.call("DELETE", f"{KART}/{ID}", body, JSON)).status == 200
    assert (await counter.call("DELETE", f"{KART}/{ID}", b"", JSON, chunks=[body])).status == 200
    assert (await counter.call("DELETE", f"{KART}/{ID}", body + b" ", JSON)).status == 413
    assert counter.chunks_read == 0
    assert (await counter.call("DELETE", f"{KART}/{ID}", b"", JSON, chunks=[body, b" "])).status == 413
    assert len(counter.desk.commands) == 2


async def test_endless_body_is_not_gathered() -> None:
    """Of a body without a length no more is read than shows that it is too large."""
    counter = Counter()
    answer = await counter.call("DELETE", f"{KART}/{ID}", b"", JSON, chunks=[b" " * 16_384] * 640)
    assert (answer.status, counter.chunks_read) == (413, 5)


@pytest.mark.parametrize("length", [b"65537", b"99999999999", b"9" * 5000])
async def test_declared_length_is_enough(length: bytes) -> None:
    """A declared length that is too large is refused without waiting for the body."""
    counter = Counter()
    answer = await counter.call("POST", KART, b"", (b"content-length", length), chunks=[b"{}"])
    assert (answer.status, counter.chunks_read) == (413, 0)


async def test_long_query() -> None:
    """A query string over 64 KiB is too large as well."""
    counter = Counter()
    assert (await counter.call("DELETE", f"{KART}/{ID}?a={'x' * 65_535}")).status == 413


async def test_half_a_request_is_none() -> None:
    """A client that leaves before the end of its body is neither obeyed nor answered."""
    counter = Counter()
    assert await counter.call_raw("DELETE", f"{KART}/{ID}", b"{}", gone=True) == []
    assert counter.desk.commands == []


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", KART, b"DELETE, POST, PUT"),
        ("GET", f"{KART}/", b"DELETE, POST, PUT"),
        ("PUT", f"{KART}/{ID}", b"DELETE"),
        ("POST", f"{KART}/{ID}", b"DELETE"),
        ("OPTIONS", f"{KART}/{ID}", b"DELETE"),
        ("POST", "/api/v1/order/bracket", b"DELETE"),
        ("GET", f"/api/v1/orders/{ID}", b"DELETE, PUT"),
        ("PUT", f"/api/v1/orders/bracket/{ID}", b"DELETE"),
    ],
)
async def test_other_methods(method: str, path: str, allow: bytes) -> None:
    """A method that a route does not have is 405, and the reply lists those it has."""
    answer = await Counter().call(method, path)
    assert (answer.status, answer.body) == (405, replies.method_not_allowed("").body)
    assert answer.headers[b"allow"] == allow


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (NotFound(), 404),
        (Refused(Reason.TOO_LATE), 409),
        (Unknown(ID), 202),
        (NotServing("stopped"), 503),
        (RuntimeError("a secret"), 500),
    ],
)
async def test_what_the_desk_answers(outcome: Any, status: int) -> None:
    """Each outcome, a stopped desk and a fault of ours have their status, and no fault tells what it was."""
    answer = await Counter(outcome).call("DELETE", f"{KART}/{ID}")
    assert answer.status == status
    assert b"secret" not in answer.body


async def test_foreign_and_unknown_look_the_same() -> None:
    """Another client's order is answered byte for byte, headers included, as one that never was."""
    counter = Counter(floor=(floor := Floor("A", "B")))
    foreign = await counter.call("DELETE", f"{KART}/{floor.place('B')}")
    unknown = await counter.call("DELETE", f"{KART}/20000101-1")
    assert (foreign.status, foreign.body, foreign.headers) == (404, unknown.body, unknown.headers)
    assert (await counter.call("DELETE", f"{KART}/{ID}")).status == 404


async def test_clients_that_cannot_be_asked() -> None:
    """While the database of clients does not answer, requests on every kind of route are told to come back."""
    counter = Counter(floor=Floor("A"))

    def away(*_: object) -> Claims:
        raise ClientsUnavailable("planted")

    counter.gate.admit = away  # type: ignore[method-assign]
    for method, path in (("DELETE", f"{KART}/{ID}"), ("GET", "/api/v1/orders"), ("GET", "/api/v1/user/profile")):
        answer = await counter.call(method, path)
        assert (answer.status, answer.body) == (503, replies.NOT_SERVING.body)


async def test_fault_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """The log holds the fault with its trace, and neither the token nor the body."""
    await Counter(RuntimeError("broken")).call("DELETE", f"{KART}/{ID}", b'{"note":"a secret"}', JSON)
    assert "broken" in caplog.text
    assert "secret" not in caplog.text
    assert TOKEN[1].decode() not in caplog.text


async def test_cancel_waits_for_the_command_only() -> None:
    """A plain cancel needs no second look at the disk: the outcome is durable when the desk returns it."""
    counter = Counter(Cancelled(ID))
    await counter.call("DELETE", f"{KART}/{ID}")
    assert counter.desk.waits == 0
