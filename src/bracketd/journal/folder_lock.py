"""One process at a time owns a data folder, and its lock dies with it.

The lock is flock(2) on the file `lock` in the folder: the kernel gives it up when the process ends, however it ends,
so no lock is ever left behind and none has to be broken by hand. The file itself stays. The process id in it is for
people; nothing is decided by it. flock guards one host: a folder shared between hosts is guarded by the lease alone.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bracketd.database.durable_names import sync_folder
from bracketd.journal.protocol import FolderInUse


class FolderLock:
    """The exclusive right to a data folder, held from construction to `release`, or as a context."""

    def __init__(self, folder: Path | str) -> None:
        """Make the folder, durably, if there is none, and lock it. Raises FolderInUse, OSError."""
        self.folder = Path(folder)
        _make_folder(self.folder)
        # Close-on-exec is Python's default: a child that outlives us does not keep the lock.
        self._descriptor: int | None = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise FolderInUse(
                f"the data folder {self.folder} is in use by process {holder or 'unknown'}; "
                "stop that server first, or give this one another folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the folder up; doing it twice is allowed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def _make_folder(folder: Path) -> None:
    """Make the folder and its parents; each new name is synced in the folder above it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)
