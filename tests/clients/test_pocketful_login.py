"""The published SDK `pocketful` 0.1.2, unmodified, logs in to a real server with its second factor, and trades."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyotp
import pytest
from tests.clients.driver import Driver
from tests.e2e.caller import Caller, bracket_body
from tests.e2e.process import HOST, Server, command

from bracketd.auth.client_store import ClientStore
from bracketd.auth.password import Passwords
from bracketd.auth.second_factor import SecondFactors

PASSWORD, PIN, SECRET = "correct horse", "246810", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
REFUSED = {
    "status": "error",
    "message": "Login id, password or second factor is wrong",
    "error_code": 40000,
    "data": {},
}


class Given(NamedTuple):
    """What a method gave, and what the SDK's object has for its client and its token after it."""

    reply: Any
    client: str | None
    token: str | None


class Sdk(Driver):
    """A program that uses the SDK, until the block ends."""

    def __init__(self, server: Server) -> None:
        super().__init__("pocketful_login.py", f"http://{HOST}:{server.port}")

    def call(self, name: str, *arguments: object) -> Given:
        """One method, or with "=" one attribute that is set."""
        return Given(*self.ask(name, *arguments))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A process with a client who has a PIN, and one who has an authenticator alone."""
    server = Server(tmp_path_factory.mktemp("pocketful_login"), clients=())
    arguments = ("client", "add", "PINNED", "--data", str(server.data), "--cash", "1000000")
    command(*arguments, "--password-stdin", "--pin-stdin", stdin=f"{PASSWORD}\n{PIN}\n")
    with ClientStore(server.data) as store:
        store.add("CODED", Passwords().hash(PASSWORD), 10**8, 5, time.time_ns())
        SecondFactors(store.file).set_totp_secret("CODED", SECRET)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def sdk(server: Server) -> Iterator[Sdk]:
    """The SDK, which has no token yet."""
    with Sdk(server) as sdk:
        yield sdk


def check_trades(server: Server, sdk: Sdk, client: str) -> None:
    """What the SDK is now logged in as reads, places and cancels."""
    assert sdk.call("getProfile").reply["data"]["client_id"] == client
    placed = sdk.call("placeConditionalOrder", bracket_body(client)).reply
    assert placed["status"] == "success", placed
    (row,) = sdk.call("getPendingOrder").reply["data"]["orders"]
    names = ("oms_order_id", "exchange_order_id", "client_id", "execution_type", "leg_order_indicator")
    cancelled = sdk.call("cancelConditionalOrder", {name: row[name] for name in names} | {"status": "CONFIRMED"}).reply
    assert cancelled == {"status": "success", "message": "Order cancelled successfully"}
    assert sdk.call("getPendingOrder").reply["data"]["orders"] == []


def test_one_call_with_the_pin(server: Server, sdk: Sdk) -> None:
    """`generateSession` with a PIN does both steps and keeps the token, and every call after it is the client's."""
    given = sdk.call("generateSession", "PINNED", PASSWORD, PIN)
    assert given.reply["status"] == "success"
    assert (given.client, given.token) == ("PINNED", given.reply["data"]["auth_token"])
    assert given.token
    check_trades(server, sdk, "PINNED")


def test_two_calls_with_an_authenticator(server: Server, sdk: Sdk) -> None:
    """Whoever has an authenticator alone is asked question "100", which the SDK answers with a code as TOTP."""
    first = sdk.call("generateSession", "CODED", PASSWORD)
    assert (first.client, first.token) == (None, None)
    twofa = first.reply["data"]["twofa"]
    question = twofa["questions"][0]["question_id"]
    assert question == "100"
    code = pyotp.TOTP(SECRET).now()
    token = sdk.call("validate2FA", "CODED", twofa["twofa_token"], code, question).reply["data"]["auth_token"]
    sdk.call("=", "access_token", token)
    sdk.call("=", "clientId", "CODED")
    check_trades(server, sdk, "CODED")


@pytest.mark.parametrize("typed", [("PINNED", "wrong", PIN), ("NOBODY", PASSWORD, PIN), ("PINNED", PASSWORD, "0000")])
def test_wrong_login_is_a_reply_and_no_token(sdk: Sdk, typed: tuple[str, str, str]) -> None:
    """Whatever was wrong, the SDK gives its user the refusal, raises nothing and has no token."""
    assert sdk.call("generateSession", *typed) == Given(REFUSED, None, None)


def test_logout_ends_what_the_sdk_holds(server: Server, sdk: Sdk) -> None:
    """The SDK has no logout; a logout of its token by other means leaves it a refusal."""
    token = sdk.call("generateSession", "PINNED", PASSWORD, PIN).token
    assert Caller(HOST, server.port, "PINNED", token or "").send("POST", "/api/v1/user/logout").status == 200
    assert sdk.call("getPendingOrder").reply["message"] == "Request Unauthorised"
