"""The page on the command line: there when it is asked for, absent when it is not, and a word where it cannot be."""

import http.client
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WITHOUT_PARTS = (
    "import bracketd.blotter.files as f; f.PACKAGE = 'no_such_package'; import bracketd.cli.main as m; m.main()"
)


def page_of(url: str, path: str = "/") -> tuple[int, str]:
    """(status, type) of a GET."""
    connection = http.client.HTTPConnection(url.partition("://")[2], timeout=10)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        return reply.status, reply.getheader("content-type", "")
    finally:
        connection.close()


@pytest.mark.parametrize("asked", [True, False])
def test_the_page_is_there_when_it_is_asked_for(start: Callable[..., Any], tmp_path: Path, asked: bool) -> None:
    """`serve --blotter` has the page at /, and without the option / is what every unknown path is."""
    server = start("serve", "--data", str(tmp_path / "data"), *(["--blotter"] if asked else []))
    expected = (200, "text/html; charset=utf-8") if asked else (404, "application/json")
    assert page_of(server.url) == expected
    assert page_of(server.url, "/healthz") == (200, "application/json")


def test_the_demo_prints_the_pages_address(start: Callable[..., Any]) -> None:
    """The demo has the page, and its address with the token is on a line of its own."""
    demo = start("demo")
    (line,) = (line for line in demo.lines if line.startswith("page "))
    (token,) = (line.split()[1] for line in demo.lines if line.startswith("token "))
    assert line.split() == ["page", f"{demo.url}/#token={token}"]
    assert page_of(demo.url)[0] == 200


def test_serve_says_what_is_missing(tmp_path: Path) -> None:
    """Where grid and chart are not installed, `serve --blotter` says in a sentence what to install, and ends with 1."""
    command = [sys.executable, "-c", WITHOUT_PARTS, "serve", "--data", str(tmp_path / "data"), "--blotter"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Cannot show the page: the page needs its grid and charts: pip install 'bracketd[blotter]'." in done.stderr
    assert not (tmp_path / "data" / "journal.db").exists()


def test_a_demo_without_the_parts_has_no_page() -> None:
    """The demo runs without grid and chart, and its line about the page says what to install."""
    command = [sys.executable, "-c", WITHOUT_PARTS, "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            lines = list(iter(process.stdout.readline, "Ctrl-C stops the demo.\n"))
            url = re.search(r"http://\S+", lines[0])
            assert url is not None
            assert page_of(url[0])[0] == 404
        finally:
            process.terminate()
            process.wait(10)
    (line,) = (line for line in lines if line.startswith("page "))
    assert line.startswith("page       none: the page needs its grid and charts: pip install 'bracketd[blotter]'")
