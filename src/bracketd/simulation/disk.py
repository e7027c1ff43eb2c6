"""A disk that is slow, full, torn or broken when the story says so, and keeps exactly what was synced.

What is written stands in the machine's cache until a sync has ended. A power cut keeps all that was synced; of the rest
it keeps any part, in any order, and tears some of it. A killed process leaves the cache as it is.

A sync that fails may have kept everything, nothing or any part, tells which to nobody, and the next one does not try
again, and succeeds: so Linux does it, which marks what it could not write as written. What was lost is read from the
cache until the machine wants the memory, which may be never, at once, or in the middle of what is done later; from
then on it is read from the disk. A file's name is kept at once.
"""

import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from random import Random
from typing import NamedTuple


class DiskFault(OSError):
    """The disk refused; what became of the bytes is not known."""


class DiskFull(DiskFault):
    """There was room for a part of it."""


class DiskTrouble(StrEnum):
    """What can be wrong with a disk from some moment on."""

    SLOW = "slow"
    STUCK_SYNC = "stuck sync"
    FAILS_SYNC = "fails a sync"
    FULL = "full"


Point = str
WRITTEN, SYNCED = "written, not synced", "synced, not told"
BEFORE_REPLY, AFTER_REPLY = "before a reply", "after a reply"
POINTS = (WRITTEN, SYNCED, BEFORE_REPLY, AFTER_REPLY)
"""The places at which a power cut hurts most."""

SYNC_NS = (200_000, 2_000_000)
SLOW_SYNC_NS = (10_000_000, 200_000_000)
STUCK_NS = 3_000_000_000

REMEMBERED = 60
"""After at most so many reads, writes and syncs a cache forgets what a failed sync lost, where it forgets it at all."""


class Change(NamedTuple):
    """Bytes that were written at a place, or, where there are none, the length to which the file was cut."""

    at_ns: int
    offset: int
    data: bytes | None


class _Sync(NamedTuple):
    """A sync that is under way, and what it will have kept at its end."""

    begins_ns: int
    ends_ns: int
    file: "DiskFile"
    changes: list[Change]


class DiskFile:
    """One file: as every process sees it, as it is kept, and the changes that no sync has begun to keep.

    `lost` are the places (from, to) whose bytes stand in the cache alone, although no sync will keep them any more.
    """

    def __init__(self) -> None:
        self.seen = bytearray()
        self.kept = bytearray()
        self.unsynced: list[Change] = []
        self.lost: list[tuple[int, int]] = []


class Disk:
    """Files by their names. `faults` counts how often the disk refused, `life` the processes that used it.

    A write takes no time and a sync takes some, so what one job writes and syncs ends at `busy_until_ns`, although the
    job that asked is run at one moment; a power cut before that end finds the disk as it was at the cut.
    """

    def __init__(self, random: Random, now_ns: Callable[[], int]) -> None:
        self.files: dict[str, DiskFile] = {}
        self.trouble: DiskTrouble | None = None
        self.faults = 0
        self.life = 0
        self.busy_until_ns = 0
        self._random = random
        self._now_ns = now_ns
        self._syncs: list[_Sync] = []
        self._deleted: list[tuple[int, str, DiskFile]] = []
        self._doubtful = False
        self._forgets_in = 0

    @property
    def clean(self) -> bool:
        """Whether all that was written is kept."""
        self._end_syncs()
        if self._syncs or any(file.unsynced for file in self.files.values()):
            return False
        if self._doubtful:
            # A sync has failed since: what it left in the cache alone was perhaps written again.
            self._doubtful = any(file.seen != file.kept for file in self.files.values())
        return not self._doubtful

    def read(self, file: DiskFile, offset: int, size: int) -> bytes:
        """Bytes as the machine shows them: from its cache, or from the disk what the cache has forgotten."""
        if self._forgets_in:
            self._grow_older()
        return bytes(file.seen[offset : offset + size])

    def write(self, file: DiskFile, offset: int, data: bytes) -> None:
        """Put bytes into the cache; raises DiskFull."""
        if self._forgets_in:
            self._grow_older()
        if self.trouble is DiskTrouble.FULL:
            # A full disk takes a part of it first.
            self._change(file, offset, data[: self._random.randrange(len(data))])
            self.faults += 1
            raise DiskFull("no space left on the disk")
        self._change(file, offset, data)

    def cut(self, file: DiskFile, size: int) -> None:
        """Cut a file to a size (bytes)."""
        self._change(file, size, None)

    def delete(self, name: str) -> None:
        """Forget a file, if it is there; it is gone for good when the syncs that were asked for before have ended."""
        file = self.files.pop(name, None)
        if file is not None:
            self._deleted.append((self._free_ns(), name, file))

    def sync(self, file: DiskFile) -> None:
        """Begin to keep what was written; it is kept at `busy_until_ns`. Raises DiskFault."""
        self._end_syncs()
        if self._forgets_in:
            self._grow_older()
        changes, file.unsynced = file.unsynced, []
        begins_ns = self._free_ns()
        if self.trouble is DiskTrouble.FAILS_SYNC:
            self.trouble = None
            self.faults += 1
            self._doubtful = True
            self._lose(file, changes, begins_ns)
            raise DiskFault("the sync failed")
        self.busy_until_ns = begins_ns + self._sync_ns()
        self._syncs.append(_Sync(begins_ns, self.busy_until_ns, file, changes))

    def lose_process(self) -> None:
        """The process dies: what it had asked for is done, and the cache is the machine's."""
        self.life += 1

    def cut_power(self) -> None:
        """The machine dies: of what was not synced any part stays, and some of it is torn."""
        self.life += 1
        self._end_syncs()
        now_ns = self._now_ns()
        for at_ns, name, file in self._deleted:
            if at_ns > now_ns:
                self.files[name] = file
        for sync in self._syncs:
            _apply(sync.file.kept, self._survivors(sync.changes, now_ns))
        self._syncs.clear()
        for file in self.files.values():
            _apply(file.kept, self._survivors(file.unsynced, now_ns))
            file.unsynced.clear()
            file.lost.clear()
            file.seen = bytearray(file.kept)
        self._forgets_in = 0
        self._deleted.clear()
        self.busy_until_ns = now_ns

    def _free_ns(self) -> int:
        now_ns = self._now_ns()
        return now_ns if now_ns > self.busy_until_ns else self.busy_until_ns

    def _change(self, file: DiskFile, offset: int, data: bytes | None) -> None:
        change = Change(self._free_ns(), offset, data)
        file.unsynced.append(change)
        _apply(file.seen, (change,))
        if file.lost:
            # What is written anew waits for a sync again, and what is cut off is gone.
            end = offset + len(data) if data is not None else sys.maxsize
            file.lost = [piece for place in file.lost for piece in _without(place, offset, end)]

    def _lose(self, file: DiskFile, changes: list[Change], now_ns: int) -> None:
        """A sync fails: what is left of its changes is kept, and how long the cache shows the rest is drawn by lot."""
        random = self._random
        kept = random.choice((1.0, 0.0, 0.7, 0.3))
        left = []
        for change in changes:
            if random.random() < kept:
                left.append(change)
                continue
            if change.data is not None:
                file.lost.append((change.offset, change.offset + len(change.data)))
            if kept and random.random() < kept:
                left.append(self._torn(change))
        if left:
            self._syncs.append(_Sync(now_ns, now_ns, file, left))
        fate = random.random()
        if fate < 0.3:
            self._forget()
        elif fate < 0.8:
            self._forgets_in = random.randint(1, REMEMBERED)

    def _grow_older(self) -> None:
        """One thing more is asked of the disk; what was lost may be forgotten before it is done."""
        self._forgets_in -= 1
        if not self._forgets_in:
            self._forget()

    def _forget(self) -> None:
        """The cache wants its memory: what it alone still shows is read from the disk from now on."""
        for file in self.files.values():
            if not file.lost:
                continue
            on_disk = bytearray(file.kept)
            for sync in self._syncs:
                if sync.file is file:
                    _apply(on_disk, sync.changes)
            on_disk.extend(bytes(max(0, len(file.seen) - len(on_disk))))
            for begin, end in file.lost:
                file.seen[begin:end] = on_disk[begin:end]
            file.lost.clear()

    def _end_syncs(self) -> None:
        """Keep what ended by now, in the order in which it was asked for."""
        now_ns = self._now_ns()
        while self._syncs and self._syncs[0].ends_ns <= now_ns:
            sync = self._syncs.pop(0)
            _apply(sync.file.kept, sync.changes)

    def _survivors(self, changes: list[Change], now_ns: int) -> list[Change]:
        """What a power cut leaves of changes that were on their way, in the order in which they were made."""
        written = [change for change in changes if change.at_ns <= now_ns]
        if not written:
            return []
        random = self._random
        if random.random() < 0.5:
            # They went out in their order, and perhaps the last was torn.
            written = written[: random.randint(1, len(written))]
            return written if random.random() < 0.5 else [*written[:-1], self._torn(written[-1])]
        return [change if random.random() < 0.7 else self._torn(change) for change in written if random.random() < 0.5]

    def _torn(self, change: Change) -> Change:
        if change.data is None:
            return change
        return change._replace(data=change.data[: self._random.randint(0, len(change.data))])

    def _sync_ns(self) -> int:
        if self.trouble is DiskTrouble.STUCK_SYNC:
            self.trouble = None
            return STUCK_NS
        return self._random.randint(*(SLOW_SYNC_NS if self.trouble is DiskTrouble.SLOW else SYNC_NS))


def _without(place: tuple[int, int], begin: int, end: int) -> list[tuple[int, int]]:
    """What is left of a place (from, to) without the bytes from `begin` to `end`."""
    pieces = ((place[0], min(place[1], begin)), (max(place[0], end), place[1]))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _apply(content: bytearray, changes: Iterable[Change]) -> None:
    for _, offset, data in changes:
        if data is None:
            del content[offset:]
            continue
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
