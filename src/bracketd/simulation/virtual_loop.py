"""An event loop in which time is a number: nothing sleeps, no thread runs, and no socket is opened.

What is ready runs in the order in which asyncio made it so; when nothing is, time jumps to the next timer. So one
program with one seed runs the same way every time, however busy the machine is.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from math import ceil
from typing import Any

NS_PER_SECOND = 1_000_000_000
PRUNE_AT = 256
"""So many finished tasks are carried along before they are forgotten."""


WHILE_NS = 1_000_000
ROUNDS_MAX = 100_000
"""More rounds of the loop than this within such a while are no work but a circle."""

LONGEST_WAIT_S = 24 * 3_600
MANY_TIMERS, DROPPED_SHARE = 100, 0.5
"""asyncio's own numbers: of what it waits at once, and of timers that were let be."""


class Stalled(Exception):
    """Everybody waits, and for nothing that time could bring; or somebody never waits."""


class _Call:
    """A call that is to be made, as soon as the loop comes to it."""

    __slots__ = ("args", "call", "context", "dropped")

    def __init__(self, call: Callable[..., object], args: tuple[Any, ...], context: Context) -> None:
        self.call = call
        self.args = args
        self.context = context
        self.dropped = False

    def cancel(self) -> None:
        """Let it be."""
        self.dropped = True

    def cancelled(self) -> bool:
        """Whether it is let be."""
        return self.dropped


class _Timer(float):
    """A call and its moment, which is what it is compared by: two of one moment are equals, as asyncio's are."""

    __slots__ = ("args", "call", "context", "dropped", "loop")

    call: Callable[..., object]
    args: tuple[Any, ...]
    context: Context
    dropped: bool
    loop: "VirtualLoop | None"

    def cancel(self) -> None:
        """Let it be."""
        if not self.dropped:
            self.dropped = True
            if self.loop is not None:
                self.loop.dropped += 1

    def cancelled(self) -> bool:
        """Whether it is let be."""
        return self.dropped

    def when(self) -> float:
        """Its moment, in the loop's seconds."""
        return float(self)


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's loop over a time that is simulated; `now_ns` counts nanoseconds from its making.

    Its rounds are those of asyncio, one for one, without what only an input or a debugger would need. `dropped` timers
    are still in the heap.
    """

    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.dropped = 0
        self._calls: deque[_Call | _Timer] = deque()
        self._timers: list[_Timer] = []
        self._since_ns = 0
        self._rounds = 0
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
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **more)
        if len(self._made) >= self._prune_at:
            self._made = [each for each in self._made if not each.done()]
            self._prune_at = 2 * len(self._made) + PRUNE_AT
        self._made.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Call:
        """Call in the next round."""
        made = _Call(callback, args, copy_context() if context is None else context)
        self._calls.append(made)
        return made

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Timer:
        """Call when that moment has come."""
        made = _Timer(when)
        made.call, made.args, made.context = callback, args, copy_context() if context is None else context
        made.dropped, made.loop = False, self
        heappush(self._timers, made)
        return made

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Timer:
        """Call when so much time has gone by."""
        return self.call_at(self.now_ns / NS_PER_SECOND + delay, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Refused: a thread would bring the machine's own timing in."""
        raise RuntimeError("no thread runs in a simulation")

    def close(self) -> None:
        """Nothing is called any more."""
        self._calls.clear()
        self._timers.clear()
        super().close()

    def _run_once(self) -> None:
        """One round: let the time go by if nothing is ready, and make the calls that are."""
        calls, timers = self._calls, self._timers
        if timers and (timers[0].dropped or len(timers) > MANY_TIMERS):
            self._forget_dropped()
        if not calls and not self._stopping:
            if not timers:
                raise Stalled("everybody waits, and no timer is set")
            wait_s = timers[0] - self.now_ns / NS_PER_SECOND
            if wait_s > 0:
                self.now_ns += ceil(min(wait_s, LONGEST_WAIT_S) * NS_PER_SECOND)
        self._rounds += 1
        if self.now_ns - self._since_ns >= WHILE_NS:
            self._since_ns, self._rounds = self.now_ns, 0
        elif self._rounds > ROUNDS_MAX:
            raise Stalled("somebody is busy for ever, and time stands still")
        # A timer is due when the clock says so, not a machine's clock tick earlier.
        end_s = self.now_ns / NS_PER_SECOND + 1e-9
        while timers and timers[0] < end_s:
            due = heappop(timers)
            due.loop = None
            calls.append(due)
        # What these calls bring about is for the next round.
        for _ in range(len(calls)):
            made = calls.popleft()
            if made.dropped:
                continue
            try:
                made.context.run(made.call, *made.args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 (asyncio has whatever a call raises told to the handler)
                self.call_exception_handler({"message": f"Exception in callback {made.call!r}", "exception": error})

    def _forget_dropped(self) -> None:
        """Timers that were let be go when they are next, or when they are many: when asyncio does it."""
        timers = self._timers
        if len(timers) > MANY_TIMERS and self.dropped / len(timers) > DROPPED_SHARE:
            for timer in timers:
                if timer.dropped:
                    timer.loop = None
            timers[:] = [timer for timer in timers if not timer.dropped]
            heapify(timers)
            self.dropped = 0
            return
        while timers and timers[0].dropped:
            self.dropped -= 1
            heappop(timers).loop = None


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
