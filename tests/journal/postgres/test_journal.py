"""What a journal in PostgreSQL does beyond the contract: its traps, its shards, its tables."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from tests.postgres_server import PostgresServer

from bracketd.database.tables import bring_up
from bracketd.journal.postgres import tables
from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.protocol import Fenced, Journal, JournalDamaged, JournalTooNew, Lease, Trimmed, Unknown


@pytest.fixture
async def address(postgres_address: str) -> str:
    """A database of the test's own."""
    return postgres_address


@pytest.fixture
async def journal(address: str) -> AsyncIterator[PostgresJournal]:
    """A new journal on the database's own clock."""
    journal = PostgresJournal(address)
    yield journal
    await journal.close()


@pytest.fixture
def replicated(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server waits for a standby that never comes: commits stand on its own disk and are not answered."""

    def wait_for(names: str) -> None:
        postgres_server.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        postgres_server.psql("SELECT pg_reload_conf()")

    yield postgres_server
    wait_for("")


async def wait_for_a_standby(server: PostgresServer) -> None:
    """Let commits wait from now on."""
    await asyncio.to_thread(server.psql, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await asyncio.to_thread(server.psql, "SELECT pg_reload_conf()")
    # A running backend reads the setting before its next statement; the postmaster tells it by a signal.
    await asyncio.sleep(0.2)


async def waiting_backend(server: PostgresServer) -> str:
    """The process that waits for the standby."""
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'bracketd'"
    for _ in range(100):
        if pid := await asyncio.to_thread(server.psql, query):
            return pid
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits for the standby")


async def owned(journal: Journal, owner: str = "first") -> Lease:
    """A lease that must be granted."""
    lease = await journal.acquire(owner, 10, "127.0.0.1:7001")
    assert lease is not None
    return lease


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_wait_cut_short_is_unknown(
    journal: PostgresJournal, address: str, replicated: PostgresServer, end: str
) -> None:
    """A wait for the other disk that an operator cuts short is Unknown, though the answer is yes."""
    lease = await owned(journal)
    assert await journal.append(lease, 0, [b"a"]) == 1
    await wait_for_a_standby(replicated)
    appending = asyncio.create_task(journal.append(lease, 1, [b"b"]))
    pid = await waiting_backend(replicated)
    assert not appending.done()
    await asyncio.to_thread(replicated.psql, f"SELECT {end}({pid})")
    with pytest.raises(Unknown):
        await appending
    with pytest.raises(Unknown):
        await journal.append(lease, 1, [b"b"])
    await asyncio.to_thread(replicated.psql, "ALTER SYSTEM SET synchronous_standby_names = ''")
    await asyncio.to_thread(replicated.psql, "SELECT pg_reload_conf()")
    # What a restart does: a new lease, and a look at the end. The record stood.
    again = PostgresJournal(address)
    try:
        assert await again.acquire("first", 10) == Lease("first", 2, 2)
        assert [record.body async for record in again.read(0)] == [b"a", b"b"]
    finally:
        await again.close()


async def test_append_that_is_cancelled(journal: PostgresJournal, replicated: PostgresServer) -> None:
    """An append that its caller cancels stops the journal: it may stand all the same."""
    lease = await owned(journal)
    await wait_for_a_standby(replicated)
    appending = asyncio.create_task(journal.append(lease, 0, [b"a"]))
    await waiting_backend(replicated)
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending
    with pytest.raises(Unknown, match="stopped"):
        await journal.append(lease, 0, [b"a"])


async def test_lease_that_waits_is_unknown(journal: PostgresJournal, replicated: PostgresServer) -> None:
    """A lease whose commit was cut short is not granted; asked for again it is, and the journal goes on."""
    assert await journal.get_snapshot() is None
    await wait_for_a_standby(replicated)
    asking = asyncio.create_task(journal.acquire("first", 10))
    pid = await waiting_backend(replicated)
    await asyncio.to_thread(replicated.psql, f"SELECT pg_cancel_backend({pid})")
    with pytest.raises(Unknown):
        await asking
    await asyncio.to_thread(replicated.psql, "ALTER SYSTEM SET synchronous_standby_names = ''")
    await asyncio.to_thread(replicated.psql, "SELECT pg_reload_conf()")
    await asyncio.sleep(0.2)
    lease = await owned(journal)
    assert lease.epoch == 2
    assert await journal.append(lease, 0, [b"a"]) == 1


async def test_append_meets_a_takeover(journal: PostgresJournal, address: str) -> None:
    """An append that comes while a takeover is not committed waits for it, and is fenced by it."""
    lease = await owned(journal)
    stranger = await asyncpg.connect(address)
    try:
        takeover = stranger.transaction()
        await takeover.start()
        await stranger.execute("UPDATE bracketd.shard SET epoch = epoch + 1, owner = 'second'")
        appending = asyncio.create_task(journal.append(lease, 0, [b"late"]))
        done, _ = await asyncio.wait([appending], timeout=0.3)
        assert not done
        await takeover.commit()
        with pytest.raises(Fenced, match="'second' holds the journal under epoch 2"):
            await appending
        assert await stranger.fetchval("SELECT count(*) FROM bracketd.event") == 0
    finally:
        await stranger.close()


async def test_lost_while_idle(journal: PostgresJournal, postgres_server: PostgresServer) -> None:
    """Connections that were cut while nothing was asked are made anew, and nothing is in doubt."""
    lease = await owned(journal)
    assert await journal.append(lease, 0, [b"a"]) == 1
    await asyncio.to_thread(
        postgres_server.psql,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'bracketd'",
    )
    await asyncio.sleep(0.2)
    assert await journal.renew(lease, 10) == Lease("first", 1, 1)
    assert await journal.append(lease, 1, [b"b"]) == 2


async def test_shards_stand_side_by_side(address: str) -> None:
    """Two shards of one database have leases, sequences and records of their own."""
    one, two = PostgresJournal(address, 1), PostgresJournal(address, 2)
    try:
        assert await one.acquire("a", 10) == Lease("a", 1, 0)
        assert await two.acquire("b", 10) == Lease("b", 1, 0)
        await asyncio.gather(
            one.append(Lease("a", 1, 0), 0, [b"one"]), two.append(Lease("b", 1, 0), 0, [b"two", b"three"])
        )
        assert [record.body async for record in one.read(0)] == [b"one"]
        assert [record.body async for record in two.read(0)] == [b"two", b"three"]
    finally:
        await one.close()
        await two.close()


async def test_database_clock_ends_a_lease(address: str) -> None:
    """Without a clock of the test's own a lease ends by the database's."""
    journal = PostgresJournal(address)
    try:
        assert await journal.acquire("first", 0.3) is not None
        assert await journal.acquire("second", 0.3) is None
        await asyncio.sleep(0.35)
        assert await journal.acquire("second", 10) == Lease("second", 2, 0)
    finally:
        await journal.close()


async def test_altered_record(journal: PostgresJournal, address: str) -> None:
    """A record that was changed behind our back is found by the chain, after those before it were yielded."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b", b"c"])
    stranger = await asyncpg.connect(address)
    await stranger.execute("UPDATE bracketd.event SET body = 'x' WHERE seq = 2")
    await stranger.close()
    reading = journal.read(0)
    assert (await anext(reading)).body == b"a"
    with pytest.raises(JournalDamaged) as damage:
        await anext(reading)
    assert damage.value.seq == 2


async def test_end_that_was_cut_off(journal: PostgresJournal, address: str) -> None:
    """A journal whose last record is gone grants no lease."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b"])
    stranger = await asyncpg.connect(address)
    await stranger.execute("DELETE FROM bracketd.event WHERE seq = 2")
    await stranger.close()
    with pytest.raises(JournalDamaged) as damage:
        await journal.acquire("first", 10)
    assert damage.value.seq == 2


async def test_appends_go_on_while_a_snapshot_is_kept(journal: PostgresJournal, address: str) -> None:
    """A snapshot that takes its time holds up neither appends nor renewals; one that breaks off stops nothing."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a"])
    stranger = await asyncpg.connect(address)
    try:
        for end in ("rollback", "terminate"):
            blocking = stranger.transaction()
            await blocking.start()
            await stranger.execute("LOCK TABLE bracketd.snapshot IN ACCESS EXCLUSIVE MODE")
            keeping = asyncio.create_task(journal.put_snapshot(lease, 1, b"state"))
            last_seq = lease.last_seq + 1
            for _ in range(5):
                last_seq = (await journal.renew(lease, 10)).last_seq
                assert await journal.append(lease, last_seq, [b"b"]) == last_seq + 1
            assert not keeping.done()
            if end == "terminate":
                pids = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"
                async with asyncio.timeout(10):
                    while not await stranger.fetch(pids):
                        await stranger.execute("SELECT pg_sleep(0.01)")
            await blocking.rollback()
            if end == "terminate":
                with pytest.raises(Unknown):
                    await keeping
            else:
                await keeping
        assert await journal.append(lease, last_seq + 1, [b"c"]) == last_seq + 2
    finally:
        await stranger.close()


async def test_trim(journal: PostgresJournal) -> None:
    """Records that a snapshot stands for can go; what follows is read and checked as before, what went is said so."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b", b"c", b"d"])
    with pytest.raises(ValueError, match="no snapshot"):
        await journal.trim(lease, 2)
    await journal.put_snapshot(lease, 3, b"abc")
    with pytest.raises(ValueError, match="no snapshot"):
        await journal.trim(lease, 4)
    assert await journal.trim(lease, 3) == 2
    assert [record.body async for record in journal.read(3)] == [b"d"]
    with pytest.raises(Trimmed, match="before 3"):
        _ = [record async for record in journal.read(0)]
    assert await journal.append(lease, 4, [b"e"]) == 5
    again = await owned(journal)
    assert again.last_seq == 5
    with pytest.raises(Fenced):
        await journal.trim(lease, 3)
    assert await journal.get_snapshot() is not None


async def test_trim_to_the_last_record(journal: PostgresJournal) -> None:
    """All but the last record may go; the next one still hangs on it."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b"])
    await journal.put_snapshot(lease, 2, b"ab")
    assert await journal.trim(lease, 2) == 1
    assert await owned(journal) == Lease("first", 2, 2)
    assert await journal.append(Lease("first", 2, 2), 2, [b"c"]) == 3
    assert [record.body async for record in journal.read(2)] == [b"c"]


async def test_tables_of_a_later_program(journal: PostgresJournal, address: str) -> None:
    """Tables in a format that this program does not know are left alone."""
    await owned(journal)
    stranger = await asyncpg.connect(address)
    await stranger.execute("UPDATE bracketd.part SET format = format + 1")
    await stranger.close()
    later = PostgresJournal(address)
    with pytest.raises(JournalTooNew):
        await later.acquire("first", 10)
    await later.close()


async def test_tables_are_made_once(address: str) -> None:
    """Eight programs that start together on an empty database agree on its tables."""
    journals = [PostgresJournal(address, shard) for shard in range(8)]
    try:
        leases = await asyncio.gather(*(journal.acquire("first", 10) for journal in journals))
        assert leases == [Lease("first", 1, 0)] * 8
    finally:
        for journal in journals:
            await journal.close()


async def test_half_made_tables_leave_nothing(address: str) -> None:
    """A step that fails takes those before it back: the next program starts from nothing."""
    connection = await asyncpg.connect(address)
    try:
        with pytest.raises(asyncpg.PostgresError):
            await bring_up(connection, tables.PART, [*tables.STEPS, "nonsense"])
        assert await connection.fetchval("SELECT to_regclass('bracketd.shard')") is None
        await bring_up(connection, tables.PART, tables.STEPS)
    finally:
        await connection.close()


async def test_server_that_does_not_sync(address: str, postgres_server: PostgresServer) -> None:
    """A server with fsync off is refused: nothing that it calls durable is."""
    postgres_server.psql("ALTER SYSTEM SET fsync = off")
    postgres_server.psql("SELECT pg_reload_conf()")
    try:
        await asyncio.sleep(0.2)
        journal = PostgresJournal(address)
        with pytest.raises(JournalDamaged, match="fsync is off"):
            await journal.acquire("first", 10)
        await journal.close()
    finally:
        postgres_server.psql("ALTER SYSTEM RESET fsync")
        postgres_server.psql("SELECT pg_reload_conf()")
