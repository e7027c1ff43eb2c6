"""The table of planted faults in docs/proof.md: each is planted, and the seeds that it takes to find it are counted.

`python -m tools.proof_table` counts anew and writes the page; it takes some minutes. Tests hold the page to the list of
plants and to the limit, and find every plant again; the counts themselves move whenever the storyteller or the engine
does.
"""

from pathlib import Path

import click
from tests.simulation.plants import PLANTS, SEEDS_TO_FIND, Plant, seeds_to_find

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "proof.md"
BEGIN = "<!-- From here to the end mark `make proof` writes what it counted. -->"
END = "<!-- The end mark: from here on the page is written by hand. -->"


class NotFound(Exception):
    """A planted fault is not found within the limit: the simulator has gone blind."""


def row(plant: Plant, seeds: int, caught_by: str) -> str:
    """One line of the table."""
    return f"| {fault(plant)} | {seeds} | {caught_by} |"


def fault(plant: Plant) -> str:
    """What a plant breaks, in its own words."""
    return (plant.__doc__ or "").strip()


def table() -> str:
    """The whole table, counted. Raises NotFound."""
    rows = ["| Planted fault | Seeds needed | Caught by |", "|---|---:|---|"]
    for plant in PLANTS:
        seeds, caught_by = seeds_to_find(plant, SEEDS_TO_FIND)
        if not seeds:
            raise NotFound(plant.__name__)
        rows.append(row(plant, seeds, caught_by))
        click.echo(f"{seeds:4}  {plant.__name__}")
    return "\n".join(rows)


def with_table(page: str, made: str) -> str:
    """The page with the table between its marks, the rest as it is. Raises ValueError where a mark is missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/proof.md needs these two lines, in this order:\n{BEGIN}\n{END}")
    return f"{head}{BEGIN}\n\n{made}\n\n{END}{tail}"


if __name__ == "__main__":
    made = table()
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
