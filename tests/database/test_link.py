"""A connection finds the primary among its hosts, hears warnings, and is not used after a doubt."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from tests.postgres_server import PostgresServer, free_port

from bracketd.database.address import read_address
from bracketd.database.link import Doubtful, Link, Unreachable


@pytest.fixture
def frozen_port() -> Iterator[int]:
    """A port where connections are taken by the kernel and answered by nobody, as by a stopped process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


@pytest.fixture
async def links() -> AsyncIterator[list[Link]]:
    """Links that are closed when the test is over."""
    opened: list[Link] = []
    yield opened
    for link in opened:
        await link.close()


async def one(connection: Any) -> Any:
    """Ask for something that always has the same answer."""
    return await connection.fetchval("SELECT 1")


async def test_hosts_are_tried_one_by_one(postgres_server: PostgresServer, frozen_port: int, links: list[Link]) -> None:
    """A frozen host and a dead one that stand first cost their own time only, and are not asked first again."""
    text = (
        f"postgresql://bracketd@127.0.0.1:{frozen_port},127.0.0.1:{free_port()},127.0.0.1:{postgres_server.port}"
        "/postgres?connect_timeout=0.3"
    )
    link = Link(read_address(text))
    links.append(link)
    began_s = time.monotonic()
    assert await link.use(one) == 1
    assert 0.25 < time.monotonic() - began_s < 3
    await link.close()
    link.closed = False
    began_s = time.monotonic()
    assert await link.use(one) == 1
    assert time.monotonic() - began_s < 0.25


async def test_nobody_answers(frozen_port: int, links: list[Link]) -> None:
    """Where no host is a primary each is named with what it said, and nothing was asked."""
    dead = free_port()
    link = Link(
        read_address(f"postgresql://u:topsecret@127.0.0.1:{frozen_port},127.0.0.1:{dead}/x?connect_timeout=0.1")
    )
    links.append(link)
    with pytest.raises(Unreachable) as fault:
        await link.use(one)
    assert f"127.0.0.1:{frozen_port}: TimeoutError" in str(fault.value)
    assert f"127.0.0.1:{dead}: " in str(fault.value)
    assert "topsecret" not in str(fault.value)


async def test_warning_is_a_doubt(postgres_server: PostgresServer, links: list[Link]) -> None:
    """An answer with a warning is none, and the connection that heard it is given up; the next one is good."""
    link = Link(read_address(postgres_server.address()))
    links.append(link)
    before = await link.use(lambda connection: connection.fetchval("SELECT pg_backend_pid()"))
    with pytest.raises(Doubtful, match="01000 careful"):
        await link.use(lambda connection: connection.execute("DO $$ BEGIN RAISE WARNING 'careful'; END $$"))
    assert await link.use(lambda connection: connection.fetchval("SELECT pg_backend_pid()")) != before


async def test_server_told_to_be_quiet(postgres_server: PostgresServer, links: list[Link]) -> None:
    """Whatever the server's default is, warnings come through and no limit of time is set."""
    postgres_server.psql("ALTER ROLE bracketd SET client_min_messages = error")
    postgres_server.psql("ALTER ROLE bracketd SET synchronous_commit = off")
    postgres_server.psql("ALTER ROLE bracketd SET statement_timeout = '1h'")
    try:
        link = Link(read_address(postgres_server.address()))
        links.append(link)
        for setting, kept in (
            ("client_min_messages", "warning"),
            ("synchronous_commit", "on"),
            ("statement_timeout", "0"),
        ):
            assert await link.use(lambda c, name=setting: c.fetchval("SELECT current_setting($1)", name)) == kept
    finally:
        postgres_server.psql("ALTER ROLE bracketd RESET ALL")


async def test_lost_connection_is_made_anew(postgres_server: PostgresServer, links: list[Link]) -> None:
    """Work that loses its connection fails and is not done again; the next work has a new connection."""
    link = Link(read_address(postgres_server.address()))
    links.append(link)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await link.use(lambda connection: connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await link.use(one) == 1


async def test_closed(postgres_server: PostgresServer, links: list[Link]) -> None:
    """A closed link does nothing more, and closing ends what is under way."""
    link = Link(read_address(postgres_server.address()))
    links.append(link)
    assert await link.use(one) == 1
    working = asyncio.create_task(link.use(lambda connection: connection.fetchval("SELECT pg_sleep(60)")))
    await asyncio.sleep(0.1)
    await link.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await working
    with pytest.raises(Unreachable):
        await link.use(one)
