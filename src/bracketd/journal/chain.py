"""Every record carries a digest of all history up to itself, so that a changed byte anywhere is found.

digest(n) = BLAKE2b, 16 bytes, over digest(n - 1), the sequence and the epoch as 8 bytes each, little-endian, and the
body. The first two parts have fixed lengths, so no two histories feed the hash the same bytes. It guards against
disks and accidents, not against somebody who rewrites the file and its digests.
"""

from collections.abc import Iterable
from hashlib import blake2b
from struct import Struct

from bracketd.journal.protocol import JournalDamaged, Record

DIGEST_BYTES = 16
GENESIS = bytes(DIGEST_BYTES)
"""The digest before the first record."""

_EMPTY = blake2b(digest_size=DIGEST_BYTES)
"""Copied for each record: to set a hash up anew takes twice as long."""

pack_position = Struct("<qq").pack
"""(sequence, epoch) as the 16 bytes that go into the digest."""


def next_digest(previous: bytes, seq: int, epoch: int, body: bytes) -> bytes:
    """The digest of record `seq`, given that of the record before it."""
    digest = _EMPTY.copy()
    digest.update(previous + pack_position(seq, epoch) + body)
    return digest.digest()


def snapshot_digest(at_seq: bytes, seq: int, body: bytes) -> bytes:
    """The digest that ties a snapshot to the history it stands for: over the digest of record `seq`, and the body."""
    digest = blake2b(at_seq + pack_position(seq, 0), digest_size=DIGEST_BYTES)
    digest.update(body)
    return digest.digest()


def check_page(
    page: list[Record], rows: Iterable[tuple[int, int, bytes, bytes]], after_seq: int, epoch: int, digest: bytes
) -> tuple[int, bytes]:
    """Add the records of rows (sequence, epoch, body, digest) to the empty page; returns the last epoch and digest.

    `epoch` and `digest` are those of record `after_seq`. Raises JournalDamaged at the first row that does not follow
    the one before it; the page then holds those before. This loop is the speed of recovery. It spells out
    `next_digest`, whose call would be a tenth of it.
    """
    seq = after_seq
    last_epoch = epoch
    begin = _EMPTY.copy
    for found, epoch, body, kept in rows:
        seq += 1
        if found != seq:
            raise JournalDamaged(f"missing, record {found} follows", seq)
        hashed = begin()
        hashed.update(digest + pack_position(seq, epoch) + body)
        digest = hashed.digest()
        if digest != kept:
            raise JournalDamaged("it or its digest is not what was written", seq)
        if epoch < last_epoch:
            raise JournalDamaged(f"epoch {epoch} after epoch {last_epoch}", seq)
        last_epoch = epoch
        page.append(Record(seq, epoch, body))
    return last_epoch, digest
