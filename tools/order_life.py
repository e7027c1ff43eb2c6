"""The table of an order's life, summed up for a picture: what holds for every open status is said once.

Nothing is lost: every row of the table is in exactly one of the parts, and a test puts the table together again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bracketd.domain.order import Status
from bracketd.engine.transitions import Happening

Transitions = Mapping[tuple[Status, Happening], Status | None]

ANY = "any open status"
"""The source of an arrow that leaves every open status except the one it leads to."""

STAYS = "\N{CLOCKWISE OPEN CIRCLE ARROW}"
RETURNS = "\N{LEFTWARDS ARROW WITH HOOK}"


@dataclass(frozen=True)
class Life:
    """What the pictures of an order's life show. Statuses are in the order of their enumeration.

    `arrows` has the happenings that lead from one status, or from ANY, to another; `stays` those that leave the status
    as it is, `returns` those that bring back the status before the request.
    """

    open: tuple[Status, ...]
    ends: tuple[Status, ...]
    starts: tuple[Status, ...]
    arrows: dict[tuple[str, Status], tuple[Happening, ...]]
    stays: dict[str, tuple[Happening, ...]]
    returns: dict[str, tuple[Happening, ...]]

    @property
    def boxes(self) -> tuple[str, ...]:
        """What a picture has a box for: open statuses, ANY if anything is said for all of them, ends."""
        shared = ANY in self.stays or any(source == ANY for source, _ in self.arrows)
        return (*self.open, *([ANY] if shared else []), *self.ends)

    def inside(self, name: str) -> list[str]:
        """What leads from a status, or ANY, to no other one: a line each, led by STAYS or RETURNS."""
        return [
            *(f"{STAYS} {happening}" for happening in self.stays.get(name, ())),
            *(f"{RETURNS} {happening}" for happening in self.returns.get(name, ())),
        ]


def life_of(transitions: Transitions) -> Life:
    """The table summed up. A status without a row of its own is an end."""
    sources = {status for status, _ in transitions}
    opened = tuple(status for status in Status if status in sources)
    arrows: dict[tuple[str, Status], list[Happening]] = {}
    stays: dict[str, list[Happening]] = {}
    returns: dict[str, list[Happening]] = {}
    for happening in Happening:
        following = {status: transitions[status, happening] for status in opened if (status, happening) in transitions}
        if all(following.get(status) is status for status in opened):
            stays.setdefault(ANY, []).append(happening)
            continue
        common = _common_target(following, opened)
        for status, target in following.items():
            if target is None:
                returns.setdefault(status, []).append(happening)
            elif target is status:
                stays.setdefault(status, []).append(happening)
            elif target is not common:
                arrows.setdefault((status, target), []).append(happening)
        if common is not None:
            arrows.setdefault((ANY, common), []).append(happening)
    return Life(
        open=opened,
        ends=tuple(status for status in Status if status not in sources),
        starts=_starts(transitions, opened),
        arrows={pair: tuple(happenings) for pair, happenings in arrows.items()},
        stays={status: tuple(happenings) for status, happenings in stays.items()},
        returns={status: tuple(happenings) for status, happenings in returns.items()},
    )


def _common_target(following: Mapping[Status, Status | None], opened: tuple[Status, ...]) -> Status | None:
    """The status to which every open status goes, itself left out; None where they part."""
    for target in Status:
        others = [status for status in opened if status is not target]
        if len(others) > 1 and all(following.get(status) is target for status in others):
            return target
    return None


def _starts(transitions: Transitions, opened: tuple[Status, ...]) -> tuple[Status, ...]:
    """The open statuses to which no other status leads."""
    entered = {target for (status, _), target in transitions.items() if target is not status}
    return tuple(status for status in opened if status not in entered)
