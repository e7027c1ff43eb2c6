"""Balance: which shards change engines so that none has much more to do than another.

A move costs every account of the shard a moment's wait, so moves are few and each one takes as much off the busiest
engine as it can without making another the busiest.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

TOLERANCE: Final = 0.10
"""An engine may have this share more to do than the mean before anything is moved."""

MOVES_MAX: Final = 4
"""So many shards change engines at once."""


class Move(NamedTuple):
    """One shard goes from one engine to another."""

    shard: int
    source: str
    target: str


def balanced(
    loads: Mapping[int, float],
    owners: Mapping[int, str],
    engines: Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    moves_max: int = MOVES_MAX,
) -> list[Move]:
    """The moves that level the engines; the same for the same arguments. Raises ValueError where there is no engine.

    `loads` is what each shard has to do, in any unit; `owners` says who has it now. A shard whose owner is not among
    the engines is moved whatever it costs, and does not count against `moves_max`.
    """
    if not engines:
        raise ValueError("there is no engine")
    held: dict[str, dict[int, float]] = {engine: {} for engine in engines}
    homeless = []
    for shard in sorted(loads):
        owner = owners.get(shard, "")
        if owner in held:
            held[owner][shard] = loads[shard]
        else:
            homeless.append(shard)
    work = {engine: sum(shards.values()) for engine, shards in held.items()}
    moves: list[Move] = []

    def move(shard: int, source: str, target: str) -> None:
        if source in held:
            work[source] -= held[source].pop(shard)
        held[target][shard] = loads[shard]
        work[target] += loads[shard]
        moves.append(Move(shard, source, target))

    # The largest first: what is left over then is small enough to level with.
    for shard in sorted(homeless, key=lambda each: (-loads[each], each)):
        move(shard, owners.get(shard, ""), min(engines, key=lambda each: (work[each], each)))
    mean = sum(work.values()) / len(engines)
    for _ in range(moves_max):
        busiest = max(engines, key=lambda each: (work[each], each))
        idlest = min(engines, key=lambda each: (work[each], each))
        gap = work[busiest] - work[idlest]
        fits = [(abs(load - gap / 2), shard) for shard, load in held[busiest].items() if 0 < load < gap]
        if work[busiest] <= mean * (1 + tolerance) or not fits:
            break
        move(min(fits)[1], busiest, idlest)
    return moves
