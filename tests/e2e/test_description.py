"""The server keeps to its own description: schemathesis asks a real one whatever /openapi.json allows, and more.

Requests that the description allows, and ones that it does not, one by one and in sequences of placing, showing,
modifying and cancelling: no reply is a 500, and each has a status, headers and a body that the description names.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.e2e.caller import bracket_body
from tests.e2e.process import HOST, Server

from bracketd.wire.schema.document import openapi

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = int(os.environ.get("BRACKETD_DESCRIPTION_EXAMPLES", "10"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What the sandbox is told to do wrong would be wrong in every other test.
NOT_ASKED = ["/sandbox/v1/faults", "/sandbox/v1/clock"]
DESCRIPTION: dict[str, Any] = json.loads(json.dumps(openapi(sandbox=True, login=True)))
schema = schemathesis.openapi.from_dict(DESCRIPTION).exclude(path=NOT_ASKED)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is asked everything."""
    folder: Path = tmp_path_factory.mktemp("described")
    server = Server(folder, ("C1", "C2"), cash="1000000000")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def ask(server: Server, case: schemathesis.Case, token: str | None) -> None:
    """Send one request and hold the reply against the description."""
    headers = {} if token is None else {"x-authorization-token": token}
    response = case.call(base_url=f"http://{HOST}:{server.port}", headers=headers, allow_redirects=False)
    case.validate_response(response, checks=CHECKS)


@schema.parametrize()
@SETTINGS
def test_every_reply_is_described(server: Server, case: schemathesis.Case) -> None:
    """Whatever is sent to a route, the reply is one that the description names for it, and never a 500."""
    # A client that logs itself out would be told 401 ever after.
    client = "C2" if case.path == "/api/v1/user/logout" else "C1"
    ask(server, case, server.tokens[client])


@schema.include(path_regex="^/api/v1/order").parametrize()
@SETTINGS
def test_strangers_are_described_too(server: Server, case: schemathesis.Case) -> None:
    """Without a token the same holds, and nobody is let in."""
    ask(server, case, None)


def test_sequences_are_described(server: Server) -> None:
    """In sequences of placing, printing, modifying and cancelling every reply is described as well."""
    caller = server.caller("C1")
    orders = "/api/v1/orders/kart"

    def case(method: str, path: str, **parts: Any) -> None:
        ask(server, schema[path][method].Case(**parts), server.tokens["C1"])

    class Trading(RuleBasedStateMachine):
        """One client's brackets, and what may be asked of them."""

        baskets: Bundle[str] = Bundle("baskets")

        @rule(
            target=baskets,
            side=st.sampled_from(["BUY", "SELL"]),
            kind=st.sampled_from(["LIMIT", "MARKET", "SL"]),
            quantity=st.integers(0, 3),
        )
        def place(self, side: str, kind: str, quantity: int) -> str:
            body = bracket_body("C1", order_side=side, order_type=kind, quantity=quantity, price=456.95)
            case("POST", orders, body=body, media_type="application/json")
            rows = caller.book("pending")
            return rows[-1]["oms_order_id"] if rows else "20260101-1"

        @rule(price=st.sampled_from([455.0, 456.95, 457.5, 459.5]), quantity=st.integers(0, 5))
        def tick(self, price: float, quantity: int) -> None:
            body = {"exchange": "NSE", "instrument_token": 3045, "last_price": price, "last_quantity": quantity}
            case("POST", "/sandbox/v1/ticks", body=body, media_type="application/json")

        @rule(order=baskets, price=st.sampled_from([0, 455.0, 456.95, 460.02]), quantity=st.integers(0, 4))
        def modify(self, order: str, price: float, quantity: int) -> None:
            body = {"client_id": "C1", "oms_order_id": order, "price": price, "quantity": quantity}
            case("PUT", orders, body=body, media_type="application/json", headers={"Prefer": "return=representation"})

        @rule(
            order=baskets,
            leg=st.sampled_from(["ENTRY", "TARGET", "STOPLOSS", "", "FOURTH"]),
            prefer=st.sampled_from([{}, {"Prefer": "return=representation"}]),
        )
        def cancel(self, order: str, leg: str, prefer: dict[str, str]) -> None:
            parts = {"path_parameters": {"oms_order_id": order}, "headers": prefer}
            body = {"client_id": "C1", "leg_order_indicator": leg}
            case("DELETE", orders + "/{oms_order_id}", body=body, media_type="application/json", **parts)

        @rule()
        def cancel_everything(self) -> None:
            case("DELETE", "/api/v1/orders", query={"client_id": "C1"})

        @rule(order=baskets, kind=st.sampled_from(["pending", "completed"]))
        def show(self, order: str, kind: str) -> None:
            case("GET", "/api/v1/orders", query={"type": kind})
            case("GET", "/api/v1/order/{oms_order_id}/history", path_parameters={"oms_order_id": order})
            for path in ("/api/v1/trades", "/api/v1/positions", "/api/v2/funds/view"):
                case("GET", path, query={"type": "live"} if path.endswith("positions") else {})

    run_state_machine_as_test(Trading, settings=settings(SETTINGS, stateful_step_count=30))
    assert "Traceback" not in server.said()
