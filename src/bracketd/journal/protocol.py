"""The journal keeps records: all or nothing, in order, and on disk before anybody hears of them.

A record is one step of the engine: opaque bytes, the atomic unit, numbered 1, 2, 3 and so on without holes. Whoever
appends holds a lease; its epoch and the sequence it expects are checked inside every append (scale-out.md section 5),
so an owner that was replaced can write nothing, however late it wakes up. The time in a lease serves liveness only;
safety is the epoch.

An append has three outcomes and no fourth: it returns, and the records are durable; it raises Fenced, and nothing was
written; it raises Unknown, and whether anything was written is for a restart to find out.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct


class Fenced(Exception):
    """Another owner holds the journal, or its end is not where the caller believes: nothing was written.

    Stop and acknowledge nothing. The state in memory may be ahead of the journal; only a new start can mend that.
    """


class Unknown(Exception):
    """Nobody knows whether the records are on disk: never acknowledge them, never try them again blindly.

    The journal that raised it from something that writes records refuses whatever comes after; one in a file, from
    anything at all. Restart, acquire a new lease, read the end and compare.
    """


class JournalTooNew(Exception):
    """The journal was written by a later program, in a format this one does not know."""

    def __init__(self, found_format: int, known_format: int) -> None:
        super().__init__(f"the journal has format {found_format}, this program knows formats up to {known_format}")
        self.found_format = found_format
        self.known_format = known_format


class JournalDamaged(Exception):
    """The journal is not what was written; `seq` is the first record concerned, None where no record is."""

    def __init__(self, fault: str, seq: int | None = None) -> None:
        super().__init__(fault if seq is None else f"record {seq}: {fault}")
        self.fault = fault
        self.seq = seq


class Trimmed(Exception):
    """Records were asked for that have been removed since a snapshot stands for them; `first_seq` is the first left."""

    def __init__(self, first_seq: int) -> None:
        super().__init__(f"the records before {first_seq} were removed, a snapshot stands for them")
        self.first_seq = first_seq


class FolderInUse(Exception):
    """Another living process holds the data folder."""


class Record(Struct, frozen=True, gc=False):
    """One durable step: its sequence (from 1), the epoch of the owner that wrote it, and its bytes."""

    seq: int
    epoch: int
    body: bytes


class Lease(Struct, frozen=True):
    """The right to append: who, under which epoch, and the last sequence at the moment it was granted."""

    owner: str
    epoch: int
    last_seq: int


class Snapshot(Struct, frozen=True):
    """A state as bytes that stands for all records up to and including `seq`."""

    seq: int
    body: bytes


class Journal(Protocol):
    """What every store of records does, whatever it is made of.

    All calls belong to one event loop. A call that is cancelled while it waits has an unknown outcome: what it asked
    for may still happen.
    """

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Take the journal for `ttl_s` seconds, under an epoch one higher than any before; None while another has it.

        A free or expired lease, and the caller's own, are granted; earlier leases are fenced from then on. The grant
        is durable, and so is everything that can be read after it. `address` is where the owner can be reached: a
        store that others share keeps it beside the lease, one in a folder has nobody to tell. Raises Unknown.
        """
        ...

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Hold the lease for `ttl_s` seconds from now; its last_seq is brought up to date. Raises Fenced, Unknown."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back at once; it appends nothing after that. Raises Fenced, Unknown."""
        ...

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Write all bodies as records expected_seq + 1, + 2 and so on, or none; returns the new last sequence.

        The records are durable when it returns. Raises Fenced (another epoch, or another end than expected_seq),
        Unknown, and ValueError or TypeError for an empty batch or a body that is not bytes, which write nothing.
        """
        ...

    def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Yield the durable records after `after_seq` in order, up to the end as it is when that is reached.

        They are fetched in pages, and other tasks run between two pages. Only durable records are seen, though
        perhaps sooner than the append that wrote them returns. Nothing is yielded for a sequence beyond the end.
        Raises JournalDamaged at the first record that is missing or altered, after yielding those before it.
        """
        ...

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Keep the state after record `seq` in place of earlier snapshots, durably. No record is removed.

        Raises Fenced, Unknown, and ValueError for a sequence that is not durable yet.
        """
        ...

    async def get_snapshot(self) -> Snapshot | None:
        """Return the latest snapshot, None if there is none. Raises JournalDamaged if it is not what was put."""
        ...

    async def close(self) -> None:
        """End it; what was appended stays. A lease is not given back by this. Closing twice is allowed."""
        ...
