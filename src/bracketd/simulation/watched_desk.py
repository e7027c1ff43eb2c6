"""A desk that is watched: the real one, and at each decision somebody notes what was decided and on what.

He also notes how far the journal must have come before anybody may hear of it.
"""

from contextvars import ContextVar
from typing import Any, Protocol

from bracketd.domain.commands import CancelOrder, Command
from bracketd.domain.outcomes import Outcome
from bracketd.engine.cancelling import Decision, Ticket, outcome_of
from bracketd.engine.state import State
from bracketd.runtime.desk import Deadline, Desk, Waiting
from bracketd.simulation.verdicts import may_be


class Case:
    """One command of a request: what it came to, None where that was never known."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.outcome: Outcome | None = None
        self.ticket: Ticket | None = None


class Hearing:
    """One request inside: its cases, and the last record of which its reply may show anything."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.needs_seq = 0


HEARING: ContextVar[Hearing | None] = ContextVar("hearing", default=None)
_CASE: ContextVar[Case | None] = ContextVar("case", default=None)


def hearing() -> Hearing:
    """Note what becomes of the one request that the running task makes."""
    opened = Hearing()
    HEARING.set(opened)
    return opened


class Watch(Protocol):
    """Who watches."""

    def judged(
        self, state: State, command: Command, allowed: frozenset[str], decision: Decision, *, changed: bool
    ) -> None:
        """A command was decided and its step is run; `changed`: a record was made."""

    def known(self, state: State, command: Command, outcome: Outcome) -> None:
        """The outcome of a command is known, and nothing else has happened since."""


class WatchedDesk(Desk):
    """The desk, watched. `judging` is the command of the step that runs, None for one that nobody asked for."""

    def __init__(self, watch: Watch, **parts: Any) -> None:
        self._watch = watch
        self.judging: Command | None = None
        super().__init__(**parts)

    @property
    def last_seq(self) -> int:
        """The last record that was decided, on disk or not."""
        return self._last_seq

    async def carry_out(self, command: Command, deadline: Deadline) -> Outcome:
        """As the desk does it."""
        heard = HEARING.get()
        if heard is None:
            return await super().carry_out(command, deadline)
        case = Case(command)
        heard.cases.append(case)
        token = _CASE.set(case)
        try:
            case.outcome = await super().carry_out(command, deadline)
        finally:
            _CASE.reset(token)
        return case.outcome

    def undertake(self, command: Command) -> Outcome | Waiting:
        """As the desk does it."""
        heard = HEARING.get()
        if heard is None:
            return super().undertake(command)
        case = Case(command)
        heard.cases.append(case)
        token = _CASE.set(case)
        try:
            begun = super().undertake(command)
        finally:
            _CASE.reset(token)
        if not isinstance(begun, Waiting):
            case.outcome = begun
        return begun

    async def see_through(self, waiting: Waiting) -> Outcome:
        """As the desk does it, for the case of the command that waits."""
        heard = HEARING.get()
        if heard is None or _CASE.get() is not None:
            return await super().see_through(waiting)
        (case,) = (case for case in heard.cases if case.command is waiting.command)
        token = _CASE.set(case)
        try:
            case.outcome = await super().see_through(waiting)
        finally:
            _CASE.reset(token)
        return case.outcome

    async def durable(self, seq: int | None = None) -> None:
        """As the desk does it; what was rendered before shows the state of this moment."""
        if seq is None:
            self._needs()
        await super().durable(seq)

    def _judge(self, command: Command) -> Decision:
        self._check_serving()
        self._do_due(self.now_ns())
        allowed = may_be(self.state, command) if isinstance(command, CancelOrder) else frozenset[str]()
        before = self._last_seq
        self.judging = command
        try:
            decision = super()._judge(command)
        finally:
            self.judging = None
        self._needs()
        self._watch.judged(self.state, command, allowed, decision, changed=self._last_seq != before)
        case = _CASE.get()
        if case is not None:
            case.ticket = decision.ticket
        outcome = decision.outcome
        if outcome is None and decision.ticket is not None:
            outcome = outcome_of(self.state, decision.ticket)
        if outcome is not None:
            self._watch.known(self.state, command, outcome)
        return decision

    async def _moved(self, basket_id: str, deadline: Deadline) -> bool:
        moved = await super()._moved(basket_id, deadline)
        self._needs()
        case = _CASE.get()
        if moved and case is not None and case.ticket is not None:
            outcome = outcome_of(self.state, case.ticket)
            if outcome is not None:
                self._watch.known(self.state, case.command, outcome)
        return moved

    def _needs(self) -> None:
        heard = HEARING.get()
        if heard is not None:
            heard.needs_seq = max(heard.needs_seq, self._last_seq)
