"""bracketd without its sync, for comparison only: what the disk's part of a request is. Nothing it says is durable."""

import sys
from pathlib import Path

import apsw

from bracketd.cli.main import main
from bracketd.journal import writer


def _open_unsynced(path: Path, vfs: str | None, created_ns: int) -> apsw.Connection:
    connection = _open(path, vfs, created_ns)
    connection.execute("PRAGMA synchronous=OFF").fetchall()
    return connection


_open = writer.open_for_writing
writer.open_for_writing = _open_unsynced

if __name__ == "__main__":
    main(sys.argv[1:])
