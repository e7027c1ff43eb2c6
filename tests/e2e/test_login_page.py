"""The login page in a real browser: Debian's Chromium, driven by Playwright, with scripts switched off.

Without either the tests skip; where CI is set they fail instead, since there both are promised.
"""

import html
import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.e2e.process import HOST, Server, command

CHROMIUM = shutil.which("chromium")
MISSING = CHROMIUM is None or importlib.util.find_spec("playwright") is None
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING and not os.environ.get("CI"), reason="playwright or chromium is not installed"),
]

CLIENT, PASSWORD, PIN = "PAGE1", "correct horse", "2468"
WIDTHS = [(1280, 800), (390, 844), (320, 568)]


class Landing:
    """Where an application waits for its code: a web server that keeps what it was asked for."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            """Keeps the path and says hello."""

            def do_GET(self) -> None:
                # Browsers also ask for an icon.
                if self.path.startswith("/landing"):
                    asked.append(self.path)
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.end_headers()
                self.wfile.write(b"landed")

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.asked = asked
        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}/landing"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def landing() -> Iterator[Landing]:
    """A place for codes."""
    made = Landing()
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, landing: Landing) -> Iterator[str]:
    """The address of a login page that a client may use."""
    server = Server(tmp_path_factory.mktemp("bracketd"), clients=())
    data = str(server.data)
    command("client", "add", CLIENT, "--data", data, "--password-stdin", "--pin-stdin", stdin=f"{PASSWORD}\n{PIN}\n")
    added = command("app", "add", "Ledger & <i>Sons</i>", "--redirect-uri", landing.url, "--data", data).stdout
    app_id = added.split("app_id ")[1].split()[0]
    asked = {"client_id": app_id, "redirect-uri": landing.url, "response_type": "code", "scope": "orders holdings"}
    server.start()
    yield f"http://{HOST}:{server.port}/oauth2/auth?" + urlencode(asked | {"state": "state&1<2>3"})
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root, as whom CI runs, has no sandbox; the pages are our own.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh browser without scripts, which fails the test for whatever the console complains of."""
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    yield opened
    context.close()
    assert [text for text in complaints if "Content Security Policy" in text or "Refused" in text] == []


def fill(page: Any, password: str = PASSWORD, answer: str = PIN) -> None:
    """Type what a user types."""
    page.get_by_label("Client id").fill(CLIENT)
    page.get_by_label("Password").fill(password)
    page.get_by_label("PIN or authenticator code").fill(answer)


def test_user_logs_in(page: Any, url: str, landing: Landing) -> None:
    """A form filled in on the page leads to the application with a code, its state and scope unharmed."""
    page.goto(url)
    fill(page)
    page.get_by_role("button", name="Log in and allow").click()
    page.wait_for_url(f"{landing.url}?*")
    answer = parse_qs(urlsplit(landing.asked[-1]).query)
    assert (answer["state"], answer["scope"]) == (["state&1<2>3"], ["orders holdings"])
    assert len(answer["code"][0]) > 20


def test_user_mistypes_and_tries_again(page: Any, url: str, landing: Landing) -> None:
    """A wrong password says so on the page, keeps the client id and nothing else, and the next try gets through."""
    page.goto(url)
    fill(page, password="wrong")
    page.keyboard.press("Enter")
    assert "is wrong" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Client id").input_value() == CLIENT
    assert page.get_by_label("Password").input_value() == ""
    fill(page)
    page.get_by_role("button", name="Log in and allow").click()
    page.wait_for_url(f"{landing.url}?code=*")


def test_user_cancels(page: Any, url: str, landing: Landing) -> None:
    """Cancel needs no field and leads back without a code."""
    page.goto(url)
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{landing.url}?error=access_denied*")


def test_form_on_another_site_is_not_taken(page: Any, url: str, landing: Landing) -> None:
    """A page of somebody else's that posts a filled-in form gets the login page again, and no code."""
    fields = {"login_id": CLIENT, "password": PASSWORD, "answer": PIN, "decision": "allow", "ticket": "1.2"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{html.escape(url)}">{inputs}<button>Win a prize</button></form>'
    page.goto(url)
    page.route("http://evil.invalid/", lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto("http://evil.invalid/")
    before = len(landing.asked)
    page.get_by_role("button", name="Win a prize").click()
    assert "open for too long" in page.get_by_role("alert").inner_text()
    assert len(landing.asked) == before


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_page_fits(page: Any, url: str, width: int, height: int, tmp_path: Path) -> None:
    """At desktop and phone widths nothing is cut off sideways, and every control is large enough for a thumb."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url)
    page.screenshot(path=str(tmp_path / f"login-{width}.png"), full_page=True)
    for control in [*page.locator("input:not([type=hidden])").all(), *page.get_by_role("button").all()]:
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 44
    assert page.get_by_text("Ledger & <i>Sons</i>").is_visible()


def test_page_is_styled(page: Any, url: str) -> None:
    """The policy lets the page's own style through, and the page asks for nothing else."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    assert page.locator("main").bounding_box()["width"] <= 26 * 16
    assert asked == [url]
