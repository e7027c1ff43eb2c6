"""Logging in to a real process: by JSON, by the page, beside the command line, and across a power cut."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from tests.e2e.caller import UNAUTHORISED, Caller, Reply
from tests.e2e.process import HOST, Server, command

pytestmark = pytest.mark.slow

CLIENT, PASSWORD, PIN = "LOGIN1", "correct horse", "2468"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, pyotp.TOTP]]:
    """A process of the test's own, and the authenticator of its client."""
    server = Server(tmp_path, clients=())
    data = str(server.data)
    added = command(
        "client", "add", CLIENT, "--data", data, "--password-stdin", "--pin-stdin", stdin=f"{PASSWORD}\n{PIN}\n"
    )
    totp = pyotp.parse_uri(added.stdout.split("totp ")[1].strip())
    assert isinstance(totp, pyotp.TOTP)
    server.start()
    try:
        yield server, totp
    finally:
        server.kill()


def post(server: Server, page: str, fields: dict[str, Any]) -> Reply:
    """One request of somebody who has no token yet."""
    return Caller(HOST, server.port, CLIENT, "").send_json("POST", f"/api/v3/user/{page}", fields)


def ticket(server: Server) -> str:
    """The twofa_token of a right password."""
    reply = post(server, "login", {"login_id": CLIENT, "password": PASSWORD, "device": "WEB"})
    assert reply.status == 200, reply
    return str(reply.json["data"]["twofa"]["twofa_token"])


def token(server: Server, answer: str = PIN) -> str:
    """A token by a whole login."""
    body = {"login_id": CLIENT, "twofa_token": ticket(server), "twofa": [{"question_id": 22, "answer": answer}]}
    reply = post(server, "twofa", body)
    assert reply.status == 200, reply
    return str(reply.json["data"]["auth_token"])


def test_login_places_and_logs_out(served: tuple[Server, pyotp.TOTP]) -> None:
    """A token from a login places a bracket; after logout it opens nothing, and other tokens do."""
    server, _ = served
    first, second = (Caller(HOST, server.port, CLIENT, token(server)) for _ in range(2))
    first.place()
    assert first.send("POST", "/api/v1/user/logout").status == 200
    assert first.get(f"/api/v1/orders?type=pending&client_id={CLIENT}").body == UNAUTHORISED
    assert len(second.book("pending")) == 1


@pytest.mark.parametrize("verb", ["rotate", "disable", "passwd"])
def test_command_line_ends_sessions_at_once(served: tuple[Server, pyotp.TOTP], verb: str) -> None:
    """What the operator ends beside the running server is ended with the next request."""
    server, _ = served
    caller = Caller(HOST, server.port, CLIENT, token(server))
    assert caller.book("pending") == []
    command("client", verb, CLIENT, "--data", str(server.data))
    assert caller.get("/api/v1/orders?type=pending").body == UNAUTHORISED


def test_lock_outlives_a_power_cut(served: tuple[Server, pyotp.TOTP]) -> None:
    """Five failures, a kill and a restart: still locked, until the operator gives a new password."""
    server, _ = served
    for _ in range(5):
        assert post(server, "login", {"login_id": CLIENT, "password": "wrong"}).status == 401
    server.kill()
    server.start()
    reply = post(server, "login", {"login_id": CLIENT, "password": PASSWORD})
    assert (reply.status, reply.json["reason"]) == (429, "RATE_LIMITED")
    assert 800 < int(reply.headers["retry-after"]) <= 900
    command("client", "passwd", CLIENT, "--data", str(server.data), "--password-stdin", stdin=f"{PASSWORD}\n")
    assert ticket(server)


def test_used_code_outlives_a_power_cut(served: tuple[Server, pyotp.TOTP]) -> None:
    """A code that let somebody in before a kill lets nobody in after it."""
    server, totp = served
    code = totp.now()
    token(server, code)
    server.kill()
    server.start()
    reply = post(server, "validatetotp", {"login_id": CLIENT, "twofa_token": ticket(server), "totp": code})
    assert reply.status == 401, reply


def test_client_may_trade_with_the_cash_that_was_set(served: tuple[Server, pyotp.TOTP]) -> None:
    """Cash set before the first order is what the account opens with; after it the refusal names it."""
    server, _ = served
    command("client", "cash", CLIENT, "1000", "--data", str(server.data))
    caller = Caller(HOST, server.port, CLIENT, token(server))
    caller.place(quantity=11)
    refused = command("client", "cash", CLIENT, "5", "--data", str(server.data), check=False)
    assert (refused.returncode, "was opened with 1000.00 rupees" in refused.stderr) == (1, True)


def test_replies_of_the_token_endpoint_are_json(served: tuple[Server, pyotp.TOTP]) -> None:
    """An application that proves nothing gets 401 with a Basic challenge and one key."""
    server, _ = served
    reply = Caller(HOST, server.port, CLIENT, "").send(
        "POST",
        "/oauth2/token",
        b"grant_type=authorization_code&code=x",
        {"content-type": "application/x-www-form-urlencoded"},
    )
    assert (reply.status, json.loads(reply.body)) == (401, {"error": "invalid_client"})
    assert reply.headers["www-authenticate"].startswith("Basic")
