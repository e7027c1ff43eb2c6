"""Every record carries a digest of all history up to itself, so that a changed byte anywhere is found.

digest(n) = BLAKE2b, 16 bytes, over digest(n - 1), the sequence and the epoch as 8 bytes each, little-endian, and the
body. The first two parts have fixed lengths, so no two histories feed the hash the same bytes. It guards against
disks and accidents, not against somebody who rewrites the file and its digests.
"""

from hashlib import blake2b
from struct import Struct

DIGEST_BYTES = 16
GENESIS = bytes(DIGEST_BYTES)
"""The digest before the first record."""

pack_position = Struct("<qq").pack
"""(sequence, epoch) as the 16 bytes that go into the digest."""


def next_digest(previous: bytes, seq: int, epoch: int, body: bytes) -> bytes:
    """The digest of record `seq`, given that of the record before it."""
    return blake2b(previous + pack_position(seq, epoch) + body, digest_size=DIGEST_BYTES).digest()


def snapshot_digest(at_seq: bytes, seq: int, body: bytes) -> bytes:
    """The digest that ties a snapshot to the history it stands for: over the digest of record `seq`, and the body."""
    digest = blake2b(at_seq + pack_position(seq, 0), digest_size=DIGEST_BYTES)
    digest.update(body)
    return digest.digest()
