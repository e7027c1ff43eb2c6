"""A data folder: everything that one server keeps, opened by one process and recovered before anybody may ask.

It holds `journal.db` (the history, the only truth about orders), `clients.db` (who may speak), `signing.key` (what
tokens are signed with) and `lock` (who serves it). The command line's `client add`, `token` and `verify` work beside
a running server: they take no lock and never write the journal.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from bracketd.journal.folder_lock import FolderLock
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Fenced, Journal, Lease, Record, Unknown
from bracketd.journal.reader import Reader
from bracketd.journal.sqlite import SqliteJournal

_log = logging.getLogger(__name__)

JOURNAL_NAME: Final = "journal.db"
MOVED_NAME: Final = "moved"
"""A folder with this file has moved into a database, whose address stands in it, and is served there."""

LEASE_TTL_S: Final = 15.0
LEASE_RENEWALS: Final = 3
"""The lease is renewed so many times within its time."""

CLOSE_WAIT_S: Final = 2.0
"""A disk that has refused may also hang: the files are given this long to close before the process ends anyway."""


class LeaseHeld(Exception):
    """Another host serves the folder: its lease on the journal has not ended."""


class FolderMoved(Exception):
    """What the folder holds goes on elsewhere: to serve it here too would be a second truth."""


class OpenJournal:
    """The journal of a folder, locked, leased and ready to be appended to; `last_seq` is its end when it was opened."""

    def __init__(self, journal: Journal, lease: Lease) -> None:
        self.journal = journal
        self.lease = lease
        self.commit = GroupCommit(journal, lease)

    @property
    def last_seq(self) -> int:
        """The last record that was durable when the lease was granted."""
        return self.lease.last_seq


def journal_path(folder: Path) -> Path:
    """Where the journal of a data folder is."""
    return folder / JOURNAL_NAME


def stored_records(folder: Path, after_seq: int) -> Iterator[Record]:
    """The folder's durable records after `after_seq`, each checked, one page in memory at a time.

    Raises JournalDamaged at the first that is not what was written, OSError where there is no journal.
    """
    with contextlib.closing(Reader(journal_path(folder))) as reader:
        for page in reader.pages(after_seq):
            yield from page


@contextlib.asynccontextmanager
async def open_journal(folder: Path) -> AsyncIterator[OpenJournal]:
    """Lock the folder (made with mode 0700 if need be) and hold its journal's lease; both are given up at the end.

    Raises FolderInUse, FolderMoved, LeaseHeld, JournalDamaged, JournalTooNew, Unknown, OSError.
    """
    with FolderLock(folder):
        if (folder / MOVED_NAME).exists():
            place = (folder / MOVED_NAME).read_text(encoding="utf-8").strip()
            raise FolderMoved(
                f"it has moved to {place}; serve that, or remove the file `{MOVED_NAME}` to go back in time"
            )
        journal = SqliteJournal(journal_path(folder))
        try:
            opened = OpenJournal(journal, await _take_lease(journal))
            renewing = asyncio.create_task(_renew(opened))
            try:
                yield opened
            finally:
                renewing.cancel()
                await _settle(opened)
        finally:
            await _close(journal)


async def _take_lease(journal: Journal) -> Lease:
    """The lease under this host's name. A host that ended badly gets its own back at once, another's is waited for."""
    owner = socket.gethostname() or "localhost"
    waited_s = 0.0
    while (lease := await journal.acquire(owner, LEASE_TTL_S)) is None:
        if not waited_s:
            _log.warning("another host holds the journal; waiting at most %d s for its lease to end", LEASE_TTL_S)
        if waited_s > LEASE_TTL_S:
            raise LeaseHeld("another host serves this data folder")
        await asyncio.sleep(0.5)
        waited_s += 0.5
    return lease


async def _renew(opened: OpenJournal) -> None:
    """Keep the lease; when it is lost, nothing is acknowledged any more."""
    while opened.commit.failure is None:
        await asyncio.sleep(LEASE_TTL_S / LEASE_RENEWALS)
        try:
            await opened.journal.renew(opened.lease, LEASE_TTL_S)
        except (Fenced, Unknown) as failure:
            opened.commit.fail(failure)


async def _settle(opened: OpenJournal) -> None:
    """Let what was decided become durable and give the lease back; after a failure there is nothing to settle."""
    if opened.commit.failure is not None:
        return
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await opened.commit.drain()
            await opened.journal.release(opened.lease)
    except (Fenced, Unknown, TimeoutError) as failure:
        _log.error("the journal did not settle: %r", failure)


async def _close(journal: Journal) -> None:
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await journal.close()
    except (Unknown, TimeoutError) as failure:
        _log.error("the journal did not close: %r", failure)
