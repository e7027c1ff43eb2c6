"""Slots: an account belongs to one of 4,096, a slot to one shard, and an account's orders never need another shard.

The slot is a digest of the client id, the same in every process, on every machine and in every version: it decides
where an account's history lies.
"""

from hashlib import blake2b
from typing import Final

from msgspec import Struct

SLOTS: Final = 4_096
SHARDS_MAX: Final = SLOTS
"""A shard without a slot would have no account."""


def slot_of(client_id: str) -> int:
    """The slot of an account, 0 to 4,095."""
    return int.from_bytes(blake2b(client_id.encode(), digest_size=8).digest(), "big") % SLOTS


class SlotMap(Struct, frozen=True):
    """Which shard each slot belongs to; of two maps the one with the higher version holds."""

    version: int
    shards: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for a map that leaves a slot out or names a shard that cannot be."""
        if self.version < 1 or len(self.shards) != SLOTS:
            raise ValueError(f"a slot map has a version from 1 on and {SLOTS} entries")
        if not all(0 <= shard < SHARDS_MAX for shard in self.shards):
            raise ValueError(f"a shard is 0 to {SHARDS_MAX - 1}")

    @property
    def count(self) -> int:
        """How many shards there are: one more than the highest that is named."""
        return max(self.shards) + 1

    def shard_of(self, client_id: str) -> int:
        """The shard that an account belongs to."""
        return self.shards[slot_of(client_id)]


def even_map(count: int) -> SlotMap:
    """The first map: runs of slots, as equal as can be. Raises ValueError for a count outside 1 to 4,096."""
    if not 1 <= count <= SHARDS_MAX:
        raise ValueError(f"there are 1 to {SHARDS_MAX} shards")
    return SlotMap(1, tuple(slot * count // SLOTS for slot in range(SLOTS)))
