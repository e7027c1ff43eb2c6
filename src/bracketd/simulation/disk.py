"""A disk that is slow, full, torn or broken when the story says so, and keeps exactly what was synced.

Bytes that were written stand in the cache until a sync. A power cut keeps all that was synced and any beginning of the
rest; a sync that fails may have kept everything or nothing, and says neither.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from random import Random


class DiskFault(OSError):
    """The disk refused; what became of the bytes is not known."""


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

SYNC_S = (0.0002, 0.002)
SLOW_SYNC_S = (0.01, 0.2)
STUCK_S = 3.0


class Disk:
    """One append-only file; `faults` counts how often it refused.

    `at` is called at the points of a write; it may cut the power, and then gives something that is waited for for ever.
    """

    def __init__(self, random: Random, at: Callable[[Point], "asyncio.Future[None] | None"]) -> None:
        self.kept = bytearray()
        self.trouble: DiskTrouble | None = None
        self.faults = 0
        self._cache = b""
        self._random = random
        self._at = at

    async def append(self, frame: bytes) -> None:
        """Write and sync; raises DiskFault, after which nobody knows what is there."""
        if self.trouble is DiskTrouble.FULL:
            # A full disk takes a part of it first.
            self._cache = frame[: self._random.randrange(len(frame))]
            self.faults += 1
            raise DiskFault("no space left on the disk")
        self._cache = frame
        await self._pass(WRITTEN)
        await asyncio.sleep(self._sync_s())
        if self.trouble is DiskTrouble.FAILS_SYNC:
            self.trouble = None
            if self._random.random() < 0.5:
                self._keep()
            self.faults += 1
            raise DiskFault("the sync failed")
        self._keep()
        await self._pass(SYNCED)

    def cut_power(self) -> None:
        """What was not synced is torn somewhere."""
        self.kept += self._cache[: self._random.randint(0, len(self._cache))]
        self._cache = b""

    def _keep(self) -> None:
        self.kept += self._cache
        self._cache = b""

    def _sync_s(self) -> float:
        if self.trouble is DiskTrouble.STUCK_SYNC:
            self.trouble = None
            return STUCK_S
        return self._random.uniform(*(SLOW_SYNC_S if self.trouble is DiskTrouble.SLOW else SYNC_S))

    async def _pass(self, point: Point) -> None:
        stopped = self._at(point)
        if stopped is not None:
            await stopped
