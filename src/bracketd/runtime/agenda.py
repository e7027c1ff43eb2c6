"""The agenda: what happens because its time has come, and not because somebody asked.

Letters under way arrive, what a venue refused is tried again each second, and the trading day turns. The next of these
is asked for with the time as a parameter, so that a clock that tests or a sandbox move passes nothing over.
"""

from typing import Protocol

from bracketd.domain.ist import date_of_day, day_start_ns, ist_day_number
from bracketd.domain.session import TradingDay
from bracketd.engine.state import State
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.step import Step, Work


class Days(Protocol):
    """What the agenda asks the session table."""

    def trading_day(self, now_ns: int) -> TradingDay:
        """The trading day that the moment belongs to, and how far it has come."""

    def next_change_ns(self, now_ns: int) -> int | None:
        """The first moment after the given one at which the phase changes or square-off falls due."""


class Agenda:
    """What is due of one desk. `start_ns` is the moment (unix nanoseconds) from which on it is asked."""

    def __init__(self, state: State, pressing: Pressing, days: Days, start_ns: int) -> None:
        self._state = state
        self._pressing = pressing
        self._days = days
        self._turn_ns = start_ns
        self._now_ns = start_ns

    def due_ns(self) -> int:
        """When the next thing is due, in unix nanoseconds; there always is one, since days begin."""
        due = self._turn_ns
        if self._state.post:
            due = min(due, min(letter.due_ns for letter in self._state.post.values()))
        elif not self._pressing.hurrying:
            return due
        pressing = self._pressing.due_ns
        return due if pressing is None else min(due, pressing)

    def next(self, now_ns: int) -> tuple[int, Work] | None:
        """The earliest thing that is due by now, and the moment at which it happens; None when nothing is.

        What fell due while the process did not run happens at its start.
        """
        due_ns = self.due_ns()
        if due_ns > now_ns:
            return None
        at_ns = self._now_ns = max(due_ns, self._now_ns)
        if due_ns == self._turn_ns:
            return at_ns, self._turn(at_ns)
        for number, letter in self._state.post.items():
            if letter.due_ns == due_ns:
                return at_ns, _arrival(number)
        self._pressing.tried(at_ns)
        return at_ns, Step.second

    def _turn(self, at_ns: int) -> Work:
        midnight_ns = day_start_ns(date_of_day(ist_day_number(at_ns) + 1))
        change_ns = self._days.next_change_ns(at_ns)
        self._turn_ns = midnight_ns if change_ns is None else min(change_ns, midnight_ns)
        told = self._days.trading_day(at_ns)

        def turn(step: Step) -> None:
            if not step.turn(told):
                self._turn_ns = at_ns

        return turn


def _arrival(number: int) -> Work:
    return lambda step: step.arrive(number)
