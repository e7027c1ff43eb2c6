"""The data folder has one owner, and none once that owner's process has ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bracketd.journal.folder_lock import FolderLock
from bracketd.journal.protocol import FolderInUse

HOLDER = """
import sys
from bracketd.journal.folder_lock import FolderLock
lock = FolderLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_second_is_refused(tmp_path: Path) -> None:
    """Whoever comes second is told which process holds which folder."""
    with FolderLock(tmp_path), pytest.raises(FolderInUse, match=f"{tmp_path} is in use by process {os.getpid()};"):
        FolderLock(tmp_path)


def test_released_lock_is_free(tmp_path: Path) -> None:
    """A released folder can be locked again; releasing twice releases nobody else's lock."""
    first = FolderLock(tmp_path)
    first.release()
    with FolderLock(tmp_path):
        first.release()
        with pytest.raises(FolderInUse):
            FolderLock(tmp_path)


def test_folder_is_made(tmp_path: Path) -> None:
    """A folder that is not there yet is made, with its parents, for its owner alone."""
    folder = tmp_path / "new" / "data"
    with FolderLock(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_process_id_replaces_a_longer_one(tmp_path: Path) -> None:
    """The file holds the present owner's process id and nothing of a former one's."""
    (tmp_path / "lock").write_text("123456789012345\n")
    with FolderLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A holder that is killed frees the folder, and nothing has to be cleaned up."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse, match=f"process {holder.pid};"):
            FolderLock(tmp_path)
        holder.kill()
        holder.wait()
        with FolderLock(tmp_path):
            pass
