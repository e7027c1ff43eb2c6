"""A file layer that records every write and sync, and whose disk can be told to fail.

It stands between SQLite and the real file system, under a name that a journal can be opened with. `calls` lists what
reached the disk as ("write" | "sync", file), where file is "db", "wal" or another ending.
"""

from pathlib import Path
from typing import Any

import apsw


class FailingDisk(apsw.VFS):
    """An apsw file layer. Set `fail_sync_at` to n to fail the n-th sync from now, `full` to refuse every write."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[tuple[str, str]] = []
        self.fail_sync_at: int | None = None
        self.full = False
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (SQLite's word)
        return _RecordedFile(self, name, flags)

    def synced(self, file: str) -> None:
        """Record a sync, or fail it if its turn has come."""
        if self.fail_sync_at is not None:
            self.fail_sync_at -= 1
            if self.fail_sync_at <= 0:
                self.calls.append(("failed sync", file))
                raise apsw.IOError("the disk failed to sync")
        self.calls.append(("sync", file))


class _RecordedFile(apsw.VFSFile):
    """One open file; the real one does the work."""

    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        text = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self.file = Path(text).name.rpartition("-")[2] if "-" in Path(text).name else "db"
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 (SQLite's word)
        if self.disk.full:
            raise apsw.FullError("the disk is full")
        self.disk.calls.append(("write", self.file))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 (SQLite's word)
        self.disk.synced(self.file)
        super().xSync(flags)
