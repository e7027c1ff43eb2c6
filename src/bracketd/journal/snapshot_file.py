"""A snapshot beside the journal: a state as bytes in one file of the folder, made while a server serves.

The file says which record it stands for and carries a digest over that record's own digest and the state, so that
it is taken only where it is whole and of this journal's history. It is never needed: all records stay, and a file that
is torn, of another history or of another program's state is left aside, at the cost of a longer start. One that stands
for a record which the journal has not is proof that the journal has lost it, and that is no reason to go on.

The file gets its name when all of it is on disk, and never in place of one that stands for a later record.
"""

import contextlib
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Final

from bracketd.database.durable_names import sync_folder
from bracketd.journal.chain import DIGEST_BYTES, snapshot_digest
from bracketd.journal.protocol import JournalDamaged, Snapshot

FILE_NAME: Final = "snapshot"
LAYOUT_BYTES: Final = 8
"""How long the mark is that tells one program's state from another's."""

_HEAD: Final = Struct(f"<8sQ{LAYOUT_BYTES}s{DIGEST_BYTES}s")
_CHECK_BYTES: Final = 8
_HEAD_BYTES: Final = _HEAD.size + _CHECK_BYTES
_MAGIC: Final = b"bktsnap1"
_UNFINISHED: Final = "snapshot-*.new"


class SnapshotUnusable(Exception):
    """The file beside the journal is no snapshot that could be started from; the text says why."""


def write_snapshot(folder: Path, seq: int, at_seq: bytes, layout: bytes, body: bytes) -> bool:
    """Keep the state after record `seq`, whose digest is `at_seq`; False where a later one is kept already.

    Whole and durable when it returns, and readable by its owner alone. Raises OSError, after which the file that was
    there is there still.
    """
    if seq <= kept_seq(folder):
        return False
    made = folder / f"snapshot-{os.getpid()}.new"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            head = _HEAD.pack(_MAGIC, seq, layout, snapshot_digest(at_seq, seq, body))
            stream.write(head + _check(head))
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(folder / FILE_NAME)
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink()
        raise
    sync_folder(folder)
    return True


def read_snapshot(folder: Path, layout: bytes, digest_at: Callable[[int], bytes | None]) -> Snapshot | None:
    """The snapshot beside the journal, None where there is none.

    `digest_at` tells a record's digest, None for one that the journal does not have. Raises SnapshotUnusable, and
    JournalDamaged where the snapshot stands for records that are not there.
    """
    try:
        with (folder / FILE_NAME).open("rb") as stream:
            head, body = stream.read(_HEAD_BYTES), stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotUnusable(f"it cannot be read: {error}") from error
    found = _unpacked(head)
    if found is None:
        raise SnapshotUnusable("it is no snapshot, or its beginning is torn")
    seq, found_layout, digest = found
    at_seq = digest_at(seq)
    if at_seq is None:
        raise JournalDamaged("missing, the snapshot beside the journal stands for it", seq)
    if snapshot_digest(at_seq, seq, body) != digest:
        raise SnapshotUnusable(f"it is torn, or not of this journal's first {seq} records")
    if found_layout != layout:
        raise SnapshotUnusable("another version of this program made it")
    return Snapshot(seq, body)


def kept_seq(folder: Path) -> int:
    """The record that the file says it stands for, unchecked; 0 where there is none or it says nothing."""
    try:
        with (folder / FILE_NAME).open("rb") as stream:
            found = _unpacked(stream.read(_HEAD_BYTES))
    except OSError:
        return 0
    return 0 if found is None else found[0]


def drop_unusable(folder: Path) -> None:
    """Take the file away, so that the next may stand for an earlier record than it said it did. Raises OSError."""
    (folder / FILE_NAME).unlink(missing_ok=True)


def drop_unfinished(folder: Path) -> None:
    """Remove what a process left that ended in the middle. Raises OSError."""
    for left in folder.glob(_UNFINISHED):
        left.unlink(missing_ok=True)


def _unpacked(head: bytes) -> tuple[int, bytes, bytes] | None:
    """Sequence, layout and digest of a file's beginning, None where it is none."""
    if len(head) < _HEAD_BYTES or head[_HEAD.size :] != _check(head[: _HEAD.size]):
        return None
    magic, seq, layout, digest = _HEAD.unpack(head[: _HEAD.size])
    return (seq, layout, digest) if magic == _MAGIC else None


def _check(head: bytes) -> bytes:
    return blake2b(head, digest_size=_CHECK_BYTES).digest()
