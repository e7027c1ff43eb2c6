"""A process to be killed: appends through a group commit and prints each record's number once it is durable."""

import asyncio
import sys

from bracketd.journal.group import GroupCommit
from bracketd.journal.sqlite import SqliteJournal


async def append_for_ever(path: str, clients: int) -> None:
    """Several clients, each waiting for its own record, until the process is killed."""
    journal = SqliteJournal(path)
    lease = await journal.acquire("killed", 10)
    if lease is None:
        raise SystemExit("the journal is somebody else's")
    group = GroupCommit(journal, lease)

    async def client() -> None:
        while True:
            seq = group.submitted_seq + 1
            await group.wait(group.submit(b"record number %d" % seq))
            sys.stdout.write(f"{seq}\n")
            sys.stdout.flush()

    await asyncio.gather(*(client() for _ in range(clients)))


if __name__ == "__main__":
    asyncio.run(append_for_ever(sys.argv[1], 16))
