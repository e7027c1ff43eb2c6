"""A tenure: one shard in the hands of one engine, from its lease to its end.

The lease is renewed three times within its time. Its end is counted by this process's own monotonic clock from before
each renewal was sent, so that the owner stops before anybody else may begin; from then on nothing is acknowledged and
nothing is shown, also where the process was frozen meanwhile and does not know yet. That serves liveness and reads;
what keeps the history safe is the epoch that every append checks.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Fenced, Journal, Lease, Record, Snapshot, Unknown
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.http_server import App
from bracketd.runtime.recovery import recover
from bracketd.runtime.staffing import Staff
from bracketd.runtime.timekeeping import keep_timing

_log = logging.getLogger(__name__)

RENEWALS: Final = 3
"""The lease is renewed so many times within its time."""

CLOSE_WAIT_S: Final = 2.0
"""What was decided becomes durable within this time at a hand-over; a store that hangs is left to itself."""


class NotGranted(Exception):
    """Another engine holds the shard."""


class Tenure:
    """A shard that is served; `app` answers for it. Made by `begin`.

    `holds` is to be asked after each reply was made and before it is sent. While it is `leaving`, nothing new is begun.
    """

    def __init__(self, shard: int, journal: Journal, lease: Lease, ttl_s: float, asked_s: float) -> None:
        self.shard = shard
        self.lease = lease
        self.commit = GroupCommit(journal, lease)
        self.staff: Staff | None = None
        self.app: App | None = None
        self.leaving = False
        self.snapshot_seq = 0
        self.ended = asyncio.Event()
        self._journal = journal
        self._ttl_s = ttl_s
        self._valid_until_s = asked_s + ttl_s
        self._tasks: list[asyncio.Task[None]] = []
        self.commit.on_failure.append(lambda fault: self.ended.set())

    @property
    def holds(self) -> bool:
        """Whether the shard is this engine's at this moment, by its own clock."""
        return self.staff is not None and not self.ended.is_set() and time.monotonic() < self._valid_until_s

    @property
    def why(self) -> str:
        """Why it ended, as far as it is known."""
        return self.staff.desk.failure if self.staff is not None else str(self.commit.failure or "")

    @property
    def desk(self) -> Desk:
        """The desk of the shard, once it is recovered. Raises NotServing."""
        if self.staff is None:
            raise NotServing("the shard is not recovered yet")
        return self.staff.desk

    @classmethod
    async def begin(
        cls,
        shard: int,
        journal: Journal,
        address: str,
        ttl_s: float,
        staff: Callable[["Tenure", State], Staff],
    ) -> "Tenure":
        """Take the lease, recover and do what fell due. Raises NotGranted, and whatever recovery raises.

        `staff` makes the desk and sets `app`. The journal is closed where this raises.
        """
        tenure: Tenure | None = None
        try:
            asked_s = time.monotonic()
            lease = await journal.acquire(address, ttl_s, address)
            if lease is None:
                raise NotGranted
            tenure = cls(shard, journal, lease, ttl_s, asked_s)
            tenure._run(tenure._renew())
            tenure._run(tenure._watch())
            state = await recover(journal, lease)
            kept = await journal.get_snapshot()
            tenure.snapshot_seq = 0 if kept is None else kept.seq
            made = staff(tenure, state)
            made.desk.keep_time()
            await made.desk.durable()
            tenure.staff = made
            tenure._run(keep_timing(made.desk))
            tenure._run(made.desk.measures.measure_lag())
            tenure._run(tenure._end_with(made.desk))
            _log.info("shard %d is served under epoch %d: %d records", shard, lease.epoch, lease.last_seq)
            return tenure
        except BaseException:
            if tenure is not None:
                await tenure.close("the shard could not be taken")
            else:
                await _close(journal)
            raise

    def records(self, after_seq: int) -> AsyncIterator[Record]:
        """The shard's durable records after a sequence."""
        return self._journal.read(after_seq)

    async def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of what this tenure's journal holds. Raises Fenced, Unknown, ValueError."""
        await self._journal.put_snapshot(self.lease, snapshot.seq, snapshot.body)
        self.snapshot_seq = snapshot.seq

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something as long as the tenure lasts."""
        self._run(work)

    async def hand_over(self) -> None:
        """Let what was decided become durable, give the lease back at once, and end."""
        if not self.ended.is_set():
            try:
                async with asyncio.timeout(CLOSE_WAIT_S):
                    await self.commit.drain()
                    self.ended.set()
                    await self._journal.release(self.lease)
                _log.info("shard %d is handed over after record %d", self.shard, self.commit.durable_seq)
            except (Fenced, Unknown, TimeoutError) as failure:
                _log.error("shard %d was not handed over: %r", self.shard, failure)
                self.commit.fail(Fenced("the shard was not handed over"))
        await self._end()

    async def close(self, why: str) -> None:
        """End without giving the lease back: acknowledge nothing more."""
        self.commit.fail(Fenced(why))
        await self._end()

    def drop(self) -> None:
        """Stop at once and leave everything as it is."""
        for task in self._tasks:
            task.cancel()
        self.commit.fail(Fenced("the engine was dropped"))

    async def _end(self) -> None:
        self.ended.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _close(self._journal)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    async def _renew(self) -> None:
        """Keep the lease; once it is lost nothing is acknowledged. A store that does not answer is asked again."""
        while not self.ended.is_set():
            await asyncio.sleep(self._ttl_s / RENEWALS)
            asked_s = time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, self._valid_until_s - asked_s)):
                    await self._journal.renew(self.lease, self._ttl_s)
            except Fenced as failure:
                self.commit.fail(failure)
                return
            except (Unknown, TimeoutError) as failure:
                _log.warning("the lease of shard %d was not renewed: %s", self.shard, str(failure) or "no answer")
                continue
            self._valid_until_s = asked_s + self._ttl_s

    async def _watch(self) -> None:
        """Fail at the moment at which the lease has ended by our own clock."""
        while (left_s := self._valid_until_s - time.monotonic()) > 0:  # noqa: ASYNC110  Renewals move the end.
            await asyncio.sleep(left_s)
        _log.error("the lease of shard %d ended before it could be renewed", self.shard)
        self.commit.fail(Fenced("the lease ended before it could be renewed"))

    async def _end_with(self, desk: Desk) -> None:
        await desk.wait_failed()
        self.ended.set()


async def _close(journal: Journal) -> None:
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await journal.close()
    except (Unknown, TimeoutError) as failure:
        _log.error("the journal did not close: %r", failure)
