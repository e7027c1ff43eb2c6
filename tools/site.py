"""The documents as a site: what Sphinx needs beside the pages that are written by hand.

`docs/conf.py` calls `write_pages` before it reads the pages and `relinked` for each of them. Nothing here or there asks
another machine for anything.
"""

import os
import re
from pathlib import Path, PurePosixPath

from tools.reference import PAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = {
    "README.md": "project/readme.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "LICENSE": "project/licence.md",
}
"""The files of the root that are pages of the site, by their place there, below docs/."""

_LINK = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")


def generated_pages(root: Path = ROOT) -> dict[str, str]:
    """The pages that nobody writes, by their path below docs/."""
    made = {f"reference/{name}.md": page() for name, page in PAGES.items()}
    for source, place in PROJECT.items():
        text = (root / source).read_text(encoding="utf-8")
        if source == "LICENSE":
            text = f"# Licence\n\n```text\n{text}```\n"
        made[place] = _moved(text, PurePosixPath("docs") / place, PurePosixPath())
    return made


def write_pages(docs: Path) -> list[Path]:
    """Write the generated pages that are not there as they should be; returns them."""
    written = []
    for place, text in generated_pages().items():
        path = docs / place
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def relinked(text: str, page: str) -> str:
    """The text of a page (its path below docs/) with links to files of the root led to their pages of the site."""
    return _moved(text, PurePosixPath("docs") / page, PurePosixPath("docs") / PurePosixPath(page).parent)


def _moved(text: str, page: PurePosixPath, home: PurePosixPath) -> str:
    """Links that were right in `home`, made right in `page`; both are paths below the root."""

    def led(match: re.Match[str]) -> str:
        target = os.path.normpath(home / match[2])
        target = f"docs/{PROJECT[target]}" if target in PROJECT else target
        return match[1] + PurePosixPath(os.path.relpath(target, page.parent)).as_posix() + match[3]

    return _LINK.sub(led, text)
