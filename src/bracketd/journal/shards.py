"""Shards: many journals in one store, each with an owner, and a map that says which account is in which.

The name under which an engine takes a lease is the address at which it is reached: whoever reads a lease knows where
to go, and an engine that was killed and starts again at its address gets its own shards back at once.
"""

from typing import Protocol

from msgspec import Struct

from bracketd.domain.slot import SlotMap
from bracketd.journal.protocol import Journal


class Holding(Struct, frozen=True):
    """A shard's lease as it was when somebody looked: who holds it ("" for nobody), and whether it had not ended.

    `last_seq` is the number of its last record.
    """

    shard: int
    owner: str
    epoch: int
    live: bool
    last_seq: int = 0


class Shards(Protocol):
    """A store of shards, whatever it is made of. All calls belong to one event loop."""

    async def slot_map(self) -> SlotMap:
        """The map that holds. Raises Unknown where it cannot be read."""
        ...

    async def identity(self) -> bytes:
        """What tells this store from any other, a copy of it included, at this moment. Raises Unknown.

        Whoever has the same store open reads the same; it may change while a store is open, and is then read again.
        """
        ...

    async def holdings(self) -> list[Holding]:
        """The lease of every shard, in the order of their numbers. Raises Unknown where they cannot be read."""
        ...

    async def journal(self, shard: int) -> Journal:
        """The journal of one shard, opened for an owner to be. Raises as opening a journal does, and Unknown."""
        ...

    async def close(self) -> None:
        """End it. Journals that were opened are closed by themselves."""
        ...
