"""The verbs on a cluster's database: clients, applications, tokens and verify, as on a folder."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from tests.auth.cheap_passwords import CHEAP

from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_database import ClientsDatabase
from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised
from bracketd.cli.main import main
from bracketd.domain.events import AccountOpened, encode_step
from bracketd.domain.slot import SLOTS, SlotMap
from bracketd.engine.state import encode_state
from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.postgres.shards import PostgresShards
from bracketd.journal.protocol import Record
from bracketd.runtime.recovery import replay


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the least costs, so that the tests are quick; what is hashed and kept is the same."""
    monkeypatch.setattr("bracketd.cli.client.Passwords", lambda: CHEAP)


@pytest.fixture
def address(postgres_address: str) -> str:
    """A database in which AB1 is a client."""
    assert invoke(postgres_address, "client", "add", "AB1").exit_code == 0
    return postgres_address


@pytest.fixture
def store(address: str) -> Iterator[ClientStore]:
    """What a gateway sees of it."""
    with ClientStore(ClientsDatabase(address, make=False)) as opened:
        yield opened


def invoke(journal: str, *arguments: str, **options: Any) -> Result:
    """Run a verb on a database in this process."""
    return CliRunner().invoke(main, [*arguments, "--journal", journal], **options)


def test_client_of_a_database(address: str, store: ClientStore) -> None:
    """A client is added once, listed, shut out and let in again."""
    again = invoke(address, "client", "add", "AB1")
    assert (again.exit_code, "exists already in postgresql://" in again.stderr) == (1, True)
    assert invoke(address, "client", "list").output.split()[0] == "AB1"
    assert invoke(address, "client", "disable", "AB1").exit_code == 0
    client = store.get("AB1")
    assert client is not None
    assert client.disabled
    assert invoke(address, "client", "enable", "AB1").exit_code == 0


def test_token_of_a_database(address: str, store: ClientStore) -> None:
    """A token that the command line makes opens every gateway, until the client is rotated."""
    token = invoke(address, "token", "AB1").output.strip()
    assert isinstance(store.file, ClientsDatabase)
    client = store.get("AB1")
    assert client is not None
    now_ns = client.created_ns
    gate = Gate(store, store.file.signing_key())
    assert gate.admit(token, now_ns).client_id == "AB1"
    assert invoke(address, "client", "rotate", "AB1").exit_code == 0
    fresh = Gate(store, store.file.signing_key())
    with pytest.raises(Unauthorised):
        fresh.admit(token, now_ns)


def test_application_of_a_database(address: str) -> None:
    """An application is registered, listed and removed."""
    added = invoke(address, "app", "add", "Desk", "--redirect-uri", "https://desk.example/back")
    app_id = added.output.split("app_id ")[1].split()[0]
    assert app_id in invoke(address, "app", "list").output
    assert invoke(address, "app", "remove", app_id).exit_code == 0
    assert invoke(address, "app", "list").output == ""


@pytest.mark.parametrize(
    "words", [("client", "list"), ("client", "rotate", "AB1"), ("token", "AB1"), ("app", "list"), ("verify",)]
)
def test_empty_database(postgres_address: str, words: tuple[str, ...]) -> None:
    """A database that holds nothing is said to, and still holds nothing after that."""
    refused = invoke(postgres_address, *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "holds no" in refused.stderr

    async def schema() -> Any:
        connection = await asyncpg.connect(postgres_address)
        try:
            return await connection.fetchval("SELECT to_regnamespace('bracketd')")
        finally:
            await connection.close()

    assert asyncio.run(schema()) is None


def test_password_is_not_repeated() -> None:
    """A database that cannot be reached is named without its password."""
    refused = invoke("postgresql://desk:topsecret@127.0.0.1:1/x", "client", "list")
    assert refused.exit_code == 1
    assert "postgresql://desk@127.0.0.1:1/x" in refused.stderr
    assert "topsecret" not in refused.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("client", "list"), "Missing option '--data' or '--journal'"),
        (("client", "list", "--data", "x", "--journal", "y"), "exclude each other"),
        (("verify", "--journal", "postgresql://a,,b/x"), "no host"),
    ],
)
def test_place_that_is_none(words: tuple[str, ...], said: str) -> None:
    """No place, two places and an address that is none are wrong usage."""
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, said in refused.stderr) == (2, True)


def opened(client_id: str, cash_paise: int = 100) -> bytes:
    """A record in which an account is opened."""
    return encode_step([AccountOpened(1, client_id, cash_paise, 5)])


async def write_shards(address: str, bodies: dict[int, list[bytes]], *, trim: bool = False) -> None:
    """Shards with these records; trimmed, one snapshot stands for all but the last record of each."""
    for shard, records in bodies.items():
        journal = PostgresJournal(address, shard)
        lease = await journal.acquire("test", 10)
        assert lease is not None
        await journal.append(lease, 0, records)
        if trim:
            state = replay(Record(seq, 1, body) for seq, body in enumerate(records[:-1], 1))
            await journal.put_snapshot(lease, len(records) - 1, encode_state(state))
            await journal.trim(lease, len(records) - 1)
        await journal.close()


@pytest.mark.parametrize("trim", [False, True])
def test_verify_shards(postgres_address: str, trim: bool) -> None:
    """Every shard is checked and replayed, from its snapshot where its beginning was removed."""

    async def make() -> None:
        store = PostgresShards(postgres_address, 2)
        await store.slot_map()
        await store.close()
        await write_shards(
            postgres_address, {0: [opened(name) for name in "ABC"], 7: [opened(name) for name in "DEF"]}, trim=trim
        )

    asyncio.run(make())
    result = invoke(postgres_address, "verify")
    assert result.exit_code == 0, result.output
    assert result.output.count("sound") == 3, "a journal that the map does not name is checked too"
    assert result.output.count(f"records   {1 if trim else 3}") == 2


def test_verify_names_the_fault(postgres_address: str) -> None:
    """A record that was altered is named with its shard; exit code 1."""

    async def make() -> None:
        await write_shards(postgres_address, {0: [opened("A"), opened("B")]})
        connection = await asyncpg.connect(postgres_address)
        await connection.execute("UPDATE bracketd.event SET body = $1 WHERE seq = 2", opened("Z"))
        await connection.close()

    asyncio.run(make())
    result = invoke(postgres_address, "verify")
    assert result.exit_code == 1
    assert "shard 0 is faulty: record 2" in result.stderr


@pytest.mark.parametrize("trim", [False, True])
def test_opening_cash_is_asked_of_the_shard(address: str, trim: bool) -> None:
    """The cash of a client whose account its shard has opened stays, also where the record of it was removed."""

    async def make() -> None:
        store = PostgresShards(address, 2)
        await store.put_map(SlotMap((await store.slot_map()).version + 1, (1,) * SLOTS))
        await store.close()

    asyncio.run(make())
    assert invoke(address, "client", "cash", "AB1", "500").exit_code == 0
    asyncio.run(write_shards(address, {1: [opened("AB1", 50_000), opened("X"), opened("Y")]}, trim=trim))
    refused = invoke(address, "client", "cash", "AB1", "700")
    assert refused.exit_code == 1
    assert "opened with 500.00 rupees" in refused.stderr
