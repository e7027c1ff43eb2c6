"""The simulator is worth something: faults planted in the product, one at a time, are all found."""

import pytest
from tests.simulation.plants import (
    PLANTS,
    SEEDS_TO_FIND,
    Plant,
    exit_budget_not_shared,
    frame_before_durable,
    reply_before_durable,
    seeds_to_find,
    stale_token_accepted,
    terminal_resurrected,
)

QUICK = (
    exit_budget_not_shared,
    frame_before_durable,
    reply_before_durable,
    stale_token_accepted,
    terminal_resurrected,
)
"""Faults that a few seeds find."""


@pytest.mark.parametrize("plant", QUICK, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_at_once(plant: Plant) -> None:
    """The simulator finds the fault within ten seeds."""
    assert seeds_to_find(plant, 10)[0]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", [each for each in PLANTS if each not in QUICK], ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant) -> None:
    """The simulator finds the fault within the number of seeds that docs/proof.md states."""
    assert seeds_to_find(plant, SEEDS_TO_FIND)[0]
