"""How Sphinx makes the site of these pages: `make docs`."""

import logging
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from pygments.lexers.special import TextLexer  # noqa: E402
from tools.site import relinked, write_pages  # noqa: E402  It lies beside docs/, where Sphinx does not look.

from bracketd import __version__  # noqa: E402

project = "bracketd"
author = "the authors of bracketd"
release = version = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
exclude_patterns: list[str] = []
suppress_warnings: list[str] = []

html_theme = "furo"
html_title = f"bracketd {__version__}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_last_updated_fmt = None


def setup(app: Any) -> None:
    """Write the generated pages before the pages are read, and lead links out of docs/ to their pages."""
    # Sphinx listens at the root of all loggers; the paper broker that the page of metrics asks is not its business.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Diagrams in Mermaid stand here as text; the same are there as pictures.
    app.add_lexer("mermaid", TextLexer)
    app.connect("builder-inited", lambda _: write_pages(DOCS))
    app.connect("source-read", _relink)


def _relink(app: Any, page: str, source: list[str]) -> None:
    text = relinked(source[0], f"{page}.md")
    if page == "index":
        # A section that takes in whatever pages there are may find none; Sphinx would warn of that.
        lines = text.splitlines(keepends=True)
        text = "".join(line for line in lines if not line.endswith("*\n") or any(DOCS.glob(line.strip() + ".md")))
    source[0] = text
