"""The shards of a database: who holds which, and one map at a time."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.postgres_server import PostgresServer, require

from bracketd.database.address import read_address
from bracketd.database.link import Link
from bracketd.domain.slot import SLOTS, SlotMap, even_map
from bracketd.journal.postgres.shards import MapReplaced, PostgresShards, identity_of
from bracketd.journal.protocol import JournalDamaged, Unknown
from bracketd.journal.shards import Holding


@pytest.fixture
async def shards(postgres_address: str) -> AsyncIterator[PostgresShards]:
    """A new store of four shards."""
    store = PostgresShards(postgres_address, 4)
    yield store
    await store.close()


async def test_first_map_is_even(shards: PostgresShards, postgres_address: str) -> None:
    """Whoever comes first makes the map; a later opener's count changes nothing."""
    assert await shards.slot_map() == even_map(4)
    later = PostgresShards(postgres_address, 9)
    assert await later.slot_map() == even_map(4)
    await later.close()


async def test_one_of_two_maps_gets_in(shards: PostgresShards, postgres_address: str) -> None:
    """Of two next maps one is put in place, and the other's maker is told; an older one is refused."""
    await shards.slot_map()
    other = PostgresShards(postgres_address)
    maps = [SlotMap(2, (number,) * SLOTS) for number in (1, 2)]
    outcomes = await asyncio.gather(shards.put_map(maps[0]), other.put_map(maps[1]), return_exceptions=True)
    assert sorted(map(type, outcomes), key=str) == [type(None), MapReplaced]
    assert await shards.slot_map() == maps[outcomes.index(None)]
    with pytest.raises(MapReplaced):
        await shards.put_map(even_map(4))
    await other.close()


async def test_holdings(shards: PostgresShards) -> None:
    """Every shard of the map is told of: free, held, and held by a lease that has ended."""
    assert await shards.holdings() == [Holding(shard, "", 0, False) for shard in range(4)]
    held, ended = await shards.journal(1), await shards.journal(2)
    await held.acquire("127.0.0.1:7001", 10)
    await ended.acquire("127.0.0.1:7002", 0.05)
    await asyncio.sleep(0.1)
    assert (await shards.holdings())[1:3] == [
        Holding(1, "127.0.0.1:7001", 1, True),
        Holding(2, "127.0.0.1:7002", 1, False),
    ]
    await held.close()
    await ended.close()


async def test_each_database_is_another_store(shards: PostgresShards, postgres_server: PostgresServer) -> None:
    """A user without rights reads the same identity as the owner; a copy within the server has another."""
    await shards.slot_map()
    name = shards.address.hosts[0].rpartition("/")[2]
    first = await shards.identity()
    await shards.close()
    postgres_server.psql(f"CREATE DATABASE copy_of_{name} TEMPLATE {name}")
    postgres_server.psql(f"CREATE ROLE reader_of_{name} LOGIN")
    copied = PostgresShards(postgres_server.address(f"copy_of_{name}"))
    plain = Link(read_address(postgres_server.address(name).replace("//bracketd@", f"//reader_of_{name}@")))
    again = PostgresShards(postgres_server.address(name))
    assert await plain.use(lambda connection: connection.fetchval("SELECT current_user")) == f"reader_of_{name}"
    assert first == await again.identity() == await identity_of(plain) != await copied.identity()
    assert await copied.slot_map() == await again.slot_map()
    for each in (copied, plain, again):
        await each.close()


async def test_each_start_of_a_server_is_another_store() -> None:
    """A copy of a server's files has the same databases by number: it is known by when its server was started."""
    require("postgres", "initdb", "pg_ctl", "psql")
    server = PostgresServer()
    try:
        store, other = PostgresShards(server.address()), PostgresShards(server.address())
        before = await store.identity()
        server.restart()
        after = await store.identity()
        assert before.split()[0] == after.split()[0]
        assert before != after == await other.identity()
        await store.close()
        await other.close()
    finally:
        server.stop()


async def test_map_that_is_none(shards: PostgresShards, postgres_address: str) -> None:
    """A map that leaves slots out is damage, not a guess."""
    await shards.slot_map()
    stranger = await asyncpg.connect(postgres_address)
    await stranger.execute("INSERT INTO bracketd.slot_map VALUES (2, ARRAY[0])")
    await stranger.close()
    with pytest.raises(JournalDamaged):
        await shards.slot_map()


async def test_database_that_is_not_there() -> None:
    """Where nobody answers nothing is known."""
    store = PostgresShards("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unknown):
        await store.holdings()
    with pytest.raises(Unknown):
        await store.identity()
