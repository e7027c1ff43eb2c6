"""A data folder moves into a database: journal, snapshot, clients and signing key, in one transaction.

The folder is locked meanwhile, so no server runs on it. What was written is read back and replayed before it is
committed, and must lead to the very state that the folder leads to. So an interruption at any moment leaves an empty
database, and the move is tried again; where the commit itself was in doubt, a second try finds what it would write.

A folder that has moved says so in a file, and is not served again: two servers of one history would each be true.
"""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from bracketd.auth import clients_database, clients_file, signing_key
from bracketd.auth.clients_file import ClientsFile
from bracketd.database.address import Address
from bracketd.database.durable_names import sync_folder
from bracketd.database.link import FAULTS, Connection, Doubtful, Link, Unreachable, words
from bracketd.database.tables import bring_up
from bracketd.domain.slot import SLOTS, SlotMap, even_map, slot_of
from bracketd.engine.state import State, encode_state
from bracketd.journal.folder_lock import FolderLock
from bracketd.journal.postgres import tables
from bracketd.journal.postgres.taking_over import TakingOver
from bracketd.journal.protocol import Lease, Record
from bracketd.journal.reader import Reader
from bracketd.journal.verify import check
from bracketd.runtime.data_folder import JOURNAL_NAME, MOVED_NAME, stored_records
from bracketd.runtime.recovery import Replay

FILES: Final = (JOURNAL_NAME, clients_file.FILE_NAME, signing_key.FILE_NAME)
SHARD: Final = 0
"""Where the folder's whole history goes: it is one sequence, and one writer goes on with it."""

_HELD = """
SELECT EXISTS (SELECT FROM bracketd.shard) OR EXISTS (SELECT FROM bracketd.event)
    OR EXISTS (SELECT FROM bracketd.slot_map) OR EXISTS (SELECT FROM bracketd.signing_key)
"""


class MigrationRefused(Exception):
    """Nothing was moved; the text is one sentence for the operator, without its full stop."""


class Moved(Struct, frozen=True):
    """What was moved, counted; `before` tells that an earlier try had done it already."""

    records: int
    clients: int
    shards: int
    before: bool


class _Folder:
    """What a locked folder holds, checked and replayed."""

    def __init__(self, folder: Path) -> None:
        for name in FILES:
            if not (folder / name).is_file():
                raise MigrationRefused(f"{folder} holds no {name}")
        report = check(folder / JOURNAL_NAME)
        if not report.sound:
            raise MigrationRefused(f"the journal in {folder} is faulty: {report.fault}")
        self.folder = folder
        self.state = _state(stored_records(folder, 0))
        self.key = signing_key.load_or_create(folder)
        reader = Reader(folder / JOURNAL_NAME)
        try:
            self.snapshot = reader.snapshot()
            row: Any = reader.connection.execute("SELECT owner, epoch, last_seq FROM lease").fetchone()
            self.lease = Lease(*row)
        finally:
            reader.close()
        file = ClientsFile(folder)
        try:
            self.rows = {table: _rows(file, table) for table in clients_database.TABLES}
        finally:
            file.close()

    def slot_map(self, count: int) -> SlotMap:
        """The first map: accounts with a history stay where it goes, all others are spread over the shards."""
        rooted = {slot_of(client_id) for client_id in self.state.accounts}
        even = even_map(count).shards
        return SlotMap(1, tuple(SHARD if slot in rooted else even[slot] for slot in range(SLOTS)))


def migrate(folder: Path, address: Address, count: int = 1) -> Moved:
    """Move a folder into the database, which gets `count` shards.

    Raises MigrationRefused (nothing is changed: a folder that lacks something or is faulty, a database that holds
    something), FolderInUse (a server runs on it), JournalDamaged, RecoveryFailed, InvariantBroken, SigningKeyError,
    apsw.Error, OSError.
    """
    if not folder.is_dir():
        raise MigrationRefused(f"{folder} is no data folder")
    with FolderLock(folder):
        found = _Folder(folder)
        moved = asyncio.run(_move(found, address, count))
        _mark(folder, address)
        return moved


def _mark(folder: Path, address: Address) -> None:
    """Let no server serve the folder again, on disk before anybody hears that it has moved."""
    with (folder / MOVED_NAME).open("w", encoding="utf-8") as file:
        file.write(f"{address.shown}\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


async def _move(found: _Folder, address: Address, count: int) -> Moved:
    link = Link(address, _prepare)
    try:
        return await link.use(lambda connection: _write(connection, found, count))
    except Unreachable as fault:
        raise MigrationRefused(str(fault)) from fault
    except (Doubtful, *FAULTS) as fault:
        raise MigrationRefused(f"the database at {address.shown} broke off, try again: {words(fault)}") from fault
    finally:
        await link.close()


async def _prepare(connection: Connection) -> None:
    await tables.prepare(connection)
    await bring_up(connection, clients_database.PART, clients_database.STEPS)


async def _write(connection: Connection, found: _Folder, count: int) -> Moved:
    """Write everything, read it back, and commit if it is the same."""
    counts = (found.lease.last_seq, len(found.rows["client"][1]), count)
    async with connection.transaction():
        # Whoever else writes the first thing waits for us, and then finds it there.
        await connection.execute("LOCK TABLE bracketd.shard, bracketd.slot_map, bracketd.signing_key IN EXCLUSIVE MODE")
        if await connection.fetchval(_HELD) or await _any_clients(connection):
            if await _same(connection, found):
                return Moved(*counts[:2], len(set(await _map(connection))), before=True)
            raise MigrationRefused("the database holds something already; a folder moves into an empty one")
        shard = TakingOver(connection, SHARD)
        await shard.write(stored_records(found.folder, 0), found.lease, found.snapshot)
        for table, (columns, rows) in found.rows.items():
            await connection.copy_records_to_table(table, schema_name="bracketd", columns=columns, records=rows)
        await connection.execute("INSERT INTO bracketd.signing_key VALUES (1, $1)", found.key)
        slots = found.slot_map(count)
        await connection.execute("INSERT INTO bracketd.slot_map VALUES ($1, $2)", slots.version, list(slots.shards))
        if not await _same(connection, found):
            raise MigrationRefused("what was written leads to another state than the folder; nothing was moved")
    return Moved(*counts, before=False)


async def _same(connection: Connection, found: _Folder) -> bool:
    """Whether the database holds what the folder does: the same records to the same state, clients and key."""
    row = await connection.fetchrow("SELECT epoch, last_seq FROM bracketd.shard WHERE id = $1", SHARD)
    if row is None or tuple(row) != (found.lease.epoch, found.lease.last_seq):
        return False
    if await connection.fetchval("SELECT key FROM bracketd.signing_key") != found.key:
        return False
    for table, (columns, rows) in found.rows.items():
        kept = await connection.fetch(f"SELECT {', '.join(columns)} FROM bracketd.{table}")
        if sorted(map(repr, map(tuple, kept))) != sorted(map(repr, rows)):
            return False
    replay = Replay()
    async for record in TakingOver(connection, SHARD).read():
        replay.take(record)
    return encode_state(replay.finish()) == encode_state(found.state)


async def _any_clients(connection: Connection) -> bool:
    for table in clients_database.TABLES:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM bracketd.{table})"):
            return True
    return False


async def _map(connection: Connection) -> list[int]:
    found: list[int] = await connection.fetchval("SELECT shards FROM bracketd.slot_map ORDER BY version DESC LIMIT 1")
    return found


def _rows(file: ClientsFile, table: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """(columns, rows) of one of the folder's tables; `table` is a word of ours."""
    columns = tuple(name for (name,) in file.read(f"SELECT name FROM pragma_table_info('{table}')"))
    return columns, file.read(f"SELECT {', '.join(columns)} FROM {table}")


def _state(records: Iterable[Record]) -> State:
    """The state that all records lead to. Raises RecoveryFailed, InvariantBroken, JournalDamaged."""
    replay = Replay()
    for record in records:
        replay.take(record)
    return replay.finish()
