"""The seed page's sample requests, by the means that its readers have: each cancels when it is given a real order."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable

import pytest
from tests.e2e.caller import CANCELLED, NOT_FOUND, UNAUTHORISED, Caller

TIMEOUT_S = 30.0
PLACEHOLDERS = ["<oms_order_id>", "%3Coms_order_id%3E"]

# The page's own token, put together from its claims. It expired on 29 September 2022.
SEED_CLAIMS = (
    '{"blacklist_key":"CLIENT1:TDf/gTJQCEK+lXbu/mrzqw","client_id":"CLIENT1","client_token":"yJx24tWfQIlJyhRuVmUJyw",'
    '"device":"web","exp":1664439781656}'
)
SEED_SIGNATURE = "LP70t5kXSBtO0iflzG2lo3lvs8wj9_HpHRjOPSHSBpg"

NODE = """
const [url, token, body] = process.argv.slice(1);
const headers = new Headers();
headers.append("x-device-type", "WEB");
headers.append("x-authorization-token", token);
headers.append("content-type", "application/json");
fetch(url, {method: "DELETE", headers, body, redirect: "follow"})
  .then(async (reply) => console.log(JSON.stringify({status: reply.status, body: await reply.text()})));
"""

Answer = tuple[int, bytes]


def seed_token() -> str:
    """The token that the seed page prints."""
    parts = ('{"alg":"HS256","typ":"JWT"}', SEED_CLAIMS)
    return ".".join([*(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts), SEED_SIGNATURE])


def seed_body(client: str, order_id: str, exchange_order_id: str) -> str:
    """The page's six strings."""
    return json.dumps(
        {
            "client_id": client,
            "exchange_order_id": exchange_order_id,
            "execution_type": "BO",
            "leg_order_indicator": "ENTRY",
            "oms_order_id": order_id,
            "status": "CONFIRMED",
        }
    )


def tool(name: str) -> str:
    """The path of a program; without it the test is skipped, but never where everything must run."""
    path = shutil.which(name)
    if path is None:
        assert os.environ.get("CI") != "true", f"{name} is needed and is not installed"
        pytest.skip(f"{name} is not installed")
    return path


def by_http_client(caller: Caller, path: str, token: str, body: str) -> Answer:
    """Python's http.client with a text body."""
    connection = http.client.HTTPConnection(caller.host, caller.port, timeout=TIMEOUT_S)
    try:
        headers = {"x-device-type": "WEB", "x-authorization-token": token, "content-type": "application/json"}
        connection.request("DELETE", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def by_curl(caller: Caller, path: str, token: str, body: str) -> Answer:
    """curl, following redirects as the page's sample does."""
    command = [tool("curl"), "--silent", "--show-error", "--globoff", "--location", "--request", "DELETE"]
    command += ["--header", "x-device-type: WEB", "--header", f"x-authorization-token: {token}"]
    command += ["--header", "content-type: application/json", "--data-raw", body, "--write-out", "\n%{http_code}"]
    command += ["--noproxy", "*", "--max-time", str(TIMEOUT_S), f"http://{caller.host}:{caller.port}{path}"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S)
    reply, _, status = done.stdout.rpartition(b"\n")
    return int(status), reply


def by_node(caller: Caller, path: str, token: str, body: str) -> Answer:
    """JavaScript's fetch, run by node."""
    url = f"http://{caller.host}:{caller.port}{path}"
    command = [tool("node"), "--eval", NODE, "--", url, token, body]
    done = subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S)
    said = json.loads(done.stdout)
    return said["status"], said["body"].encode()


def by_socket(caller: Caller, path: str, token: str, body: str) -> Answer:
    """HTTP written by hand, lines ended by CRLF in the body too, with its Content-Length."""
    content = body.replace(", ", ",\r\n    ").encode()
    head = [
        f"DELETE {path} HTTP/1.1",
        f"Host: {caller.host}",
        "x-device-type: WEB",
        f"x-authorization-token: {token}",
        "content-type: application/json",
        "Connection: close",
        f"Content-Length: {len(content)}",
    ]
    with socket.create_connection((caller.host, caller.port), timeout=TIMEOUT_S) as stream:
        stream.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + content)
        received = b""
        while piece := stream.recv(65_536):
            received += piece
    status_line, _, rest = received.partition(b"\r\n")
    return int(status_line.split()[1]), rest.partition(b"\r\n\r\n")[2]


CLIENTS: dict[str, Callable[[Caller, str, str, str], Answer]] = {
    "http.client": by_http_client,
    "curl": by_curl,
    "node": by_node,
    "socket": by_socket,
}


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_each_client_cancels_a_real_order(trader: Caller, send: Callable[[Caller, str, str, str], Answer]) -> None:
    """With a real id in place of the placeholder the page's request cancels, with the page's reply to the byte."""
    placed = trader.place()
    body = seed_body("C1", placed.entry_id, placed.exchange_order_id)
    assert send(trader, f"/api/v1/orders/kart/{placed.entry_id}", trader.token, body) == (200, CANCELLED)
    assert trader.row(placed.entry_id)["order_status"] == "CANCELLED"


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_the_placeholder_is_no_order(
    trader: Caller, send: Callable[[Caller, str, str, str], Answer], placeholder: str
) -> None:
    """The page's literal placeholder path is 404 with the page's failed reply, even with a real id in the body."""
    placed = trader.place()
    body = seed_body("C1", placed.entry_id, placed.exchange_order_id)
    assert send(trader, f"/api/v1/orders/kart/{placeholder}", trader.token, body) == (404, NOT_FOUND)
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_the_pages_token_is_refused(trader: Caller, send: Callable[[Caller, str, str, str], Answer]) -> None:
    """The token that the page prints, expired and signed elsewhere, gets 401."""
    placed = trader.place()
    body = seed_body("CLIENT1", placed.entry_id, "1100000000006951")
    assert send(trader, f"/api/v1/orders/kart/{placed.entry_id}", seed_token(), body) == (401, UNAUTHORISED)
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"
