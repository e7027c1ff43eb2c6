"""Journals to test with: on a clock that is moved by hand, closed when the test is over."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.journal.failing_disk import FailingDisk

from bracketd.journal.protocol import Journal
from bracketd.journal.sqlite import SqliteJournal

OpenJournal = Callable[[], Journal]
_disk_numbers = count(1)


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


@pytest.fixture(params=["sqlite"])
async def open_journal(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[OpenJournal]:
    """Opens the same store again with each call, as another process would; one parameter for each kind of store."""
    opened: list[Journal] = []

    def open_sqlite() -> Journal:
        opened.append(SqliteJournal(tmp_path / "journal.db", clock_ns=clock))
        return opened[-1]

    yield {"sqlite": open_sqlite}[request.param]
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
