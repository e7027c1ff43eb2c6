"""docs/proof.md tells of every planted fault, and what it says was counted."""

import re

import pytest
from tests.simulation.plants import PLANTS, SEEDS_TO_FIND
from tools.proof_table import BEGIN, END, PAGE, fault, row, with_table

PROOF = PAGE.read_text(encoding="utf-8")


def test_every_plant_has_its_row() -> None:
    """The page has one row for each planted fault, in their order, each with a count within the limit."""
    rows = re.findall(r"^\| (.+?) \| (\d+) \| .+ \|$", PROOF, re.MULTILINE)
    assert [told for told, _ in rows] == [fault(plant) for plant in PLANTS]
    assert all(1 <= int(seeds) <= SEEDS_TO_FIND for _, seeds in rows)
    assert f"{len(PLANTS)} faults" in PROOF
    assert f"{SEEDS_TO_FIND} seeds" in PROOF


def test_only_what_is_between_the_marks_is_written() -> None:
    """What stands before and after the marks stays; a page without them is refused."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_table(page, row(PLANTS[0], 3, "an invariant")).startswith(f"before\n{BEGIN}\n\n| ")
    assert with_table(page, "new").endswith(f"new\n\n{END}\nafter\n")
    with pytest.raises(ValueError, match="two lines"):
        with_table("no marks", "new")
