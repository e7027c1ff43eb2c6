"""Three nodes bear the loss of the one that writes, lose nothing that was acknowledged, and are three again."""

import asyncio
import signal
import sys
import time
from collections import Counter

import pytest
from click.testing import CliRunner
from tests.trio import Trio

from bracketd.cli.main import main
from bracketd.journal.group import GroupCommit
from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.postgres.shards import PostgresShards
from bracketd.journal.protocol import Fenced, Journal, Lease, Unknown

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SHARD = 4_000
"""A shard that the tests of the contract do not come to."""


class Load:
    """Clients that each wait for their own record, and go on with a new journal when one has stopped."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.acknowledged: list[bytes] = []
        self.unknown: list[bytes] = []
        self.gap_s = 0.0
        self._last_s = time.monotonic()
        self._numbers = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Append until told to stop; whatever is not acknowledged for certain is kept as unknown, never repeated."""
        while not stop.is_set():
            journal = PostgresJournal(self.address, SHARD)
            try:
                lease = await asyncio.wait_for(journal.acquire("load", 30), 5)
                assert lease is not None
                group = GroupCommit(journal, lease)
                clients = [asyncio.create_task(self._client(group, stop)) for _ in range(8)]
                await asyncio.gather(*clients)
            except (Fenced, Unknown, TimeoutError):
                await asyncio.sleep(0.2)
            finally:
                await journal.close()

    async def _client(self, group: GroupCommit, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._numbers += 1
            body = b"record %d" % self._numbers
            try:
                seq = group.submit(body)
                await asyncio.wait_for(group.wait(seq), 30)
            except TimeoutError:
                group.fail(Unknown("given up"))
                self.unknown.append(body)
                return
            except (Fenced, Unknown):
                self.unknown.append(body)
                return
            now_s = time.monotonic()
            self.gap_s = max(self.gap_s, now_s - self._last_s)
            self._last_s = now_s
            self.acknowledged.append(body)


async def contents(journal: Journal) -> list[bytes]:
    """All bodies."""
    return [record.body async for record in journal.read(0)]


async def test_kill_the_primary_under_load(trio: Trio) -> None:
    """After kill -9 of the primary's node nothing acknowledged is lost, nothing is there twice, and it comes back."""
    load = Load(trio.address())
    stop = asyncio.Event()
    running = asyncio.create_task(load.run(stop))
    await asyncio.sleep(2)
    killed, before = trio.primary, len(load.acknowledged)
    assert before > 100
    trio.signal(killed, signal.SIGKILL)
    until_s = time.monotonic() + 90
    while load.gap_s < 3 or len(load.acknowledged) < before + 200:
        assert time.monotonic() < until_s, (trio.cluster.states(), len(load.acknowledged), load.gap_s)
        await asyncio.sleep(0.2)
    stop.set()
    await running
    assert trio.primary != killed
    journal = PostgresJournal(trio.address(), SHARD)
    try:
        lease = await journal.acquire("load", 30)
        assert lease is not None
        found = await contents(journal)
    finally:
        await journal.close()
    sys.stdout.write(
        f"kill -9 of the primary's node: {len(load.acknowledged)} acknowledged, {len(load.unknown)} unknown,"
        f" {load.gap_s:.1f} s without an answer\n"
    )
    counted = Counter(found)
    assert [body for body in load.acknowledged if counted[body] != 1] == []
    assert set(found) <= set(load.acknowledged) | set(load.unknown)
    assert max(counted.values()) == 1
    await asyncio.to_thread(trio.up)
    assert trio.cluster.complete


async def test_standby_is_not_taken_for_the_primary(trio: Trio) -> None:
    """A host that answers and is a standby is passed over; alone, it is no journal."""
    standby = trio.standbys[0]
    head = trio.cluster.plan.address.rpartition("@")[0]
    journal = PostgresJournal(f"{head}@127.0.0.1:{standby.postgres_port}/bracketd", SHARD)
    with pytest.raises(Unknown, match="no primary answers"):
        await journal.acquire("reader", 1)
    await journal.close()


async def test_lonely_primary_acknowledges_nothing(trio: Trio) -> None:
    """With both standbys frozen an append is not answered, and when one is back it is."""
    journal = PostgresJournal(trio.address(), SHARD + 1)
    lease = await journal.acquire("lonely", 60)
    assert lease == Lease("lonely", 1, 0)
    assert await journal.append(lease, 0, [b"a"]) == 1
    standbys = trio.standbys
    # Their etcd goes on: it is the disks that are away, not the votes.
    for node in standbys:
        trio.signal(node, signal.SIGSTOP, programs=())
    try:
        appending = asyncio.create_task(journal.append(lease, 1, [b"b"]))
        done, _ = await asyncio.wait([appending], timeout=2)
        assert not done
    finally:
        for node in standbys:
            trio.signal(node, signal.SIGCONT, programs=())
    assert await asyncio.wait_for(appending, 30) == 2
    await journal.close()


async def test_shards_on_the_trio(trio: Trio) -> None:
    """Map and holdings are read from the primary alone, which is the last host named."""
    store = PostgresShards(trio.address(), 4)
    assert len(await store.holdings()) == (await store.slot_map()).count
    await store.close()


def test_status_and_address(trio: Trio) -> None:
    """The command line tells each node's part, and the address that the programs take."""
    folder = str(trio.cluster.folder)
    status = CliRunner().invoke(main, ["cluster", "status", "--dir", folder])
    assert status.exit_code == 0, status.output
    assert status.output.count("leader") == 1
    assert status.output.count("quorum_standby") == 2
    address = CliRunner().invoke(main, ["cluster", "address", "--dir", folder])
    assert address.output == trio.cluster.plan.address + "\n"
