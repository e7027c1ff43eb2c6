"""Journals to test with: on a clock that is moved by hand, closed when the test is over."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.journal.failing_disk import FailingDisk
from tests.postgres_server import PostgresServer
from tests.trio import Trio

from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.protocol import Journal
from bracketd.journal.sqlite import SqliteJournal

OpenJournal = Callable[[], Journal]
_disk_numbers = count(1)
_shards = count()
"""Each test takes a shard that no other test has used: cheaper than a database of its own."""


class HandClock:
    """Unix nanoseconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, duration_s: float) -> None:
        """Move the clock forward."""
        self.now_ns += int(duration_s * 1_000_000_000)


@pytest.fixture
def clock() -> HandClock:
    """A clock moved by hand."""
    return HandClock()


@pytest.fixture(scope="session")
def journal_address(postgres_server: PostgresServer) -> str:
    """The one database whose shards the tests of journals share."""
    return postgres_server.database()


@pytest.fixture(params=["sqlite", "postgres", pytest.param("trio", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """The address of the database that a test's journal is in, "" for a file; the trio's primary is the last host."""
    if request.param == "sqlite":
        return ""
    if request.param == "postgres":
        return str(request.getfixturevalue("journal_address"))
    trio: Trio = request.getfixturevalue("trio")
    return trio.address()


@pytest.fixture
async def open_journal(database: str, tmp_path: Path, clock: HandClock) -> AsyncIterator[OpenJournal]:
    """Opens the same store again with each call, as another process would."""
    opened: list[Journal] = []
    shard = next(_shards)

    def open_one() -> Journal:
        if database:
            opened.append(PostgresJournal(database, shard, clock_ns=clock))
        else:
            opened.append(SqliteJournal(tmp_path / "journal.db", clock_ns=clock))
        return opened[-1]

    yield open_one
    for journal in opened:
        await journal.close()


@pytest.fixture
def journal(open_journal: OpenJournal) -> Journal:
    """A new, empty journal."""
    return open_journal()


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    """A file layer that records what reaches it and fails when told to."""
    disk = FailingDisk(f"failing-disk-{next(_disk_numbers)}")
    yield disk
    disk.unregister()
