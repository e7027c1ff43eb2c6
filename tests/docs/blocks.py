"""The fenced blocks of the documents, each with its language, its place and what the comment before it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
MADE = {"reference", "project"}
"""Folders of docs/ that `make docs` fills: nobody writes what stands there."""

PARSED = {"json", "yaml", "toml", "ini"}
RUN = {"sh", "console", "python"}
SHOWN = {"text", "mermaid", "nginx", "csv", "sql", "http", "javascript"}
"""Languages of blocks that are only looked at. A block without a language could be anything, and is refused."""

_COMMENT = re.compile(r"\A\s*<!--\s*(not run|server|first):\s*(.*?)\s*-->\s*\Z", re.DOTALL)


class Block(NamedTuple):
    """One fenced block. `server` and `first` stand before it where a comment says so; `excuse` is why it is not run."""

    page: str
    line: int
    language: str
    text: str
    excuse: str = ""
    server: str = ""
    first: str = ""

    @property
    def place(self) -> str:
        """Where it stands, as an editor wants it."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every page that people write, by its path below the root."""
    docs = [path for path in (ROOT / "docs").rglob("*.md") if path.relative_to(ROOT / "docs").parts[0] not in MADE]
    return sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *docs])


def blocks(page: str) -> list[Block]:
    """The blocks of a page in their order."""
    return list(read_blocks(page, (ROOT / page).read_text(encoding="utf-8")))


def read_blocks(page: str, text: str) -> Iterator[Block]:
    """The blocks of a text. A comment speaks of the next block; raises ValueError where none follows at once."""
    said: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(text):
        line = (token.map or [0])[0] + 1
        comment = _COMMENT.match(token.content) if token.type == "html_block" else None
        if comment is not None:
            said[comment[1]] = comment[2]
        elif token.type == "fence":
            given = said.get("not run", ""), said.get("server", ""), said.get("first", "")
            yield Block(page, line, token.info.strip().partition(" ")[0], token.content, *given)
            said = {}
        elif said and token.type not in {"html_block", "fence"} and token.nesting >= 0 and "server" not in said:
            raise ValueError(f"{page}:{line}: a comment that speaks of a block has no block after it")
