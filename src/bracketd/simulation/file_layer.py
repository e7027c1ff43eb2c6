"""The file layer: SQLite reads and writes the simulated disk, as it does a real one, by a name that a journal opens.

A database in WAL mode also wants locks, and memory that its connections share; SQLite's own layer for one process lends
both, with an empty file beside the name that was asked for, in a folder of this machine. Nothing is written to that.
Each process of the story has its own: what a dead one held in memory, or had locked, the next one never meets, also
where the dead one's connection was never closed.
"""

from itertools import count
from pathlib import Path
from typing import Any

import apsw

from bracketd.simulation.disk import Disk, DiskFault, DiskFile, DiskFull

LENDER = "unix-excl"
"""SQLite's layer for one process: what connections share is in its memory."""

_numbers = count(1)


class FileLayer(apsw.VFS):
    """A way to a disk under the name `name`; `unregister` ends it."""

    def __init__(self, disk: Disk) -> None:
        self.name = f"simulated disk {next(_numbers)}"
        self.disk = disk
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (SQLite's word)
        text = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        if not flags[0] & apsw.SQLITE_OPEN_CREATE and text not in self.disk.files:
            raise apsw.CantOpenError(f"there is no {text}")
        if flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            return _Database(self.disk, text, flags)
        return _Log(self.disk, text, flags)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802 (SQLite's word)
        return pathname in self.disk.files

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 (SQLite's word)
        self.disk.delete(filename)

    def xFullPathname(self, name: str) -> str:  # noqa: N802 (SQLite's word)
        return str(Path(name).absolute())


class _OnDisk(apsw.VFSFile):
    """What all files have in common. One that a dead process left open changes nothing any more."""

    def _stand_on(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._life = disk.life
        self._file = disk.files.setdefault(name, DiskFile())

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 (SQLite's word)
        return self._disk.read(self._file, offset, amount)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 (SQLite's word)
        if self._life != self._disk.life:
            return
        try:
            self._disk.write(self._file, offset, bytes(data))
        except DiskFull as fault:
            raise apsw.FullError(str(fault)) from fault

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 (SQLite's word)
        if self._life == self._disk.life:
            self._disk.cut(self._file, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 (SQLite's word)
        if self._life != self._disk.life:
            return
        try:
            self._disk.sync(self._file)
        except DiskFault as fault:
            raise apsw.IOError(str(fault)) from fault

    def xFileSize(self) -> int:  # noqa: N802 (SQLite's word)
        return len(self._file.seen)

    def xSectorSize(self) -> int:  # noqa: N802 (SQLite's word)
        return 512

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 (SQLite's word)
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


class _Database(_OnDisk):
    """The database file; locks and shared memory are lent."""

    def __init__(self, disk: Disk, text: str, flags: list[int]) -> None:
        self._stand_on(disk, text)
        super().__init__(LENDER, f"{text}.{disk.life}", flags)


class _Log(_OnDisk):
    """A log beside the database, which one connection at a time writes: it needs no locks of its own."""

    def __init__(self, disk: Disk, text: str, flags: list[int]) -> None:
        self._stand_on(disk, text)
        flags[1] = flags[0]

    def xLock(self, level: int) -> None:  # noqa: N802 (SQLite's word)
        return

    def xUnlock(self, level: int) -> None:  # noqa: N802 (SQLite's word)
        return

    def xCheckReservedLock(self) -> bool:  # noqa: N802 (SQLite's word)
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802 (SQLite's word)
        return False

    def xClose(self) -> None:  # noqa: N802 (SQLite's word)
        return
