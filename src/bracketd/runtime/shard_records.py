"""The records of a cluster's shards for a verb that has no event loop: asked page by page, and checked."""

import asyncio
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from bracketd.database.address import Address
from bracketd.database.link import Link
from bracketd.domain.slot import SlotMap, even_map
from bracketd.journal.postgres.reader import ShardReader, ask
from bracketd.journal.postgres.shards import holdings_of, identity_of
from bracketd.journal.postgres.tables import prepare_reading
from bracketd.journal.postgres.verify import check_shard, first_read
from bracketd.journal.protocol import Record, Snapshot
from bracketd.journal.shards import Holding
from bracketd.journal.verify import VerifyReport


class StoredShards:
    """The shards of a database, only to be read; a context. Every method raises Unknown where it does not answer."""

    def __init__(self, address: Address) -> None:
        self._runner = asyncio.Runner()
        self._link = Link(address, prepare_reading)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runner.run(self._link.close())
        self._runner.close()

    def slot_map(self) -> SlotMap:
        """The map that holds; of a database without one, that with a single shard."""
        query = "SELECT version, shards FROM bracketd.slot_map ORDER BY version DESC LIMIT 1"
        row = self._runner.run(ask(self._link, lambda connection: connection.fetchrow(query)))
        return even_map(1) if row is None else SlotMap(row[0], tuple(row[1]))

    def identity(self) -> bytes:
        """What tells the store from any other, a copy of it included."""
        return self._runner.run(identity_of(self._link))

    def holdings(self) -> list[Holding]:
        """The lease of every shard of the map."""
        return self._runner.run(holdings_of(self._link, self.slot_map().count))

    def numbers(self) -> list[int]:
        """The shards of the map, and any that has a journal although the map does not name it."""
        rows = self._runner.run(ask(self._link, lambda connection: connection.fetch("SELECT id FROM bracketd.shard")))
        return sorted({*range(self.slot_map().count), *(row[0] for row in rows)})

    def check(self, shard: int) -> VerifyReport:
        """What is found when a whole shard is read."""
        return self._runner.run(check_shard(self._link, shard))

    def first_read(self, shard: int) -> int:
        """After which record a shard can be read: 0 unless it was trimmed."""
        return self._runner.run(first_read(self._link, shard))

    def snapshot(self, shard: int) -> Snapshot | None:
        """The latest snapshot of a shard. Raises JournalDamaged."""
        return self._runner.run(ShardReader(self._link, shard).snapshot())

    def records(self, shard: int, after_seq: int) -> Iterator[Record]:
        """The records of a shard after `after_seq`, one page in memory at a time. Raises JournalDamaged, Trimmed."""
        pages = ShardReader(self._link, shard).pages(after_seq)

        async def next_page() -> list[Record]:
            return await anext(pages, [])

        while page := self._runner.run(next_page()):
            yield from page
