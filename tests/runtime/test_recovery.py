"""Recovery: snapshot and tail give the state, and what cannot be recovered is named."""

from pathlib import Path

import msgspec
import pytest
from tests.trading_floor import Floor

from bracketd.domain.events import decode_step
from bracketd.engine.evolve import evolve
from bracketd.engine.state import State, decode_state, encode_state
from bracketd.journal.protocol import Lease, Record
from bracketd.journal.sqlite import SqliteJournal
from bracketd.runtime import recovery
from bracketd.runtime.recovery import RecoveryFailed, recover, replay, resume_paper


def traded_floor() -> Floor:
    """A floor with a working bracket, a closed one and one that is open and protected."""
    floor = Floor()
    floor.place(price=400.0)
    closed = floor.place(quantity=5)
    floor.tick(456.95, 100)
    floor.cancel(closed, "TARGET")
    floor.place(quantity=7, price=455.0)
    floor.tick(455.0, 3)
    return floor


async def journal_of(floor: Floor, path: Path) -> tuple[SqliteJournal, Lease]:
    """A real journal with a floor's steps, under a new lease as after a restart."""
    journal = SqliteJournal(path / "journal.db")
    first = await journal.acquire("test", 60)
    assert first is not None
    await journal.append(first, 0, floor.steps)
    lease = await journal.acquire("test", 60)
    assert lease is not None
    return journal, lease


async def test_the_journal_gives_the_state_back(tmp_path: Path) -> None:
    """What is recovered is the state as it was, byte for byte."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    assert encode_state(await recover(journal, lease)) == encode_state(floor.state)
    await journal.close()


async def test_snapshot_and_tail_give_the_same(tmp_path: Path) -> None:
    """A snapshot taken anywhere, with the records after it, gives what the records alone give."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    for seq in range(1, len(floor.steps) + 1):
        state = State()
        for body in floor.steps[:seq]:
            for event in decode_step(body):
                evolve(state, event)
        await journal.put_snapshot(lease, seq, encode_state(state))
        assert encode_state(await recover(journal, lease)) == encode_state(floor.state)
    await journal.close()


async def test_a_long_tail_leaves_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery that had much to read shortens the next one."""
    monkeypatch.setattr(recovery, "SNAPSHOT_TAIL_RECORDS", 3)
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    assert await journal.get_snapshot() is None
    await recover(journal, lease)
    kept = await journal.get_snapshot()
    assert kept is not None
    assert kept.seq == len(floor.steps)
    assert kept.body == encode_state(floor.state)
    await journal.close()


async def test_a_snapshot_that_is_no_state_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A snapshot that cannot be read is said to the log, by its record, and the records give the state."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    await journal.put_snapshot(lease, 2, b"\xc1")
    assert encode_state(await recover(journal, lease)) == encode_state(floor.state)
    assert "snapshot after record 2" in caplog.text
    await journal.close()


def test_a_record_that_is_no_step_is_named() -> None:
    """A record whose bytes are no events is named by its number."""
    floor = traded_floor()
    bodies = [*floor.steps[:2], b"\xc1"]
    with pytest.raises(RecoveryFailed, match="record 3"):
        replay([Record(seq, 1, body) for seq, body in enumerate(bodies, 1)])


def test_an_event_that_cannot_follow_is_named() -> None:
    """The same step twice is not a legal history."""
    floor = traded_floor()
    bodies = [floor.steps[0], floor.steps[0]]
    with pytest.raises(RecoveryFailed, match=r"record 2: .*opened once"):
        replay([Record(seq, 1, body) for seq, body in enumerate(bodies, 1)])


def test_a_working_order_needs_its_instrument() -> None:
    """An instrument file that lacks what an order works in is refused rather than the order lost."""
    with pytest.raises(RecoveryFailed, match="NSE:3045"):
        resume_paper(traded_floor().state, {})


def test_every_prefix_of_the_records_is_a_legal_state() -> None:
    """Wherever a crash cuts the journal, between two records, what is left can be recovered."""
    floor = traded_floor()
    for end in range(len(floor.steps) + 1):
        replay([Record(seq, 1, body) for seq, body in enumerate(floor.steps[:end], 1)])


async def test_a_snapshot_of_rows_as_they_were_before_is_left_aside(tmp_path: Path) -> None:
    """Rows once had every field in them; such a snapshot is no state of this version, and the records say the same."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    order_id = next(iter(floor.state.orders))
    row = [order_id, "20260921-1", "", "A", "NSE:3045", "ENTRY", "BUY", "LIMIT", "MIS", "DAY", 10, 10, 45695, 0]
    row += ["CONFIRMED", 1, 1, 1, 0, 0, 0, 0, "CONFIRMED", False, "", "1100000000000001", 1, 1, "", False, 0, 0, "", ""]
    row += [False, "", 0, 0, 0, False, False, False, "BO", False, False]
    before = msgspec.msgpack.encode({"orders": {order_id: row}})
    with pytest.raises(msgspec.DecodeError):
        decode_state(before)
    await journal.put_snapshot(lease, 1, before)
    assert encode_state(await recover(journal, lease)) == encode_state(floor.state)
    await journal.close()
