"""Shrinking: what is left of a story is what its lie needs."""

import pytest
from tests.simulation.plants import foreign_order_visible

from bracketd.simulation.campaign import Caught, account_of, campaign, explained
from bracketd.simulation.deeds import KillSwitch, Story, told
from bracketd.simulation.shrinking import kind_of, shrunk
from bracketd.simulation.storyteller import tell


def clients(story: Story) -> list[int]:
    """Whose deeds are left."""
    return [deed.client for deed in story.deeds if isinstance(deed, KillSwitch)]


def test_only_what_matters_is_left() -> None:
    """Of a hundred deeds the two that together make the lie are left, and the time before them has gone by."""
    story = Story(seed=0, minute=560, deeds=tuple(KillSwitch(gap_us=10, client=n) for n in range(100)))

    def lies(shorter: Story) -> str:
        return "lie 17" if {13, 77} <= set(clients(shorter)) else ""

    shortest, lie = shrunk(story, "lie 3", lies)
    assert (clients(shortest), lie) == ([13, 77], "lie 17")
    assert sum(deed.gap_us for deed in shortest.deeds) == 10 * 78


def test_another_lie_does_not_count() -> None:
    """A shorter story that lies otherwise is not taken for the same."""
    story = Story(seed=0, minute=560, deeds=tuple(KillSwitch(gap_us=1, client=n) for n in range(8)))
    shortest, lie = shrunk(story, "one", lambda shorter: "one" if len(shorter.deeds) >= 5 else "two")
    assert len(shortest.deeds) == 5
    assert lie == "one"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nothing works (13) Bracket('1')", "nothing works (13) Bracket('2')", True),
        ("C1 is shown an order of C2 (12)", "C4 is shown an order of C1 (12)", True),
        ("nothing works (13)", "terminal is terminal (3)", False),
    ],
)
def test_lies_of_one_kind_are_known(one: str, other: str, same: bool) -> None:
    """Two lies are of one kind where they differ by numbers and names alone."""
    assert (kind_of(one) == kind_of(other)) is same


def test_a_failure_is_told_in_one_line_and_a_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that lies is explained by the command that does it again and by a story of a few deeds."""
    foreign_order_visible(monkeypatch)
    tally, caught = campaign(range(20))
    assert caught is not None
    first, second, third, *deeds = explained(caught)
    assert first.startswith(f"bracketd sim --seeds 1 --seed {caught.seed} --minutes 1  # ")
    assert second.startswith(f"{len(deeds)} of {len(tell(caught.seed).deeds)} deeds")
    assert third.startswith("The day begins at ")
    assert len(deeds) <= 6
    assert any("Place" in line for line in deeds)
    assert any("Read" in line for line in deeds)
    assert account_of(caught.seed).lie == caught.account.lie
    assert isinstance(caught, Caught)
    assert tally.seeds <= 20


def test_a_deed_is_told_in_a_line() -> None:
    """A deed is told by its name and by what is not as usual."""
    assert told(KillSwitch(gap_us=5, client=2)) == "KillSwitch  client=2"
