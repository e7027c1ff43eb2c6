"""A trading day's turns: what is due of the day, and of a bracket while the session does not trade (bracket.md 2.9).

The day and how far it has come are told by the session table; what has to happen on the way from where the engine
stands to there is decided here, so that a server that slept through a turn does at its start what would have been done.
"""

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import (
    AnyEvent,
    ClosingRefused,
    DayBegun,
    ExitAccepted,
    OrderCancelled,
    StageReached,
)
from bracketd.domain.session import Stage, TradingDay
from bracketd.engine.exposure import EXIT_IN_FLIGHT
from bracketd.engine.intending import intent_due
from bracketd.engine.protection import due, flag_due
from bracketd.engine.state import State

SESSION_END = "SESSION_END"
SESSION_OVER = "the session has ended"


def turn_due(state: State, told: TradingDay, now_ns: int) -> DayBegun | StageReached | None:
    """The next turn of the day on the way to what the session table tells; None when the engine is there.

    A day that ended while nobody looked is ended first. The days never go back; only a market without hours opens
    again a day that had ended.
    """
    if told.date > state.day:
        if state.day and (state.ends or told.ends) and state.stage is not Stage.ENDED:
            return StageReached(now_ns, _on_the_way(state.stage))
        return DayBegun(now_ns, told.date, Stage.BEFORE if told.ends else Stage.TRADING, told.ends)
    if told.date < state.day:
        return None
    if not told.ends:
        return None if state.stage is Stage.TRADING else StageReached(now_ns, Stage.TRADING)
    if state.stage.place >= told.stage.place:
        return None
    return StageReached(now_ns, _on_the_way(state.stage) if told.stage is Stage.ENDED else told.stage)


def _on_the_way(stage: Stage) -> Stage:
    """The next stage on the way to the end: a square-off that was missed cannot be made up for."""
    return Stage.ENDED if stage is Stage.LAST_CALL else Stage.LAST_CALL


def next_due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """The next event that the bracket's rules demand, whether the session trades or not."""
    event = due(state, bracket, now_ns) if state.stage.trades else _over_due(state, bracket, now_ns)
    return event or (intent_due(state, bracket, now_ns) if bracket.intended else None)


def _over_due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """After the end nothing works, nothing is in flight, and what is open is flagged. What is held works nowhere."""
    if state.stage is Stage.ENDED:
        for row in state.rows_of(bracket):
            if not row.terminal and not row.held:
                return OrderCancelled(now_ns, row.order_id, SESSION_END)
    if bracket.closing or bracket.exit in EXIT_IN_FLIGHT:
        if state.open_quantity(bracket) == 0:
            return ExitAccepted(now_ns, bracket.basket_id)
        return ClosingRefused(now_ns, bracket.basket_id, SESSION_OVER)
    return flag_due(state, bracket, now_ns)
