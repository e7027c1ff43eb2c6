"""Group commit: who is grouped, who is acknowledged when, and that a failure reaches everybody."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bracketd.journal.group import Failure, GroupCommit
from bracketd.journal.protocol import Fenced, Lease, Record, Snapshot, Unknown
from bracketd.journal.sqlite import SqliteJournal


class HeldJournal:
    """A journal in memory whose appends end when the test says so, and how it says."""

    def __init__(self) -> None:
        self.appends: list[tuple[int, list[bytes]]] = []
        self.held: list[asyncio.Future[int]] = []

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Wait for `finish` or `break_off`."""
        self.appends.append((expected_seq, list(bodies)))
        self.held.append(asyncio.get_running_loop().create_future())
        return await self.held[-1]

    async def finish(self) -> None:
        """Let the append under way succeed, and everybody hear of it."""
        expected_seq, bodies = self.appends[-1]
        self.held[-1].set_result(expected_seq + len(bodies))
        await rounds()

    async def break_off(self, failure: BaseException) -> None:
        """Let the append under way fail."""
        self.held[-1].set_exception(failure)
        await rounds()

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Not asked for here."""
        raise NotImplementedError

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Not asked for here."""
        raise NotImplementedError

    async def release(self, lease: Lease) -> None:
        """Not asked for here."""
        raise NotImplementedError

    def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Not asked for here."""
        raise NotImplementedError

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Not asked for here."""
        raise NotImplementedError

    async def get_snapshot(self) -> Snapshot | None:
        """Not asked for here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Not asked for here."""
        raise NotImplementedError


async def rounds() -> None:
    """Let the loop run everything that is ready, and what becomes ready by that."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def held() -> HeldJournal:
    """A journal whose appends wait for the test."""
    return HeldJournal()


@pytest.fixture
def group(held: HeldJournal) -> GroupCommit:
    """A group commit that continues after record 10."""
    return GroupCommit(held, Lease("first", 1, 10))


async def test_submit_numbers_at_once(group: GroupCommit, held: HeldJournal) -> None:
    """A record has its sequence before anything was written, and nothing is durable by that."""
    assert [group.submit(b"a"), group.submit(b"b")] == [11, 12]
    assert (group.durable_seq, group.submitted_seq, held.appends) == (10, 12, [])


async def test_one_append_at_a_time(group: GroupCommit, held: HeldJournal) -> None:
    """What is submitted in one round goes together, what comes during an append goes into the next, in order."""
    group.submit(b"a")
    group.submit(b"b")
    await rounds()
    for body in (b"c", b"d", b"e"):
        group.submit(body)
        await rounds()
    assert held.appends == [(10, [b"a", b"b"])]
    await held.finish()
    assert held.appends == [(10, [b"a", b"b"]), (12, [b"c", b"d", b"e"])]
    await held.finish()
    assert group.durable_seq == 15
    group.submit(b"f")
    await rounds()
    assert held.appends[2:] == [(15, [b"f"])]


async def test_acknowledged_in_order_and_not_before(group: GroupCommit, held: HeldJournal) -> None:
    """Waiters go on when their record is durable, in the order of the records, whatever order they came in."""
    heard: list[int] = []

    async def wait(seq: int) -> None:
        await group.wait(seq)
        heard.append(seq)

    group.submit(b"a")
    await rounds()
    for body in (b"b", b"c", b"d"):
        group.submit(body)
    tasks = [asyncio.create_task(wait(seq)) for seq in (14, 11, 13, 12, 13)]
    await rounds()
    assert heard == []
    await held.finish()
    assert heard == [11]
    await held.finish()
    assert heard == [11, 12, 13, 13, 14]
    await asyncio.gather(*tasks)


async def test_the_disk_has_the_next_batch_before_the_last_is_told(group: GroupCommit, held: HeldJournal) -> None:
    """Who waited hears of it when the next append is under way: the disk does not wait for replies to be sent."""
    under_way: list[int] = []
    group.tell(group.submit(b"1"), lambda failure: under_way.append(len(held.appends)))
    await rounds()
    group.tell(group.submit(b"2"), lambda failure: under_way.append(len(held.appends)))
    await held.finish()
    assert under_way == [2]
    await held.finish()
    assert under_way == [2, 2]


async def test_a_failure_takes_nothing_back(group: GroupCommit, held: HeldJournal) -> None:
    """Who waited for what is durable, and was not told yet when the next append failed, is told that it is durable."""
    told: list[object] = []
    group.tell(group.submit(b"1"), told.append)
    await rounds()
    group.tell(group.submit(b"2"), told.append)
    group._advance(group.durable_seq + 1, 1)
    failure = Unknown("the disk said no")
    group.fail(failure)
    assert told == [None, failure]
    held.held[0].cancel()
    await rounds()


async def test_durable_record_is_not_waited_for(group: GroupCommit) -> None:
    """Waiting for what is durable already takes no round of the loop."""
    waiting = group.wait(10)
    with pytest.raises(StopIteration):
        waiting.send(None)


async def test_record_never_submitted(group: GroupCommit) -> None:
    """Waiting for a record that nobody submitted is a mistake, not a wait for ever."""
    with pytest.raises(ValueError):
        await group.wait(11)


async def test_cancelled_waiter(group: GroupCommit, held: HeldJournal) -> None:
    """A waiter that gives up disturbs neither the record nor the other waiters."""
    seq = group.submit(b"a")
    gone, stays = asyncio.create_task(group.wait(seq)), asyncio.create_task(group.wait(seq))
    await rounds()
    gone.cancel()
    await rounds()
    await held.finish()
    assert gone.cancelled()
    assert stays.done()
    assert stays.exception() is None


@pytest.mark.parametrize("failure", [Fenced("another owner"), Unknown("the disk is gone")])
async def test_failure_reaches_everybody(group: GroupCommit, held: HeldJournal, failure: Failure) -> None:
    """After Fenced or Unknown every waiter and every later call gets it, also for records of the next batch."""
    told: list[Failure] = []
    group.on_failure.append(told.append)
    group.submit(b"a")
    await rounds()
    group.submit(b"b")
    tasks = [asyncio.create_task(group.wait(seq)) for seq in (11, 12, 12)]
    await rounds()
    await held.break_off(failure)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [(type(outcome), str(outcome)) for outcome in outcomes] == [(type(failure), str(failure))] * 3
    assert told == [failure]
    for call in (group.wait(12), group.wait(13), group.drain()):
        with pytest.raises(type(failure)):
            await call
    with pytest.raises(type(failure)):
        group.submit(b"c")
    assert (group.durable_seq, len(held.appends)) == (10, 1)


async def test_durable_stays_durable(group: GroupCommit, held: HeldJournal) -> None:
    """What was durable before the failure is still told so."""
    group.submit(b"a")
    await rounds()
    await held.finish()
    group.submit(b"b")
    await rounds()
    await held.break_off(Unknown("the disk is gone"))
    await group.wait(11)
    with pytest.raises(Unknown):
        await group.wait(12)


async def test_failure_from_outside(group: GroupCommit, held: HeldJournal) -> None:
    """Once the owner says that its lease is lost, not even an append that then succeeds is acknowledged."""
    seq = group.submit(b"a")
    waiting = asyncio.create_task(group.wait(seq))
    await rounds()
    group.fail(Fenced("the renewal was refused"))
    await held.finish()
    with pytest.raises(Fenced):
        await waiting
    assert group.durable_seq == 10
    group.fail(Unknown("a second failure"))
    assert isinstance(group.failure, Fenced)


async def test_nothing_is_written_after_the_failure(group: GroupCommit, held: HeldJournal) -> None:
    """Records that had not gone to the journal when the failure came never go there."""
    group.submit(b"a")
    group.fail(Fenced("the renewal was refused"))
    await rounds()
    assert held.appends == []


async def test_impossible_answer(group: GroupCommit, held: HeldJournal) -> None:
    """A journal that answers with another sequence than it was given records for is not believed."""
    seq = group.submit(b"a")
    await rounds()
    held.held[-1].set_result(99)
    with pytest.raises(Unknown):
        await group.wait(seq)
    assert group.durable_seq == 10


async def test_cancelled_append(group: GroupCommit, held: HeldJournal) -> None:
    """An append that is cancelled, as at the end of a loop, leaves its records unknown."""
    seq = group.submit(b"a")
    waiting = asyncio.create_task(group.wait(seq))
    await rounds()
    held.held[-1].cancel()
    with pytest.raises(Unknown):
        await waiting


async def test_backlog_is_counted(held: HeldJournal) -> None:
    """The backlog counts what is not durable, the append under way included, and says when it is too much."""
    by_bytes = GroupCommit(held, Lease("first", 1, 0), max_pending_bytes=10)
    by_bytes.submit(b"12345")
    await rounds()
    assert (by_bytes.pending_bytes, by_bytes.pending_records, by_bytes.full) == (5, 1, False)
    by_bytes.submit(b"67890")
    assert (by_bytes.pending_bytes, by_bytes.pending_records, by_bytes.full) == (10, 2, True)
    await held.finish()
    assert (by_bytes.pending_bytes, by_bytes.pending_records, by_bytes.full) == (5, 1, False)
    by_count = GroupCommit(held, Lease("first", 1, 0), max_pending_records=2)
    by_count.submit(b"")
    assert not by_count.full
    by_count.submit(b"")
    assert by_count.full


async def test_body_that_is_not_bytes(group: GroupCommit) -> None:
    """A body that is not bytes takes no sequence."""
    with pytest.raises(TypeError):
        group.submit("text")  # type: ignore[arg-type]
    assert group.submit(b"a") == 11


async def test_drain(group: GroupCommit, held: HeldJournal) -> None:
    """Draining ends when all that was submitted is durable, and at once when nothing is under way."""
    await group.drain()
    group.submit(b"a")
    await rounds()
    group.submit(b"b")
    draining = asyncio.create_task(group.drain())
    await rounds()
    await held.finish()
    assert not draining.done()
    await held.finish()
    assert draining.done()


async def test_groups_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four clients on a real disk share appends, and all their records are there in order."""
    journal = SqliteJournal(tmp_path / "journal.db")
    lease = await journal.acquire("first", 10)
    assert lease is not None
    sizes: list[int] = []
    append = journal.append

    async def counted(lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        sizes.append(len(bodies))
        return await append(lease, expected_seq, bodies)

    monkeypatch.setattr(journal, "append", counted)
    group = GroupCommit(journal, lease)
    bodies: list[bytes] = []

    async def client(number: int) -> None:
        for step in range(10):
            bodies.append(b"%d of %d" % (step, number))
            await group.wait(group.submit(bodies[-1]))

    await asyncio.gather(*(client(number) for number in range(64)))
    assert sum(sizes) == 640
    assert len(sizes) < 64
    assert [record.body async for record in journal.read(0)] == bodies
    await journal.close()
