"""The vendor's SDK pyoauthbridge 1.0.20, unmodified: login in a browser, a token, and the order calls that there are.

The SDK runs in a process of its own, as its users run it: it serves the redirect from Flask and patches Flask's banner.
What stands in for the browser fetches the page and posts the form by hand, as a user would.
"""

import html
import re
import signal
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyotp
import pytest
import requests
from tests.clients.driver import Driver
from tests.e2e.caller import Caller, bracket_body
from tests.e2e.process import HOST, Server, command

TRY_S = 0.05
TRIES = 400
CLIENT = "SDK1"
PASSWORD = "correct horse"
PIN = "246810"


class Sdk(Driver):
    """A program that uses the SDK, serving its redirect address on a port."""

    def __init__(self, server: Server, app_id: str, secret: str, port: int) -> None:
        self.redirect_url = f"http://127.0.0.1:{port}"
        super().__init__("pyoauthbridge_calls.py", app_id, secret, self.redirect_url, f"http://127.0.0.1:{server.port}")
        for _ in range(TRIES):
            try:
                socket.create_connection((HOST, port), timeout=1).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.said()
                time.sleep(TRY_S)
        said = self.said()
        self.close()
        raise AssertionError(f"the SDK did not serve: {said}")

    def stop_waiting(self) -> str:
        """Ctrl-C, with which the SDK's user ends its web server; gives the token that it then has."""
        self.process.send_signal(signal.SIGINT)
        return str(self.reply())


class Browser:
    """Somebody at a browser: keeps cookies, follows links, fills in forms."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.page = requests.Response()

    def open(self, url: str) -> None:
        """Go to an address, on this machine only."""
        assert urlsplit(url).hostname == "127.0.0.1"
        self.page = self.session.get(url, timeout=10)

    def submit(self, decision: str = "allow", **typed: str) -> None:
        """Fill in the form of the page and press a button; a form without an action goes where the page came from."""
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.page.text)
        assert hidden
        filled = {name: html.unescape(value) for name, value in hidden} | typed | {"decision": decision}
        self.page = self.session.post(self.page.url, data=filled, timeout=10)

    @property
    def path(self) -> list[int]:
        """The statuses on the way to this page."""
        return [step.status_code for step in (*self.page.history, self.page)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, pyotp.TOTP]]:
    """A server with a client who has a password, a PIN and an authenticator."""
    folder = tmp_path_factory.mktemp("bracketd")
    server = Server(folder, clients=())
    added = command(
        *("client", "add", CLIENT, "--data", str(server.data), "--password-stdin", "--pin-stdin"),
        stdin=f"{PASSWORD}\n{PIN}\n",
    )
    totp = pyotp.parse_uri(added.stdout.split("totp ")[1].strip())
    assert isinstance(totp, pyotp.TOTP)
    server.start()
    try:
        yield server, totp
    finally:
        server.kill()


@pytest.fixture
def sdk(desk: tuple[Server, pyotp.TOTP]) -> Iterator[Sdk]:
    """The SDK's program, registered as an application, waiting for its user at /getcode."""
    server, _ = desk
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    redirect_uri = f"http://127.0.0.1:{port}"
    added = command("app", "add", "The SDK", "--redirect-uri", redirect_uri, "--data", str(server.data)).stdout
    words = dict(line.split(" ", 1) for line in added.splitlines())
    with Sdk(server, words["app_id"], words["app_secret"], port) as program:
        yield program


def logged_in(sdk: Sdk, answer: str) -> str:
    """Log the SDK in as its user would; gives its token."""
    browser = Browser()
    browser.open(f"{sdk.redirect_url}/getcode")
    assert browser.path == [302, 200]
    assert "<strong>The SDK</strong> asks to act for you" in browser.page.text
    browser.submit(login_id=CLIENT, password=PASSWORD, answer=answer)
    assert browser.path == [303, 200], browser.page.text
    assert browser.page.text == "see terminal for logs"
    return sdk.stop_waiting()


def test_login_with_pin_then_orders(sdk: Sdk, desk: tuple[Server, pyotp.TOTP]) -> None:
    """From the login page to a token, then placing, listing, modifying and cancelling by the SDK's own methods."""
    token = logged_in(sdk, PIN)
    assert [len(part) for part in token.split(".")] == [43, 43]
    placed = sdk.ask("post_request", "/api/v1/orders/kart", bracket_body(CLIENT))
    assert placed["status"] == "success", placed
    (row,) = sdk.ask("fetch_pending_orders", {"client_id": CLIENT})["data"]["orders"]
    changed = {"client_id": CLIENT, "oms_order_id": row["oms_order_id"], "price": 449, "execution_type": "BO"}
    assert sdk.ask("put_request", "/api/v1/orders/kart", changed)["status"] == "success"
    assert sdk.ask("fetch_pending_orders", {"client_id": CLIENT})["data"]["orders"][0]["price"] == 449
    cancel = {"client_id": CLIENT, "oms_order_id": row["oms_order_id"], "execution_type": "BO"}
    assert sdk.ask("cancel_order", cancel) == {"status": "success", "message": "Order cancelled successfully"}
    assert sdk.ask("fetch_pending_orders", {"client_id": CLIENT})["data"]["orders"] == []
    (row,) = sdk.ask("fetch_completed_orders", {"client_id": CLIENT})["data"]["orders"]
    assert row["order_status"] == "CANCELLED"
    server, _ = desk
    command("client", "rotate", CLIENT, "--data", str(server.data))
    refused = sdk.ask("fetch_pending_orders", {"client_id": CLIENT})
    assert (refused["message"], refused["error_code"]) == ("Request Unauthorised", 40000)


def test_orders_by_themselves(sdk: Sdk) -> None:
    """The SDK's own calls place an order by itself, modify it and cancel it; it stands in the books as they left it."""
    logged_in(sdk, PIN)
    order = {
        "exchange": "NSE",
        "instrument_token": "3045",
        "client_id": CLIENT,
        "order_type": "LIMIT",
        "amo": False,
        "price": 450.0,
        "quantity": 3,
        "disclosed_quantity": 0,
        "validity": "DAY",
        "product": "CNC",
        "order_side": "BUY",
        "user_order_id": 10_002,
        "trigger_price": 0,
        "execution_type": "REGULAR",
    }
    placed = sdk.ask("place_order", order)
    assert (placed["status"], placed["message"]) == ("success", "Order place successfully")
    named = order | {"oms_order_id": placed["data"]["oms_order_id"]}
    changed = sdk.ask("modify_order", named | {"price": 449.0, "quantity": 4})
    assert changed["message"] == "Order modification request submitted"
    gone = sdk.ask("cancel_order", named)
    assert gone["data"]["oms_order_id"] == named["oms_order_id"]
    rows = sdk.ask("fetch_completed_orders", {"client_id": CLIENT})["data"]["orders"]
    (row,) = (row for row in rows if row["oms_order_id"] == named["oms_order_id"])
    assert (row["order_status"], row["price"], row["quantity"]) == ("CANCELLED", 449, 4)


def test_login_with_totp(sdk: Sdk, desk: tuple[Server, pyotp.TOTP]) -> None:
    """A code of the authenticator lets the SDK's user in as well, and the token outlives the server's process."""
    server, totp = desk
    token = logged_in(sdk, totp.now())
    server.terminate()
    server.start()
    assert Caller(HOST, server.port, CLIENT, token).book("pending") == []


def test_user_who_says_no(sdk: Sdk) -> None:
    """Cancel on the page leads back to the SDK's web server without a code."""
    browser = Browser()
    browser.open(f"{sdk.redirect_url}/getcode")
    browser.session.max_redirects = 0
    with pytest.raises(requests.TooManyRedirects) as stopped:
        browser.submit("deny")
    assert stopped.value.response is not None
    location = stopped.value.response.headers["location"]
    assert location.startswith(f"{sdk.redirect_url}?error=access_denied&state=")
