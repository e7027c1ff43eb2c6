"""Shards in folders: one map for all, leases that anybody reads, and a lock that goes with its holder."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from bracketd.domain.slot import even_map
from bracketd.journal.protocol import FolderInUse, JournalDamaged, Unknown
from bracketd.journal.shard_folder import MAP_NAME, ShardFolder
from bracketd.journal.shards import Holding


async def test_the_first_map_holds(tmp_path: Path) -> None:
    """Whoever opens the store later gets the map that is there, whatever count he asks for."""
    first, second = ShardFolder(tmp_path, 4), ShardFolder(tmp_path, 9)
    assert await first.slot_map() == await second.slot_map() == even_map(4)


async def test_the_map_is_on_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The map is synced before it has its name, and its name before the store is open."""
    done: list[str] = []
    sync, link = os.fsync, os.link

    def synced(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"{os.fstat(descriptor).st_size} bytes")
        sync(descriptor)

    def linked(source: Path, name: Path) -> None:
        done.append("name")
        link(source, name)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    await ShardFolder(tmp_path, 3).close()
    size = (tmp_path / MAP_NAME).stat().st_size
    assert done == [f"{size} bytes", "name", "folder"]
    await ShardFolder(tmp_path, 3).close()
    assert len(done) == 3


async def test_holdings_are_the_leases(tmp_path: Path) -> None:
    """A shard without a journal, one that is held, one that was given back, and one whose lease has ended."""
    now_ns = [10**18]
    store, other = (ShardFolder(tmp_path, 4, clock_ns=lambda: now_ns[0]) for _ in range(2))
    held, given_back = await store.journal(1), await store.journal(2)
    assert await held.acquire("127.0.0.1:7000", 10**6, "127.0.0.1:7000") is not None
    lease = await given_back.acquire("127.0.0.1:7001", 10**6)
    assert lease is not None
    await given_back.release(lease)
    now_ns[0] = held._clock_ns()
    assert await other.holdings() == [
        Holding(0, "", 0, False),
        Holding(1, "127.0.0.1:7000", 1, True),
        Holding(2, "", 1, False),
        Holding(3, "", 0, False),
    ]
    now_ns[0] += 2 * 10**15
    assert (await other.holdings())[1] == Holding(1, "127.0.0.1:7000", 1, False)
    for journal in (held, given_back):
        await journal.close()
    await store.close()
    await other.close()


async def test_a_copy_is_another_store(tmp_path: Path) -> None:
    """Whoever opens the same folder, by whatever name, reads one identity; a copy of the whole has another."""
    store = ShardFolder(tmp_path / "store", 2)
    (tmp_path / "alias").symlink_to(tmp_path / "store")
    shutil.copytree(tmp_path / "store", tmp_path / "copy", copy_function=shutil.copy2)
    same, copy = ShardFolder(tmp_path / "alias"), ShardFolder(tmp_path / "copy")
    assert await store.identity() == await same.identity() != await copy.identity()
    assert await copy.slot_map() == await store.slot_map()
    (tmp_path / "copy" / MAP_NAME).unlink()
    with pytest.raises(Unknown):
        await copy.identity()


async def test_a_journal_is_open_once(tmp_path: Path) -> None:
    """A second opening is refused until the first is closed."""
    store = ShardFolder(tmp_path, 2)
    journal = await store.journal(0)
    with pytest.raises(FolderInUse):
        await store.journal(0)
    await (await store.journal(1)).close()
    await journal.close()
    await (await store.journal(0)).close()


@pytest.mark.parametrize("text", ["", "{", '{"version":1,"shards":[0]}', '{"version":0,"shards":[]}'])
def test_a_map_that_is_none_is_damage(tmp_path: Path, text: str) -> None:
    """It is never replaced: accounts would be looked for in other shards."""
    (tmp_path / MAP_NAME).write_text(text)
    with pytest.raises(JournalDamaged):
        ShardFolder(tmp_path, 2)
    assert (tmp_path / MAP_NAME).read_text() == text
