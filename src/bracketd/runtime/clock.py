"""The process's one clock. Everything else is told the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in unix nanoseconds."""

    def now_ns(self) -> int:
        """Now; never earlier than what was said before."""


class SystemClock:
    """The machine's clock, kept from going back."""

    def __init__(self) -> None:
        self._last_ns = 0

    def now_ns(self) -> int:
        """Now, in unix nanoseconds; repeats itself rather than going back."""
        self._last_ns = max(self._last_ns, time.time_ns())
        return self._last_ns
