"""Snapshots of a shard are made beside its owner, and lead to the state that the journal leads to."""

import time
from pathlib import Path

import pytest

from bracketd.domain.events import AccountOpened, encode_step
from bracketd.engine.state import encode_state
from bracketd.journal.protocol import Fenced
from bracketd.runtime.cluster import open_store
from bracketd.runtime.recovery import recover, replay
from bracketd.runtime.shard_snapshots import made_beside


@pytest.fixture(params=["folder", "database"])
def store_name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of a new store of each kind."""
    return str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("postgres_address")


@pytest.mark.slow
async def test_the_owner_keeps_what_another_process_made(store_name: str) -> None:
    """It stands for the records that it was made of, the next owner starts from it, and one of before is fenced."""
    store = open_store(store_name, 2)
    journal = await store.journal(1)
    lease = await journal.acquire("here", 30)
    assert lease is not None
    bodies = [encode_step([AccountOpened(time.time_ns(), f"A{number}", 100, 5)]) for number in range(300)]
    assert await journal.append(lease, 0, bodies[:200]) == 200
    made = await made_beside(store_name, 1)
    assert made.seq == 200
    assert await journal.append(lease, 200, bodies[200:]) == 300
    await journal.put_snapshot(lease, made.seq, made.body)
    again = await journal.acquire("here", 30)
    assert again is not None
    state = await recover(journal, again)
    records = [record async for record in journal.read(0)]
    assert encode_state(state) == encode_state(replay(records))
    later = await made_beside(store_name, 1)
    assert later.seq == 300
    with pytest.raises(Fenced):
        await journal.put_snapshot(lease, later.seq, later.body)
    await journal.close()
    await store.close()


@pytest.mark.slow
async def test_a_shard_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """What keeps the other process from it is the error's text."""
    with pytest.raises(ValueError, match="journal"):
        await made_beside(str(tmp_path), 5)
