"""An event loop in which time is a number: nothing sleeps, no thread runs, and no socket is opened.

What is ready runs in the order in which asyncio made it so; when nothing is, time jumps to the next timer. So one
program with one seed runs the same way every time, however busy the machine is.
"""

import asyncio
import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

NS_PER_SECOND = 1_000_000_000
PRUNE_AT = 256
"""So many finished tasks are carried along before they are forgotten."""


WHILE_NS = 1_000_000
ROUNDS_MAX = 100_000
"""More rounds of the loop than this within such a while are no work but a circle."""


class Stalled(Exception):
    """Everybody waits, and for nothing that time could bring; or somebody never waits."""


class _Waiting:
    """Stands where a selector stands in other loops: to wait is to let time go by."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._since_ns = 0
        self._rounds = 0

    def select(self, timeout_s: float | None) -> list[object]:
        """Let the time go by; there is never any input."""
        if timeout_s is None:
            raise Stalled("everybody waits, and no timer is set")
        if timeout_s > 0:
            self._loop.now_ns += math.ceil(timeout_s * NS_PER_SECOND)
        self._rounds += 1
        if self._loop.now_ns - self._since_ns >= WHILE_NS:
            self._since_ns, self._rounds = self._loop.now_ns, 0
        elif self._rounds > ROUNDS_MAX:
            raise Stalled("somebody is busy for ever, and time stands still")
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop over a time that is simulated; `now_ns` counts nanoseconds from its making."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self._selector = _Waiting(self)
        # A timer is due when the clock says so, not a machine's clock tick earlier.
        self._clock_resolution = 1e-9
        self._made: list[asyncio.Task[Any]] = []
        self._prune_at = PRUNE_AT

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.now_ns / NS_PER_SECOND

    def tasks(self) -> Sequence[asyncio.Task[Any]]:
        """The tasks that are not done, oldest first: asyncio's own set has no order."""
        self._made = [task for task in self._made if not task.done()]
        return tuple(self._made)

    def create_task(self, coro: Any, **more: Any) -> asyncio.Task[Any]:
        """A task, kept in the order of its making."""
        task = super().create_task(coro, **more)
        if len(self._made) >= self._prune_at:
            self._made = [each for each in self._made if not each.done()]
            self._prune_at = 2 * len(self._made) + PRUNE_AT
        self._made.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Refused: a thread would bring the machine's own timing in."""
        raise RuntimeError("no thread runs in a simulation")

    # What BaseEventLoop leaves to its children

    def _process_events(self, events: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in a system call, so nobody has to be woken."""


class LoopClock:
    """The desk's clock: a moment in unix nanoseconds that goes on as the loop's time does."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns - loop.now_ns

    def now_ns(self) -> int:
        """Now."""
        return self._start_ns + self._loop.now_ns


@contextmanager
def no_collector() -> Iterator[None]:
    """Collect no garbage inside: a collection at a moment of its own choosing is chance, and a trial is short."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
