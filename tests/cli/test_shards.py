"""`bracketd shards`: what stands in a store, and a shard that moves between two engines as they run."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bracketd.cli.main import main
from bracketd.journal.postgres.shards import PostgresShards
from bracketd.journal.protocol import Unknown
from bracketd.journal.shard_folder import ShardFolder
from bracketd.runtime.cluster import open_clients

OWNER = "127.0.0.1:7000"


def shards(*arguments: str) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(main, ["shards", *arguments])


def rows(store: Path) -> list[list[str]]:
    """What the list says, without its heading."""
    listed = shards("--journal", str(store))
    assert listed.exit_code == 0, listed.output
    return [line.split() for line in listed.output.splitlines()[1:]]


def made_store(folder: Path) -> Path:
    """Four shards: one that nobody has had, one with a record whose lease lives, one given back, one that is over."""

    async def make() -> None:
        store = ShardFolder(folder, 4)
        for shard, ttl_s in ((1, 60.0), (2, 60.0), (3, 0.0)):
            journal = await store.journal(shard)
            lease = await journal.acquire(OWNER, ttl_s, OWNER)
            assert lease is not None
            if shard == 1:
                await journal.append(lease, 0, [b"one", b"two"])
            if shard == 2:
                await journal.release(lease)
            await journal.close()
        await store.close()

    asyncio.run(make())
    return folder


def test_each_shard_is_listed(tmp_path: Path) -> None:
    """Owner, epoch, last record, whether the lease lives, and slots; the slots of all are 4,096."""
    assert rows(made_store(tmp_path / "store")) == [
        ["0", "-", "0", "0", "none", "1024"],
        ["1", OWNER, "1", "2", "lives", "1024"],
        ["2", "-", "1", "0", "none", "1024"],
        ["3", OWNER, "1", "0", "ended", "1024"],
    ]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A mistyped folder is an error of both verbs, and stays away."""
    place = tmp_path / "nowhere"
    for refused in (shards("--journal", str(place)), shards("move", "0", "--to", OWNER, "--journal", str(place))):
        assert (refused.exit_code, refused.output) == (1, f"Error: {place} holds no shards.\n")
    assert not place.exists()
    assert shards().exit_code == 2


def test_a_move_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """No such shard, nobody has it, an owner that does not answer, an address that is none: each in a sentence."""
    store = made_store(tmp_path / "store")
    with open_clients(str(store)):
        pass
    for number, to, code, words in (
        ("4", OWNER, 1, "There is no shard 4: the map has 4, from 0."),
        ("0", OWNER, 1, "Nobody has shard 0: start an engine with it among its --shards."),
        ("3", OWNER, 1, "Nobody has shard 3"),
        ("1", "127.0.0.1:1", 1, f"The engine at {OWNER} does not answer."),
        ("1", "7000", 2, "'7000' is not an address and a port"),
        ("1", "host:0", 2, "'host:0' is not an address and a port"),
    ):
        refused = shards("move", number, "--to", to, "--journal", str(store))
        assert refused.exit_code == code, refused.output
        assert words in refused.output
    assert rows(store)[1] == ["1", OWNER, "1", "2", "lives", "1024"]


@pytest.mark.slow
def test_a_shard_moves_between_running_engines(tmp_path: Path) -> None:
    """The shard has its new owner when the verb ends; an engine that is not there changes nothing."""
    store = tmp_path / "store"
    engines: list[subprocess.Popen[str]] = []
    addresses = []
    try:
        for own in ("0-1", "2-3"):
            command = [str(Path(sys.executable).with_name("bracketd")), "engine", "--journal", str(store)]
            command += ["--count", "4", "--shards", own, "--session", "always", "--feed", "manual", "--ttl", "20"]
            engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            engines.append(engine)
            assert engine.stdout is not None
            addresses.append(engine.stdout.readline().split()[-1])
        asyncio.run(all_owned(store))
        away = shards("move", "1", "--to", "127.0.0.1:1", "--journal", str(store))
        assert (away.exit_code, away.output) == (1, "Error: The engine at 127.0.0.1:1 does not answer.\n")
        moved = shards("move", "1", "--to", addresses[1], "--journal", str(store))
        assert moved.output == f"shard 1 went from {addresses[0]} to {addresses[1]}, epoch 2\n"
        assert [(row[1], row[2]) for row in rows(store)] == [
            (addresses[0], "1"),
            (addresses[1], "2"),
            (addresses[1], "1"),
            (addresses[1], "1"),
        ]
    finally:
        for engine in engines:
            os.kill(engine.pid, signal.SIGTERM)
            assert engine.wait(20) == 0
            assert engine.stdout is not None
            engine.stdout.close()


async def all_owned(folder: Path) -> None:
    """Wait until every shard has an owner; one whose journal is being made cannot be read yet."""
    store = ShardFolder(folder)
    owned = False
    async with asyncio.timeout(30):
        while not owned:
            await asyncio.sleep(0.05)
            with contextlib.suppress(Unknown):
                owned = all(holding.live for holding in await store.holdings())
    await store.close()


def test_the_shards_of_a_database_are_listed(postgres_address: str) -> None:
    """As those of a folder; an empty database is an error and stays empty."""
    for _ in range(2):
        empty = shards("--journal", postgres_address)
        assert empty.exit_code == 1
        assert empty.output.startswith("Error: The shards cannot be read: ")

    async def make() -> None:
        store = PostgresShards(postgres_address, 2)
        await store.slot_map()
        journal = await store.journal(1)
        lease = await journal.acquire(OWNER, 60, OWNER)
        assert lease is not None
        await journal.append(lease, 0, [b"one"])
        await journal.close()
        await store.close()

    asyncio.run(make())
    listed = shards("--journal", postgres_address)
    assert [line.split() for line in listed.output.splitlines()[1:]] == [
        ["0", "-", "0", "0", "none", "2048"],
        ["1", OWNER, "1", "1", "lives", "2048"],
    ]
