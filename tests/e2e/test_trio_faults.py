"""The same over three replicated nodes, and faults of the nodes themselves: nothing acknowledged is lost.

Three run always; `make faults` tries all of them and prints the outages.
"""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.fault_site import FAILOVER_S_MAX, ON_DEMAND, TTL_S, FaultSite, Load, site, tell
from tests.trio import Trio

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BACK_S = 60.0
"""A cluster that lost its primary's host has another one by then; Patroni's shortest time for it is 20 s."""


async def until_answered(place: FaultSite, load: Load, more: int = 10) -> None:
    """Wait until every client has been answered so many times more."""
    wanted = {client: len(moments) + more for client, moments in load.answered_s.items()}
    async with asyncio.timeout(BACK_S):
        while any(len(load.answered_s[client]) < count for client, count in wanted.items()):
            assert load.wrong == [], (load.wrong, place.said())
            await asyncio.sleep(0.1)


async def test_faults_engine_killed(trio: Trio, tmp_path: Path) -> None:
    """Its shards are served by the other within the lease's time and a second."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            began_s = time.monotonic()
            place.engines[0].signal(signal.SIGKILL)
            await until_answered(place, load)
            ended_s = time.monotonic()
        await place.check(load)
    outage_s = load.outage_s(began_s, ended_s)
    tell("engine killed, on three nodes", load, outage_s)
    assert outage_s < FAILOVER_S_MAX


async def test_faults_engine_frozen(trio: Trio, tmp_path: Path) -> None:
    """Frozen past its lease it loses its shards; awake again it is fenced and acknowledges nothing."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            began_s = time.monotonic()
            place.engines[0].signal(signal.SIGSTOP)
            await until_answered(place, load)
            ended_s = time.monotonic()
            place.engines[0].signal(signal.SIGCONT)
            await asyncio.sleep(TTL_S)
            await until_answered(place, load)
        await place.check(load)
        assert "is not served any more" in place.engines[0].err.read_text()
    tell("engine frozen, on three nodes", load, load.outage_s(began_s, ended_s))


async def test_faults_primary_host_killed(trio: Trio, tmp_path: Path) -> None:
    """PostgreSQL, Patroni and etcd of the primary's node die: another node leads, and clients only wait."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            killed, began_s = trio.primary, time.monotonic()
            trio.signal(killed, signal.SIGKILL)
            await until_answered(place, load)
            ended_s = time.monotonic()
        await place.check(load)
    tell("primary's host killed", load, load.outage_s(began_s, ended_s))
    await asyncio.to_thread(trio.up)
    assert trio.primary != killed


@ON_DEMAND
async def test_faults_primary_process_killed(trio: Trio, tmp_path: Path) -> None:
    """Only PostgreSQL of the primary dies: its Patroni starts it again, or another leads."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            began_s = time.monotonic()
            trio.signal(trio.primary, signal.SIGKILL, programs=())
            await until_answered(place, load)
            ended_s = time.monotonic()
        await place.check(load)
    tell("primary's PostgreSQL killed", load, load.outage_s(began_s, ended_s))
    await asyncio.to_thread(trio.up)


@ON_DEMAND
async def test_faults_standby_killed(trio: Trio, tmp_path: Path) -> None:
    """One standby's node dies: the other makes the quorum, and hardly anybody waits."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            began_s = time.monotonic()
            trio.signal(trio.standbys[0], signal.SIGKILL)
            await asyncio.sleep(3)
            await until_answered(place, load)
            ended_s = time.monotonic()
        await place.check(load)
    tell("standby's host killed", load, load.outage_s(began_s, ended_s))
    await asyncio.to_thread(trio.up)


@ON_DEMAND
async def test_faults_primary_frozen(trio: Trio, tmp_path: Path) -> None:
    """The primary's node is frozen until another leads, then wakes: what it had not replicated is nobody's answer."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            frozen, began_s = trio.primary, time.monotonic()
            trio.signal(frozen, signal.SIGSTOP)
            try:
                await until_answered(place, load)
                ended_s = time.monotonic()
            finally:
                trio.signal(frozen, signal.SIGCONT)
            await until_answered(place, load)
        await place.check(load)
    tell("primary's host frozen", load, load.outage_s(began_s, ended_s))
    await asyncio.to_thread(trio.up)


@ON_DEMAND
async def test_faults_all_nodes_killed(trio: Trio, tmp_path: Path) -> None:
    """All three die at once and are started again: what was answered was on two disks, and is there."""
    async with site(tmp_path, trio.database("faults")) as place:
        async with place.loaded() as load:
            began_s = time.monotonic()
            for node in trio.cluster.plan.nodes:
                trio.signal(node, signal.SIGKILL)
            await asyncio.to_thread(trio.up)
            up_s = time.monotonic()
            await until_answered(place, load)
            ended_s = time.monotonic()
        await place.check(load)
    tell(f"all three hosts killed, up again after {up_s - began_s:.1f} s", load, load.outage_s(began_s, ended_s))
