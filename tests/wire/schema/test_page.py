"""The page shows the whole document, and asks nobody for anything."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from tests.wire.counter import Counter
from tests.wire.schema.described import DOCUMENT

from bracketd.wire.schema.page import HEADERS, page

FETCHING = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "source"}


class Reader(HTMLParser):
    """What a page is made of: its tags, its ids, where it links to, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, its id and its link; no attribute may run a script or carry a style."""
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style"
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.words += data


READ = Reader(page(DOCUMENT))


async def test_the_page_is_served() -> None:
    """GET /docs is the page, as HTML, without a token, with the slash and without."""
    for target in ("/docs", "/docs/"):
        start, body = await Counter(sandbox=True).call_raw("GET", target, token=None)
        headers = dict(start["headers"])
        assert start["status"] == 200
        assert headers[b"content-type"] == b"text/html; charset=utf-8"
        assert body["body"].decode() == page(DOCUMENT)
        assert headers[b"content-security-policy"].decode() == HEADERS["content-security-policy"]


def test_the_page_needs_no_network() -> None:
    """Nothing on the page is fetched, and every link stays on the server."""
    assert READ.tags & FETCHING == set()
    assert "url(" not in page(DOCUMENT)
    assert "@import" not in page(DOCUMENT)
    assert {link for link in READ.links if not link.startswith("#")} == {"/openapi.json"}


def test_the_policy_lets_nothing_in() -> None:
    """The policy forbids everything but the page's own style sheet."""
    policy = HEADERS["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page(DOCUMENT), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_path_and_shape_is_on_the_page() -> None:
    """Each path, each shape with its fields, and each reason can be read on the page."""
    for path in DOCUMENT["paths"]:
        assert path in READ.words
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert name in READ.ids
        for field in schema.get("properties", {}):
            assert field in READ.words
    for row in DOCUMENT["info"]["x-reasons"]:
        assert row["reason"] in READ.words


def test_links_on_the_page_lead_somewhere() -> None:
    """Every link to a part of the page has its target, and no two parts have one name."""
    assert {link[1:] for link in READ.links if link.startswith("#")} <= set(READ.ids)
    assert len(READ.ids) == len(set(READ.ids))


def test_what_the_document_says_is_text() -> None:
    """A description that looks like HTML is shown, not obeyed."""
    info = DOCUMENT["info"] | {"title": "<script>alert(1)</script>", "description": "<img src=x>"}
    html = page(DOCUMENT | {"info": info})
    assert re.search(r"<script|<img", html) is None
