"""A journal in memory: it outlives a restart of the broker, and nothing else."""

from collections.abc import AsyncIterator, Sequence

from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease, Record, Snapshot


class MemoryJournal:
    """The Journal protocol over a list."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Keep the bodies."""
        self.bodies.extend(bodies)
        return len(self.bodies)

    def records(self) -> list[Record]:
        """All of them."""
        return [Record(number, 1, body) for number, body in enumerate(self.bodies, 1)]

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Always granted: nobody else can hold it."""
        return Lease(owner, 1, len(self.bodies))

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Hold it on."""
        return Lease(lease.owner, lease.epoch, len(self.bodies))

    async def release(self, lease: Lease) -> None:
        """Give it back."""

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """The records after that one."""
        for record in self.records()[after_seq:]:
            yield record

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """None is kept: there is always the whole journal."""

    async def get_snapshot(self) -> Snapshot | None:
        """None is kept."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


class PromptCommit(GroupCommit):
    """A group commit to memory, durable at once: a restart finds every step, and no append of before comes after it."""

    def __init__(self, journal: MemoryJournal) -> None:
        super().__init__(journal, Lease("paper", 1, len(journal.bodies)))
        self._bodies = journal.bodies

    def submit(self, body: bytes) -> int:
        """Keep a record; returns its sequence."""
        self._bodies.append(body)
        self.submitted_seq = self.durable_seq = len(self._bodies)
        return self.submitted_seq
