"""The snapshot beside the journal: taken where it is whole and of this history, left aside where it is not."""

import os
from pathlib import Path

import pytest

from bracketd.journal.protocol import JournalDamaged, Snapshot
from bracketd.journal.snapshot_file import (
    FILE_NAME,
    SnapshotUnusable,
    drop_unfinished,
    kept_seq,
    read_snapshot,
    write_snapshot,
)

LAYOUT = b"layout-1"
DIGESTS = {seq: bytes([seq]) * 16 for seq in range(10)}
BODY = b"the state after record 5"


def written(folder: Path, seq: int = 5, body: bytes = BODY) -> Path:
    """A folder's snapshot."""
    assert write_snapshot(folder, seq, DIGESTS[seq], LAYOUT, body)
    return folder / FILE_NAME


def test_what_was_put_is_what_is_read(tmp_path: Path) -> None:
    """A snapshot is read as it was written, by its owner alone, and nothing else is left in the folder."""
    file = written(tmp_path)
    assert read_snapshot(tmp_path, LAYOUT, DIGESTS.get) == Snapshot(5, BODY)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    assert kept_seq(tmp_path) == 5


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    """A folder without one has none."""
    assert read_snapshot(tmp_path, LAYOUT, DIGESTS.get) is None
    assert kept_seq(tmp_path) == 0


def test_a_later_one_is_never_replaced_by_an_earlier(tmp_path: Path) -> None:
    """Two that are made at once end with the later, whichever is done first."""
    written(tmp_path, 5)
    assert not write_snapshot(tmp_path, 4, DIGESTS[4], LAYOUT, b"older")
    assert not write_snapshot(tmp_path, 5, DIGESTS[5], LAYOUT, b"again")
    assert read_snapshot(tmp_path, LAYOUT, DIGESTS.get) == Snapshot(5, BODY)
    written(tmp_path, 6, b"newer")
    assert read_snapshot(tmp_path, LAYOUT, DIGESTS.get) == Snapshot(6, b"newer")


def test_torn_anywhere_it_is_not_used(tmp_path: Path) -> None:
    """Cut after any of its bytes, it is no snapshot."""
    file = written(tmp_path)
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(SnapshotUnusable, match="torn"):
            read_snapshot(tmp_path, LAYOUT, DIGESTS.get)


def test_with_any_bit_turned_it_is_not_used(tmp_path: Path) -> None:
    """A byte that is not what was written is found, wherever it is."""
    file = written(tmp_path)
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotUnusable, match="torn"):
            read_snapshot(tmp_path, LAYOUT, DIGESTS.get)


def test_of_another_history_it_is_not_used(tmp_path: Path) -> None:
    """A journal with other records up to the same number is not the snapshot's."""
    written(tmp_path)
    with pytest.raises(SnapshotUnusable, match="not of this journal"):
        read_snapshot(tmp_path, LAYOUT, lambda seq: b"another history!")


def test_of_another_version_it_is_not_used(tmp_path: Path) -> None:
    """A state with other fields is another program's."""
    written(tmp_path)
    with pytest.raises(SnapshotUnusable, match="another version"):
        read_snapshot(tmp_path, b"layout-2", DIGESTS.get)


def test_records_that_it_stands_for_are_missed(tmp_path: Path) -> None:
    """A journal that ends before its snapshot has lost records, and nobody goes on from there in silence."""
    written(tmp_path)
    with pytest.raises(JournalDamaged, match="record 5"):
        read_snapshot(tmp_path, LAYOUT, lambda seq: None)


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails costs nothing but itself, and leaves no litter."""
    written(tmp_path)

    def refuse(descriptor: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no space"):
        write_snapshot(tmp_path, 6, DIGESTS[6], LAYOUT, b"newer")
    assert read_snapshot(tmp_path, LAYOUT, DIGESTS.get) == Snapshot(5, BODY)
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """An unfinished file is litter; the finished one stays."""
    written(tmp_path)
    (tmp_path / "snapshot-123.new").write_bytes(b"half")
    drop_unfinished(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
