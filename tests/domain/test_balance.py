"""Balance: few moves, none that makes things worse, and a lost engine's shards go where there is room."""

import random

import pytest

from bracketd.domain.balance import MOVES_MAX, TOLERANCE, Move, balanced

ENGINES = ("a", "b", "c")


def spread(loads: dict[int, float], owners: dict[int, str]) -> dict[str, float]:
    """What each engine has to do."""
    return {engine: sum(loads[shard] for shard, owner in owners.items() if owner == engine) for engine in ENGINES}


def test_what_is_level_stays() -> None:
    """Within the tolerance nothing moves."""
    assert balanced({0: 1.0, 1: 1.05, 2: 1.0}, {0: "a", 1: "b", 2: "c"}, ENGINES) == []


def test_the_shard_that_levels_best_moves() -> None:
    """Of a busy engine's shards the one goes that is nearest to half of the difference."""
    loads = {0: 9.0, 1: 4.0, 2: 1.0, 3: 2.0, 4: 8.0}
    owners = {0: "a", 1: "a", 2: "a", 3: "b", 4: "c"}
    assert balanced(loads, owners, ENGINES, moves_max=1) == [Move(1, "a", "b")]


def test_one_hot_shard_is_not_sent_round() -> None:
    """What one shard alone makes cannot be levelled by moving it."""
    assert balanced({0: 100.0, 1: 1.0}, {0: "a", 1: "b"}, ("a", "b")) == []


def test_a_lost_engine_leaves_nothing_behind() -> None:
    """All of its shards move, more of them than a levelling may, each to whoever has least to do."""
    loads = dict.fromkeys(range(12), 1.0)
    owners = {shard: "lost" if shard < 8 else ENGINES[shard % 3] for shard in range(12)}
    moves = balanced(loads, owners, ENGINES)
    assert {move.shard for move in moves if move.source == "lost"} == set(range(8))
    after = owners | {move.shard: move.target for move in moves}
    assert set(spread(loads, after).values()) == {4.0}


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_never_makes_the_busiest_busier(seed: int) -> None:
    """Whatever the loads, it is within its moves, the same again, and the busiest engine has no more than before."""
    draw = random.Random(seed)
    loads = {shard: draw.paretovariate(1.2) for shard in range(48)}
    owners = {shard: draw.choice(ENGINES) for shard in loads}
    moves = balanced(loads, owners, ENGINES)
    assert moves == balanced(dict(reversed(loads.items())), owners, ENGINES)
    assert len(moves) <= MOVES_MAX
    before, after = spread(loads, owners), spread(loads, owners | {move.shard: move.target for move in moves})
    assert max(after.values()) <= max(before.values())
    if not moves:
        mean = sum(before.values()) / 3
        busiest = max(before, key=lambda engine: before[engine])
        movable = [loads[shard] for shard, owner in owners.items() if owner == busiest]
        assert max(before.values()) <= mean * (1 + TOLERANCE) or len(movable) == 1


def test_without_an_engine_there_is_no_plan() -> None:
    """Nobody can take anything."""
    with pytest.raises(ValueError):
        balanced({0: 1.0}, {}, ())
