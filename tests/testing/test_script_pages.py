"""The script over HTTP: steps and scenarios are taken, shown and cleared, for this machine alone."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from bracketd.testing import SCENARIOS, PaperBroker
from bracketd.testing.script import Step

SCRIPT = "/sandbox/v1/script"


def ask(broker: PaperBroker, method: str, path: str, body: Any = None) -> httpx.Response:
    """One request to the kit's routes."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    with httpx.Client(transport=broker.transport(), base_url=broker.url) as http:
        return http.request(method, path, content=content)


def test_steps_are_taken_shown_and_cleared(broker: PaperBroker) -> None:
    """POST adds steps, GET shows those that wait and what has happened, DELETE clears them."""
    steps = [
        {"do": "fill", "when": "after_place", "percent": 40},
        {"do": "fault", "rule": {"on": "cancel", "action": "refuse", "text": "no"}},
    ]
    reply = ask(broker, "POST", SCRIPT, {"steps": steps}).json()
    assert reply["status"] == "success"
    assert [step["do"] for step in reply["data"]["waiting"]] == ["fill"]
    broker.client("A").place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    shown = ask(broker, "GET", SCRIPT).json()["data"]
    assert [line.split()[1] for line in shown["log"]] == ["fault", "fill"]
    assert shown["waiting"] == []
    ask(broker, "POST", SCRIPT, {"steps": [{"do": "down"}]})
    assert ask(broker, "GET", SCRIPT).json()["data"]["up"] is False
    assert ask(broker, "DELETE", SCRIPT).json()["data"]["up"] is True
    assert len(broker.client("A").orders()) == 3


def test_scenarios_are_listed_and_played(broker: PaperBroker) -> None:
    """The list has every scenario with its steps, which can be sent as they are shown; a name plays them too."""
    listed = ask(broker, "GET", "/sandbox/v1/scenarios").json()["data"]
    assert [scenario["name"] for scenario in listed] == list(SCENARIOS)
    for scenario in listed:
        assert msgspec.convert(scenario["steps"], tuple[Step, ...], strict=False) == SCENARIOS[scenario["name"]].steps
        for body in ({"steps": scenario["steps"]}, {"scenario": scenario["name"]}):
            assert ask(broker, "POST", SCRIPT, body).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        ({}, "steps"),
        ({"steps": []}, "steps"),
        ({"steps": [{"do": "calm"}] * 101}, "steps"),
        ({"steps": [{"do": "dance"}]}, "steps[0].do"),
        ({"steps": [{"do": "calm"}, {"do": "fill", "percent": "x"}]}, "steps[1].percent"),
        ({"steps": [{"do": "calm"}, {"do": "fill", "percent": 0}]}, "steps[1].percent"),
        ({"steps": [{"do": "tick", "instrument": "SBIN"}]}, "steps[0].price"),
        ({"scenario": "none"}, "scenario"),
        ({"scenario": "both_exits_printed", "steps": [{"do": "calm"}]}, "steps"),
    ],
)
def test_a_wrong_script_names_its_field(broker: PaperBroker, body: Any, field: str) -> None:
    """What makes no sense is 400 in the family's shape with the field's place, and nothing of it is kept."""
    reply = ask(broker, "POST", SCRIPT, body)
    assert (reply.status_code, reply.json()["message"]) == (400, f"`{field}` is invalid")
    shown = ask(broker, "GET", SCRIPT).json()["data"]
    assert (shown["waiting"], shown["log"]) == ([], [])


def test_tokens_and_positions_are_told(broker: PaperBroker) -> None:
    """A token of a client is given out and works; the position is the exchange's own count."""
    token = ask(broker, "POST", "/sandbox/v1/tokens", {"client_id": "B"}).json()["data"]["token"]
    assert broker.house.token_client(token) == "B"
    broker.client("B").place_bracket("SBIN", "SELL", 10, price=450, target=2, stop=1)
    broker.tick("SBIN", "450.00", quantity=4)
    told = ask(broker, "POST", "/sandbox/v1/positions", {"client_id": "B"}).json()["data"]
    assert told == {"net": -4, "peak": 4}
    for path, body, field in (
        ("/sandbox/v1/tokens", {"client_id": "Z"}, "client_id"),
        ("/sandbox/v1/tokens", {}, "body"),
        ("/sandbox/v1/positions", {"client_id": "B", "instrument": "NOSUCH"}, "instrument"),
    ):
        assert ask(broker, "POST", path, body).json()["message"] == f"`{field}` is invalid"


def test_a_method_that_a_route_has_not_is_405(broker: PaperBroker) -> None:
    """A method that the route does not have is 405 and tells those that it has."""
    reply = ask(broker, "PUT", SCRIPT)
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, POST, DELETE")


def test_the_sandbox_s_own_routes_are_there(broker: PaperBroker) -> None:
    """Clock, ticks and faults of docs/sandbox.md work beside the script."""
    before = broker.now_s
    assert ask(broker, "POST", "/sandbox/v1/clock", {"advance_ms": 1_000}).status_code == 200
    assert broker.now_s - before == 1.0
    assert ask(broker, "GET", "/sandbox/v1/faults").json()["data"]["rules"] == []
