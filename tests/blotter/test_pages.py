"""What is handed out for the page: the right bytes under the right headers, and every other request left alone."""

import gzip
import re
from typing import Any

import pytest

from bracketd.blotter import files as page_files
from bracketd.blotter.files import PageFiles, PartsMissing, has_parts, load_page_files
from bracketd.blotter.pages import Blotter

OWN = {"main.js", "style.css", "icon.svg", "book.js", "wire.js"}


@pytest.fixture(scope="module")
def files() -> PageFiles:
    """All files of the page, read once."""
    return load_page_files()


async def handed_on(scope: Any, receive: Any, send: Any) -> None:
    """The application behind the page; its reply says that it was asked."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"handed on"})


async def ask(
    files: PageFiles, path: str, method: str = "GET", *headers: tuple[bytes, bytes]
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing of the page reads a body")

    await Blotter(handed_on, files)(
        {"type": "http", "method": method, "path": path, "headers": list(headers)}, receive, send
    )
    start, body = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


async def test_page_has_a_policy_and_a_nonce_of_its_own(files: PageFiles) -> None:
    """Each reply of the page has another nonce, in the policy and in the page, and keeps out whatever is not named."""
    seen = set()
    for _ in range(2):
        status, headers, body = await ask(files, "/")
        policy = headers["content-security-policy"]
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy)
        assert status == 200
        assert f'nonce="{nonce}"' in body.decode()
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert headers["cache-control"] == "no-store"
        seen.add(nonce)
    assert len(seen) == 2


async def test_page_holds_no_script_and_no_style(files: PageFiles) -> None:
    """Scripts and styles come as files of this server; the page has none written into it, and no gap is left."""
    _, _, body = await ask(files, "/")
    page = body.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", page) == []
    assert set(re.findall(r'(?:src|href)="([^"]+)/[\w.]+"', page)) == {f"/static/{files.digest}"}
    assert "{{" not in page


async def test_every_file_is_kept_for_good(files: PageFiles) -> None:
    """A file under its digest may be kept for a year, and comes compressed to who takes that."""
    assert set(files.files) >= OWN | {"grid/index.js", "echarts/index.js"}
    for name, file in files.files.items():
        path = f"/static/{files.digest}/{name}"
        status, headers, body = await ask(files, path)
        assert (status, body) == (200, file.plain)
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "content-encoding" not in headers
        _, packed, zipped = await ask(files, path, "GET", (b"accept-encoding", b"br, gzip"))
        assert (packed["content-encoding"], packed["content-length"]) == ("gzip", str(len(zipped)))
        assert gzip.decompress(zipped) == file.plain
        _, refused, _ = await ask(files, path, "GET", (b"accept-encoding", b"gzip;q=0, br"))
        assert "content-encoding" not in refused


async def test_head_has_headers_alone(files: PageFiles) -> None:
    """HEAD tells the length of what GET would send, and sends nothing of it."""
    for path in ("/", f"/static/{files.digest}/main.js"):
        status, headers, body = await ask(files, path, "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/api/v1/orders"),
        ("DELETE", "/static/x"),
        ("GET", "/static/0/main.js"),
        ("GET", "/static/"),
    ],
)
async def test_other_requests_are_handed_on(files: PageFiles, method: str, path: str) -> None:
    """Whatever is not the page's goes on to the wire as it came: another method, another path, another digest."""
    assert await ask(files, path, method) == (418, {}, b"handed on")


def test_another_byte_is_another_address(files: PageFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is the same for the same files, and another one where a part has changed."""
    assert load_page_files().digest == files.digest
    parts = page_files._parts()
    monkeypatch.setattr(page_files, "_parts", lambda: parts | {"grid/index.js": b"other"})
    assert load_page_files().digest != files.digest


@pytest.mark.parametrize("package", ["no_such_package", "email"])
def test_missing_parts_are_said(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Without the package, or with one that has not the parts, it is said what to install."""
    monkeypatch.setattr(page_files, "PACKAGE", package)
    assert has_parts() is (package == "email")
    with pytest.raises(PartsMissing, match=r"pip install 'bracketd\[blotter\]'"):
        load_page_files()


def test_plain_requests_go_past_the_page(files: PageFiles) -> None:
    """Who answers them from the connection is who would without the page in front of the application."""

    class Application:
        at_once = ("a desk", "its order entry")

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("nobody asks")

    assert Blotter(Application(), files).at_once == Application.at_once
    assert Blotter(handed_on, files).at_once is None
