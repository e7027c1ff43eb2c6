"""The page: figures and plots into docs/performance.md between its marks, and the same as a table for a terminal."""

import os
import platform
import re
from collections.abc import Iterable
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.ticks import plot as plot_of_ticks

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
Rows = list[dict[str, Any]]


def at(rows: Rows, work: str, name: str, connections: int) -> dict[str, Any] | None:
    """The row of one work, contestant and number of connections."""
    keys = (work, name, connections)
    return next((row for row in rows if (row["work"], row["name"], row["connections"]) == keys), None)


def machine() -> str:
    """What it ran on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, shared by server and load generator;"
        f" load {os.getloadavg()[0]:.1f} at the end; CPython {platform.python_version()},"
        f" uvicorn {version('uvicorn')}, uvloop {version('uvloop')}"
    )


def ratios(found: dict[str, Any]) -> list[tuple[str, float | None, str, bool | None]]:
    """Each target: what is measured, what came out, what was aimed at, and whether it is reached (None: not run)."""
    http, trail, page = found["http"], found["trailing"] or {}, found["blotter"] or {}
    scale, recovery = found["scale"] or {}, found["recovery"] or {}

    def over(name: str, key: str, connections: int = 64) -> float | None:
        ours, other = at(http, "cancel", "bracketd", connections), at(http, "cancel", name, connections)
        return ours[key] / other[key] if ours and other else None

    def in_thousands(source: dict[str, Any], key: str) -> float | None:
        return source[key] / 1e3 if key in source else None

    ours_1, empty_1 = at(http, "cancel", "bracketd", 1), at(http, "cancel", "empty ASGI", 1)
    journal = found["journal"]
    floor_us = journal["one_commit_us"] + empty_1["p50_us"] if journal and empty_1 else 0.0
    alone = ours_1["p50_us"] / floor_us if ours_1 and floor_us else None
    ours_64 = at(http, "cancel", "bracketd", 64)
    p99_ms = ours_64["p99_us"] / 1e3 if ours_64 else None
    empty_64 = at(http, "cancel", "empty ASGI", 64)
    bound_ms = max(6.0, 4 * empty_64["p99_us"] / 1e3) if empty_64 else 6.0
    pause = found["pause"] or {}
    orders = f"{pause.get('brackets', 0):,}"
    many, few, rows = (f"{scale.get(key, 0):,}" for key in ("many", "few", "book_rows"))
    found_rows: list[tuple[str, float | None, float, bool]] = [
        ("durable cancels/s, of an empty plain-ASGI handler's", over("empty ASGI", "per_second"), 0.5, True),
        ("durable cancels/s, of an empty FastAPI route's", over("empty FastAPI", "per_second"), 2.5, True),
        ("durable cancels/s, of matching-engine's gateway's", over("matching-engine", "per_second"), 4.0, True),
        ("p50 at one connection, of one commit and one empty request", alone, 1.5, False),
        ("p99 at 64 connections, ms (6, or 4 times the empty handler's)", p99_ms, bound_ms, False),
        (f"p50 beside {many} resting orders, of that beside {few}", scale.get("p50_ratio"), 1.15, False),
        (f"longest wait beside a book of {rows} rows, ms", scale.get("book_delay_ms"), 20.0, False),
        ("cancels/s with `--blotter` and no page open, of those without", page.get("with_per_second"), 0.95, True),
        ("cancels/s beside an open page in a browser here, of those without", page.get("open_per_second"), 0.7, True),
        (
            "cancels/s beside the page of somebody who looks on, of those without",
            page.get("looking_on_per_second"),
            0.95,
            True,
        ),
        ("a tick that touches nothing, us", trail.get("quiet_tick_us"), 3.0, False),
        (f"longest wait while a snapshot of {orders} orders is made, ms", pause.get("made_ms"), 20.0, False),
        ("memory of a working bracket with both legs, KB", in_thousands(trail, "working_bytes"), 3.0, False),
        ("memory of a resting entry, KB", in_thousands(scale, "bytes_each"), 1.5, False),
        ("recovery, thousand events/s", in_thousands(recovery, "events_per_s"), 200.0, True),
    ]
    return [
        (
            what,
            value,
            f"{'at least' if more else 'at most'} {aim:.4g}",
            None if value is None else (value >= aim) is more or value == aim,
        )
        for what, value, aim, more in found_rows
    ]


def table(found: dict[str, Any]) -> str:
    """All figures as text."""
    lines = ["", *_http(found["http"]), ""]
    for what, value, aim, reached in ratios(found):
        said = "not run" if value is None else f"{value:.3g}"
        lines.append(f"| {what} | {said} | {aim} | {'' if reached is None else 'yes' if reached else 'no'} |")
    return "\n".join([*lines, *found["missing"], f"{machine()}; {found['took_s']:.0f} s", ""]) + "\n"


def _http(rows: Rows) -> Iterable[str]:
    yield "| Work | Contestant | Connections | Replies/s | p50, ms | p99, ms | Server's CPU, us each | Refused |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        yield (
            f"| {row['work']} | {row['name']} | {row['connections']} | {row['per_second']:,.0f} |"
            f" {row['p50_us'] / 1e3:.2f} | {row['p99_us'] / 1e3:.2f} | {row['cpu_us']:.0f} | {row['refused']} |"
        )


def write(found: dict[str, Any]) -> None:
    """Put the figures between the marks of the page, and draw the plots."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{_figures(found)}{END}{tail}", encoding="utf-8")
    if found["ticks"]:
        (DOCS / "performance-ticks.svg").write_text(plot_of_ticks(found["ticks"]), encoding="utf-8")
    cancels = [row for row in found["http"] if row["work"] == "cancel"]
    for connections in (64, 1):
        rows = [row for row in cancels if row["connections"] == connections]
        plot = bars(f"Cancels a second, {connections} connections", [(row["name"], row["per_second"]) for row in rows])
        (DOCS / f"performance-{connections}.svg").write_text(plot, encoding="utf-8")


def _figures(found: dict[str, Any]) -> str:
    lines = [
        "",
        f"{'A quick run' if found['quick'] else 'A full run'}, load by {found['generator']}, on {machine()}.",
        "",
        "![Cancels a second at 64 connections](performance-64.svg)",
        "![Cancels a second at one connection](performance-1.svg)",
        "",
        *_http(found["http"]),
        *(["", *found["missing"]] if found["missing"] else []),
        "",
        "| Target | Measured | Aim | Reached |",
        "|---|---:|---|---|",
    ]
    for what, value, aim, reached in ratios(found):
        said = "not run" if value is None else f"{value:.3g}"
        lines.append(f"| {what} | {said} | {aim} | {'' if reached is None else 'yes' if reached else 'no'} |")
    lines += [
        "",
        "| In this process alone | |",
        "|---|---:|",
        *(f"| {what} | {said} |" for what, said in _alone(found)),
        "",
    ]
    return "\n".join(lines)


def _alone(found: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What was measured without a socket, and what stands beside it; "not run" where it was not."""
    places = [
        ("engine, venue and invariants: placements/s", "engine", "places_per_s", ",.0f"),
        ("engine, venue and invariants: cancels/s", "engine", "cancels_per_s", ",.0f"),
        ("journal, batches of 64: records/s", "journal", "records_per_s", ",.0f"),
        ("the same, of a plain file with fdatasync", "journal", "of_plain_file", ".2f"),
        ("one commit alone, us", "journal", "one_commit_us", ".0f"),
        ("one fdatasync of a plain file, us", "journal", "one_fdatasync_us", ".0f"),
        ("a DELETE from bytes to bytes, us of the event loop's thread", "path", "us", ".0f"),
        ("Python's and C's functions called for it", "path", "calls", ".0f"),
        ("a trailing stop moved by a print, us", "trailing", "moved_us_each", ".0f"),
        ("engine: a cancel judged and not carried out, us", "engine", "decide_us", ".1f"),
        ("nautilus_trader's matching engine: cancels/s", "nautilus_trader", "peer_per_s", ",.0f"),
        ("ours beside it, in turns: cancels/s", "nautilus_trader", "ours_per_s", ",.0f"),
        ("ours, of its", "nautilus_trader", "ratio", ".2f"),
        ("longest wait while no snapshot is made, ms", "pause", "none_ms", ".1f"),
        ("a snapshot made beside the server, s", "pause", "took_s", ".1f"),
        ("longest wait with no book read, ms", "scale", "quiet_delay_ms", ".1f"),
        ("longest wait of another server's client while the book is read, ms", "scale", "book_apart_ms", ".1f"),
        ("the book read whole, s", "scale", "book_read_s", ".2f"),
        ("start with many orders from a snapshot, s", "scale", "start_s", ".1f"),
    ]
    for what, part, key, form in places:
        value = (found[part] or {}).get(key)
        yield what, "not run" if value is None else format(value, form)


def bars(title: str, values: list[tuple[str, float]]) -> str:
    """A bar for each value, the longest across the plot."""
    most = max((value for _, value in values), default=1.0)
    height = 40 + 30 * len(values)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{height}" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="640" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(values):
        top = 36 + 30 * place
        colour = "#1f6f8b" if name == "bracketd" else "#b8c4cc"
        parts.append(f'<text x="10" y="{top + 15}">{escape(name)}</text>')
        parts.append(f'<rect x="180" y="{top}" width="{360 * value / most:.0f}" height="20" fill="{colour}"/>')
        parts.append(f'<text x="{186 + 360 * value / most:.0f}" y="{top + 15}">{value:,.0f}</text>')
    return "\n".join([*parts, "</svg>", ""])
