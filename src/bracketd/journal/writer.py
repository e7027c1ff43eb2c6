"""One thread owns the connection that writes; the event loop hands it jobs and is woken once for each.

The writer is fail-stop: after any error whose effect on the disk is not certain it does nothing more. After a failed
sync the kernel may drop the pages it could not write and call the next sync a success, so only a restart, which reads
the file again, can say what is there.

The log is copied into the database file ("checkpoint") by the same thread, after the answer to an append has gone out,
once about CHECKPOINT_BYTES have been logged. Durability never waits for it: a record is durable by the log alone. What
it costs is the latency of the batch that comes meanwhile; a small threshold makes that a few milliseconds every few
hundred batches, and lets SQLite write the same few log pages over and over, which spares the file system its journal.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar, cast

import apsw

from bracketd.journal.chain import GENESIS, next_digest, snapshot_digest
from bracketd.journal.protocol import Fenced, Lease, Unknown
from bracketd.journal.schema import APPEND, open_for_writing

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""How much is logged, by estimate, before the log is copied into the database file."""

APPEND_OVERHEAD_BYTES = 3 * 4096
"""What an append logs beside its bodies: the lease's page and partly filled pages of records."""

T = TypeVar("T")
ThreadFactory = Callable[[Callable[[], None]], threading.Thread]
"""Makes, without starting it, the thread that runs the given function."""


def daemon_thread(run: Callable[[], None]) -> threading.Thread:
    """A thread that does not keep a process alive whose main thread has ended."""
    return threading.Thread(target=run, name="journal-writer", daemon=True)


class Writer:
    """The thread, its connection, and what it does there. Methods with a lease run in the thread, as jobs."""

    def __init__(
        self, path: Path, vfs: str | None, created_ns: int, thread_factory: ThreadFactory = daemon_thread
    ) -> None:
        """Open the file in the new thread and wait for that; raises what schema.open_for_writing raises."""
        self.stopped: Unknown | None = None
        self._closed = False
        self._jobs: SimpleQueue[tuple[Callable[[], object], asyncio.Future[Any]] | None] = SimpleQueue()
        self._tail_seq = 0
        self._tail_digest = GENESIS
        self._logged_bytes = 0
        opened: Future[apsw.Connection] = Future()
        self._thread = thread_factory(partial(self._run, partial(open_for_writing, path, vfs, created_ns), opened))
        self._thread.start()
        self._connection = opened.result()

    async def do(self, job: Callable[[], T]) -> T:
        """Run the job in the writer thread, after those before it, and return or raise what it does."""
        self.require_open()
        return cast(T, await self._enqueue(job))

    async def close(self) -> None:
        """Finish the jobs, copy the log unless the writer has stopped, close the file and end the thread."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._enqueue(self._finish)
        finally:
            self._jobs.put(None)
            # The thread has nothing left to do but to return.
            self._thread.join()

    def require_open(self) -> None:
        """Raise Unknown once the journal has been closed."""
        if self._closed:
            raise Unknown("the journal is closed")

    def acquire(self, owner: str, now_ns: int, expires_ns: int) -> Lease | None:
        """Grant the lease under the next epoch if it is free, expired or the owner's own."""
        row: list[Any] = self._connection.execute(
            "UPDATE lease SET epoch = epoch + 1, owner = ?1, expires_ns = ?2"
            " WHERE id = 1 AND (owner IN ('', ?1) OR expires_ns <= ?3) RETURNING epoch, last_seq",
            (owner, expires_ns, now_ns),
        ).fetchall()
        return Lease(owner, *row[0]) if row else None

    def renew(self, lease: Lease, expires_ns: int) -> Lease:
        """Move the lease's end."""
        row: list[Any] = self._connection.execute(
            "UPDATE lease SET expires_ns = ?3 WHERE id = 1 AND owner = ?1 AND epoch = ?2 RETURNING last_seq",
            (lease.owner, lease.epoch, expires_ns),
        ).fetchall()
        if not row:
            raise self._fenced(lease)
        return Lease(lease.owner, lease.epoch, row[0][0])

    def release(self, lease: Lease) -> None:
        """Leave the journal without an owner; the epoch stays, so that the next one is higher."""
        self._connection.execute(
            "UPDATE lease SET owner = '', expires_ns = 0 WHERE id = 1 AND owner = ?1 AND epoch = ?2",
            (lease.owner, lease.epoch),
        )
        if self._connection.changes() != 1:
            raise self._fenced(lease)

    def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Write the batch in one statement, which checks the lease, keeps the records and commits."""
        digest = self._digest_at(expected_seq)
        if digest is None:
            raise Fenced(f"the journal has no record {expected_seq} to append to")
        seq, epoch = expected_seq, lease.epoch
        rows = []
        for body in bodies:
            seq += 1
            digest = next_digest(digest, seq, epoch, body)
            rows.append(digest + body)
        try:
            self._connection.execute(APPEND, (expected_seq, epoch, seq, apsw.carray(tuple(rows))))
        except apsw.ConstraintError as error:
            if getattr(error, "extendedresult", None) != apsw.SQLITE_CONSTRAINT_TRIGGER:
                raise
            raise self._fenced(lease, expected_seq) from None
        self._tail_seq, self._tail_digest = seq, digest
        self._logged_bytes += APPEND_OVERHEAD_BYTES + sum(map(len, rows))
        return seq

    def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Keep the snapshot and drop earlier ones, if the lease holds and the record is there."""
        with self._connection:
            held = self._connection.execute(
                "UPDATE lease SET last_seq = last_seq WHERE id = 1 AND owner = ?1 AND epoch = ?2 RETURNING last_seq",
                (lease.owner, lease.epoch),
            ).fetchall()
            if not held:
                raise self._fenced(lease)
            at_seq = self._digest_at(seq)
            if at_seq is None:
                raise ValueError(f"record {seq} is not durable, the last one is {held[0][0]}")
            digest = snapshot_digest(at_seq, seq, body)
            self._connection.execute("INSERT OR REPLACE INTO snapshot VALUES(?, ?, ?)", (seq, body, digest))
            self._connection.execute("DELETE FROM snapshot WHERE seq < ?", (seq,))
        self._logged_bytes += len(body)

    def _enqueue(self, job: Callable[[], object]) -> asyncio.Future[Any]:
        """Hand the job to the thread; the future belongs to the running loop."""
        future = asyncio.get_running_loop().create_future()
        self._jobs.put((job, future))
        return future

    def _run(self, connect: Callable[[], apsw.Connection], opened: "Future[apsw.Connection]") -> None:
        """The thread's life: open, then one job after the other until there is none."""
        try:
            self._connection = connect()
        except BaseException as error:  # noqa: BLE001 (whoever waits for the opening must hear how it ended)
            opened.set_exception(error)
            return
        opened.set_result(self._connection)
        while (job := self._jobs.get()) is not None:
            self._answer(*job)
            if self._logged_bytes >= CHECKPOINT_BYTES and self.stopped is None:
                self._checkpoint()

    def _answer(self, job: Callable[[], object], future: asyncio.Future[Any]) -> None:
        """Do one job and wake the event loop once with what came of it."""
        result: object = None
        failure: Exception | None = None
        if self.stopped is not None and job != self._finish:
            failure = Unknown(*self.stopped.args)
        else:
            try:
                result = job()
            except (Fenced, ValueError) as error:
                failure = error
            except Exception as error:  # noqa: BLE001 (whatever it was, nobody knows what it left on the disk)
                self.stopped = Unknown(f"the journal has stopped: {type(error).__name__}: {error}")
                self.stopped.__cause__ = error
                failure = self.stopped
        # A loop that has been closed has nobody left who could be told.
        with contextlib.suppress(RuntimeError):
            future.get_loop().call_soon_threadsafe(_settle, future, result, failure)

    def _digest_at(self, seq: int) -> bytes | None:
        """The digest of a record, None if there is no such record."""
        if seq == self._tail_seq:
            return self._tail_digest
        if seq == 0:
            return GENESIS
        row = self._connection.execute("SELECT chain FROM event WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else row[0]

    def _fenced(self, lease: Lease, expected_seq: int | None = None) -> Fenced:
        """Say who was refused and what stands in the way."""
        owner, epoch, last_seq = self._connection.execute("SELECT owner, epoch, last_seq FROM lease").fetchall()[0]
        asked = "" if expected_seq is None else f" at record {expected_seq}"
        holder = repr(owner) if owner else "nobody"
        return Fenced(
            f"{lease.owner!r} under epoch {lease.epoch} was refused{asked}: {holder} holds the journal under"
            f" epoch {epoch}, its last record is {last_seq}"
        )

    def _checkpoint(self) -> None:
        """Copy the log into the database file as far as readers allow; an error there stops the writer too."""
        self._logged_bytes = 0
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            # Somebody else is copying it right now.
            return
        except Exception as error:  # noqa: BLE001 (a custom file layer may raise anything)
            self.stopped = Unknown(f"the journal has stopped at a checkpoint: {type(error).__name__}: {error}")

    def _finish(self) -> None:
        """Close the file, leaving a stopped journal's log to the restart that reads it."""
        if self.stopped is None:
            self._checkpoint()
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 if self.stopped else 0)
        self._connection.close(True)


def _settle(future: asyncio.Future[Any], result: object, failure: Exception | None) -> None:
    """Give the future its outcome, unless whoever awaited it has been cancelled."""
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(result)
