"""Slots: the same for ever, evenly filled, and mapped to shards without a gap."""

from collections import Counter

import pytest

from bracketd.domain.slot import SLOTS, SlotMap, even_map, slot_of

KNOWN = [879, 3301, 2172, 3688]


def test_an_account_keeps_its_slot_for_ever() -> None:
    """The slots of known ids are what they were when the first history was written."""
    assert [slot_of(client) for client in ("DEMO1", "C1", "C2", "CLIENT_0001")] == KNOWN


def test_accounts_spread_evenly() -> None:
    """A hundred thousand accounts fill eight shards within three per cent of each other."""
    spread = even_map(8)
    shares = Counter(spread.shard_of(f"CLIENT{number}") for number in range(100_000))
    assert sorted(shares) == list(range(8))
    assert max(shares.values()) < 1.03 * min(shares.values())


@pytest.mark.parametrize("count", [1, 3, 8, 64, SLOTS])
def test_every_shard_of_an_even_map_has_slots(count: int) -> None:
    """Shards differ by one slot at most, and none is empty."""
    slots = Counter(even_map(count).shards)
    assert even_map(count).count == len(slots) == count
    assert max(slots.values()) - min(slots.values()) <= 1


@pytest.mark.parametrize("count", [0, -1, SLOTS + 1])
def test_a_count_that_cannot_be_is_refused(count: int) -> None:
    """There is at least one shard, and none without a slot."""
    with pytest.raises(ValueError):
        even_map(count)


@pytest.mark.parametrize(
    ("version", "shards"), [(0, (0,) * SLOTS), (1, (0,) * (SLOTS - 1)), (1, (-1,) * SLOTS), (1, (SLOTS,) * SLOTS)]
)
def test_a_map_with_a_hole_is_refused(version: int, shards: tuple[int, ...]) -> None:
    """A map names a shard that can be for each slot."""
    with pytest.raises(ValueError):
        SlotMap(version, shards)
