"""The journal on the simulated disk keeps the protocol's promise, and the disk breaks in every way it should."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from bracketd.journal.protocol import Fenced, JournalDamaged, Lease, Unknown
from bracketd.simulation.disk import Disk, DiskTrouble
from bracketd.simulation.disk_journal import DiskJournal, Platter


async def opened(disk: Disk) -> tuple[Platter, DiskJournal, Lease]:
    """A journal that may be written."""
    platter = Platter(disk)
    journal = DiskJournal(platter)
    lease = await journal.acquire("test", 10)
    assert lease is not None
    return platter, journal, lease


@pytest.fixture
def disk() -> Disk:
    """A sound disk."""
    return Disk(Random(1), lambda point: None)


async def bodies(journal: DiskJournal) -> list[bytes]:
    """All that can be read."""
    return [record.body async for record in journal.read(0)]


async def test_what_was_appended_is_read(disk: Disk) -> None:
    """Batches come back as records in order, also to a process that starts later."""
    _, journal, lease = await opened(disk)
    assert await journal.append(lease, 0, [b"a", b"b"]) == 2
    assert await journal.append(lease, 2, [b"c"]) == 3
    _, later, lease = await opened(disk)
    assert lease.last_seq == 3
    assert await bodies(later) == [b"a", b"b", b"c"]


async def test_a_torn_group_was_never_written(disk: Disk) -> None:
    """Of a group that a power cut tore nothing is read, wherever it was torn, and the next one takes its place."""
    _, journal, lease = await opened(disk)
    await journal.append(lease, 0, [b"a"])
    whole = len(disk.kept)
    await journal.append(lease, 1, [b"b", b"c"])
    end = len(disk.kept)
    for torn_at in range(whole, end):
        half = Disk(Random(1), lambda point: None)
        half.kept += disk.kept[:torn_at]
        _, later, lease = await opened(half)
        assert await bodies(later) == [b"a"]
        assert await later.append(lease, 1, [b"d"]) == 2


@pytest.mark.parametrize("trouble", [DiskTrouble.FAILS_SYNC, DiskTrouble.FULL])
async def test_a_disk_that_refuses_is_unknown(disk: Disk, trouble: DiskTrouble) -> None:
    """An append that the disk refuses has an unknown outcome, and the journal takes nothing after it."""
    _, journal, lease = await opened(disk)
    disk.trouble = trouble
    with pytest.raises(Unknown):
        await journal.append(lease, 0, [b"a"])
    disk.trouble = None
    with pytest.raises(Unknown):
        await journal.append(lease, 0, [b"a"])
    assert disk.faults == 1


async def test_a_former_life_is_fenced(disk: Disk) -> None:
    """Whoever has been replaced, or is wrong about the end, writes nothing."""
    platter, journal, lease = await opened(disk)
    newer = DiskJournal(platter)
    again = await newer.acquire("test", 10)
    assert again is not None
    with pytest.raises(Fenced):
        await journal.append(lease, 0, [b"a"])
    with pytest.raises(Fenced):
        await newer.append(again, 5, [b"a"])
    assert disk.kept == b""


@pytest.mark.parametrize("spoil", [lambda kept: kept.__setitem__(-1, kept[-1] ^ 1), lambda kept: kept.__delitem__(0)])
async def test_damage_is_seen(disk: Disk, spoil: Callable[[bytearray], Any]) -> None:
    """A changed byte, or a missing one, is never read as a record."""
    _, journal, lease = await opened(disk)
    await journal.append(lease, 0, [b"first"])
    spoil(disk.kept)
    try:
        _, later, _ = await opened(disk)
    except JournalDamaged:
        return
    assert await bodies(later) == []
