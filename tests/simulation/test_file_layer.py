"""SQLite on the simulated disk meets what the disk kept, and nothing that a dead process held in memory."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import pytest

from bracketd.simulation.disk import Disk
from bracketd.simulation.file_layer import FileLayer


class Hours:
    """A clock that is moved by hand."""

    now_ns = 0

    def __call__(self) -> int:
        """Now."""
        return self.now_ns


@pytest.fixture
def hours() -> Hours:
    """The clock of the disk."""
    return Hours()


@pytest.fixture
def layer(hours: Hours) -> Iterator[FileLayer]:
    """A way to an empty disk."""
    layer = FileLayer(Disk(Random(1), hours))
    yield layer
    layer.unregister()


def opened(layer: FileLayer, path: Path) -> apsw.Connection:
    """A connection that logs and syncs as the journal does."""
    connection = apsw.Connection(str(path), vfs=layer.name)
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0").fetchall()
    return connection


def test_the_memory_of_a_dead_process_is_gone(tmp_path: Path, hours: Hours, layer: FileLayer) -> None:
    """After a power cut the log is read anew, also while a connection of the life before was never closed."""
    path, disk = tmp_path / "kept.db", layer.disk
    with closing(opened(layer, path)) as dead:
        dead.execute("CREATE TABLE row(number); INSERT INTO row VALUES(1)")
        hours.now_ns = disk.busy_until_ns
        # The disk is busy when this is asked for, and the power goes before its turn comes: nothing of it is kept.
        disk.busy_until_ns = hours.now_ns + 1
        dead.execute("INSERT INTO row VALUES(2)")
        assert dead.execute("SELECT number FROM row").fetchall() == [(1,), (2,)]
        disk.cut_power()
        with closing(opened(layer, path)) as reborn:
            assert reborn.execute("SELECT number FROM row").fetchall() == [(1,)]


def test_a_dead_process_locks_nothing(tmp_path: Path, layer: FileLayer) -> None:
    """A transaction that died with its process is in nobody's way, and never ends."""
    path = tmp_path / "kept.db"
    with closing(opened(layer, path)) as dead:
        dead.execute("CREATE TABLE row(number)")
        dead.execute("BEGIN IMMEDIATE; INSERT INTO row VALUES(1)")
        layer.disk.lose_process()
        with closing(opened(layer, path)) as reborn:
            reborn.execute("INSERT INTO row VALUES(2)")
            dead.execute("COMMIT")
            assert reborn.execute("SELECT number FROM row").fetchall() == [(2,)]


def test_connections_of_one_process_share_memory(tmp_path: Path, layer: FileLayer) -> None:
    """A reader sees what a writer beside it has committed, and keeps what it began to read."""
    path = tmp_path / "kept.db"
    with closing(opened(layer, path)) as writer, closing(opened(layer, path)) as reader:
        writer.execute("CREATE TABLE row(number)")
        reader.execute("BEGIN")
        assert reader.execute("SELECT number FROM row").fetchall() == []
        writer.execute("INSERT INTO row VALUES(1)")
        assert reader.execute("SELECT number FROM row").fetchall() == []
        reader.execute("COMMIT")
        assert reader.execute("SELECT number FROM row").fetchall() == [(1,)]
