"""What every Journal does, whatever it is made of: run for each kind of store that conftest.open_journal knows."""

import pytest
from tests.journal.conftest import HandClock, OpenJournal

from bracketd.journal.protocol import Fenced, Journal, Lease, Record, Snapshot, Unknown


async def owned(journal: Journal, owner: str = "first", ttl_s: float = 10.0) -> Lease:
    """A lease that must be granted."""
    lease = await journal.acquire(owner, ttl_s)
    assert lease is not None
    return lease


async def contents(journal: Journal, after_seq: int = 0) -> list[Record]:
    """All records after a sequence."""
    return [record async for record in journal.read(after_seq)]


async def test_first_lease(journal: Journal) -> None:
    """A new journal is granted under epoch 1 and ends at record 0."""
    assert await journal.acquire("first", 10) == Lease("first", 1, 0)


async def test_lease_excludes_another_owner(journal: Journal, clock: HandClock) -> None:
    """While a lease lasts nobody else gets one, and from its end on the next one has the next epoch."""
    await owned(journal, ttl_s=10)
    clock.advance(9.999)
    assert await journal.acquire("second", 10) is None
    clock.advance(0.001)
    assert await journal.acquire("second", 10) == Lease("second", 2, 0)


async def test_owner_returns(journal: Journal) -> None:
    """An owner that restarts is granted its own journal at once, under a higher epoch that fences its former life."""
    before = await owned(journal)
    after = await owned(journal)
    assert after.epoch == before.epoch + 1
    with pytest.raises(Fenced):
        await journal.append(before, 0, [b"former life"])
    assert await journal.append(after, 0, [b"this life"]) == 1


async def test_nameless_owner(journal: Journal) -> None:
    """A lease is never granted to nobody."""
    with pytest.raises(ValueError):
        await journal.acquire("", 10)


async def test_renewal(journal: Journal, clock: HandClock) -> None:
    """A renewed lease lasts from the renewal on, and knows the journal's end."""
    lease = await owned(journal, ttl_s=10)
    await journal.append(lease, 0, [b"a", b"b"])
    clock.advance(8)
    assert await journal.renew(lease, 10) == Lease("first", 1, 2)
    clock.advance(8)
    assert await journal.acquire("second", 10) is None


async def test_renewal_of_a_lost_lease(journal: Journal, clock: HandClock) -> None:
    """An owner that was replaced hears so when it renews."""
    lease = await owned(journal)
    clock.advance(10)
    await owned(journal, "second")
    with pytest.raises(Fenced):
        await journal.renew(lease, 10)


async def test_release(journal: Journal) -> None:
    """A released journal is free at once, its next epoch is higher, and the old lease appends nothing any more."""
    lease = await owned(journal)
    await journal.release(lease)
    with pytest.raises(Fenced):
        await journal.append(lease, 0, [b"too late"])
    assert await journal.acquire("second", 10) == Lease("second", 2, 0)
    with pytest.raises(Fenced):
        await journal.release(lease)


async def test_append_numbers_records(journal: Journal) -> None:
    """Records are numbered from 1 without holes over batches, and carry the epoch that wrote them."""
    lease = await owned(journal)
    assert await journal.append(lease, 0, [b"a", b"b"]) == 2
    again = await owned(journal)
    assert await journal.append(again, 2, [b"c"]) == 3
    assert await contents(journal) == [Record(1, 1, b"a"), Record(2, 1, b"b"), Record(3, 2, b"c")]


@pytest.mark.parametrize("expected_seq", [0, 1, 3, 100])
async def test_wrong_expected_sequence(journal: Journal, expected_seq: int) -> None:
    """An append that expects another end than the journal's is fenced and writes nothing."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b"])
    with pytest.raises(Fenced):
        await journal.append(lease, expected_seq, [b"c", b"d"])
    assert [record.body for record in await contents(journal)] == [b"a", b"b"]
    assert await journal.append(lease, 2, [b"e"]) == 3


async def test_zombie_through_another_handle(open_journal: OpenJournal, clock: HandClock) -> None:
    """A replaced owner in another process writes nothing, even where its expected sequences meet the new end."""
    old, new = open_journal(), open_journal()
    zombie = await owned(old)
    assert await old.append(zombie, 0, [b"a"]) == 1
    clock.advance(10)
    successor = await owned(new, "second")
    assert successor == Lease("second", 2, 1)
    assert await new.append(successor, 1, [b"b", b"c"]) == 3
    for expected_seq in range(1, 6):
        with pytest.raises(Fenced):
            await old.append(zombie, expected_seq, [b"zombie"])
    assert await new.append(successor, 3, [b"d"]) == 4
    assert [record.body for record in await contents(old)] == [b"a", b"b", b"c", b"d"]


async def test_expired_lease_still_appends(journal: Journal, clock: HandClock) -> None:
    """Safety is the epoch, not the time: until somebody else takes over, a late owner loses nothing."""
    lease = await owned(journal)
    clock.advance(1_000)
    assert await journal.append(lease, 0, [b"late"]) == 1


async def test_batch_that_is_none(journal: Journal) -> None:
    """An empty batch and a body that is not bytes are refused, write nothing and stop nothing."""
    lease = await owned(journal)
    with pytest.raises(ValueError):
        await journal.append(lease, 0, [])
    with pytest.raises(TypeError):
        await journal.append(lease, 0, [b"a", "text"])  # type: ignore[list-item]
    assert await contents(journal) == []
    assert await journal.append(lease, 0, [b"a"]) == 1


async def test_bodies_come_back_as_they_were(journal: Journal) -> None:
    """Empty, binary and large bodies are read byte for byte."""
    bodies = [b"", bytes(range(256)), b"\x00", b"large" * 400_000, b"'; DROP TABLE event"]
    lease = await owned(journal)
    await journal.append(lease, 0, bodies)
    assert [record.body for record in await contents(journal)] == bodies


async def test_large_batch(journal: Journal) -> None:
    """Ten thousand records are one append, and are read in order over many pages."""
    lease = await owned(journal)
    bodies = [b"%d" % number for number in range(10_000)]
    assert await journal.append(lease, 0, bodies) == 10_000
    records = await contents(journal)
    assert [record.body for record in records] == bodies
    assert [record.seq for record in records] == list(range(1, 10_001))


@pytest.mark.parametrize(("after_seq", "seen"), [(0, [1, 2, 3]), (1, [2, 3]), (2, [3]), (3, []), (4, []), (1_000, [])])
async def test_read_after(journal: Journal, after_seq: int, seen: list[int]) -> None:
    """Reading starts after the sequence named, and yields nothing beyond the end."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b", b"c"])
    assert [record.seq for record in await contents(journal, after_seq)] == seen


@pytest.mark.parametrize("count", [1_023, 1_024, 1_025, 2_048])
async def test_read_ends_at_page_borders(journal: Journal, count: int) -> None:
    """A journal that ends where a page ends is read exactly once to its end."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"x"] * count)
    assert [record.seq for record in await contents(journal)] == list(range(1, count + 1))


async def test_read_negative(journal: Journal) -> None:
    """No sequence is below 0."""
    with pytest.raises(ValueError):
        await contents(journal, -1)


async def test_read_meets_appends_made_meanwhile(journal: Journal) -> None:
    """A reader that is on its way sees the records appended before it reaches the end."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"x"] * 1_500)
    seen = []
    async for record in journal.read(0):
        seen.append(record.seq)
        if record.seq == 10:
            await journal.append(lease, 1_500, [b"y"] * 3)
    assert seen == list(range(1, 1_504))


async def test_reopening(open_journal: OpenJournal) -> None:
    """What was appended, the epoch and the snapshot outlive the process."""
    journal = open_journal()
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a", b"b"])
    await journal.put_snapshot(lease, 1, b"state")
    await journal.close()
    again = open_journal()
    assert await again.acquire("first", 10) == Lease("first", 2, 2)
    assert await contents(again) == [Record(1, 1, b"a"), Record(2, 1, b"b")]
    assert await again.get_snapshot() == Snapshot(1, b"state")
    assert await again.append(Lease("first", 2, 2), 2, [b"c"]) == 3


async def test_snapshot_replaces(journal: Journal) -> None:
    """The latest snapshot counts, and no record goes because of it."""
    lease = await owned(journal)
    assert await journal.get_snapshot() is None
    await journal.append(lease, 0, [b"a", b"b", b"c"])
    await journal.put_snapshot(lease, 1, b"one")
    await journal.put_snapshot(lease, 3, b"three" * 1_000_000)
    assert await journal.get_snapshot() == Snapshot(3, b"three" * 1_000_000)
    assert len(await contents(journal)) == 3


async def test_snapshot_of_nothing(journal: Journal) -> None:
    """A snapshot may stand for the state before the first record."""
    lease = await owned(journal)
    await journal.put_snapshot(lease, 0, b"")
    assert await journal.get_snapshot() == Snapshot(0, b"")


async def test_snapshot_beyond_the_end(journal: Journal) -> None:
    """A snapshot of records that are not durable is refused, and nothing stops."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a"])
    with pytest.raises(ValueError):
        await journal.put_snapshot(lease, 2, b"too far")
    assert await journal.get_snapshot() is None
    assert await journal.append(lease, 1, [b"b"]) == 2


async def test_snapshot_of_a_lost_lease(journal: Journal) -> None:
    """A replaced owner's snapshot is fenced and changes nothing."""
    lease = await owned(journal)
    await journal.append(lease, 0, [b"a"])
    await owned(journal)
    with pytest.raises(Fenced):
        await journal.put_snapshot(lease, 1, b"zombie")
    assert await journal.get_snapshot() is None


async def test_closed(journal: Journal) -> None:
    """A closed journal acknowledges nothing, shows nothing, and may be closed again."""
    lease = await owned(journal)
    await journal.close()
    await journal.close()
    for call in (journal.append(lease, 0, [b"a"]), journal.get_snapshot(), contents(journal)):
        with pytest.raises(Unknown):
            await call
