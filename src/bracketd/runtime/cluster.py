"""A cluster as its processes open it: the store of shards, and the folder of clients and signing key."""

from pathlib import Path

from bracketd.journal.shard_folder import ShardFolder
from bracketd.journal.shards import Shards

DATABASE: tuple[str, ...] = ("postgresql://", "postgres://")


def open_store(journal: str, count: int) -> Shards:
    """The shards at an address `postgresql://…`, or in a folder of that name; new ones are `count`.

    Raises BadAddress, JournalDamaged, OSError, and ModuleNotFoundError where the driver is not installed.
    """
    if journal.startswith(DATABASE):
        # Whoever keeps shards in folders needs no driver.
        from bracketd.journal.postgres.shards import PostgresShards

        return PostgresShards(journal, count)
    return ShardFolder(Path(journal), count)


def shown_store(journal: str) -> str:
    """The store's name for people, without a password."""
    if journal.startswith(DATABASE):
        from bracketd.database.address import read_address

        return read_address(journal).shown
    return journal
