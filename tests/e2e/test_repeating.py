"""Placing twice over the wire: the Idempotency-Key header, across kill -9."""

import json

import pytest
from tests.e2e.caller import Caller, bracket_body
from tests.e2e.process import Server

KART = "/api/v1/orders/kart"


def test_a_key_survives_a_kill(server: Server, trader: Caller) -> None:
    """The same key and body get the same reply after a crash, another body 422, and one bracket exists."""
    body = bracket_body(trader.client)
    first = trader.send_json("POST", KART, body, Idempotency_Key="key-1")
    assert first.status == 200
    server.kill()
    server.start()
    again = server.caller(trader.client)
    before = server.records()
    assert again.send_json("POST", KART, body, Idempotency_Key="key-1").body == first.body
    reused = again.send_json("POST", KART, body | {"quantity": 2}, Idempotency_Key="key-1")
    assert reused.status == 422
    assert json.loads(reused.body) == {
        "status": "error",
        "message": "Idempotency key was used for another order",
        "error_code": 44000,
        "reason": "IDEMPOTENCY_KEY_REUSED",
        "data": {},
    }
    assert server.records() == before


@pytest.mark.parametrize("key", ["k" * 129, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(server: Server, key: str) -> None:
    """A key too long or not printable is refused by name, and nothing is placed."""
    caller = server.caller("C1")
    before = server.records()
    reply = caller.send_json("POST", KART, bracket_body("C1"), Idempotency_Key=key)
    assert reply.status == 400
    assert json.loads(reply.body)["message"] == "`Idempotency-Key` is invalid"
    assert server.records() == before
