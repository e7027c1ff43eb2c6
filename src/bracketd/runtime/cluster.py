"""A cluster as its processes open it: the store of shards, and the clients with the signing key that all of them share.

Everything is in one place: a database, or a folder with a folder for each shard, `clients.db` and `signing.key`.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientTables
from bracketd.auth.signing_key import load_or_create
from bracketd.journal.shard_folder import ShardFolder
from bracketd.journal.shards import Shards

_DATABASE = ("postgresql://", "postgres://")


def is_database(journal: str) -> bool:
    """Whether the shards are in a database rather than in a folder."""
    return journal.startswith(_DATABASE)


def open_store(journal: str, count: int) -> Shards:
    """The shards at an address `postgresql://…`, or in a folder of that name; new ones are `count`.

    Raises BadAddress, JournalDamaged, OSError, and ModuleNotFoundError where the driver is not installed.
    """
    if is_database(journal):
        # Whoever keeps shards in folders needs no driver.
        from bracketd.journal.postgres.shards import PostgresShards

        return PostgresShards(journal, count)
    return ShardFolder(Path(journal), count)


@contextlib.contextmanager
def open_clients(journal: str) -> Iterator[tuple[ClientStore, bytes]]:
    """(clients, signing key) of a cluster, each made if it is new.

    Raises ClientStoreError, SigningKeyError, BadAddress, apsw.Error, OSError, and ModuleNotFoundError.
    """
    if is_database(journal):
        from bracketd.auth.clients_database import ClientsDatabase

        database = ClientsDatabase(journal)
        tables: Path | ClientTables = database
    else:
        database, tables = None, Path(journal)
    with ClientStore(tables) as store:
        yield store, load_or_create(Path(journal)) if database is None else database.signing_key()


def folder_of(journal: str) -> Path:
    """The folder of a cluster, the present one where it is in a database."""
    return Path() if is_database(journal) else Path(journal)


def shown_store(journal: str) -> str:
    """The store's name for people, without a password."""
    if is_database(journal):
        from bracketd.database.address import read_address

        return read_address(journal).shown
    return journal
