"""What a tick costs: one that touches nothing, by how many brackets work, and one that touches k, by k."""

import gc
import json
import statistics
import subprocess
import sys
import time
from html import escape
from math import log10
from typing import Any

from bench.inside import BASE_PAISE, hundred
from bench.stock import Room
from bracketd.domain.commands import PlaceBracket
from bracketd.domain.instrument import Tick
from bracketd.domain.order import OrderType, Product, Side, Validity

TOUCHED = (1, 10, 100, 1_000)
STEP_PAISE = 50
FAR_PAISE = 5_000
"""The step of a stop that trails, and that no print here moves."""

QUIET_TICKS = 20_000
PRINTS = 5
"""So many prints of each instrument move its stops."""


def curve(most: int) -> list[dict[str, Any]]:
    """What a tick costs beside 1,000 brackets, ten times as many and so on, up to `most`."""
    sizes = [1_000]
    while sizes[-1] * 10 <= most:
        sizes.append(sizes[-1] * 10)
    return [of_brackets(brackets) for brackets in sizes]


def apart(most: int) -> list[dict[str, Any]]:
    """The curve, measured in a process of its own, whose memory nothing else has used before."""
    command = [sys.executable, "-m", "bench.ticks", str(most)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found


def of_brackets(brackets: int) -> dict[str, Any]:
    """Brackets with both legs at work on 100 instruments; microseconds of thread time.

    A quarter of the instruments each has 1, 10, 100 and 1,000 stops that the next print moves, where it has so many.
    """
    table = hundred()
    keys = list(table)
    room = Room(instruments=table)
    each = brackets // len(keys)
    for place, key in enumerate(keys):
        moves = TOUCHED[place % len(TOUCHED)]
        for number in range(each):
            _place(room, key, STEP_PAISE if number < moves else FAR_PAISE, number)
        room.bodies.clear()
    for key in keys:
        room.tick(Tick(key, BASE_PAISE, 10**9))
        room.bodies.clear()
    gc.collect()
    gc.freeze()
    quiet = []
    ticks = [Tick(keys[number % 100], BASE_PAISE + 5 * (number % 3), 10) for number in range(QUIET_TICKS // 10)]
    for _ in range(10):
        began = time.thread_time()
        for tick in ticks:
            room.tick(tick)
        quiet.append((time.thread_time() - began) / len(ticks) * 1e6)
    touched: dict[int, list[float]] = {moves: [] for moves in TOUCHED if moves <= each}
    for turn in range(1, PRINTS + 1):
        for place, key in enumerate(keys):
            moves = TOUCHED[place % len(TOUCHED)]
            if moves > each:
                continue
            # Each print is a step farther, and moves the same stops again.
            tick = Tick(key, BASE_PAISE + 2 * STEP_PAISE * turn, 10)
            began = time.thread_time()
            events = room.tick(tick)
            took_us = (time.thread_time() - began) * 1e6
            room.bodies.clear()
            # How the market stands, and a move for each stop.
            if len(events) != moves + 1:
                raise RuntimeError(f"{len(events) - 1} stops moved, not {moves}")
            touched[moves].append(took_us)
    gc.unfreeze()
    return {
        "brackets": brackets,
        "quiet_us": statistics.median(quiet),
        "touched_us": {str(moves): statistics.median(took) for moves, took in touched.items()},
    }


def _place(room: Room, key: str, step_paise: int, number: int) -> None:
    room.command(
        PlaceBracket(
            client_id=room.clients[number % len(room.clients)],
            instrument=key,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            product=Product.MIS,
            validity=Validity.DAY,
            quantity=1,
            price_paise=BASE_PAISE,
            trigger_paise=0,
            target_offset_paise=10_000,
            stop_offset_paise=5_000 + 5 * (number % 500),
            trailing_step_paise=step_paise,
        )
    )


def plot(curve: list[dict[str, Any]]) -> str:
    """Microseconds of a whole tick over the stops that it moves, both by tens, a line for each number of brackets.

    The tick that moves none is the point at the left.
    """
    width, height, left, top, across, down = 640, 320, 70, 40, 520, 230
    colours = ("#b8c4cc", "#6fa3b5", "#1f6f8b", "#0b3c4d")
    title = "A tick, microseconds, by the stops that it moves"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    names = ("none", *(f"{moves:,}" for moves in TOUCHED))
    for place, name in enumerate(names):
        x = left + across * place / (len(names) - 1)
        parts.append(f'<text x="{x:.0f}" y="{top + down + 20}" text-anchor="middle">{name}</text>')
    for power in range(6):
        y = top + down * (1 - power / 5)
        parts.append(f'<line x1="{left}" x2="{left + across}" y1="{y:.0f}" y2="{y:.0f}" stroke="#e4e8eb"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 5:.0f}" text-anchor="end">{10**power:,}</text>')
    for row, colour in zip(curve, colours, strict=False):
        values = [
            row["quiet_us"],
            *(row["touched_us"][str(moves)] for moves in TOUCHED if str(moves) in row["touched_us"]),
        ]
        points = [
            (left + across * place / (len(names) - 1), top + down * (1 - _log10(value) / 5))
            for place, value in enumerate(values)
        ]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.extend(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>' for x, y in points)
        parts.append(f'<text x="{points[-1][0] + 6:.0f}" y="{points[-1][1] + 14:.0f}">{row["brackets"]:,}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _log10(value: float) -> float:
    return max(0.0, log10(value))


if __name__ == "__main__":
    json.dump(curve(int(sys.argv[1])), sys.stdout)
