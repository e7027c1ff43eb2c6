"""Shards in folders: one SQLite journal each, side by side, for many engines on one machine.

`slots.json` is the map; `shard-N/` is the journal of shard N with a lock of its own. A lock goes with its process, so
a shard whose engine was killed is free at once; one whose engine is frozen is not, since the kernel does not know.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import msgspec

from bracketd.database.durable_names import sync_folder
from bracketd.domain.slot import SlotMap, even_map
from bracketd.journal.folder_lock import FolderLock
from bracketd.journal.protocol import JournalDamaged, Unknown
from bracketd.journal.reader import Reader
from bracketd.journal.shards import Holding
from bracketd.journal.sqlite import SqliteJournal

MAP_NAME: Final = "slots.json"


class ShardFolder:
    """A store of shards (see shards.py) in one folder, which is made with an even map of `count` shards if it is new.

    Raises JournalDamaged for a map that cannot be read, and OSError.
    """

    def __init__(self, folder: Path, count: int = 1, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.folder = folder
        self._clock_ns = clock_ns
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._map = _load_or_make(folder / MAP_NAME, count)
        self._readers: dict[int, Reader] = {}

    async def slot_map(self) -> SlotMap:
        """The map as it was when the store was opened."""
        return self._map

    async def identity(self) -> bytes:
        """Which file the map is: device, inode and the time of its last change. A copy is another. Raises Unknown."""
        try:
            found = (self.folder / MAP_NAME).stat()
        except OSError as fault:
            raise Unknown(f"the store in {self.folder} cannot be read: {fault}") from fault
        return f"{found.st_dev} {found.st_ino} {found.st_ctime_ns}".encode()

    async def holdings(self) -> list[Holding]:
        """The lease of every shard; a shard that nobody ever opened has none yet. Raises Unknown."""
        return [self._holding(shard) for shard in range(self._map.count)]

    async def journal(self, shard: int) -> SqliteJournal:
        """The journal of one shard, locked. Raises FolderInUse while another process has it."""
        folder = self.journal_folder(shard)
        lock = FolderLock(folder)
        try:
            return _LockedJournal(folder / "journal.db", lock)
        except BaseException:
            lock.release()
            raise

    async def close(self) -> None:
        """Close what holdings were read with."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def journal_folder(self, shard: int) -> Path:
        """Where a shard's journal is."""
        return self.folder / f"shard-{shard}"

    def _holding(self, shard: int) -> Holding:
        reader = self._readers.get(shard)
        try:
            if reader is None:
                path = self.journal_folder(shard) / "journal.db"
                if not path.exists():
                    return Holding(shard, "", 0, False)
                reader = self._readers[shard] = Reader(path)
            row = reader.connection.execute("SELECT owner, epoch, expires_ns, last_seq FROM lease").fetchone()
        except (apsw.Error, OSError, JournalDamaged) as fault:
            # Somebody is making it at this moment, or it cannot be read.
            raise Unknown(f"the lease of shard {shard} cannot be read: {fault}") from fault
        if row is None:
            return Holding(shard, "", 0, False)
        owner, epoch, expires_ns, last_seq = row
        return Holding(shard, owner, epoch, bool(owner) and expires_ns > self._clock_ns(), last_seq)


class _LockedJournal(SqliteJournal):
    """A journal that gives its folder's lock up when it is closed."""

    def __init__(self, path: Path, lock: FolderLock) -> None:
        super().__init__(path)
        self._lock = lock

    async def close(self) -> None:
        """End it; another process may have the folder after that."""
        try:
            await super().close()
        finally:
            self._lock.release()


def _load_or_make(path: Path, count: int) -> SlotMap:
    """The map of a folder; whoever comes first makes it, whole."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as stream:
            stream.write(msgspec.json.encode(even_map(count)))
            stream.flush()
            os.fsync(stream.fileno())
        # Unlike a rename, a link never replaces a map that is there already.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        # The shards of this map are nothing without it: it is on disk, name included, before the first is opened.
        sync_folder(path.parent)
    try:
        return msgspec.json.decode(path.read_bytes(), type=SlotMap)
    except msgspec.DecodeError as fault:
        raise JournalDamaged(f"{path} is no slot map: {fault}") from fault
