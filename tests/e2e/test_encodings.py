"""Every encoding that a client of the family uses cancels the same order with the same bytes (invariant 11)."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode

import pytest
from tests.e2e.caller import CANCELLED, Caller, Placed, Reply

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
KART = "/api/v1/orders/kart"

Fields = dict[str, str]


def fields_of(placed: Placed) -> Fields:
    """The seed page's six fields for an order."""
    return {
        "client_id": "C1",
        "exchange_order_id": placed.exchange_order_id,
        "execution_type": "BO",
        "leg_order_indicator": "ENTRY",
        "oms_order_id": placed.entry_id,
        "status": "CONFIRMED",
    }


def without_id(fields: Fields) -> Fields:
    """The fields of a request whose id is in the path only."""
    return {name: value for name, value in fields.items() if name != "oms_order_id"}


def as_json(fields: Fields) -> bytes:
    """The fields as a JSON document."""
    return json.dumps(fields).encode()


def as_form(fields: Fields) -> str:
    """The fields as a form or a query."""
    return urlencode(fields)


def in_pieces(document: bytes) -> Iterator[bytes]:
    """A body in three chunks."""
    third = len(document) // 3
    yield document[:third]
    yield document[third : 2 * third]
    yield document[2 * third :]


def delete(
    caller: Caller, target: str, body: bytes | Iterator[bytes] | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """A DELETE with the token."""
    return caller.send("DELETE", target, body, caller.auth | (headers or {}))


Way = Callable[[Caller, Placed, Fields], Reply]
WAYS: dict[str, Way] = {
    "JSON body": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", as_json(f), JSON),
    "JSON body, slash": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}/", as_json(f), JSON),
    "JSON body with charset": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_json(f), {"content-type": "application/json; charset=utf-8"}
    ),
    "JSON body with CRLF": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", json.dumps(f, indent=4).replace("\n", "\r\n").encode(), JSON
    ),
    "JSON body, no type": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", as_json(f)),
    "JSON body, text/plain": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_json(f), {"content-type": "text/plain"}
    ),
    "JSON body, chunked": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", in_pieces(as_json(f)), JSON),
    "form body": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", as_form(f).encode(), FORM),
    "form body, slash": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}/", as_form(f).encode(), FORM),
    "form body, no type": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", as_form(f).encode()),
    "form body, text/plain": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_form(f).encode(), {"content-type": "text/plain"}
    ),
    "form body, chunked": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}", in_pieces(as_form(f).encode()), FORM),
    "query": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}?{as_form(f)}"),
    "query, slash": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}/?{as_form(f)}"),
    "query without the id, JSON type, empty body": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}?{as_form(without_id(f))}", b"", JSON
    ),
    "JSON as the query": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}?{quote(json.dumps(f), safe=',:')}"),
    "JSON as the query, all encoded": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}?{quote(json.dumps(f), safe='')}"),
    "fields then a JSON tail": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}?{as_form(f)}&{quote(json.dumps(f), safe=',:')}"
    ),
    "path only": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}"),
    "path only, slash": lambda c, p, f: delete(c, f"{KART}/{p.entry_id}/"),
    "path encoded": lambda c, p, f: delete(c, f"{KART}/{p.entry_id.replace('-', '%2D')}"),
    "id only in a JSON body": lambda c, p, f: delete(c, KART, as_json(f), JSON),
    "id only in a JSON body, slash": lambda c, p, f: delete(c, f"{KART}/", as_json(f), JSON),
    "id only in a form body": lambda c, p, f: delete(c, KART, as_form(f).encode(), FORM),
    "id only in a form body, slash": lambda c, p, f: delete(c, f"{KART}/", as_form(f).encode(), FORM),
    "id only in the query": lambda c, p, f: delete(c, f"{KART}?{as_form(f)}"),
    "id only in the query, slash": lambda c, p, f: delete(c, f"{KART}/?{as_form(f)}"),
    "id only in a JSON query": lambda c, p, f: delete(c, f"{KART}?{quote(json.dumps(f))}"),
    "id alone in the query": lambda c, p, f: delete(c, f"{KART}?oms_order_id={p.entry_id}"),
    "half in the query, half in the body": lambda c, p, f: delete(
        c, f"{KART}?oms_order_id={p.entry_id}&client_id=C1", as_json(without_id(f)), JSON
    ),
    "orders with execution_type": lambda c, p, f: delete(
        c, f"/api/v1/orders/{p.entry_id}?client_id=C1&execution_type=BO"
    ),
    "orders without execution_type": lambda c, p, f: delete(c, f"/api/v1/orders/{p.entry_id}?client_id=C1"),
    "orders with a slash": lambda c, p, f: delete(c, f"/api/v1/orders/{p.entry_id}/?client_id=C1&execution_type=BO"),
    "orders with a JSON body": lambda c, p, f: delete(c, f"/api/v1/orders/{p.entry_id}", as_json(f), JSON),
    "order/bracket": lambda c, p, f: delete(
        c,
        f"/api/v1/order/bracket?oms_order_id={p.entry_id}&order_status=open&leg_order_indicator={p.entry_id}",
    ),
    "order/bracket, slash": lambda c, p, f: delete(c, f"/api/v1/order/bracket/?oms_order_id={p.entry_id}"),
    "orders/bracket": lambda c, p, f: delete(c, f"/api/v1/orders/bracket?oms_order_id={p.entry_id}&client_id=C1"),
    "orders/bracket, slash": lambda c, p, f: delete(
        c,
        f"/api/v1/orders/bracket/?oms_order_id={p.entry_id}&leg_order_indicator=&status=open&client_id=C1",
    ),
    "basket id in the path": lambda c, p, f: delete(c, f"{KART}/{p.basket_id}"),
    "exchange's number in the path": lambda c, p, f: delete(c, f"{KART}/{p.exchange_order_id}"),
    "basket id beside the entry's": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_json(f | {"oms_order_id": p.basket_id}), JSON
    ),
    "typos in a JSON body": lambda c, p, f: delete(
        c,
        KART,
        as_json({"clint_id": "C1", "excution_type": "BO", "osm_order_id": p.entry_id, "leg_order_indicator": "ENTRY"}),
        JSON,
    ),
    "typos in the query": lambda c, p, f: delete(c, f"{KART}?ClientId=C1&excution_type=BO&osm_order_id={p.entry_id}"),
    "a typo beside the right key": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_json(f | {"clint_id": "C2", "osm_order_id": "1", "excution_type": "CO"}), JSON
    ),
    "unknown fields": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}?api_key=abc", as_json(f | {"user_order_id": "1", "colour": "red"}), JSON
    ),
    "lower case and blanks": lambda c, p, f: delete(
        c, f"{KART}/{p.entry_id}", as_json(f | {"execution_type": " bo ", "leg_order_indicator": " Entry "}), JSON
    ),
    "numbers for texts": lambda c, p, f: delete(
        c,
        f"{KART}/{p.entry_id}",
        as_json(f).replace(f'"{p.exchange_order_id}"'.encode(), p.exchange_order_id.encode()),
        JSON,
    ),
    "null leg": lambda c, p, f: delete(
        c,
        f"{KART}/{p.entry_id}",
        as_json(f).replace(b'"leg_order_indicator": "ENTRY"', b'"leg_order_indicator": null'),
        JSON,
    ),
}


def assert_cancelled(trader: Caller, placed: Placed, reply: Reply) -> None:
    """The reply is the seed page's to the byte, and the order is cancelled, unfilled and without legs."""
    assert (reply.status, reply.body) == (200, CANCELLED)
    assert reply.headers["content-type"].partition(";")[0] == "application/json"
    row = trader.row(placed.entry_id)
    assert (row["order_status"], row["filled_quantity"], row["remaining_quantity"]) == ("CANCELLED", 0, 0)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_encoding_cancels(trader: Caller, way: Way) -> None:
    """A cancel has one effect and one reply, whatever encoding carries it."""
    placed = trader.place()
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"
    assert_cancelled(trader, placed, way(trader, placed, fields_of(placed)))


@pytest.mark.parametrize("way", ["JSON body", "path only, slash", "id only in the query, slash", "orders with a slash"])
def test_asking_again_gets_the_same_reply(trader: Caller, way: str) -> None:
    """The second cancel of one order is answered like the first, to the byte."""
    placed = trader.place()
    first = WAYS[way](trader, placed, fields_of(placed))
    second = WAYS[way](trader, placed, fields_of(placed))
    assert_cancelled(trader, placed, second)
    assert first.body == second.body


AUTH: dict[str, Callable[[str], dict[str, str]]] = {
    "x-authorization-token": lambda t: {"x-authorization-token": t},
    "X-Authorization-Token": lambda t: {"X-Authorization-Token": t},
    "x-auth-token": lambda t: {"x-auth-token": t},
    "Authorization: Bearer": lambda t: {"Authorization": f"Bearer {t}"},
    "authorization: bearer": lambda t: {"authorization": f"bearer {t}"},
    "Authorization without Bearer": lambda t: {"Authorization": t},
    "Bearer in x-authorization-token": lambda t: {"x-authorization-token": f"Bearer {t}"},
    "token and Bearer, equal": lambda t: {"x-authorization-token": t, "Authorization": f"Bearer {t}"},
    "all three, equal": lambda t: {"x-authorization-token": t, "x-auth-token": t, "Authorization": t},
    "the seed's table": lambda t: {"x-device-type": "WEB", "x-auth-token": t, "content-type": "application/json"},
    "P-DeviceType and company": lambda t: {
        "x-authorization-token": t,
        "Authorization": f"Bearer {t}",
        "P-DeviceType": "WEB",
        "X-ClientLocalIP": "10.0.0.1",
        "X-MACAddress": "02:00:00:00:00:01",
        "X-PrivateKey": "None",
        "X-UserType": "USER",
        "X-SourceID": "WEB",
    },
    "a client_id header too": lambda t: {"client_id": "C1", "authorization": f"Bearer {t}"},
}


@pytest.mark.parametrize("form", AUTH.values(), ids=AUTH)
def test_every_header_form_authenticates(trader: Caller, form: Callable[[str], dict[str, str]]) -> None:
    """The token counts in each header in which a client of the family sends it."""
    placed = trader.place()
    headers = JSON | form(trader.token)
    reply = trader.send("DELETE", f"{KART}/{placed.entry_id}", as_json(fields_of(placed)), headers)
    assert_cancelled(trader, placed, reply)


def test_differing_tokens_are_refused(trader: Caller, stranger: Caller) -> None:
    """Two headers with two good tokens are nobody's: 401, and the order stands."""
    placed = trader.place()
    headers = {"x-authorization-token": trader.token, "Authorization": f"Bearer {stranger.token}"}
    assert trader.send("DELETE", f"{KART}/{placed.entry_id}", None, headers).status == 401
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


@pytest.mark.parametrize(
    "target", ["/api/v1/orders?type=pending&client_id=C1", "/api/v1/orders/?type=pending&client_id=C1"]
)
def test_reading_takes_a_slash_and_junk(trader: Caller, target: str) -> None:
    """The order book answers with and without a trailing slash, with a body on GET and with a JSON tail behind it."""
    placed = trader.place()
    plain = trader.get(target)
    tail = trader.get(target + "&" + quote('{"type": "pending"}'))
    with_body = trader.send("GET", target, b'{"type":"pending"}', trader.auth | JSON)
    for reply in (plain, tail, with_body):
        assert reply.status == 200
        assert placed.entry_id in {row["oms_order_id"] for row in reply.json["data"]["orders"]}
