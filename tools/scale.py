"""Scale on paper: a day of five million accounts on a map of shards, and what it takes by measured figures.

`python -m tools.scale` writes the tables of docs/operate/scale.md. Everything is drawn from one seed: the same page
comes out each time, and a test compares.
"""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bracketd.domain.balance import balanced
from bracketd.domain.slot import SLOTS, even_map

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "operate" / "scale.md"
BEGIN, END = "<!-- written by `python -m tools.scale` -->", "<!-- end of what is written -->"
SEED: Final = 20_260_105
SHARDS: Final = 64
QUARTERS: Final = 25
"""Quarters of an hour from 9:15 to 15:30."""


class Figures(NamedTuple):
    """What the paper stands on. Where a figure is measured, the page says by what."""

    accounts: int = 5_000_000
    orders_a_day: float = 10.0
    requests_an_order: float = 2.0
    records_an_order: float = 4.0
    peak: float = 10.0
    engine_per_s: float = 3_000.0
    cluster_per_s: float = 25_000.0
    record_bytes: float = 290.0
    account_kb: float = 5.0
    hand_over_s: float = 0.6


class Day(NamedTuple):
    """How a day went: the busiest engine's share of the mean, its worst quarter, the moves, and the waits they cost."""

    mean: float
    worst: float
    above: int
    moves: int
    waited_account_s: float


def intensity(quarter: int) -> float:
    """What the market does in a quarter, as a multiple of the day's mean: much at the opening, more at the close."""
    shape = [
        1.0 + 2.6 * math.exp(-each / 1.6) + 1.9 * math.exp(-(QUARTERS - 1 - each) / 1.6) for each in range(QUARTERS)
    ]
    return shape[quarter] * QUARTERS / sum(shape)


def slot_loads(draw: random.Random, accounts: int) -> list[float]:
    """What each slot has to do in a mean quarter: account ranks by Zipf, each in a slot of its own luck.

    The ten thousand busiest are drawn one by one; the rest are so many and so small that each slot has as many.
    """
    busiest = 10_000
    weights = [1.0 / rank for rank in range(1, busiest + 1)]
    rest = math.log(accounts / busiest)
    loads = [rest / SLOTS] * SLOTS
    for weight in weights:
        loads[draw.randrange(SLOTS)] += weight
    whole = sum(loads)
    return [load / whole for load in loads]


def quarters(seed: int, accounts: int) -> Iterator[list[float]]:
    """The loads of all shards, quarter by quarter: in each, a few slots have news and thirty times their usual work."""
    draw = random.Random(seed)
    slots = slot_loads(draw, accounts)
    shards = even_map(SHARDS).shards
    hot: dict[int, float] = {}
    for quarter in range(QUARTERS):
        hot = {slot: heat * 0.6 for slot, heat in hot.items() if heat > 2}
        hot |= {draw.randrange(SLOTS): 30.0 for _ in range(12)}
        loads = [0.0] * SHARDS
        busy = intensity(quarter)
        for slot, load in enumerate(slots):
            loads[shards[slot]] += load * hot.get(slot, 1.0) * busy
        yield loads


def day(engines: int, *, moving: bool, figures: Figures, seed: int = SEED) -> Day:
    """One day on so many engines, shards spread evenly at its beginning; with `moving` levelled after each quarter."""
    names = [f"engine-{number}" for number in range(engines)]
    owners = {shard: names[shard % engines] for shard in range(SHARDS)}
    shares, moved = [], 0
    for loads in quarters(seed, figures.accounts):
        work = dict.fromkeys(names, 0.0)
        for shard, owner in owners.items():
            work[owner] += loads[shard]
        shares.append(max(work.values()) / (sum(work.values()) / engines))
        if moving:
            for move in balanced(dict(enumerate(loads)), owners, names):
                owners[move.shard] = move.target
                moved += 1
    above = sum(share > 1.5 for share in shares)
    waited = moved * figures.hand_over_s * figures.accounts / SHARDS
    return Day(sum(shares) / len(shares), max(shares), above, moved, waited)


def paper(figures: Figures) -> list[tuple[str, str]]:
    """What the figures come to, line by line."""
    seconds = QUARTERS * 900
    requests = figures.accounts * figures.orders_a_day * figures.requests_an_order
    records = figures.accounts * figures.orders_a_day * figures.records_an_order
    levelled = day(16, moving=True, figures=figures)
    peak_requests = requests / seconds * figures.peak
    engines = math.ceil(peak_requests * levelled.mean / figures.engine_per_s)
    peak_records = records / seconds * figures.peak
    return [
        ("requests a day", f"{requests / 1e6:,.0f} million"),
        ("records a day", f"{records / 1e6:,.0f} million"),
        ("requests a second, mean and peak", f"{requests / seconds:,.0f} and {peak_requests:,.0f}"),
        ("records a second at the peak", f"{peak_records:,.0f}"),
        ("engine processes at the peak, levelled", f"{engines}"),
        (
            "clusters of three nodes at the peak",
            f"{math.ceil(peak_records / figures.cluster_per_s)}",
        ),
        ("disk a day and node, all clusters", f"{records * figures.record_bytes / 1e9:,.0f} GB"),
        ("memory of all engines", f"{figures.accounts * figures.account_kb / 1e6:,.0f} GB"),
        ("accounts a shard, of 64 in each cluster's map", f"{figures.accounts / SHARDS:,.0f} over all clusters"),
    ]


def tables(figures: Figures) -> str:
    """Both tables as the page has them."""
    lines = ["| What five million accounts come to | |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in paper(figures)]
    lines += [
        "",
        "| Engines | Shards | Busiest engine, mean of the day | Worst quarter | Quarters above 1.5 | Moves | Waits |",
    ]
    lines.append("|---:|---|---:|---:|---:|---:|---:|")
    for engines in (4, 8, 16):
        for moving in (False, True):
            went = day(engines, moving=moving, figures=figures)
            waits = f"{went.waited_account_s / figures.accounts:.2f} s an account" if moving else ""
            how = "levelled each quarter" if moving else "stay where they are"
            shares = f"{went.mean:.2f} | {went.worst:.2f} | {went.above} of {QUARTERS}"
            lines.append(f"| {engines} | {how} | {shares} | {went.moves} | {waits} |")
    return "\n".join(lines)


def page(text: str, figures: Figures) -> str:
    """The page's text with fresh tables in it."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables(figures)}\n\n{END}{tail}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), Figures()), encoding="utf-8")
    sys.stdout.write(tables(Figures()) + "\n")


if __name__ == "__main__":
    main()
