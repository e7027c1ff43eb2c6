"""Faults under load: whatever is killed, frozen or cut off, nothing acknowledged is lost and nothing is done twice.

The store of these is one PostgreSQL. One runs always; `make faults` tries all of them and prints the outages.
"""

import asyncio
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.fault_site import FAILOVER_S_MAX, ON_DEMAND, TTL_S, site, tell
from tests.e2e.process import command
from tests.tcp_proxy import Proxy

from bracketd.runtime.engine_house import STANDBY_GRACE_TTLS

pytestmark = pytest.mark.slow

SETTLED_S = STANDBY_GRACE_TTLS * TTL_S + 1
"""So long after its start an engine leaves its standby shards to others."""


@ON_DEMAND
async def test_a_killed_engine(tmp_path: Path, postgres_address: str) -> None:
    """Its shards are served by the other within the lease's time and a second; started again, it stands by."""
    async with site(tmp_path, postgres_address) as place:
        async with place.loaded() as load:
            await asyncio.sleep(SETTLED_S)
            began_s = time.monotonic()
            place.engines[0].signal(signal.SIGKILL)
            await asyncio.sleep(TTL_S + 4)
        outage_s = load.outage_s(began_s, time.monotonic())
        await place.check(load)
        tell("engine killed", load, outage_s)
        assert outage_s < FAILOVER_S_MAX


@ON_DEMAND
async def test_a_frozen_engine_that_wakes(tmp_path: Path, postgres_address: str) -> None:
    """Frozen past its lease it loses its shards; awake again it writes nothing under its old epochs."""
    async with site(tmp_path, postgres_address) as place:
        async with place.loaded() as load:
            await asyncio.sleep(SETTLED_S)
            began_s = time.monotonic()
            place.engines[0].signal(signal.SIGSTOP)
            await asyncio.sleep(TTL_S + 3)
            place.engines[0].signal(signal.SIGCONT)
            await asyncio.sleep(2)
        outage_s = load.outage_s(began_s, time.monotonic())
        await place.check(load)
        tell("engine frozen", load, outage_s)
        assert "is not served any more" in place.engines[0].err.read_text()
        assert outage_s < FAILOVER_S_MAX + 1


@ON_DEMAND
async def test_a_killed_gateway(tmp_path: Path, postgres_address: str) -> None:
    """Clients ask the other gateway; requests that were in flight have one effect."""
    async with site(tmp_path, postgres_address) as place:
        async with place.loaded() as load:
            await asyncio.sleep(1)
            began_s = time.monotonic()
            place.gateways[0].signal(signal.SIGKILL)
            await asyncio.sleep(2)
        outage_s = load.outage_s(began_s, time.monotonic())
        await place.check(load)
        tell("gateway killed", load, outage_s)


async def test_an_engine_cut_off_from_the_store(tmp_path: Path, postgres_address: str) -> None:
    """It stops by its own clock and acknowledges nothing; the other goes on, and the cable may be mended."""
    parts = urlsplit(postgres_address)
    proxy = await Proxy(parts.port or 5432).start()
    through = parts._replace(netloc=parts.netloc.replace(str(parts.port), str(proxy.port))).geturl()
    try:
        async with site(tmp_path, postgres_address, (through, postgres_address)) as place:
            async with place.loaded() as load:
                await asyncio.sleep(1)
                began_s = time.monotonic()
                proxy.cut()
                await asyncio.sleep(TTL_S + 4)
                proxy.mend()
                await asyncio.sleep(1)
            outage_s = load.outage_s(began_s, time.monotonic())
            await place.check(load)
            tell("engine cut off from the store", load, outage_s)
            assert "is not served any more" in place.engines[0].err.read_text()
    finally:
        await proxy.close()


@ON_DEMAND
async def test_an_engine_that_is_told_to_stop(tmp_path: Path, postgres_address: str) -> None:
    """SIGTERM hands the shards over: nobody waits for a lease to end."""
    async with site(tmp_path, postgres_address) as place:
        async with place.loaded() as load:
            await asyncio.sleep(SETTLED_S)
            began_s = time.monotonic()
            place.engines[0].signal(signal.SIGTERM)
            assert await asyncio.to_thread(place.engines[0].popen.wait, 10) == 0
            await asyncio.sleep(1)
        outage_s = load.outage_s(began_s, time.monotonic())
        await place.check(load)
        tell("engine told to stop", load, outage_s)
        assert outage_s < TTL_S


@ON_DEMAND
async def test_a_shard_that_moves(tmp_path: Path, postgres_address: str) -> None:
    """Two shards go to the other engine and come back, by the verb; both engines run all the time."""
    async with site(tmp_path, postgres_address) as place:
        there, back = (f"127.0.0.1:{engine.port}" for engine in reversed(place.engines))
        async with place.loaded() as load:
            await asyncio.sleep(1)
            began_s = time.monotonic()
            for to, shard in ((there, 0), (there, 1), (back, 0), (back, 1)):
                moved = await asyncio.to_thread(
                    command, "shards", "move", str(shard), "--to", to, "--journal", postgres_address
                )
                assert f" to {to}, epoch " in moved.stdout
            await asyncio.sleep(1)
        outage_s = load.outage_s(began_s, time.monotonic())
        await place.check(load)
        tell("shards moved, four times", load, outage_s)
        assert all(engine.popen.poll() is None for engine in place.engines)
        assert outage_s < TTL_S
