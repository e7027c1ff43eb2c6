"""The screen: tables and trees for people, JSON for programs. Colours on a terminal only, and never with NO_COLOR."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH_PIPED: Final = 200
"""Columns where nobody looks: what reads a pipe is not cut off by a screen's width."""

IST: Final = timezone(timedelta(hours=5, minutes=30), "IST")

STYLES: Final = {
    "COMPLETE": "green",
    "CANCELLED": "dim",
    "REJECTED": "red",
    "CANCEL_PENDING": "yellow",
    "MODIFY_PENDING": "yellow",
    "PENDING": "yellow",
    "BUY": "green",
    "SELL": "magenta",
    "UNPROTECTED": "bold white on red",
}


def console() -> "Console":
    """Standard output, as wide as the terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_PIPED)


def say_json(document: Mapping[str, object]) -> None:
    """One JSON object on one line."""
    click.echo(json.dumps(document, ensure_ascii=False))


def styled(word: str) -> str:
    """A word of the order book in its colour, as rich's markup."""
    from rich.markup import escape

    style = STYLES.get(word)
    return f"[{style}]{escape(word)}[/]" if style and word else escape(word)


def table(*columns: str, numbers: Sequence[str] = ()) -> "Table":
    """A table with these columns; `numbers` names those that stand right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    return made


def clock_text(at_ns: int) -> str:
    """The time of day in India to the millisecond, "" for none."""
    if not at_ns:
        return ""
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).astimezone(IST)
    return f"{moment:%H:%M:%S}.{at_ns % 1_000_000_000 // 1_000_000:03d}"


def date_text(at_ns: int) -> str:
    """The moment in India as ISO 8601 writes it, to the microsecond."""
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(IST).replace(microsecond=rest_ns // 1_000)
    return moment.isoformat()
