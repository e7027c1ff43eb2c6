"""The journal in one SQLite file: events only, one transaction for each append, synced before the append returns.

Slower than a plain file with fdatasync, it has what a plain file has not: readers beside the writer, an exact end after
a crash, and tools that everybody knows.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from bracketd.journal.protocol import Lease, Record, Snapshot
from bracketd.journal.reader import PAGE_RECORDS, Reader
from bracketd.journal.writer import ThreadFactory, Writer, daemon_thread

NS_PER_S = 1_000_000_000


class SqliteJournal:
    """A Journal (see protocol.py for the contract) in the file `path`, which is made if it does not exist.

    `vfs` names an apsw file layer, `thread_factory` makes the one thread that writes, `clock_ns` tells unix
    nanoseconds and serves only the leases' ends. A method that writes waits for that thread; reading happens in the
    event loop, page by page. Opening raises JournalTooNew, JournalDamaged, FolderInUse (another process has locked
    the file) or OSError. One process at a time should open it: hold a FolderLock.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        vfs: str | None = None,
        thread_factory: ThreadFactory = daemon_thread,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock_ns = clock_ns
        self._writer = Writer(Path(path), vfs, clock_ns(), thread_factory)
        self._reader = Reader(Path(path), vfs)

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Take the journal under the next epoch; None while another owner's lease lasts. Raises Unknown."""
        if not owner:
            raise ValueError("an owner has a name")
        now_ns = self._clock_ns()
        return await self._writer.do(partial(self._writer.acquire, owner, now_ns, now_ns + _nanoseconds(ttl_s)))

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Hold the lease for `ttl_s` seconds from now. Raises Fenced, Unknown."""
        expires_ns = self._clock_ns() + _nanoseconds(ttl_s)
        return await self._writer.do(partial(self._writer.renew, lease, expires_ns))

    async def release(self, lease: Lease) -> None:
        """Give the lease back. Raises Fenced, Unknown."""
        await self._writer.do(partial(self._writer.release, lease))

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Write all bodies after record `expected_seq`, or none; returns the new last, durable sequence.

        Raises Fenced, Unknown; ValueError or TypeError for what is no batch of bytes.
        """
        if not bodies:
            raise ValueError("an append has at least one record")
        for body in bodies:
            if type(body) is not bytes:
                raise TypeError(f"the body of a record is bytes, not {type(body).__name__}")
        return await self._writer.do(partial(self._writer.append, lease, expected_seq, bodies))

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Yield the durable records after `after_seq`; other tasks run between pages of 1,024.

        Raises JournalDamaged at the first fault, after yielding the records before it. A journal that has stopped
        can still be read: what it shows is durable.
        """
        self._writer.require_open()
        for page in self._reader.pages(after_seq, PAGE_RECORDS):
            for record in page:
                yield record
            await asyncio.sleep(0)

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Keep the state after record `seq`. Appends wait meanwhile. Raises Fenced, Unknown, ValueError."""
        await self._writer.do(partial(self._writer.put_snapshot, lease, seq, body))

    async def get_snapshot(self) -> Snapshot | None:
        """Return the latest snapshot, if there is one. Raises JournalDamaged."""
        self._writer.require_open()
        return self._reader.snapshot()

    async def close(self) -> None:
        """End the thread and close the file; calls that come later raise Unknown."""
        self._reader.close()
        await self._writer.close()


def _nanoseconds(duration_s: float) -> int:
    """A duration in whole nanoseconds."""
    return int(duration_s * NS_PER_S)
