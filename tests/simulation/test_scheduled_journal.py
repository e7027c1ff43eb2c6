"""The real SQLite journal on the simulated disk: it keeps its promise through every way in which that breaks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from bracketd.journal.protocol import Lease, Unknown
from bracketd.simulation.disk import SYNCED, WRITTEN, Disk, DiskTrouble, Point
from bracketd.simulation.file_layer import FileLayer
from bracketd.simulation.scheduled_journal import Machine, ScheduledJournal
from bracketd.simulation.virtual_loop import LoopClock, VirtualLoop


class World:
    """A loop, a disk, and the lives of a journal on it; `kept` is the last record that the disk was seen to keep."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.loop = VirtualLoop()
        clock = LoopClock(self.loop, 10**18)
        self.disk = Disk(Random(seed), clock.now_ns)
        self.points: list[Point] = []
        self.armed: Point = ""
        self.kept = 0
        self.there = asyncio.Event()
        self.machine = Machine(
            self.loop,
            FileLayer(self.disk),
            folder / f"journal-{seed}.db",
            clock.now_ns,
            self._reached,
            lambda after_seq, bodies: None,
            self._keep,
        )

    def run(self, work: Callable[["World"], Awaitable[None]]) -> None:
        """Run to the end."""

        async def whole() -> None:
            await work(self)

        with closing(self.loop):
            self.loop.run_until_complete(whole())

    async def start(self) -> tuple[ScheduledJournal, Lease]:
        """A process that may write."""
        journal = ScheduledJournal(self.machine)
        lease = await journal.acquire("test", 10)
        assert lease is not None
        return journal, lease

    def _reached(self, point: Point) -> bool:
        self.points.append(point)
        if point == self.armed:
            self.there.set()
        return point == self.armed

    def _keep(self, seq: int) -> None:
        self.kept = seq


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A sound world."""
    made = World(tmp_path)
    yield made
    made.machine.layer.unregister()


async def bodies(journal: ScheduledJournal) -> list[bytes]:
    """All that can be read."""
    return [record.body async for record in journal.read(0)]


def test_an_append_takes_the_disks_time(world: World) -> None:
    """An append is answered when its sync has ended, after both points; then the disk has nothing left to keep."""

    async def work(world: World) -> None:
        journal, lease = await world.start()
        world.points.clear()
        began_ns = world.loop.now_ns
        assert await journal.append(lease, 0, [b"a", b"b"]) == 2
        assert world.loop.now_ns - began_ns >= 200_000
        assert world.points == [WRITTEN, SYNCED]
        assert world.disk.clean
        assert world.kept == 2
        await journal.close()

    world.run(work)


@pytest.mark.parametrize("machine", [True, False])
@pytest.mark.parametrize("point", [WRITTEN, SYNCED])
def test_a_death_at_a_point_loses_nothing_that_was_answered(tmp_path: Path, point: Point, machine: bool) -> None:
    """Of the batch under way all or nothing is found, of those before it everything; after its sync it is there."""
    found: set[int] = set()

    async def work(world: World) -> None:
        journal, lease = await world.start()
        await journal.append(lease, 0, [b"a"])
        world.armed = point
        appending = asyncio.ensure_future(journal.append(lease, 1, [b"b" * 9_000, b"c" * 9_000]))
        await world.there.wait()
        (world.disk.cut_power if machine else world.disk.lose_process)()
        journal.abandon()
        world.armed = ""
        appending.cancel()
        later, lease = await world.start()
        read = await bodies(later)
        assert read in ([b"a"], [b"a", b"b" * 9_000, b"c" * 9_000])
        assert lease.last_seq == len(read)
        found.add(len(read))
        assert await later.append(lease, len(read), [b"d"]) == len(read) + 1
        await later.close()

    for seed in range(60):
        world = World(tmp_path, seed)
        world.run(work)
        world.machine.layer.unregister()
    assert found == ({1, 3} if machine and point == WRITTEN else {3})


@pytest.mark.parametrize("trouble", [DiskTrouble.FAILS_SYNC, DiskTrouble.FULL])
def test_a_disk_that_refuses_is_unknown(world: World, trouble: DiskTrouble) -> None:
    """An append that the disk refuses has an unknown outcome, and the journal takes nothing after it."""

    async def work(world: World) -> None:
        journal, lease = await world.start()
        world.disk.trouble = trouble
        with pytest.raises(Unknown):
            await journal.append(lease, 0, [b"a"])
        world.disk.trouble = None
        with pytest.raises(Unknown):
            await journal.append(lease, 0, [b"a"])
        assert world.disk.faults == 1
        assert world.kept == 0
        world.disk.cut_power()
        journal.abandon()
        later, _ = await world.start()
        assert await bodies(later) in ([], [b"a"])
        await later.close()

    world.run(work)


def test_the_log_is_copied_and_survives_a_death_in_the_middle(tmp_path: Path) -> None:
    """Wherever the power goes while many batches are written and the log is copied, all that was answered is read."""

    async def work(world: World) -> None:
        answered: list[bytes] = []
        journal, lease = await world.start()
        moments = Random(world.machine.path.name)

        async def write(batch: Sequence[bytes]) -> None:
            await journal.append(lease, len(answered), batch)
            answered.extend(batch)

        async def write_on() -> None:
            while True:
                await write([b"%06d" % len(answered) * 500, b"x"])

        for _ in range(4):
            writing = asyncio.ensure_future(write_on())
            await asyncio.sleep(moments.random() * 0.2)
            world.disk.cut_power()
            journal.abandon()
            writing.cancel()
            journal, lease = await world.start()
            read = await bodies(journal)
            assert read[: len(answered)] == answered
            assert len(read) - len(answered) in (0, 2)
            answered = read
        await journal.close()
        assert len(answered) > 100

    for seed in range(6):
        world = World(tmp_path, seed)
        world.run(work)
        world.machine.layer.unregister()
