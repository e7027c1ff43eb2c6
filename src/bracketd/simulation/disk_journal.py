"""A journal over the simulated disk: the same promise as the SQLite one, on one thread and without a real file.

The SQLite journal writes in a thread of its own, whose timing no seed can fix; its promise is tested by itself
(tests/journal). Here a batch is one frame: header, length, digest, bodies. A frame that is torn at the file's end was
never written; anything else that does not check is damage. Digests are those of journal/chain.py.
"""

from collections.abc import AsyncIterator, Sequence
from struct import Struct

import msgspec

from bracketd.journal.chain import DIGEST_BYTES, GENESIS, next_digest
from bracketd.journal.protocol import Fenced, JournalDamaged, Lease, Record, Snapshot, Unknown
from bracketd.simulation.disk import Disk, DiskFault

_HEAD = Struct("<qqI16s")
"""First sequence, epoch, bytes of the bodies, and the digest after the last of them."""

_bodies = msgspec.msgpack.Decoder(list[bytes])
_encode = msgspec.msgpack.Encoder().encode


class Platter:
    """What outlives a process: the file, the last epoch that was granted, the snapshot and the end that was told."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.epoch = 0
        self.snapshot: Snapshot | None = None
        self.parsed: list[Record] = []
        self._digest = GENESIS
        self._parsed_bytes = 0

    def mount(self) -> None:
        """Read what was written since the last time; a torn end is cut off. Raises JournalDamaged."""
        kept = self.disk.kept
        while self._parsed_bytes < len(kept):
            frame = bytes(kept[self._parsed_bytes :])
            length = _HEAD.size
            if len(frame) < length:
                break
            seq, epoch, body_bytes, digest = _HEAD.unpack_from(frame)
            length += body_bytes
            if len(frame) < length:
                break
            self._take(seq, epoch, digest, _bodies.decode(frame[_HEAD.size : length]))
            self._parsed_bytes += length
        del kept[self._parsed_bytes :]

    def frame(self, seq: int, epoch: int, bodies: Sequence[bytes]) -> bytes:
        """A batch as it is written."""
        packed = _encode(bodies)
        return _HEAD.pack(seq, epoch, len(packed), self._digest_after(seq, epoch, bodies)) + packed

    @property
    def last_seq(self) -> int:
        """The last record that was read or written."""
        return self.parsed[-1].seq if self.parsed else 0

    def _take(self, seq: int, epoch: int, digest: bytes, bodies: Sequence[bytes]) -> None:
        if seq != self.last_seq + 1 or len(digest) != DIGEST_BYTES:
            raise JournalDamaged(f"missing, record {seq} follows", self.last_seq + 1)
        if self._digest_after(seq, epoch, bodies) != digest:
            raise JournalDamaged("it or its digest is not what was written", seq)
        self._digest = digest
        self.parsed += [Record(number, epoch, body) for number, body in enumerate(bodies, seq)]

    def _digest_after(self, seq: int, epoch: int, bodies: Sequence[bytes]) -> bytes:
        digest = self._digest
        for number, body in enumerate(bodies, seq):
            digest = next_digest(digest, number, epoch, body)
        return digest


class DiskJournal:
    """The Journal of one process."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter
        self._stopped = False

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Always granted: one process at a time is started."""
        self._platter.mount()
        self._platter.epoch += 1
        return Lease(owner, self._platter.epoch, self._platter.last_seq)

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """The lease again; raises Fenced."""
        self._check(lease)
        return Lease(lease.owner, lease.epoch, self._platter.last_seq)

    async def release(self, lease: Lease) -> None:
        """Nothing is appended after that."""
        self._check(lease)
        self._stopped = True

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """As the protocol says."""
        self._check(lease)
        platter = self._platter
        if expected_seq != platter.last_seq:
            raise Fenced(f"the journal ends at {platter.last_seq}, not at {expected_seq}")
        try:
            await platter.disk.append(platter.frame(expected_seq + 1, lease.epoch, bodies))
        except DiskFault as fault:
            self._stopped = True
            raise Unknown(str(fault)) from fault
        self._check(lease)
        platter.mount()
        return platter.last_seq

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """The records after a sequence."""
        for record in self._platter.parsed[after_seq:]:
            yield record

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Keep it."""
        self._check(lease)
        self._platter.snapshot = Snapshot(seq, body)

    async def get_snapshot(self) -> Snapshot | None:
        """The one that was kept last."""
        return self._platter.snapshot

    async def close(self) -> None:
        """Nothing is open."""

    def _check(self, lease: Lease) -> None:
        if self._stopped:
            raise Unknown("the journal has stopped")
        if lease.epoch != self._platter.epoch:
            raise Fenced(f"epoch {lease.epoch} was replaced by {self._platter.epoch}")
