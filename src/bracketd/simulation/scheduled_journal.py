"""The SQLite journal without its thread: each job is done at a moment of the simulated clock, on the simulated disk.

Everything else is the real one: the jobs, their order, the statements, the log and its copying, the reader. What a job
writes and syncs takes the disk's time, and its answer comes when that has gone by.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import apsw

from bracketd.database.write_ahead_log import let_go
from bracketd.journal.protocol import Lease
from bracketd.journal.reader import Reader
from bracketd.journal.sqlite import SqliteJournal
from bracketd.journal.writer import Writer
from bracketd.simulation.disk import SYNCED, WRITTEN, Point
from bracketd.simulation.file_layer import FileLayer
from bracketd.simulation.virtual_loop import VirtualLoop

CHECKPOINT_BYTES = 256 * 1024
"""A simulated log is copied far sooner than a real one, so that copying is tried at all."""

WAKE_S = 0.00003
"""How long it takes until the writer looks at a job that it was given while it had none."""


class Machine(NamedTuple):
    """What a journal stands on. `reached` is told of the points of a write; True from it means that power is out.

    `handed` hears of each batch before it is written: the sequence that it follows, and its bodies; `kept` of each that
    was answered when the disk had nothing left to sync: its last sequence.
    """

    loop: VirtualLoop
    layer: FileLayer
    path: Path
    now_ns: Callable[[], int]
    reached: Callable[[Point], bool]
    handed: Callable[[int, Sequence[bytes]], None]
    kept: Callable[[int], None]


class ScheduledJournal(SqliteJournal):
    """The journal of one simulated process."""

    def __init__(self, machine: Machine) -> None:
        # Not super().__init__: it would start a thread.
        self._clock_ns = machine.now_ns
        self.writer = ScheduledWriter(machine)
        self._writer = self.writer
        self._reader = Reader(machine.path, machine.layer.name)

    def abandon(self) -> None:
        """The process is dead: nothing is answered any more, and its files are let go."""
        self.writer.dead = True
        self._reader.close()
        self.writer.let_go()


class ScheduledWriter(Writer):
    """The writer, its jobs done by the event loop one after the other."""

    def __init__(self, machine: Machine) -> None:
        self.dead = False
        self._machine = machine
        self._waiting: deque[tuple[Callable[[], object], asyncio.Future[Any]]] = deque()
        self._works = False
        self._appended_seq = 0
        super().__init__(machine.path, machine.layer.name, machine.now_ns(), _nobody)

    def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """As the writer does it; the bodies are noted."""
        self._machine.handed(expected_seq, bodies)
        self._appended_seq = super().append(lease, expected_seq, bodies)
        return self._appended_seq

    def let_go(self) -> None:
        """Close the files as they are."""
        if self._closed:
            return
        let_go(self._connection)

    def _run(self, connect: Callable[[], apsw.Connection], opened: "Future[apsw.Connection]") -> None:
        """Open; the jobs are done one by one as they come."""
        try:
            self._connection = connect()
        except BaseException as error:  # noqa: BLE001 (whoever waits for the opening must hear how it ended)
            opened.set_exception(error)
            return
        opened.set_result(self._connection)

    def _enqueue(self, job: Callable[[], object]) -> "asyncio.Future[Any]":
        """Hand the job on."""
        future: asyncio.Future[Any] = self._machine.loop.create_future()
        self._waiting.append((job, future))
        if not self._works:
            self._works = True
            self._machine.loop.call_later(WAKE_S, self._work)
        return future

    def _work(self) -> None:
        """Do one job now, and answer it when the disk has done its part."""
        if self.dead:
            return
        machine = self._machine
        job, future = self._waiting.popleft()
        held = _Held()
        self._appended_seq = 0
        began_s = machine.loop.time()
        self._answer(job, held)  # type: ignore[arg-type]
        ends_s = began_s + max(0, machine.layer.disk.busy_until_ns - machine.now_ns()) / 1e9
        machine.loop.call_at((began_s + ends_s) / 2, self._reach, WRITTEN)
        machine.loop.call_at(ends_s, self._tell, future, held, self._appended_seq)

    def _reach(self, point: Point) -> bool:
        """Be at a point; True where nobody hears of what follows."""
        return self.dead or self._machine.reached(point)

    def _tell(self, future: "asyncio.Future[Any]", held: "_Held", appended_seq: int) -> None:
        """The disk has done its part: answer, and go on."""
        machine = self._machine
        if self.dead:
            return
        if appended_seq and machine.layer.disk.clean:
            machine.kept(appended_seq)
        if self._reach(SYNCED):
            return
        held.tell(future)
        if self._logged_bytes >= CHECKPOINT_BYTES and self.stopped is None:
            self._checkpoint()
        self._works = bool(self._waiting)
        if self._works:
            busy_s = max(0, machine.layer.disk.busy_until_ns - machine.now_ns()) / 1e9
            machine.loop.call_later(max(WAKE_S, busy_s), self._work)


class _Held:
    """Stands where a future stands: what came of a job is kept until its time."""

    def __init__(self) -> None:
        self._answer: tuple[Callable[..., None], tuple[Any, ...]] | None = None

    def get_loop(self) -> "_Held":
        """The loop that would be woken."""
        return self

    def call_soon_threadsafe(self, settle: Callable[..., None], future: object, *outcome: Any) -> None:
        """Keep it."""
        self._answer = (settle, outcome)

    def tell(self, future: "asyncio.Future[Any]") -> None:
        """Give it to whom it belongs."""
        if self._answer is not None:
            settle, outcome = self._answer
            settle(future, *outcome)


class _Nobody(Thread):
    """A thread that never is one: what it should run is run where it is started."""

    def __init__(self, run: Callable[[], None]) -> None:
        super().__init__()
        self._do = run

    def start(self) -> None:
        """Run at once."""
        self._do()

    def join(self, timeout: float | None = None) -> None:
        """It has ended."""


def _nobody(run: Callable[[], None]) -> Thread:
    return _Nobody(run)
