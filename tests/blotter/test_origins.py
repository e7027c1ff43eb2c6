"""The page elsewhere: over TLS without a sandbox, before a cluster, and in the clear under another machine's name."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, expect
from tests.blotter.window import STRANGE_HOST, Window, new_context
from tests.e2e.caller import Caller
from tests.e2e.process import BRACKETD, command

pytestmark = pytest.mark.slow


def test_over_tls_without_a_sandbox(browser: Browser, tmp_path: Path) -> None:
    """Over HTTPS the page's websocket is wss and live, orders go through, and the sandbox's panel is not there."""
    made = trustme.CA().issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.private_key_pem.write_to_path(key)
    for part in made.cert_chain_pems:
        part.write_to_path(cert, append=True)
    data = str(tmp_path / "data")
    command("client", "add", "C1", "--data", data)
    token = command("token", "C1", "--data", data).stdout.strip()
    options = ["--session", "always", "--blotter", "--tls-cert", str(cert), "--tls-key", str(key)]
    serve = [str(BRACKETD), "serve", "--data", data, "--port", "0", *options]
    with started(*serve) as url:
        window = Window(new_context(browser, ignore_https_errors=True), url).enter(token)
        window.place(price="420", quantity="1", target="4", stop="2")
        assert window.said()[0] == "done"
        expect(window.page.locator("#market")).to_be_hidden()
        assert {each.partition(":")[0] for each in window.asked} == {"https", "wss"}
        window.close()


def test_before_a_cluster(browser: Browser, tmp_path: Path) -> None:
    """A gateway with `--blotter` has the page too; what it shows and asks goes to the shard's owner and comes back."""
    store = str(tmp_path / "store")
    with started(str(BRACKETD), "engine", "--journal", store, "--session", "always"):
        command("client", "add", "C1", "--journal", store)
        token = command("token", "C1", "--journal", store).stdout.strip()
        with started(str(BRACKETD), "gateway", "--journal", store, "--port", "0", "--blotter") as url:
            window = Window(new_context(browser), url).enter(token)
            window.place(price="420", quantity="1", target="4", stop="2")
            assert window.said()[0] == "done"
            host, _, port = url.partition("://")[2].partition(":")
            (row,) = window.wait_for_truth(Caller(host, int(port), "C1", token))
            window.choose(row["oms_order_id"])
            window.press("#cancel")
            assert window.said() == ("done", "Cancelled: nothing of it can fill any more.")
            window.close()


@contextmanager
def started(*program: str) -> Iterator[str]:
    """Run a server until the body has ended; gives the URL of its first line, or all of that line without one."""
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = re.search(r"https?://\S+", line)
            yield url[0] if url else line
        finally:
            process.terminate()
            process.wait(10)


def test_in_the_clear_under_another_name(open_window: Callable[..., Window], trader: Caller) -> None:
    """Where a browser does not trust the origin, as plain HTTP to another machine, orders are placed all the same."""
    window = open_window(host=STRANGE_HOST).enter(trader.token)
    assert window.page.evaluate("isSecureContext") is False
    window.place(price="450", quantity="1", target="4", stop="2")
    assert window.said()[0] == "done"
    assert len(window.wait_for_truth(trader)) == 1
    # A browser says that it heeds this header only where it trusts the origin.
    window.complaints = [told for told in window.complaints if "Cross-Origin-Opener-Policy" not in told]
