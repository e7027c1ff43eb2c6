"""A session: the hours of one day in which a segment trades, and which part of them a moment falls in."""

from enum import StrEnum

import msgspec


class Segment(StrEnum):
    """A part of the exchange with hours of its own, in the family's spelling (wire.md 1.8)."""

    CAPITAL = "Capital"
    FUTURES_OPTIONS = "FutOpt"


class SessionPhase(StrEnum):
    """What the market does at a moment.

    PRE_OPEN lasts until the normal session begins and matches nothing here. OPEN trades and takes new brackets.
    CUT_OFF trades, but takes no new bracket and no larger quantity (bracket.md section 2.9). CLOSED is before,
    after and between.
    """

    CLOSED = "CLOSED"
    PRE_OPEN = "PRE_OPEN"
    OPEN = "OPEN"
    CUT_OFF = "CUT_OFF"

    def __init__(self, word: str) -> None:
        """`trades`: whether orders can trade. Asked for at every command, so that each member knows it."""
        self.trades = word in ("OPEN", "CUT_OFF")


class Stage(StrEnum):
    """How far a trading day has come, as the engine is told of it; the order below is that of the day.

    SQUARE_OFF closes every bracket. LAST_CALL is the moment at which the venue tells what it still owes, before ENDED
    cancels whatever works (bracket.md section 2.9).
    """

    BEFORE = "BEFORE"
    TRADING = "TRADING"
    SQUARE_OFF = "SQUARE_OFF"
    LAST_CALL = "LAST_CALL"
    ENDED = "ENDED"

    def __init__(self, word: str) -> None:
        """`trades`: whether an order sent now can work. Asked for at every event, so that each member knows it."""
        self.trades = word in ("TRADING", "SQUARE_OFF", "LAST_CALL")

    @property
    def place(self) -> int:
        """Its place in the day, from 0."""
        return _STAGES.index(self)


_STAGES = tuple(Stage)


class TradingDay(msgspec.Struct, frozen=True, gc=False):
    """The trading day (YYYYMMDD) that a moment belongs to, and how far it has come; `ends` is False for `always`."""

    date: str
    stage: Stage
    ends: bool = True


class SessionDay(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The hours of one segment on one date (YYYYMMDD, in India); moments are unix nanoseconds.

    The normal session is [open_ns, close_ns). None is a part that the day has not: a market that is always open has
    no cut-off and no square-off. `pre_open_end_ns` ends the order entry of the pre-open session. The closing session
    trades at the closing price only; brackets take no part in it. `warning` says why the hours may be wrong, ""
    where the table is sure.
    """

    date: str
    segment: Segment
    open_ns: int
    close_ns: int
    name: str = ""
    pre_open_ns: int | None = None
    pre_open_end_ns: int | None = None
    cut_off_ns: int | None = None
    square_off_ns: int | None = None
    closing_start_ns: int | None = None
    closing_end_ns: int | None = None
    warning: str = ""

    def phase_at(self, now_ns: int) -> SessionPhase:
        """The phase at the moment; CLOSED for every moment of another day."""
        if now_ns >= self.close_ns:
            return SessionPhase.CLOSED
        if now_ns >= self.open_ns:
            cut_off = self.cut_off_ns is not None and now_ns >= self.cut_off_ns
            return SessionPhase.CUT_OFF if cut_off else SessionPhase.OPEN
        if self.pre_open_ns is not None and now_ns >= self.pre_open_ns:
            return SessionPhase.PRE_OPEN
        return SessionPhase.CLOSED

    def square_off_due(self, now_ns: int) -> bool:
        """Whether the moment lies between square-off and the end of the session."""
        return self.square_off_ns is not None and self.square_off_ns <= now_ns < self.close_ns

    def stage_at(self, now_ns: int) -> Stage:
        """How far the day has come at the moment."""
        if now_ns >= self.close_ns:
            return Stage.ENDED
        if self.square_off_due(now_ns):
            return Stage.SQUARE_OFF
        return Stage.TRADING if now_ns >= self.open_ns else Stage.BEFORE

    def changes_ns(self) -> list[int]:
        """The moments, in order, at which the phase changes or square-off falls due."""
        moments = (self.pre_open_ns, self.open_ns, self.cut_off_ns, self.square_off_ns, self.close_ns)
        return sorted({moment for moment in moments if moment is not None})
