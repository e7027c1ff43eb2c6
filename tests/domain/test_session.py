"""A session day: its phases, its changes and its square-off."""

import pytest

from bracketd.domain.session import Segment, SessionDay, SessionPhase

DAY = SessionDay(
    date="20260202",
    segment=Segment.CAPITAL,
    pre_open_ns=100,
    pre_open_end_ns=108,
    open_ns=115,
    cut_off_ns=320,
    square_off_ns=325,
    close_ns=330,
    closing_start_ns=340,
    closing_end_ns=360,
)
BARE = SessionDay(date="20260202", segment=Segment.CAPITAL, open_ns=115, close_ns=330)


@pytest.mark.parametrize(
    ("now_ns", "phase"),
    [
        (99, SessionPhase.CLOSED),
        (100, SessionPhase.PRE_OPEN),
        (110, SessionPhase.PRE_OPEN),
        (114, SessionPhase.PRE_OPEN),
        (115, SessionPhase.OPEN),
        (319, SessionPhase.OPEN),
        (320, SessionPhase.CUT_OFF),
        (329, SessionPhase.CUT_OFF),
        (330, SessionPhase.CLOSED),
        (350, SessionPhase.CLOSED),
    ],
)
def test_phase_at_every_border(now_ns: int, phase: SessionPhase) -> None:
    """A phase holds from its first moment to the moment before the next; the closing session is closed to brackets."""
    assert DAY.phase_at(now_ns) is phase


@pytest.mark.parametrize(("now_ns", "due"), [(324, False), (325, True), (329, True), (330, False)])
def test_square_off_is_due_until_the_end(now_ns: int, due: bool) -> None:
    """Square-off is due from its time to the end of the session and not after."""
    assert DAY.square_off_due(now_ns) is due


def test_changes_are_the_borders_of_phases_and_square_off() -> None:
    """The changes are the moments where phase or square-off differ from the moment before, and no other."""
    seen = [
        now
        for now in range(90, 400)
        if (DAY.phase_at(now), DAY.square_off_due(now)) != (DAY.phase_at(now - 1), DAY.square_off_due(now - 1))
    ]
    assert DAY.changes_ns() == seen == [100, 115, 320, 325, 330]


def test_a_day_without_cut_off_stays_open() -> None:
    """Where the day has no pre-open and no cut-off, it is open from first to last and squares nothing off."""
    assert {BARE.phase_at(now) for now in range(115, 330)} == {SessionPhase.OPEN}
    assert BARE.phase_at(114) is BARE.phase_at(330) is SessionPhase.CLOSED
    assert not any(BARE.square_off_due(now) for now in range(115, 330))


def test_trading_phases() -> None:
    """Orders trade while open and after the cut-off."""
    assert {phase for phase in SessionPhase if phase.trades} == {SessionPhase.OPEN, SessionPhase.CUT_OFF}
