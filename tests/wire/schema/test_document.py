"""The document is OpenAPI, describes every route with every method, and needs nobody's token."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route, WebSocketRoute
from tests.wire.counter import Counter
from tests.wire.schema.described import DOCUMENT

from bracketd.domain.reasons import Reason
from bracketd.wire.order_entry import find_route
from bracketd.wire.schema.document import openapi

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
ORDER_PATHS = {
    "/api/v1/orders/kart",
    "/api/v1/orders/kart/{oms_order_id}",
    "/api/v1/orders/bracket",
    "/api/v1/orders/bracket/{oms_order_id}",
    "/api/v1/order/bracket",
    "/api/v1/order/bracket/{oms_order_id}",
    "/api/v1/orders/{oms_order_id}",
}
"""The order-entry routes, which stand before the router and are in no list of its."""
SANDBOX_PATHS = {"/sandbox/v1/ticks", "/sandbox/v1/run", "/sandbox/v1/clock", "/sandbox/v1/faults"}


def described(path: str) -> set[str]:
    """The methods that the document has for a path."""
    return {method.upper() for method in DOCUMENT["paths"][path]}


def filled(path: str) -> str:
    """A path with something in the place of each of its fields."""
    for field, value in (("oms_order_id", "1"), ("exchange", "NSE"), ("segment", "Capital")):
        path = path.replace(f"{{{field}}}", value)
    return path


@pytest.mark.parametrize("sandbox", [False, True])
def test_document_is_openapi(sandbox: bool) -> None:
    """The document holds against the specification's own schema, version 3.1."""
    document = json.loads(json.dumps(openapi(sandbox=sandbox)))
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_is_described() -> None:
    """The paths of the router and of order entry are the document's, none more and none less."""
    router: Any = Counter(sandbox=True).app._router  # type: ignore[attr-defined]
    routed = {route.path for route in router.routes if isinstance(route, Route)}
    # A websocket is nothing that OpenAPI can describe.
    assert all(isinstance(route, Route | WebSocketRoute) for route in router.routes)
    assert routed | ORDER_PATHS == set(DOCUMENT["paths"])


def test_order_paths_are_order_entrys() -> None:
    """Each path that is said to stand before the router does."""
    assert all(find_route(filled(path).encode()) is not None for path in ORDER_PATHS)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
async def test_every_method_is_described(path: str) -> None:
    """A path answers the methods that the document has for it; every other one is 405, and lists them."""
    counter = Counter(sandbox=True)
    for method in METHODS:
        (start, *_) = await counter.call_raw(method, filled(path), token=None)
        if method in described(path):
            assert start["status"] != 405, method
        else:
            assert start["status"] == 405, method
            allow = dict(start["headers"])[b"allow"].decode().split(", ")
            assert set(allow) - {"HEAD"} == described(path)


async def test_the_sandbox_is_described_where_it_is() -> None:
    """A server without the sandbox does not speak of it."""
    answer = await Counter(sandbox=False).call("GET", "/openapi.json", token=None)
    assert set(DOCUMENT["paths"]) - set(answer.json()["paths"]) == SANDBOX_PATHS


@pytest.mark.parametrize("target", ["/openapi.json", "/openapi.json/"])
async def test_the_document_is_public(target: str) -> None:
    """The document comes without a token, and is the one that these tests have judged."""
    answer = await Counter(sandbox=True).call("GET", target, token=None)
    assert (answer.status, answer.json()) == (200, DOCUMENT)


def test_every_operation_has_a_name_of_its_own() -> None:
    """No two operations have one operationId, from which generators make the names of functions."""
    names = [each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))


def test_secured_routes_ask_for_a_token() -> None:
    """A route is described as open exactly where it takes no token."""
    is_open = {path for path, methods in DOCUMENT["paths"].items() for each in methods.values() if not each["security"]}
    assert is_open == {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"} | SANDBOX_PATHS


@pytest.mark.parametrize(
    "path", [path for path, each in DOCUMENT["paths"].items() if next(iter(each.values()))["security"]]
)
async def test_routes_without_a_token(path: str) -> None:
    """Every route that is described as secured is 401 without a token, whatever else is wrong."""
    for method in described(path):
        assert (await Counter().call(method, filled(path), token=None)).status == 401


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_described(reason: Reason) -> None:
    """Each word of the closed list is in the schema of a refusal and in the list with its status and message."""
    assert reason in DOCUMENT["components"]["schemas"]["Reason"]["enum"]
    (row,) = [row for row in DOCUMENT["info"]["x-reasons"] if row["reason"] == reason]
    statuses = {
        status for methods in DOCUMENT["paths"].values() for each in methods.values() for status in each["responses"]
    }
    assert str(row["status"]) in statuses
    assert row["message"]
