"""A real browser: the seed page's example from a page of another origin, and the page that describes the server."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.process import HOST, Server

pytestmark = pytest.mark.slow

BROWSER_S = 60.0

PAGE = """<!doctype html><title>desk</title><pre id="told">nothing yet</pre><script>
const headers = new Headers();
headers.append("x-device-type", "WEB");
headers.append("x-authorization-token", %(token)s);
headers.append("Authorization", "Bearer " + %(token)s);
headers.append("content-type", "application/json");
const told = document.getElementById("told");
fetch(%(url)s, {method: "DELETE", headers, body: %(body)s, redirect: "follow"})
  .then(async (reply) => { told.textContent = reply.status + " " + await reply.text(); })
  .catch((fault) => { told.textContent = "blocked: " + fault; });
</script>"""


class Pages(http.server.SimpleHTTPRequestHandler):
    """Serves one page whatever is asked, from an origin of its own."""

    html = ""

    def do_GET(self) -> None:
        """The page."""
        body = self.html.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts: object) -> None:
        """Say nothing."""


@pytest.fixture
def browser() -> str:
    """The path of a Chromium; without one these tests are skipped."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


@pytest.fixture
def pages() -> Iterator[http.server.ThreadingHTTPServer]:
    """A web server on another port, which is another origin."""
    with http.server.ThreadingHTTPServer((HOST, 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def shown(browser: str, url: str, folder: Path) -> str:
    """The page as the browser shows it once its requests are answered."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--no-proxy-server", f"--user-data-dir={folder}", "--virtual-time-budget=8000", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=BROWSER_S)
    return done.stdout


@pytest.mark.parametrize("named", [True, False])
def test_the_seeds_example_from_another_origin(
    browser: str, pages: http.server.ThreadingHTTPServer, tmp_path: Path, named: bool
) -> None:
    """A page of a named origin cancels and reads the reply; without the option the browser does not even ask."""
    origin = f"http://{HOST}:{pages.server_address[1]}"
    server = Server(tmp_path / "data", more=("--cors", origin) if named else ())
    server.start()
    try:
        trader = server.caller("C1")
        placed = trader.place()
        body = json.dumps({"client_id": "C1", "oms_order_id": placed.entry_id, "leg_order_indicator": "ENTRY"})
        url = f"http://{HOST}:{server.port}/api/v1/orders/kart/{placed.entry_id}"
        Pages.html = PAGE % {"token": json.dumps(trader.token), "url": json.dumps(url), "body": json.dumps(body)}
        page = shown(browser, origin, tmp_path / "profile")
        if named:
            assert '200 {"status":"success","message":"Order cancelled successfully"}' in page
        else:
            assert "blocked: " in page
        assert trader.row(placed.entry_id)["order_status"] == ("CANCELLED" if named else "CONFIRMED")
    finally:
        server.kill()


def test_a_browser_shows_the_description(browser: str, server: Server, tmp_path: Path) -> None:
    """A browser shows the page that describes the server, with every route on it."""
    page = shown(browser, f"http://{HOST}:{server.port}/docs", tmp_path / "profile")
    assert "<h1>bracketd" in page
    assert "/api/v1/orders/kart/{oms_order_id}" in page
