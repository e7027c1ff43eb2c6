"""The desk: nothing leaves before it is durable, one judgement at a time, and a stop that stays a stop."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, START_NS, bracket

from bracketd.domain.commands import CancelOrder, OpenAccount
from bracketd.domain.events import decode_step
from bracketd.domain.instructions import Acknowledged, CancelWork, Filled, Instruction, Report, Withdrawn
from bracketd.domain.instrument import Tick
from bracketd.domain.order import Status
from bracketd.domain.outcomes import Cancelled, Outcome, Placed, Refused, Unknown
from bracketd.domain.reasons import Reason
from bracketd.engine.state import State, encode_state
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease, Record, Snapshot
from bracketd.journal.protocol import Unknown as UnknownAppend
from bracketd.market.calendar import AlwaysOpen
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.recovery import replay
from bracketd.venue.paper.exchange import PaperExchange


class MemoryJournal:
    """A journal whose disk waits for the test's word: `gate` lets appends through, `broken` fails them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Keep the bodies once the gate is open."""
        assert expected_seq == len(self.bodies)
        await self.gate.wait()
        if self.broken:
            raise UnknownAppend("the disk said no")
        self.bodies.extend(bodies)
        return len(self.bodies)

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Not needed here."""
        raise NotImplementedError

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Not needed here."""
        raise NotImplementedError

    async def release(self, lease: Lease) -> None:
        """Not needed here."""

    def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Not needed here."""
        raise NotImplementedError

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Not needed here."""

    async def get_snapshot(self) -> Snapshot | None:
        """Not needed here."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


class SlowVenue(PaperExchange):
    """A venue that keeps its answers to cancels to itself until the test delivers them."""

    def __init__(self) -> None:
        super().__init__(INSTRUMENTS)
        self.held: list[CancelWork] = []

    def submit(self, instruction: Instruction, now_ns: int) -> Iterator[Report]:
        """Carry out everything but cancels."""
        if isinstance(instruction, CancelWork):
            self.held.append(instruction)
            return iter(())
        return super().submit(instruction, now_ns)

    def answers(self) -> list[Report]:
        """The answers that were held back."""
        held, self.held = self.held, []
        return [report for instruction in held for report in super(SlowVenue, self).submit(instruction, 0)]


class FixedClock:
    """A clock that only a test moves."""

    def now_ns(self) -> int:
        """The one moment there is."""
        return START_NS


def make_desk(
    journal: MemoryJournal, venue: PaperExchange | None = None, wait_s: float = 0.05, max_pending_records: int = 1_000
) -> Desk:
    """A desk with two clients, on a journal and a venue of the test's choice."""
    return Desk(
        state=State(),
        venue=venue or PaperExchange(INSTRUMENTS),
        instruments=INSTRUMENTS,
        commit=GroupCommit(journal, Lease("test", 1, 0), max_pending_records=max_pending_records),
        clock=FixedClock(),
        sessions=AlwaysOpen(),
        account_terms=lambda client: (10**11, 5) if client in {"A", "B"} else None,
        venue_wait_s=wait_s,
    )


async def placed(desk: Desk, **fields: object) -> str:
    """Place a bracket that must be taken; returns its entry's id."""
    await desk.ensure_account("A")
    outcome = await desk.execute(bracket(**fields))  # type: ignore[arg-type]
    assert isinstance(outcome, Placed)
    return outcome.order_id


def cancel(order_id: str, leg: str | None = None) -> CancelOrder:
    """A cancel of one of client A's orders."""
    return CancelOrder(client_id="A", ids=(order_id,), leg=leg)


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_outcome_waits_for_the_disk() -> None:
    """No outcome is told before the record that it rests on is durable."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk)
    journal.gate.clear()
    asked = asyncio.create_task(desk.execute(cancel(entry)))
    await settle()
    assert desk.state.orders[entry].status is Status.CANCELLED
    assert not asked.done()
    journal.gate.set()
    assert await asked == Cancelled(entry)
    assert [type(event).__name__ for event in decode_step(journal.bodies[-1])] == ["CancelRequested", "OrderCancelled"]


async def test_answer_without_events_waits_too() -> None:
    """An answer that only reads the state waits for the disk like the cancel that it sees."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk)
    journal.gate.clear()
    first, second = (asyncio.create_task(desk.execute(cancel(entry))) for _ in range(2))
    await settle()
    assert not first.done()
    assert not second.done()
    journal.gate.set()
    assert await asyncio.gather(first, second) == [Cancelled(entry)] * 2
    assert len(journal.bodies) == 4


async def test_disk_failure_stops_the_desk() -> None:
    """After an append whose outcome nobody knows nothing is acknowledged, then or ever."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk)
    journal.broken = True
    with pytest.raises(NotServing):
        await desk.execute(cancel(entry))
    journal.broken = False
    assert not desk.serving
    assert "disk said no" in await desk.wait_failed()
    with pytest.raises(NotServing):
        await desk.execute(cancel(entry))


async def test_broken_step_stops_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault inside a step leaves no record and no second chance."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk)
    kept = len(journal.bodies)

    def broken(*_: object) -> None:
        raise ArithmeticError("planted")

    monkeypatch.setattr("bracketd.runtime.step.check_bracket", broken)
    with pytest.raises(NotServing):
        await desk.execute(cancel(entry))
    assert len(journal.bodies) == kept
    assert not desk.serving


async def test_silent_venue_is_neither_success_nor_failure() -> None:
    """A cancel that the venue does not answer in time is Unknown; asked again after the answer it is success."""
    venue = SlowVenue()
    desk = make_desk(MemoryJournal(), venue)
    entry = await placed(desk)
    assert await desk.execute(cancel(entry)) == Unknown(entry)
    assert desk.state.orders[entry].status is Status.CANCEL_PENDING
    for report in venue.answers():
        desk.deliver(report)
    assert await desk.execute(cancel(entry)) == Cancelled(entry)


async def test_requests_of_one_bracket_wait_for_the_outcome_in_flight() -> None:
    """N copies of a cancel have one effect at the venue and get the same answer."""
    venue = SlowVenue()
    desk = make_desk(MemoryJournal(), venue, wait_s=30)
    entry = await placed(desk)
    asked = [asyncio.create_task(desk.execute(cancel(entry))) for _ in range(5)]
    await settle()
    assert len(venue.held) == 1
    for report in venue.answers():
        desk.deliver(report)
    assert await asyncio.gather(*asked) == [Cancelled(entry)] * 5


async def test_exit_waits_while_a_cancel_may_still_bring_a_fill() -> None:
    """LEG_NOT_ACTIVE is not answered while the entry's cancel is in flight; the fill that beats it is closed."""
    venue = SlowVenue()
    desk = make_desk(MemoryJournal(), venue, wait_s=30)
    entry = await placed(desk, quantity=10)
    first = asyncio.create_task(desk.execute(cancel(entry)))
    await settle()
    exit_asked = asyncio.create_task(desk.execute(cancel(entry, "TARGET")))
    await settle()
    assert not exit_asked.done()
    venue.held.clear()
    desk.deliver(Filled(entry, "late", 45_695, 10, aggressive=False))
    assert await first == Refused(Reason.TOO_LATE)
    await settle()
    for report in venue.answers():
        desk.deliver(report)
    assert await exit_asked == Cancelled(desk.state.bracket_of(entry).target_id)
    assert desk.state.bracket_of(entry).exit_accepted


async def test_a_report_counts_once() -> None:
    """A fill and an acknowledgement that come twice change nothing the second time."""
    desk = make_desk(MemoryJournal())
    entry = await placed(desk, quantity=10)
    desk.deliver(Filled(entry, "t", 45_695, 4, aggressive=False))
    before = encode_state(desk.state)
    desk.deliver(Filled(entry, "t", 45_695, 4, aggressive=False))
    desk.deliver(Acknowledged(entry, "9999999999999999", 99))
    assert encode_state(desk.state) == before


async def test_cancelled_twice_by_the_venue_is_cancelled_once() -> None:
    """A second word of the same cancel is not an event."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk)
    await desk.execute(cancel(entry))
    kept = len(journal.bodies)
    desk.deliver(Withdrawn(entry))
    assert len(journal.bodies) == kept


async def test_feed_ticks_that_cause_nothing_leave_no_record() -> None:
    """A feed's tick is recorded only with what relied on it; a pushed one always."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    await placed(desk)
    kept = len(journal.bodies)
    desk.feed_tick(Tick(SBIN, 46_000, 10))
    await desk.durable()
    assert len(journal.bodies) == kept
    await desk.push_tick(Tick(SBIN, 46_005, 10))
    assert len(journal.bodies) == kept + 1


async def test_refused_placement_leaves_no_record() -> None:
    """A placement that is refused changes nothing, even if it was judged by a print that is not on record."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    await desk.ensure_account("A")
    desk.feed_tick(Tick(SBIN, 46_000, 10))
    kept = len(journal.bodies)
    outcome = await desk.execute(bracket(quantity=0))
    assert outcome == Refused(Reason.BAD_LOT, "quantity")
    assert len(journal.bodies) == kept


async def test_accepted_placement_records_the_market_it_relied_on() -> None:
    """What the last print decided at a placement is on record with it, so that a replay needs no feed."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    await desk.ensure_account("A")
    desk.feed_tick(Tick(SBIN, 46_000, 10))
    await placed(desk)
    assert [type(event).__name__ for event in decode_step(journal.bodies[-1])][:2] == ["TickSeen", "BracketPlaced"]


async def test_replay_of_the_records_is_the_state() -> None:
    """The journal alone gives the state back, byte for byte."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    entry = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 4))
    await desk.execute(cancel(entry, "STOPLOSS"))
    records = [Record(seq, 1, body) for seq, body in enumerate(journal.bodies, 1)]
    assert encode_state(replay(records)) == encode_state(desk.state)


async def test_unknown_client_gets_no_account() -> None:
    """An account is opened on first use for a known client and for nobody else."""
    desk = make_desk(MemoryJournal())
    assert await desk.ensure_account("A")
    assert not await desk.ensure_account("Z")
    outcome: Outcome = await desk.execute(OpenAccount("A", 5, 1))
    assert desk.state.accounts["A"].cash_paise == 10**11, outcome


async def test_looking_at_an_account_opens_none() -> None:
    """A client that has never traded is shown with its opening terms, and nothing is recorded; nobody is None."""
    journal = MemoryJournal()
    desk = make_desk(journal)
    shown = desk.account("A")
    assert shown is not None
    assert (shown.cash_paise, shown.leverage, shown.available_paise) == (10**11, 5, 10**11)
    assert desk.account("nobody") is None
    assert (desk.state.accounts, journal.bodies) == ({}, [])
    await desk.ensure_account("A")
    assert desk.account("A") is desk.state.accounts["A"]


async def test_quote_is_what_the_venue_shows() -> None:
    """A quote is the venue's last print and displayed depth at this moment, whether anything relied on it or not."""
    desk = make_desk(MemoryJournal())
    assert desk.quote(SBIN) == (0, (), ())
    desk.feed_tick(Tick(SBIN, 45_700, 10, (), None))
    assert desk.quote(SBIN) == (45_700, (), ((45_700, 10),))
    assert SBIN not in desk.state.markets


async def test_a_cancel_that_could_not_wait_is_done_all_the_same() -> None:
    """An exit that waited in vain for a cancel in flight is told Unknown, and done once that has its answer."""
    venue = SlowVenue()
    journal = MemoryJournal()
    desk = make_desk(journal, venue)
    entry = await placed(desk, quantity=10)
    await desk.push_tick(Tick(SBIN, 45_695, 4, (), ()))
    stop_id = desk.state.bracket_of(entry).stop_id
    assert await desk.execute(cancel(entry)) == Unknown(entry)
    assert await desk.execute(cancel(entry, "STOPLOSS")) == Unknown(stop_id)
    assert [type(event).__name__ for event in decode_step(journal.bodies[-1])] == ["IntentKept"]
    while venue.held:
        for report in venue.answers():
            desk.deliver(report)
    assert desk.state.orders[stop_id].info == "CLOSING"
    assert desk.state.bracket_of(entry).intended == ""
    await desk.durable()
    records = [Record(at, 1, body) for at, body in enumerate(journal.bodies, 1)]
    assert encode_state(replay(records)) == encode_state(desk.state)
