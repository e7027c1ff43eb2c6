"""The process's one clock. Everything else is told the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in unix nanoseconds."""

    def now_ns(self) -> int:
        """Now; never earlier than what was said before."""


class MovableClock(Clock, Protocol):
    """A clock that stands still until somebody moves it."""

    def move_to(self, now_ns: int) -> None:
        """It is this moment now (unix nanoseconds); one that has gone by is left where it is."""


class VirtualClock:
    """A clock for tests and the sandbox: it goes on only when it is told to."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """The moment it was moved to last, in unix nanoseconds."""
        return self._now_ns

    def move_to(self, now_ns: int) -> None:
        """It is this moment now; never earlier than it was."""
        self._now_ns = max(self._now_ns, now_ns)


class SystemClock:
    """The machine's clock, kept from going back, also behind `not_before_ns`: the last that a journal knows of."""

    def __init__(self, not_before_ns: int = 0) -> None:
        self._last_ns = not_before_ns

    def now_ns(self) -> int:
        """Now, in unix nanoseconds; repeats itself rather than going back."""
        now_ns = time.time_ns()
        if now_ns > self._last_ns:
            self._last_ns = now_ns
        return self._last_ns
