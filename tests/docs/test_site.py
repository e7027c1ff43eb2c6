"""The site: built without a warning, complete, asking nobody for anything, and searched without a network."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import sync_playwright
from tests.docs.blocks import ROOT, pages
from tools.reference import PAGES
from tools.site import PROJECT, generated_pages, relinked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LOADED = re.compile(r"<(?:script|link|img|iframe|source|form)\b[^>]*(?:src|href|action)=\"(?:https?:)?//[^>]*>")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", folder / "doctrees"]
    done = subprocess.run([*build, ROOT / "docs", folder / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_page_is_in_the_site(site: Path) -> None:
    """Each page under docs/, each generated one and each of the root's is there, and its pictures are."""
    written = [page.removeprefix("docs/") for page in pages() if page.startswith("docs/")]
    made = [f"reference/{name}.md" for name in PAGES]
    for page in [*written, *made, *PROJECT.values()]:
        assert (site / page).with_suffix(".html").is_file(), page
    pictures = {path.name for path in (ROOT / "docs").glob("*.svg")}
    assert pictures == {path.name for path in (site / "_images").glob("*.svg")}


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """No page, style or script of the site loads anything from another machine."""
    html = list(site.rglob("*.html"))
    assert html
    assert [(path.name, found[0]) for path in html if (found := LOADED.findall(path.read_text(encoding="utf-8")))] == []
    styles = list(site.rglob("*.css"))
    assert styles
    assert [
        path.name for path in styles if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text())
    ] == []


def test_what_leads_out_of_the_documents_leads_somewhere(site: Path) -> None:
    """A link to the README is a link to its page; one to a program is a copy of it."""
    operations = (site / "operations.html").read_text(encoding="utf-8")
    assert 'href="project/readme.html"' in operations
    tutorial = (site / "tutorial.html").read_text(encoding="utf-8")
    copy = re.search(r'href="(_downloads/\w+/follow\.py)"', tutorial)
    assert copy is not None
    assert (site / copy[1]).read_bytes() == (ROOT / "examples" / "follow.py").read_bytes()


def test_relinking_counts_from_the_page() -> None:
    """A link out of docs/ is led to its page of the site from wherever it stands; other links stay as they are."""
    text = "[a](../../README.md#backup) [b](../cancel.md) [c](https://x.example/y) [d](#here) ![e](../order-life.svg)"
    led = (
        "[a](../project/readme.md#backup) [b](../cancel.md) [c](https://x.example/y) [d](#here) ![e](../order-life.svg)"
    )
    assert relinked(text, "howto/x.md") == led
    assert "](../cancel.md)" in generated_pages()["project/readme.md"]


def test_the_search_finds_without_a_network(site: Path) -> None:
    """In a browser that reads the site from the disk, the search finds a reason on the page of refusals."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        assert os.environ.get("CI") != "true", "chromium is needed"
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_context(offline=True).new_page()
            page.goto(f"{(site / 'search.html').as_uri()}?{urlencode({'q': 'STALE_REFERENCE'})}")
            found = page.locator("#search-results li a")
            found.first.wait_for(timeout=30_000)
            assert "refusals.html" in " ".join(link.get_attribute("href") or "" for link in found.all())
        finally:
            browser.close()
