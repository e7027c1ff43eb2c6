"""The document of a server at which clients log in: OpenAPI, every route of it, and the replies that really come."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route
from tests.wire.doorstep import FORM, LANDING, PASSWORD, PIN, Doorstep

from bracketd.wire.schema.document import openapi

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi(sandbox=False, login=True)))
ADDED = sorted(set(DOCUMENT["paths"]) - set(openapi(sandbox=False)["paths"]))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    """Client A at the door."""
    made = Doorstep(tmp_path)
    yield made
    made.close()


def faults(path: str, status: int, body: Any) -> list[str]:
    """Where a reply differs from what the document promises of it."""
    content = DOCUMENT["paths"][path]["post"]["responses"][str(status)]["content"]["application/json"]
    validator = Draft202012Validator(content["schema"] | {"components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def test_document_is_openapi() -> None:
    """The document holds against the specification's own schema."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


async def test_every_login_route_is_described(door: Doorstep) -> None:
    """The routes that an entrance adds are the document's, with their methods, and this document is handed out."""
    router: Any = door.counter.app._router  # type: ignore[attr-defined]
    routes = {route.path: route.methods for route in router.routes if isinstance(route, Route)}
    assert {path for path in routes if path.startswith("/oauth2") or path in ADDED} == set(ADDED)
    for path in ADDED:
        assert {method.upper() for method in DOCUMENT["paths"][path]} == set(routes[path] or ()) - {"HEAD"}
    assert (await door.counter.call("GET", "/openapi.json", token=None)).json() == DOCUMENT


async def test_login_replies_are_as_described(door: Doorstep) -> None:
    """Right, wrong, blank and locked out: each reply is one that the document promises."""
    path = "/api/v3/user/login"
    taken = await door.counter.call("POST", path, {"login_id": "A", "password": PASSWORD}, token=None)
    assert faults(path, taken.status, taken.json()) == []
    for _ in range(6):
        wrong = await door.counter.call("POST", path, {"login_id": "B", "password": "x"}, token=None)
        assert faults(path, wrong.status, wrong.json()) == []
    assert wrong.status == 429
    path = "/api/v3/user/twofa"
    ticket = taken.json()["data"]["twofa"]["twofa_token"]
    body = {"login_id": "A", "twofa_token": ticket, "twofa": [{"question_id": 22, "answer": PIN}], "type": "PIN"}
    logged_in = await door.counter.call("POST", path, body, token=None)
    assert logged_in.status == 200
    assert faults(path, 200, logged_in.json()) == []


async def test_token_replies_are_as_described(door: Doorstep) -> None:
    """A token and a refusal of one have the described shapes."""
    code = (await door.submit(await door.page("GET", door.target()))).answer["code"][0]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": LANDING}
    fields |= {"client_id": door.app.app_id, "client_secret": door.secret}
    for status in (200, 400):
        page = await door.page("POST", "/oauth2/token", urlencode(fields).encode(), FORM)
        assert page.status == status
        assert faults("/oauth2/token", status, json.loads(page.text)) == []


async def test_page_shows_the_login_routes(door: Doorstep) -> None:
    """The description for people has every login route, and says which take a form alone."""
    page = await door.page("GET", "/docs")
    assert [path for path in ADDED if f"<code>{path}</code>" not in page.text] == []
    assert page.text.count("Fields, as a form: ") == 2
