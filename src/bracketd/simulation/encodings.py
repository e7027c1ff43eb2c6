"""How a request is written: every encoding and every token header that clients of the family use (wire.md 1.2, 1.3)."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus

KART = "/api/v1/orders/kart"
ORDERS = "/api/v1/orders"
CONVERT = "/api/v1/position/convert"
Headers = list[tuple[bytes, bytes]]
Fields = Mapping[str, str]

JSON: Headers = [(b"content-type", b"application/json")]
JSON_UTF8: Headers = [(b"content-type", b"application/json; charset=utf-8")]
FORM: Headers = [(b"content-type", b"application/x-www-form-urlencoded")]
PLAIN: Headers = [(b"content-type", b"text/plain")]


class Written(NamedTuple):
    """A request as the server gets it, without its token; `parts` are the chunks of the body."""

    target: str
    parts: tuple[bytes, ...] = (b"",)
    headers: Headers = []  # noqa: RUF012 (a NamedTuple's default; nobody changes it)


def _json(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


def _crlf(fields: Fields) -> bytes:
    """The same, indented."""
    lines = (f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items())
    return b"{\r\n%b\r\n}" % ",\r\n".join(lines).encode()


def _form(fields: Fields) -> str:
    return "&".join(f"{name}={_quoted(value)}" for name, value in fields.items())


_quoted = lru_cache(maxsize=4096)(quote_plus)
"""The names of fields need no quoting, and the same values come again and again."""


def _pieces(document: bytes) -> tuple[bytes, ...]:
    third = len(document) // 3
    return document[:third], document[third : 2 * third], document[2 * third :]


def _without_id(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "oms_order_id"}


def _query_json(fields: Fields, safe: str = ",:") -> str:
    return quote(json.dumps(fields), safe=safe)


def _typos(fields: Fields) -> Fields:
    names = {"client_id": "clint_id", "execution_type": "excution_type", "oms_order_id": "osm_order_id"}
    return {names.get(name, name): value for name, value in fields.items()}


CancelWay = Callable[[str, Fields], Written]
CANCEL_WAYS: dict[str, CancelWay] = {
    "JSON body": lambda i, f: Written(f"{KART}/{i}", (_json(f),), JSON),
    "JSON body, slash": lambda i, f: Written(f"{KART}/{i}/", (_json(f),), JSON),
    "JSON body with charset": lambda i, f: Written(f"{KART}/{i}", (_json(f),), JSON_UTF8),
    "JSON body with CRLF": lambda i, f: Written(f"{KART}/{i}", (_crlf(f),), JSON),
    "JSON body, no type": lambda i, f: Written(f"{KART}/{i}", (_json(f),)),
    "JSON body, text/plain": lambda i, f: Written(f"{KART}/{i}", (_json(f),), PLAIN),
    "JSON body, chunked": lambda i, f: Written(f"{KART}/{i}", _pieces(_json(f)), JSON),
    "form body": lambda i, f: Written(f"{KART}/{i}", (_form(f).encode(),), FORM),
    "form body, slash": lambda i, f: Written(f"{KART}/{i}/", (_form(f).encode(),), FORM),
    "form body, no type": lambda i, f: Written(f"{KART}/{i}", (_form(f).encode(),)),
    "form body, text/plain": lambda i, f: Written(f"{KART}/{i}", (_form(f).encode(),), PLAIN),
    "form body, chunked": lambda i, f: Written(f"{KART}/{i}", _pieces(_form(f).encode()), FORM),
    "query": lambda i, f: Written(f"{KART}/{i}?{_form(f)}"),
    "query, slash": lambda i, f: Written(f"{KART}/{i}/?{_form(f)}"),
    "query without the id, JSON type": lambda i, f: Written(f"{KART}/{i}?{_form(_without_id(f))}", headers=JSON),
    "JSON as the query": lambda i, f: Written(f"{KART}/{i}?{_query_json(f)}"),
    "JSON as the query, all encoded": lambda i, f: Written(f"{KART}/{i}?{_query_json(f, '')}"),
    "fields then a JSON tail": lambda i, f: Written(f"{KART}/{i}?{_form(f)}&{_query_json(f)}"),
    "path encoded": lambda i, f: Written(f"{KART}/{i.replace('-', '%2D')}?{_form(f)}"),
    "id only in a JSON body": lambda i, f: Written(KART, (_json(f),), JSON),
    "id only in a JSON body, slash": lambda i, f: Written(f"{KART}/", (_json(f),), JSON),
    "id only in a form body": lambda i, f: Written(KART, (_form(f).encode(),), FORM),
    "id only in a form body, slash": lambda i, f: Written(f"{KART}/", (_form(f).encode(),), FORM),
    "id only in the query": lambda i, f: Written(f"{KART}?{_form(f)}"),
    "id only in the query, slash": lambda i, f: Written(f"{KART}/?{_form(f)}"),
    "id only in a JSON query": lambda i, f: Written(f"{KART}?{quote(json.dumps(f))}"),
    "half in the query, half in the body": lambda i, f: Written(
        f"{KART}?oms_order_id={i}&client_id={f['client_id']}", (_json(_without_id(f)),), JSON
    ),
    "orders": lambda i, f: Written(f"/api/v1/orders/{i}?{_form(_without_id(f))}"),
    "orders with a slash": lambda i, f: Written(f"/api/v1/orders/{i}/?{_form(_without_id(f))}"),
    "orders with a JSON body": lambda i, f: Written(f"/api/v1/orders/{i}", (_json(f),), JSON),
    "order/bracket": lambda i, f: Written(f"/api/v1/order/bracket?{_form(f)}&order_status=open"),
    "order/bracket, slash": lambda i, f: Written(f"/api/v1/order/bracket/?{_form(f)}"),
    "orders/bracket": lambda i, f: Written(f"/api/v1/orders/bracket?{_form(f)}&order_status=open"),
    "orders/bracket, slash": lambda i, f: Written(f"/api/v1/orders/bracket/?{_form(f)}"),
    "typos in a JSON body": lambda i, f: Written(KART, (_json(_typos(f)),), JSON),
    "typos in the query": lambda i, f: Written(f"{KART}?{_form(_typos(f))}"),
    "unknown fields": lambda i, f: Written(f"{KART}/{i}?api_key=abc", (_json({**f, "colour": "red"}),), JSON),
}
"""The ways in which a cancel is written; the path alone is added by `cancel_written` where nothing else is said."""

BodyWay = Callable[[str, Fields], Written]
BODY_WAYS: dict[str, BodyWay] = {
    "JSON body": lambda p, f: Written(p, (_json(f),), JSON),
    "JSON body, slash, CRLF": lambda p, f: Written(f"{p}/", (_crlf(f),), JSON),
    "JSON body, no type, chunked": lambda p, f: Written(p, _pieces(_json(f))),
    "form body": lambda p, f: Written(p, (_form(f).encode(),), FORM),
    "form body, text/plain": lambda p, f: Written(p, (_form(f).encode(),), PLAIN),
    "query": lambda p, f: Written(f"{p}?{_form(f)}"),
    "JSON as the query": lambda p, f: Written(f"{p}?{_query_json(f)}"),
}
"""The ways in which a placement and a modification are written."""

AUTHS: dict[str, Callable[[str], dict[str, str]]] = {
    "x-authorization-token": lambda t: {"x-authorization-token": t},
    "x-auth-token": lambda t: {"x-auth-token": t, "x-device-type": "WEB"},
    "Authorization: Bearer": lambda t: {"authorization": f"Bearer {t}"},
    "Authorization: bearer": lambda t: {"authorization": f"bearer {t}"},
    "Authorization without Bearer": lambda t: {"authorization": t},
    "Bearer in x-authorization-token": lambda t: {"x-authorization-token": f"Bearer {t}"},
    "token and Bearer, equal": lambda t: {"x-authorization-token": t, "authorization": f"Bearer {t}"},
    "all three, equal": lambda t: {"x-authorization-token": t, "x-auth-token": t, "authorization": t},
    "P-DeviceType and company": lambda t: {"x-authorization-token": t, "p-devicetype": "WEB", "x-usertype": "USER"},
}


_CANCEL_WAYS, _BODY_WAYS, _AUTHS = tuple(CANCEL_WAYS.values()), tuple(BODY_WAYS.values()), tuple(AUTHS.values())


def cancel_written(way: int, order_id: str, fields: Fields) -> Written:
    """A cancel in the way of that number; one that says nothing but the id may be the path alone."""
    if way % 7 == 0 and fields.keys() <= {"client_id", "oms_order_id"}:
        return Written(f"{KART}/{order_id}" + "/" * (way % 2))
    return _CANCEL_WAYS[way % len(_CANCEL_WAYS)](order_id, fields)


def body_written(way: int, fields: Fields, path: str = KART) -> Written:
    """A placement or modification on a path, in the way of that number."""
    return _BODY_WAYS[way % len(_BODY_WAYS)](path, fields)


def auth_headers(auth: int, token: str) -> Headers:
    """The token in the headers of that number."""
    return _token_headers(auth % len(_AUTHS), token)


@lru_cache(maxsize=256)
def _token_headers(number: int, token: str) -> Headers:
    return [(name.encode(), value.encode()) for name, value in _AUTHS[number](token).items()]
