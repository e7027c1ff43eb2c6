"""The simulated disk keeps what was synced, loses what was not, and breaks in every way it should."""

from itertools import pairwise
from random import Random

import pytest

from bracketd.simulation.disk import REMEMBERED, STUCK_NS, Disk, DiskFault, DiskFile, DiskFull, DiskTrouble


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


def failed(seed: int) -> tuple[Disk, Hours, DiskFile]:
    """A disk that has kept `first` and `after`, and failed to sync `12` and `45` over a part of each."""
    disk, hours, file = opened(seed)
    disk.write(file, 0, b"first")
    disk.write(file, 5, b"after")
    disk.sync(file)
    hours.now_ns = disk.busy_until_ns
    disk.write(file, 0, b"12")
    disk.write(file, 5, b"45")
    disk.trouble = DiskTrouble.FAILS_SYNC
    with pytest.raises(DiskFault):
        disk.sync(file)
    assert disk.faults == 1
    return disk, hours, file


def test_a_sync_that_failed_is_not_tried_again() -> None:
    """A failed sync keeps all, nothing or a part; the next one brings no more and succeeds; writing anew does."""
    outcomes = set()
    for seed in range(80):
        disk, hours, file = failed(seed)
        disk.sync(file)
        hours.now_ns = disk.busy_until_ns
        outcomes.add((disk.clean, bytes(file.kept)))
        assert not file.unsynced
        disk.write(file, 0, b"first")
        disk.write(file, 5, b"after")
        disk.sync(file)
        hours.now_ns = disk.busy_until_ns
        assert disk.clean
        assert bytes(file.kept) == bytes(file.seen) == b"firstafter"
    kept = {content for _, content in outcomes}
    assert kept > {b"12rst45ter", b"firstafter", b"12rstafter", b"first45ter", b"1irst45ter", b"12rst4fter"}
    assert (True, b"12rst45ter") in outcomes
    assert (False, b"firstafter") in outcomes


def test_what_a_failed_sync_lost_is_seen_until_it_is_forgotten() -> None:
    """The cache shows it for ever, or not at all, or for a while; then the disk's bytes are seen, at once in all."""
    looks = set()
    for seed in range(200):
        disk, _, file = failed(seed)
        shown = [disk.read(file, 0, 10) for _ in range(REMEMBERED + 1)]
        disk.cut_power()
        assert shown[0] in (b"12rst45ter", bytes(file.seen))
        assert shown[-1] in (b"12rst45ter", bytes(file.seen))
        changes = sum(earlier != later for earlier, later in pairwise(shown))
        assert changes <= 1
        if bytes(file.seen) == b"firstafter":
            looks.add((shown[0] == b"12rst45ter", shown[-1] == b"12rst45ter"))
    assert looks == {(True, True), (False, False), (True, False)}


def test_what_is_written_anew_is_not_forgotten() -> None:
    """A place that was lost and then written again waits for its sync like any other; the rest is forgotten."""
    for seed in range(200):
        disk, _, file = failed(seed)
        disk.write(file, 6, b"6")
        for _ in range(REMEMBERED):
            disk.read(file, 0, 10)
        assert disk.read(file, 6, 1) == b"6"
        disk.cut(file, 5)
        assert disk.read(file, 0, 10)[2:] == b"rst"


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
