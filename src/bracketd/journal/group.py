"""Group commit: one append is under way at most, and all that gathers meanwhile goes into the next.

The single writer submits records and runs ahead of the disk; whatever leaves the process waits until its record is
durable. A batch needs no timer and no size: under load the disk's own slowness makes the groups, and alone a record
goes out at once. After Fenced or Unknown nothing is acknowledged any more.
"""

import asyncio
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from operator import itemgetter

from bracketd.journal.protocol import Fenced, Journal, Lease, Unknown

Failure = Fenced | Unknown
Told = Callable[[Failure | None], None]
"""Who waits for a record: called once, with None when it is durable, else with why that will never be known."""

MAX_PENDING_BYTES = 16 * 1024 * 1024
MAX_PENDING_RECORDS = 50_000


class GroupCommit:
    """The only appender of a journal, on one event loop; `durable_seq` is the watermark that replies wait for.

    `on_failure` holds functions called once, with Fenced or Unknown, after all waiters have been told; `on_commit`
    those called after each append with its number of records and the seconds that it took.
    """

    def __init__(
        self,
        journal: Journal,
        lease: Lease,
        *,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        max_pending_records: int = MAX_PENDING_RECORDS,
    ) -> None:
        """Continue after `lease.last_seq`, up to which everything must have been read and applied."""
        self.durable_seq = lease.last_seq
        self.submitted_seq = lease.last_seq
        self.pending_bytes = 0
        self.failure: Failure | None = None
        self.on_failure: list[Callable[[Failure], None]] = []
        self.on_commit: list[Callable[[int, float], None]] = []
        self._journal = journal
        self._lease = lease
        self._max_pending_bytes = max_pending_bytes
        self._max_pending_records = max_pending_records
        self._gathered: list[bytes] = []
        self._appending: asyncio.Task[None] | None = None
        self._waiters: deque[tuple[int, Told]] = deque()

    @property
    def pending_records(self) -> int:
        """How many records have been submitted and are not durable yet."""
        return self.submitted_seq - self.durable_seq

    @property
    def full(self) -> bool:
        """Whether the disk is so far behind that new commands must be turned away (503) before they are decided.

        `submit` itself never refuses for want of room: what the engine has decided must be kept.
        """
        pending_records = self.submitted_seq - self.durable_seq
        return self.pending_bytes >= self._max_pending_bytes or pending_records >= self._max_pending_records

    def submit(self, body: bytes) -> int:
        """Queue a record and return the sequence it will have. Never blocks; raises the failure once there is one.

        Called in the event loop's thread by the single writer, in the order of its decisions.
        """
        if self.failure is not None:
            raise again(self.failure)
        if type(body) is not bytes:
            raise TypeError(f"the body of a record is bytes, not {type(body).__name__}")
        self._gathered.append(body)
        self.pending_bytes += len(body)
        self.submitted_seq += 1
        if self._appending is None:
            # The task starts in the loop's next round: whatever else this round decides goes along.
            self._appending = asyncio.get_running_loop().create_task(self._append_all())
        return self.submitted_seq

    async def wait(self, seq: int) -> None:
        """Return when record `seq` is durable; raises Fenced or Unknown if that will never be known."""
        if seq <= self.durable_seq:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(failure: Failure | None) -> None:
            if future.done():
                return
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(again(failure))

        self.tell(seq, told)
        await future

    def tell(self, seq: int, told: Told) -> None:
        """Call `told`, which must not raise, as soon as record `seq`, not durable yet, is; raises as `wait` does."""
        if self.failure is not None:
            raise again(self.failure)
        if seq > self.submitted_seq:
            raise ValueError(f"record {seq} was never submitted, the last one is {self.submitted_seq}")
        waiters = self._waiters
        if waiters and waiters[-1][0] > seq:
            # A read may wait for an older record than the last command does.
            insort(waiters, (seq, told), key=itemgetter(0))
        else:
            waiters.append((seq, told))

    async def drain(self) -> None:
        """Return when all that has been submitted is durable; raises the failure."""
        await self.wait(self.submitted_seq)

    def fail(self, failure: Failure) -> None:
        """Acknowledge nothing from now on: all waiters and all later calls get the failure. Only the first counts.

        Called from here when an append fails, and by the owner when a renewal of its lease does.
        """
        if self.failure is not None:
            return
        # Who waited for what is durable by now may not have been told yet.
        self._tell_all()
        self.failure = failure
        self._gathered.clear()
        waiters, self._waiters = self._waiters, deque()
        for _, told in waiters:
            told(failure)
        for hear in self.on_failure:
            hear(failure)

    async def _append_all(self) -> None:
        """Append batch after batch until nothing is gathered, or until one fails."""
        try:
            while self._gathered:
                batch, self._gathered = self._gathered, []
                began_s = time.perf_counter()
                last_seq = await self._journal.append(self._lease, self.durable_seq, batch)
                if self.failure is not None:
                    return
                if last_seq != self.durable_seq + len(batch):
                    raise Unknown(f"the journal says {last_seq} after {len(batch)} records on {self.durable_seq}")
                self._advance(last_seq, sum(map(len, batch)))
                for told in self.on_commit:
                    told(len(batch), time.perf_counter() - began_s)
        except (Fenced, Unknown) as failure:
            self.fail(failure)
        except BaseException as error:
            self.fail(Unknown(f"an append ended with {type(error).__name__}: {error}"))
            raise
        finally:
            self._appending = None

    def _advance(self, seq: int, batch_bytes: int) -> None:
        """Move the watermark, and let those go who waited for it: once the disk has the next batch, if there is one."""
        self.durable_seq = seq
        self.pending_bytes -= batch_bytes
        if self._gathered:
            asyncio.get_running_loop().call_soon(self._tell_all)
        else:
            self._tell_all()

    def _tell_all(self) -> None:
        """Tell those whose record is durable, in the order of their records."""
        waiters = self._waiters
        while waiters and waiters[0][0] <= self.durable_seq:
            waiters.popleft()[1](None)


def again(failure: Failure) -> Failure:
    """The failure as a new exception: one that is raised a thousand times would collect a thousand traces."""
    made = type(failure)(*failure.args)
    made.__cause__ = failure
    return made
