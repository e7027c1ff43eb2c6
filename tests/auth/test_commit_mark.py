"""The mark of the last commit: it moves with every commit of any process, and looking at it costs SQLite no lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from bracketd.auth import commit_mark
from bracketd.auth.clients_file import FILE_NAME, ClientsFile
from bracketd.auth.commit_mark import CommitMark

SOMEBODY_HERE = 128
"""The byte of the shared memory on which every connection holds a shared lock (UNIX_SHM_DMS in SQLite's os_unix.c)."""


def elsewhere(folder: Path, *statements: str) -> None:
    """Let another process open the file, run statements, and close it."""
    program = "import apsw, sys; file = apsw.Connection(sys.argv[1]); [*map(file.execute, sys.argv[2:])]; file.close()"
    subprocess.run([sys.executable, "-c", program, str(folder / FILE_NAME), *statements], check=True)


def somebody_here(memory: Path) -> bool:
    """Whether a process that came now would find the shared memory in use; if not, it would empty it."""
    program = "import sys; from fcntl import *; lockf(open(sys.argv[1], 'r+b'), LOCK_EX | LOCK_NB, 1, int(sys.argv[2]))"
    asked = [sys.executable, "-c", program, str(memory), str(SOMEBODY_HERE)]
    return b"BlockingIOError" in subprocess.run(asked, check=False, capture_output=True).stderr


def test_moves_with_every_commit_of_another_process(tmp_path: Path) -> None:
    """Each commit gives a mark not seen before, after the log has begun anew too; a read and a rollback leave it."""
    file = ClientsFile(tmp_path)
    mark = CommitMark(tmp_path / FILE_NAME)
    assert mark.known
    seen = [mark.read()]
    for number in range(3):
        elsewhere(tmp_path, f"INSERT INTO revoked VALUES ('{number}', 1)")
        seen.append(mark.read())
        elsewhere(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)", f"DELETE FROM revoked WHERE exp_ms = {number}")
        file.read("SELECT count(*) FROM revoked")
    assert len(set(seen)) == len(seen)
    last = mark.read()
    elsewhere(tmp_path, "SELECT * FROM revoked", "BEGIN IMMEDIATE", "DELETE FROM revoked", "ROLLBACK")
    assert mark.read() == last
    file.close()
    mark.close()


def test_version_is_the_mark(tmp_path: Path) -> None:
    """What the gate compares moves when another process has committed, though nothing was asked of SQLite between."""
    file = ClientsFile(tmp_path)
    before = file.version()
    assert isinstance(before[0], bytes)
    assert file.version() == before
    elsewhere(tmp_path, "INSERT INTO revoked VALUES ('a', 1)")
    assert file.version() != before
    file.close()


def test_closing_one_leaves_the_locks_of_the_other(tmp_path: Path) -> None:
    """A file that is closed beside another leaves it its locks, which say that somebody is here."""
    one, other = ClientsFile(tmp_path), ClientsFile(tmp_path)
    memory = tmp_path / f"{FILE_NAME}-shm"
    status = memory.stat()
    assert somebody_here(memory)
    one.close()
    assert somebody_here(memory)
    other.write("INSERT INTO revoked VALUES (?, ?)", ("a", 1))
    other.close()
    assert not memory.exists()
    assert (status.st_dev, status.st_ino) not in commit_mark._open


def test_unknown_version_is_left_to_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared memory of another version is not read; SQLite's own count is."""
    monkeypatch.setattr(commit_mark, "_VERSION", b"2042")
    file = ClientsFile(tmp_path)
    before = file.version()
    assert isinstance(before[0], int)
    elsewhere(tmp_path, "INSERT INTO revoked VALUES ('a', 1)")
    assert file.version() != before
    file.close()
