"""No secret is in the log: a server at debug level lives through logins, orders and attacks, and it is searched."""

import base64
import html
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pyotp
import pytest
from tests.e2e.caller import CANCELLED, Caller, Reply, bracket_body
from tests.e2e.process import HOST, Server, command
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bracketd.auth.client_store import ClientStore

CLIENT, PASSWORD, PIN = "LOUD1", "correct horse battery", "73915604"
WRONG_PASSWORD, WRONG_PIN = "wrong horse battery", "60417395"
LANDING = "http://127.0.0.1:65010/landing"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, pyotp.TOTP]]:
    """A server at debug level, with one client and its authenticator."""
    server = Server(tmp_path, clients=(), module=("tests.e2e.loud_server",))
    said = f"{PASSWORD}\n{PIN}\n"
    added = command("client", "add", CLIENT, "--data", str(server.data), "--password-stdin", "--pin-stdin", stdin=said)
    totp = pyotp.parse_uri(added.stdout.split("totp ")[1].strip())
    assert isinstance(totp, pyotp.TOTP)
    server.start()
    try:
        yield server, totp
    finally:
        server.kill()


def post(server: Server, page: str, fields: dict[str, Any]) -> Reply:
    """One step of a login."""
    return Caller(HOST, server.port, CLIENT, "").send_json("POST", f"/api/v3/user/{page}", fields)


def login(server: Server, totp: pyotp.TOTP, secrets: dict[str, str]) -> Caller:
    """A login by PIN after each kind of failure, its secrets noted; returns who has the token."""
    assert post(server, "login", {"login_id": CLIENT, "password": WRONG_PASSWORD}).status == 401
    ticket = post(server, "login", {"login_id": CLIENT, "password": PASSWORD}).json["data"]["twofa"]["twofa_token"]
    wrong = {"login_id": CLIENT, "twofa_token": ticket, "twofa": [{"question_id": 22, "answer": WRONG_PIN}]}
    assert post(server, "twofa", wrong).status == 401
    again = post(server, "login", {"login_id": CLIENT, "password": PASSWORD}).json["data"]["twofa"]["twofa_token"]
    code = totp.now()
    reply = post(server, "validatetotp", {"login_id": CLIENT, "twofa_token": again, "totp": code})
    assert reply.status == 200, reply
    token = str(reply.json["data"]["auth_token"])
    secrets |= {"ticket": ticket, "second ticket": again, "token": token, "code": code}
    return Caller(HOST, server.port, CLIENT, token)


def authorise(server: Server, secrets: dict[str, str]) -> Caller:
    """A token by the page and a code, its secrets noted."""
    data = str(server.data)
    added = command("app", "add", "Loud", "--redirect-uri", LANDING, "--data", data).stdout
    app_id, secret = re.findall(r"[A-Za-z0-9_-]{16,}", added)[:2]
    asked = {
        "response_type": "code",
        "client_id": app_id,
        "redirect_uri": LANDING,
        "scope": "orders",
        "state": "12345678",
    }
    target = "/oauth2/auth?" + urlencode(asked)
    nobody = Caller(HOST, server.port, CLIENT, "")
    page = nobody.send("GET", target, headers={})
    (ticket,) = re.findall(r'name="ticket" value="([^"]*)"', page.body.decode())
    cookie = page.headers["set-cookie"].partition(";")[0]
    filled = {"ticket": html.unescape(ticket), "login_id": CLIENT, "password": PASSWORD, "answer": PIN}
    sent = urlencode(filled | {"decision": "allow"}).encode()
    landed = nobody.send("POST", target, sent, FORM | {"cookie": cookie})
    code = parse_qs(urlsplit(landed.headers["location"]).query)["code"][0]
    basic = base64.b64encode(f"{app_id}:{secret}".encode()).decode()
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": LANDING}
    reply = nobody.send("POST", "/oauth2/token", urlencode(grant).encode(), FORM | {"authorization": f"Basic {basic}"})
    token = str(json.loads(reply.body)["access_token"])
    secrets |= {"app secret": secret, "basic": basic, "page ticket": ticket, "cookie": cookie.partition("=")[2]}
    secrets |= {"grant": code, "opaque token": token}
    return Caller(HOST, server.port, CLIENT, token)


async def listen(server: Server, token: str, bad: str) -> None:
    """Websockets with the token in the query and in a header, and some that are refused."""
    url = f"ws://{HOST}:{server.port}/ws/v1/feeds"
    for target, headers in ((f"{url}?access_token={quote(token)}", {}), (url, {"Authorization": f"Bearer {token}"})):
        async with connect(target, additional_headers=headers) as connection:
            await connection.send(json.dumps({"a": "subscribe", "v": [CLIENT, "web"], "m": "updates"}))
            await connection.recv()
    for refused in (bad, token + "x" * 9_000):
        with pytest.raises(InvalidStatus):
            async with connect(f"{url}?access_token={quote(refused)}"):
                pass


def trade(caller: Caller, bad: str) -> None:
    """Orders by every header, refusals of each kind, and a fault of the request's own."""
    placed = caller.place()
    assert caller.cancel(placed.entry_id).body == CANCELLED
    for headers in (
        {"x-auth-token": caller.token},
        {"authorization": f"Bearer {caller.token}"},
        {"authorization": f"Bearer {bad}"},
        {"x-auth-token": bad, "x-authorization-token": caller.token},
    ):
        caller.send("GET", "/api/v1/user/trading_info", headers=headers)
        caller.send("DELETE", "/api/v1/orders/kart/1", b"{", headers)
        caller.send("GET", f"/api/v1/orders?access_token={quote(caller.token)}&type={bad}", headers=headers)
    caller.send_json("POST", "/api/v1/orders/kart", bracket_body("OTHER"))
    caller.send_raw(f"BAD {caller.token} \x00\r\nx-auth-token: {caller.token}\r\n\r\n".encode())


def key_texts(server: Server) -> dict[str, str]:
    """The folder's own secrets, in every spelling in which they could be printed."""
    (key,) = (path.read_bytes() for path in server.data.iterdir() if path.name == "signing.key")
    with ClientStore(server.data) as store:
        record = store.get(CLIENT)
    assert record is not None
    raw = key.strip()
    spelt = {"key": raw.decode("latin-1"), "key hex": raw.hex(), "key base64": base64.b64encode(raw).decode()}
    return spelt | {"client token": record.client_token, "password hash": record.password_hash}


async def test_no_secret_is_in_the_log(served: tuple[Server, pyotp.TOTP]) -> None:
    """Passwords, PINs, codes, tickets, tokens and keys, right ones and wrong ones: none, nor half of one, is there."""
    server, totp = served
    bad = f"{base64.urlsafe_b64encode(b'h' * 30).decode()}.{'p' * 80}.{'s' * 43}"
    secrets = {"password": PASSWORD, "pin": PIN, "wrong password": WRONG_PASSWORD, "wrong pin": WRONG_PIN}
    secrets |= {"totp secret": totp.secret, "bad token": bad}
    for caller in (login(server, totp, secrets), authorise(server, secrets)):
        trade(caller, bad)
        await listen(server, caller.token, bad)
        assert caller.send("POST", "/api/v1/user/logout").status == 200
    secrets |= key_texts(server)
    asked_s = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - asked_s < 5.0
    said = server.said()
    assert "DEBUG bracketd: loud" in said
    assert "request refused" in said
    assert "ERROR" not in said, "what clients do is no fault of ours"
    halves = {f"{name}, part {at}": part for name, text in secrets.items() for at, part in enumerate(text.split("."))}
    # The header of a token is no secret, and a code of six digits may be part of any number.
    halves = {name: part for name, part in (secrets | halves).items() if len(part) >= 8}
    spelt = halves | {f"{name}, quoted": quote(part, safe="") for name, part in halves.items()}
    assert [name for name, part in spelt.items() if part in said] == []
