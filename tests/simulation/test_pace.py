"""The pace: a 429 is due where a client sent more than its rate within a second, and nowhere else."""

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.simulation.pace import Pace


def test_a_429_is_due_beyond_the_rate() -> None:
    """The fourth order of three a second may be turned away; the third, one a while later, and another's may not."""
    pace = Pace(3, 0)
    for number in range(3):
        pace.ask("C1", "place" if number else "modify", number)
    assert pace.fault("C1", "place", 3)
    pace.ask("C1", "place", 3)
    assert not pace.fault("C1", "place", 3)
    assert pace.fault("C2", "place", 3)
    assert pace.fault("C1", "place", 2 * NS_PER_SECOND)


def test_what_has_no_rate_is_never_turned_away() -> None:
    """A read has no rate, nor has a cancel where none is set."""
    pace = Pace(1, 0)
    for _ in range(9):
        pace.ask("C1", "cancel", 1)
        pace.ask("C1", "read orders", 1)
    assert pace.fault("C1", "cancel", 1)
    assert pace.fault("C1", "read orders", 1)
