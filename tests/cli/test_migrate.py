"""`bracketd migrate`: a folder moves whole or not at all, is served nowhere else after that, and may be moved again."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from click.testing import CliRunner, Result
from tests.cli.conftest import Running

from bracketd.auth.applications import Applications
from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_database import TABLES, ClientsDatabase
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.second_factor import SecondFactors
from bracketd.auth.signing_key import load_or_create
from bracketd.cli.main import main
from bracketd.domain.events import AccountOpened, encode_step
from bracketd.domain.slot import slot_of
from bracketd.engine.state import encode_state
from bracketd.journal.folder_lock import FolderLock
from bracketd.journal.postgres import taking_over
from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.postgres.shards import PostgresShards
from bracketd.journal.protocol import Lease, Record, Snapshot
from bracketd.journal.sqlite import SqliteJournal
from bracketd.runtime.data_folder import MOVED_NAME, journal_path, stored_records
from bracketd.runtime.recovery import replay

NOW_NS = 1_700_022_600 * 1_000_000_000
RECORDS = 1_100
"""More than a page."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with history, a snapshot, two lives of its owner, clients and what belongs to them."""
    folder = tmp_path_factory.mktemp("original")

    async def write() -> None:
        journal = SqliteJournal(journal_path(folder))
        bodies = [encode_step([AccountOpened(n, f"C{n}", 100 * n, 5)]) for n in range(1, RECORDS + 1)]
        lease = await journal.acquire("host", 10)
        assert lease is not None
        await journal.append(lease, 0, bodies[:1_000])
        lease = await journal.acquire("host", 10)
        assert lease is not None
        await journal.append(lease, 1_000, bodies[1_000:])
        state = replay(Record(seq, 1, body) for seq, body in enumerate(bodies[:50], 1))
        await journal.put_snapshot(lease, 50, encode_state(state))
        await journal.release(lease)
        await journal.close()

    asyncio.run(write())
    with ClientStore(folder) as store:
        for name in ("C1", "C2", "NEW"):
            store.add(name, "a hash", 100, 5, NOW_NS)
        store.set_disabled("C2", True)
        store.revoke("C1:key", 10**15)
        SecondFactors(store.file).set_totp_secret("C1", "SECRET")
        Applications(store.file).add("Desk", ["https://desk.example/back"], NOW_NS)
    load_or_create(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    copy = tmp_path / "data"
    copy.mkdir()
    for file in original.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
        (copy / file.name).chmod(0o600)
    return copy


def migrate(folder: Path, to: str, *options: str) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(main, ["migrate", "--from", str(folder), "--to", to, *options])


def ask(address: str, query: str) -> Any:
    """One value from the database."""

    async def fetch() -> Any:
        connection = await asyncpg.connect(address)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_everything_moves(folder: Path, postgres_address: str) -> None:
    """Records with their epochs, the snapshot, clients, second factors, applications, revocations and the key."""
    with ClientStore(folder) as store:
        token = issue_for(store, load_or_create(folder), "C1", 10**12, "web", NOW_NS)
        before = [store.file.read(f"SELECT * FROM {table}") for table in TABLES]
    records = list(stored_records(folder, 0))
    moved = migrate(folder, postgres_address)
    assert moved.exit_code == 0, moved.output
    assert moved.output.startswith(f"{RECORDS} records and 3 clients moved and replayed on both sides, into 1 shards\n")
    with ClientStore(ClientsDatabase(postgres_address, make=False)) as store:
        assert [store.file.read(f"SELECT * FROM {table}") for table in TABLES] == before
        assert isinstance(store.file, ClientsDatabase)
        assert Gate(store, store.file.signing_key()).admit(token, NOW_NS).client_id == "C1"

    async def look() -> None:
        journal = PostgresJournal(postgres_address)
        assert [record async for record in journal.read(0)] == records
        snapshot = await journal.get_snapshot()
        assert isinstance(snapshot, Snapshot)
        assert snapshot.seq == 50
        assert await journal.acquire("engine", 10) == Lease("engine", 3, RECORDS)
        assert await journal.append(Lease("engine", 3, RECORDS), RECORDS, [b"x"]) == RECORDS + 1
        await journal.close()

    asyncio.run(look())


def test_tables_are_all_of_the_file(folder: Path) -> None:
    """No table of the clients' file is left behind."""
    with ClientStore(folder) as store:
        found = {name for (name,) in store.file.read("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert found == set(TABLES)


def test_many_shards(folder: Path, postgres_address: str) -> None:
    """With several shards, accounts that have a history stay where it went, and the others are spread."""
    assert migrate(folder, postgres_address, "--count", "4").exit_code == 0

    async def slots() -> tuple[int, ...]:
        store = PostgresShards(postgres_address)
        try:
            return (await store.slot_map()).shards
        finally:
            await store.close()

    shards = asyncio.run(slots())
    rooted = {slot_of(f"C{n}") for n in range(1, RECORDS + 1)}
    assert {shards[slot] for slot in rooted} == {0}
    assert set(shards) == {0, 1, 2, 3}


def test_moved_twice(folder: Path, postgres_address: str) -> None:
    """A second try finds what it would write, as after a commit of which nobody heard; nothing is there twice."""
    assert migrate(folder, postgres_address).exit_code == 0
    again = migrate(folder, postgres_address)
    assert again.exit_code == 0, again.output
    assert "had moved before" in again.output
    assert ask(postgres_address, "SELECT count(*) FROM bracketd.event") == RECORDS


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bracketd.event SET body = 'x' WHERE seq = 7",
        "DELETE FROM bracketd.client WHERE client_id = 'NEW'",
        "UPDATE bracketd.shard SET epoch = epoch + 1",
    ],
)
def test_database_that_went_on(folder: Path, postgres_address: str, change: str) -> None:
    """A database that holds anything else than the folder is left alone."""
    assert migrate(folder, postgres_address).exit_code == 0
    ask(postgres_address, change)
    refused = migrate(folder, postgres_address)
    assert refused.exit_code == 1


def test_database_of_somebody_else(folder: Path, postgres_address: str) -> None:
    """A database with one client in it is not empty."""
    with ClientStore(ClientsDatabase(postgres_address)) as store:
        store.add("OTHER", "a hash", 1, 1, NOW_NS)
    refused = migrate(folder, postgres_address)
    assert (refused.exit_code, "holds something already" in refused.stderr) == (1, True)
    assert ask(postgres_address, "SELECT count(*) FROM bracketd.event") == 0
    assert not (folder / MOVED_NAME).exists()


def test_interrupted(folder: Path, postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in the middle it leaves nothing behind, and the next try moves everything."""

    class BrokenOff(taking_over.TakingOver):
        async def read(self) -> Any:
            await self._connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            yield None

    with monkeypatch.context() as patch:
        patch.setattr("bracketd.runtime.migration.TakingOver", BrokenOff)
        broken = migrate(folder, postgres_address)
    assert (broken.exit_code, "broke off, try again" in broken.stderr) == (1, True)
    assert ask(postgres_address, "SELECT count(*) FROM bracketd.event") == 0
    assert not (folder / MOVED_NAME).exists()
    assert migrate(folder, postgres_address).exit_code == 0


def test_what_leads_elsewhere_is_not_committed(
    folder: Path, postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the replay of what was written came to another state, nothing would be moved."""

    class Short(taking_over.TakingOver):
        async def read(self) -> Any:
            async for record in super().read():
                if record.seq < RECORDS:
                    yield record

    monkeypatch.setattr("bracketd.runtime.migration.TakingOver", Short)
    refused = migrate(folder, postgres_address)
    assert (refused.exit_code, "another state" in refused.stderr) == (1, True)
    assert ask(postgres_address, "SELECT count(*) FROM bracketd.event") == 0


def test_running_server(folder: Path, postgres_address: str) -> None:
    """A folder that a server holds is not moved."""
    with FolderLock(folder):
        refused = migrate(folder, postgres_address)
    assert (refused.exit_code, "in use by process" in refused.stderr) == (1, True)
    assert ask(postgres_address, "SELECT to_regnamespace('bracketd')") is None


def test_damaged_folder(folder: Path, postgres_address: str) -> None:
    """A folder with an altered record is not moved, and the record is named."""
    connection = apsw.Connection(str(journal_path(folder)))
    connection.execute("UPDATE event SET body = x'00' WHERE seq = 9")
    connection.close()
    refused = migrate(folder, postgres_address)
    assert (refused.exit_code, "record 9" in refused.stderr) == (1, True)
    assert ask(postgres_address, "SELECT to_regnamespace('bracketd')") is None


@pytest.mark.parametrize("name", ["journal.db", "clients.db", "signing.key"])
def test_folder_that_lacks_something(folder: Path, postgres_address: str, name: str) -> None:
    """A folder without one of its files is not moved."""
    for file in folder.glob(f"{name}*"):
        file.unlink()
    refused = migrate(folder, postgres_address)
    assert (refused.exit_code, f"holds no {name}" in refused.stderr) == (1, True)


def test_no_folder_and_no_database(folder: Path, tmp_path: Path, postgres_address: str) -> None:
    """What is no folder, no address or no database is one sentence, and makes nothing."""
    assert "is no data folder" in migrate(tmp_path / "nowhere", postgres_address).stderr
    assert not (tmp_path / "nowhere").exists()
    assert "begins with postgresql://" in migrate(folder, "mysql://x").stderr
    assert "No primary answers" in migrate(folder, "postgresql://u@127.0.0.1:1/x").stderr


def test_moved_folder_is_not_served(
    folder: Path, postgres_address: str, bracketd: Callable[..., Any], start: Callable[..., Running]
) -> None:
    """After the move a server refuses the folder and says where its accounts are; nothing in it has changed."""
    assert migrate(folder, postgres_address).exit_code == 0
    refused = bracketd("serve", "--data", str(folder), "--port", "0")
    assert refused.returncode == 1
    assert "has moved to postgresql://bracketd@127.0.0.1" in refused.stderr
    verified = CliRunner().invoke(main, ["verify", "--data", str(folder)])
    assert verified.exit_code == 0
