"""The write-ahead log beside a SQLite file, and what a failed sync may have done to it.

After a failed sync the kernel may mark as written what it could not write: the next sync succeeds, and until the
machine wants the memory its cache goes on showing bytes that no disk has. SQLite reads the log through that cache.
"""

from typing import Final

import apsw

PIECE_BYTES: Final = 64 * 1024
"""SQLite's way to a real file writes less than 128 KiB at once."""


def write_again(log: str, vfs: str) -> None:
    """Write what a log shows over itself, and sync it, before SQLite looks at it; nobody may write meanwhile.

    What is built on it then is built on what the disk has. Without this the cache could forget a part between SQLite's
    finding of commits in the log and its copying of them, or at a power cut after others have been logged behind.
    Raises apsw.Error.
    """
    try:
        file = apsw.VFSFile(vfs, log, [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0])
    except apsw.CantOpenError:
        # There is none.
        return
    try:
        size = file.xFileSize()
        for offset in range(0, size, PIECE_BYTES):
            file.xWrite(file.xRead(min(PIECE_BYTES, size - offset), offset), offset)
        file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


def let_go(connection: apsw.Connection) -> None:
    """Close a connection whose disk has failed, and leave its log to whoever opens the file next.

    An ordinary close copies the log, from pages that a failed sync may have thrown away, and then deletes it, which
    alone has what was acknowledged.
    """
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close(True)
