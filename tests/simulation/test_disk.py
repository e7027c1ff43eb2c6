"""The simulated disk keeps what was synced, loses what was not, and breaks in every way it should."""

from random import Random

import pytest

from bracketd.simulation.disk import STUCK_NS, Disk, DiskFault, DiskFile, DiskFull, DiskTrouble


class Hours:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_ns = 1_000

    def __call__(self) -> int:
        """Now."""
        return self.now_ns


def opened(seed: int = 1) -> tuple[Disk, Hours, DiskFile]:
    """A sound disk, its clock, and a file on it."""
    hours = Hours()
    disk = Disk(Random(seed), hours)
    return disk, hours, disk.files.setdefault("a", DiskFile())


def test_what_was_synced_stays() -> None:
    """Bytes are seen at once, and kept when their sync has ended: a power cut after that takes nothing."""
    disk, hours, file = opened()
    disk.write(file, 0, b"first")
    assert (bytes(file.seen), bytes(file.kept), disk.clean) == (b"first", b"", False)
    disk.sync(file)
    hours.now_ns = disk.busy_until_ns
    assert disk.clean
    disk.cut_power()
    assert bytes(file.seen) == b"first"


def test_a_power_cut_takes_any_part_of_the_rest() -> None:
    """Of what was not synced everything, nothing and torn parts are left, by the seed; what was synced always is."""
    left = set()
    for seed in range(60):
        disk, hours, file = opened(seed)
        disk.write(file, 0, b"kept")
        disk.sync(file)
        hours.now_ns = disk.busy_until_ns
        disk.write(file, 4, b"more")
        disk.sync(file)
        disk.write(file, 8, b"late")
        disk.cut_power()
        left.add(bytes(file.seen))
        assert bytes(file.seen).startswith(b"kept")
        # It was to be written when the sync before it had ended, and that never came.
        assert b"l" not in file.seen
    assert {b"kept", b"keptmore"} < left
    assert len(left) > 3


def test_a_killed_process_leaves_the_cache() -> None:
    """What a process wrote is seen by the next one; on disk it is when somebody syncs."""
    disk, hours, file = opened()
    disk.write(file, 0, b"first")
    disk.lose_process()
    assert bytes(file.seen) == b"first"
    disk.sync(file)
    hours.now_ns = disk.busy_until_ns
    assert disk.clean
    assert bytes(file.kept) == b"first"


def test_a_sync_that_failed_is_not_tried_again() -> None:
    """After a failed sync the bytes are seen, may be lost, and the next sync does not bring them; writing anew does."""
    outcomes = set()
    for seed in range(20):
        disk, hours, file = opened(seed)
        disk.write(file, 0, b"first")
        disk.trouble = DiskTrouble.FAILS_SYNC
        with pytest.raises(DiskFault):
            disk.sync(file)
        disk.sync(file)
        hours.now_ns = disk.busy_until_ns
        outcomes.add((disk.clean, bytes(file.kept)))
        disk.write(file, 0, b"first")
        disk.sync(file)
        hours.now_ns = disk.busy_until_ns
        assert disk.clean
        assert disk.faults == 1
    assert outcomes == {(False, b""), (True, b"first")}


def test_a_full_disk_takes_a_part() -> None:
    """A disk without room takes a part of what is written, and says so."""
    disk, _, file = opened()
    disk.trouble = DiskTrouble.FULL
    with pytest.raises(DiskFull):
        disk.write(file, 0, b"first")
    assert b"first".startswith(bytes(file.seen))
    assert len(file.seen) < 5


def test_a_sync_takes_its_time() -> None:
    """A sync that is stuck ends long after one that is not, and one sync follows the other."""
    disk, hours, file = opened()
    disk.sync(file)
    first_ns = disk.busy_until_ns
    assert hours.now_ns < first_ns < hours.now_ns + STUCK_NS / 100
    disk.trouble = DiskTrouble.STUCK_SYNC
    disk.sync(file)
    assert disk.busy_until_ns == first_ns + STUCK_NS
    assert disk.trouble is None


def test_a_file_is_cut_and_deleted() -> None:
    """A file is cut to a size, also for the next process once that is synced, and is gone when it was deleted."""
    disk, hours, file = opened()
    disk.write(file, 3, b"first")
    disk.cut(file, 4)
    assert bytes(file.seen) == b"\0\0\0f"
    disk.sync(file)
    hours.now_ns = disk.busy_until_ns
    disk.cut_power()
    assert bytes(file.seen) == b"\0\0\0f"
    disk.delete("a")
    disk.delete("a")
    assert not disk.files
