"""The mark of a SQLite file's last commit: the head of its shared memory, read without asking SQLite.

In WAL mode every commit, of whatever process, rewrites the wal-index header at the beginning of the `-shm` file, when
it is durable and before it returns: a counter, the length of the log and its checksum are in it. Who only wants to know
whether anything was committed need not take a lock or begin a transaction. The header stands there twice; SQLite writes
the second copy first, so who finds the first one changed finds the commit too (sqlite.org, walformat.html). What is in
it belongs to its version, of which this knows one.
"""

import mmap
import os
import sys
import threading
from pathlib import Path
from typing import Final

_HEADER_BYTES: Final = 96
"""Both copies."""

_VERSION: Final = (3_007_000).to_bytes(4, sys.byteorder)


class _Shared:
    """The memory of one file, for all in this process who look at it."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.memory = mmap.mmap(self.descriptor, _HEADER_BYTES, prot=mmap.PROT_READ)
        self.lookers = 0


_lock: Final = threading.Lock()
_open: Final[dict[tuple[int, int], _Shared]] = {}
"""By device and inode."""


class CommitMark:
    """What differs after every commit to one database.

    A process that closes any descriptor of a file loses its locks on it, SQLite's among them. So there is one for all
    marks on a file, and a mark is closed after the connection that it was made beside.
    """

    def __init__(self, database: Path) -> None:
        """Look at a database that a connection of this process has open in WAL mode and has read; raises OSError."""
        path = database.with_name(f"{database.name}-shm")
        with _lock:
            status = path.stat()
            self._file = status.st_dev, status.st_ino
            if self._file not in _open:
                _open[self._file] = _Shared(path)
            self._shared = _open[self._file]
            self._shared.lookers += 1
        self._memory = self._shared.memory

    @property
    def known(self) -> bool:
        """Whether the memory is of the version that this knows."""
        return self._memory[: len(_VERSION)] == _VERSION

    def read(self) -> bytes:
        """The mark as it is now."""
        return self._memory[:_HEADER_BYTES]

    def close(self) -> None:
        """Look no more."""
        with _lock:
            self._shared.lookers -= 1
            if not self._shared.lookers:
                del _open[self._file]
                self._memory.close()
                os.close(self._shared.descriptor)
