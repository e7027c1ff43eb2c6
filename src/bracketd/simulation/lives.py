"""The lives of the server: it starts, serves, dies or is stopped, and starts again on what the disk has kept."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bracketd.domain.events import AnyEvent
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State, encode_state
from bracketd.journal.protocol import Lease
from bracketd.runtime.rates import Rates
from bracketd.simulation.archive import Archive
from bracketd.simulation.client_book import ClientBook
from bracketd.simulation.deeds import Story
from bracketd.simulation.disk import Disk, Point
from bracketd.simulation.exchange_image import differing, queues_of
from bracketd.simulation.file_layer import FileLayer
from bracketd.simulation.premises import SHARE_KEYS, sessions, shares
from bracketd.simulation.process import Process, started
from bracketd.simulation.scheduled_journal import Machine
from bracketd.simulation.virtual_loop import LoopClock, VirtualLoop
from bracketd.simulation.witness import Witness
from bracketd.venue.paper.fault_plan import FaultPlan

SEEN_TO_S = 0.005


class Lives:
    """One life after the other; `process` is the one that serves, None between two.

    `armed` is the point at which the next death comes, and `down_s` how long it lasts; `whole_machine`: whether the
    machine dies with the process. `ended` is called when a life has ended and nothing of it runs any more.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        clock: LoopClock,
        folder: Path,
        story: Story,
        witness: Witness,
        book: ClientBook,
        ended: Callable[[], None],
    ) -> None:
        self.process: Process | None = None
        self.count = 0
        self.armed: Point = ""
        self.down_s = 0.0
        self.whole_machine = True
        self.plan = FaultPlan()
        self.archive = Archive()
        self.disk = Disk(Random(f"disk {story.seed}"), clock.now_ns)
        self._machine = Machine(
            loop=loop,
            layer=FileLayer(self.disk),
            path=folder / "journal.db",
            now_ns=clock.now_ns,
            reached=self.reached,
            handed=self.archive.hand,
            kept=self.archive.keep,
        )
        self._loop = loop
        self._story = story
        self._clock = clock
        self._witness = witness
        self._book = book
        self._ended = ended
        self._deaths = Random(f"deaths {story.seed}")
        self._over = False
        self._jumps = False
        self._living: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[Process] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._before: tuple[int, bytes, list[dict[str, Any]]] | None = None

    async def begin(self) -> None:
        """The first life."""
        await self._start()
        self._living = self._loop.create_task(self._live())

    async def end(self) -> None:
        """The last one."""
        self._over = True
        await self._end_all()

    def close(self) -> None:
        """Let go of what they stood on."""
        self.disk.life += 1
        if self.process is not None:
            self.process.journal.abandon()
        self._machine.layer.unregister()

    def serves(self, process: Process) -> bool:
        """Whether this is the life in hand, and will answer."""
        return self.process is process and not process.dead and not process.desk.failure

    def misbehave(self, plan: FaultPlan) -> None:
        """The venue has another plan from now on."""
        self.plan = plan
        if self.process is not None:
            self.process.misbehave(plan)

    def cut_power(self) -> None:
        """The process dies now, also one that is still starting."""
        if self.process is not None:
            self.process.cut_power()
        elif self._starting is not None and not self._starting.done():
            self._starting.cancel()

    def reached(self, point: Point) -> bool:
        """A point at which the power may be cut; True where it just was."""
        if point != self.armed or self.process is None:
            return False
        self.armed = ""
        self.process.cut_power()
        return True

    async def jump(self, ns: int) -> None:
        """Let much time go by (nanoseconds); thousands of renewals of the lease would tell nothing, so it is let be."""
        if self._renewing is not None:
            self._renewing.cancel()
        self._jumps = True
        await asyncio.sleep(ns / 1e9)
        self._jumps = False
        if self.process is not None and (self._renewing is None or self._renewing.done()):
            self._renewing = self._loop.create_task(self.process.keep_lease())

    async def _start(self) -> None:
        process: Process | None = None
        while process is None:
            faults = self.disk.faults
            self._starting = self._loop.create_task(
                started(
                    self._machine,
                    self.archive,
                    self._recovered,
                    self._stepped,
                    self._witness.onlooker.overhear,
                    watch=self._witness,
                    instruments=shares(),
                    sessions=sessions(),
                    clock=self._clock,
                    book=self._book,
                    rates=Rates(self._story.orders_per_s, self._story.cancels_per_s),
                )
            )
            try:
                process = await self._starting
            except InvariantBroken as broken:
                self._witness.accuse(str(broken))
                return
            except asyncio.CancelledError:
                if self._over:
                    raise
                # The power went while it started.
                self._end_disk()
            except Exception as fault:  # noqa: BLE001 (whatever keeps a server from starting is a find)
                if self.disk.faults == faults:
                    self._witness.accuse(f"the server does not start again: {fault!r}")
                    return
                # Somebody sees to the disk, and starts it once more; meanwhile it finishes what it began.
                await asyncio.sleep(self._deaths.uniform(0, SEEN_TO_S))
                self._end_disk()
        self.process = process
        self.count += 1
        process.misbehave(self.plan)
        self._loop.create_task(process.keep_timing())
        # One that came back in the middle of a jump begins with it when the jump has ended.
        self._renewing = None if self._jumps else self._loop.create_task(process.keep_lease())

    def _recovered(self, state: State, lease: Lease) -> None:
        self._witness.say(lambda: self.archive.check_equal(state, lease.last_seq))
        self._witness.onlooker.begin_again(state)
        self._witness.survived(state)

    async def _live(self) -> None:
        """Each life, until it ends; then another begins."""
        while self.process is not None:
            process, faults = self.process, self.disk.faults
            died = self._loop.create_task(process.desk.wait_failed())
            await asyncio.wait({died, process.power}, return_when=asyncio.FIRST_COMPLETED)
            if self._over:
                return
            if process.desk.failure and not process.dead:
                # A disk that refuses is a good reason, and the only one.
                if self.disk.faults == faults or "journal failed" not in process.desk.failure:
                    self._witness.accuse(f"the server stopped itself: {process.desk.failure}")
                # What is in flight is told so, and then the process ends.
                await asyncio.sleep(0.001)
            process.dead = True
            process.drop_lines()
            self.process = None
            self._witness.hashed("died", self._loop.now_ns, process.desk.failure)
            queues = [queues_of(process.exchange, key) for key in SHARE_KEYS]
            self._before = (process.desk.last_seq, encode_state(process.desk.state), queues)
            await self._end_all()
            self._end_disk()
            process.journal.abandon()
            await asyncio.sleep(self.down_s)
            await self._start()
            self._compare_queues()

    def _end_disk(self) -> None:
        """What a death leaves of the disk: of a process all that it asked for, of a machine what was synced."""
        if self.whole_machine:
            self.disk.cut_power()
        else:
            self.disk.lose_process()
        self.disk.trouble = None
        self.whole_machine = self._deaths.random() < 0.5

    async def _end_all(self) -> None:
        """Everything that runs in the server, or waits for it, ends here."""
        tasks = self._loop.tasks()
        keep = {asyncio.current_task(), self._living, *tasks[:1]}
        others = [task for task in tasks if task not in keep]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._ended()

    def _compare_queues(self) -> None:
        """Nothing was lost that had been decided: then everybody stands in the queue where he stood (20)."""
        process = self.process
        if self._before is None or process is None:
            return
        seq, state, queues = self._before
        self._before = None
        if seq == self.archive.seq and state == encode_state(process.desk.state):
            now = [queues_of(process.exchange, key) for key in SHARE_KEYS]
            if now != queues:
                self._witness.accuse(f"after a restart queues differ (20): {differing(queues, now)}")

    def _stepped(self, seq: int, events: list[AnyEvent]) -> None:
        process = self.process
        if process is not None and not process.dead:
            desk = process.desk
            self._witness.stepped(desk.state, process.exchange, seq, events, desk.judging)
