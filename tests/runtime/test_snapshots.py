"""Snapshots beside the server: with the records after them they give the state that the records alone give."""

import logging
from pathlib import Path

import pytest
from tests.runtime.test_recovery import journal_of, traded_floor

from bracketd.engine.state import decode_state, encode_state
from bracketd.journal.protocol import JournalDamaged
from bracketd.journal.snapshot_file import FILE_NAME
from bracketd.journal.sqlite import SqliteJournal
from bracketd.runtime.measures import Measures
from bracketd.runtime.recovery import recover
from bracketd.runtime.snapshots import Snapshots, kept_snapshot, make_snapshot, snapshot_to_start_from


async def test_made_anywhere_it_gives_the_same_state(tmp_path: Path) -> None:
    """After each record in turn, from the one before: snapshot and tail give what the records alone give."""
    floor = traded_floor()
    journal = SqliteJournal(tmp_path / "journal.db")
    lease = await journal.acquire("test", 60)
    assert lease is not None
    for seq, body in enumerate(floor.steps):
        await journal.append(lease, seq, [body])
        assert make_snapshot(tmp_path) == seq + 1
        kept = kept_snapshot(tmp_path)
        assert kept is not None
        assert kept.seq == seq + 1
        if seq == len(floor.steps) // 2:
            middle = kept
    lease = await journal.renew(lease, 60)
    for beside in (middle, kept):
        assert encode_state(await recover(journal, lease, beside=beside)) == encode_state(floor.state)
    assert kept.body == encode_state(floor.state)
    await journal.close()


async def test_the_later_of_two_is_taken(tmp_path: Path) -> None:
    """The journal's own snapshot counts where it stands for more records."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    make_snapshot(tmp_path)
    kept = kept_snapshot(tmp_path)
    assert kept is not None
    await journal.put_snapshot(lease, kept.seq - 1, b"\xc1")
    assert encode_state(await recover(journal, lease, beside=kept)) == encode_state(floor.state)
    await journal.close()


@pytest.mark.parametrize("harm", ["torn", "altered", "empty"])
async def test_a_harmed_one_is_survived(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    """A start leaves a harmed snapshot aside, says so, replays the records, and makes room for the next."""
    floor = traded_floor()
    journal, lease = await journal_of(floor, tmp_path)
    make_snapshot(tmp_path)
    file = tmp_path / FILE_NAME
    whole = file.read_bytes()
    file.write_bytes({"torn": whole[:-9], "altered": whole[:-1] + b"\xff", "empty": b""}[harm])
    with caplog.at_level(logging.WARNING):
        beside = snapshot_to_start_from(tmp_path)
    assert beside is None
    assert "is not used" in caplog.text
    assert encode_state(await recover(journal, lease, beside=beside)) == encode_state(floor.state)
    make_snapshot(tmp_path)
    assert file.read_bytes() == whole
    await journal.close()


async def test_a_journal_that_lost_its_end_is_not_started(tmp_path: Path) -> None:
    """A snapshot of records that are gone is proof of the loss."""
    floor = traded_floor()
    journal, _ = await journal_of(floor, tmp_path)
    make_snapshot(tmp_path)
    await journal.close()
    (tmp_path / "journal.db").unlink()
    short = SqliteJournal(tmp_path / "journal.db")
    lease = await short.acquire("test", 60)
    assert lease is not None
    await short.append(lease, 0, floor.steps[:2])
    with pytest.raises(JournalDamaged, match="the snapshot beside the journal stands for it"):
        snapshot_to_start_from(tmp_path)
    await short.close()


def test_decoded_rows_share_what_they_had_in_common() -> None:
    """An id, a client and a word are one text again, however many rows name them: memory is for orders, not copies."""
    state = decode_state(encode_state(traded_floor().state))
    for order_id, order in state.orders.items():
        bracket = state.bracket_of(order_id)
        entry = state.orders[bracket.entry_id]
        assert order.order_id is order_id
        assert order.basket_id is bracket.basket_id
        assert order.client_id is entry.client_id is bracket.client_id
        assert order.instrument is entry.instrument is bracket.instrument
        assert order.user_order_id is entry.user_order_id
        if order.exchange_order_id:
            kept = {exchange_id: exchange_id for exchange_id in state.exchange_ids}
            assert order.exchange_order_id is kept[order.exchange_order_id]
    for bracket in state.brackets.values():
        assert state.orders[bracket.entry_id].order_id is bracket.entry_id


def test_one_is_due_after_so_many_records(tmp_path: Path) -> None:
    """The interval counts from the record that the last stands for; 0 is never."""
    durable = 0
    snapshots = Snapshots(tmp_path, 100, lambda: durable, Measures())
    never = Snapshots(tmp_path, 0, lambda: durable, Measures())
    assert not snapshots.due
    durable = 99
    assert not snapshots.due
    durable = 100
    assert snapshots.due
    assert not never.due


@pytest.mark.slow
async def test_another_process_makes_it(tmp_path: Path) -> None:
    """The process leaves the state as of the last durable record, and what came of it is counted."""
    floor = traded_floor()
    journal, _ = await journal_of(floor, tmp_path)
    measures = Measures()
    snapshots = Snapshots(tmp_path, 1, lambda: len(floor.steps), measures)
    assert snapshots.due
    assert await snapshots.make()
    assert not snapshots.due
    kept = kept_snapshot(tmp_path)
    assert kept is not None
    assert (kept.seq, kept.body) == (len(floor.steps), encode_state(floor.state))
    assert (measures.snapshot_seq, dict(measures.snapshots)) == (kept.seq, {"made": 1, "failed": 0})
    await journal.close()


@pytest.mark.slow
async def test_a_failure_is_logged_and_not_repeated_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A snapshot that cannot be made changes nothing and is tried again after as many records more."""
    measures = Measures()
    snapshots = Snapshots(tmp_path / "nothing here", 10, lambda: 10, measures)
    assert snapshots.due
    assert not await snapshots.make()
    assert "no snapshot was made" in caplog.text
    assert dict(measures.snapshots) == {"made": 0, "failed": 1}
    assert not snapshots.due
