"""Markdown: the pieces of which generated pages are made."""

import textwrap
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. A bar within a word would end its cell and is escaped; a line end is a blank."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def paragraph(text: str) -> str:
    """Prose in lines that are short enough for an editor."""
    return textwrap.fill(text, 118) + "\n"


def code(text: str) -> str:
    """A word as code; nothing stays nothing."""
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
