"""Feeding: rounds go to the desk while the session trades, follow pushes, and never take order entry down."""

import asyncio
from random import Random

import pytest
from tests.runtime.moved_desk import MovedDesk
from tests.trading_floor import INSTRUMENTS, SBIN, START_NS

from bracketd.domain.instrument import Instrument, Tick
from bracketd.domain.session import SessionPhase
from bracketd.market.calendar import AlwaysOpen
from bracketd.market.instruments import load_instruments
from bracketd.market.synthetic import SyntheticFeed
from bracketd.runtime.desk import NotServing
from bracketd.runtime.feeding import Feeding
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point


class QuietDesk:
    """A desk that keeps what it is fed, and fails as told: `faults` holds what each tick in turn comes to."""

    def __init__(self) -> None:
        self.fed: list[Tick] = []
        self.prints: dict[str, int] = {}
        self.faults: list[Exception | None] = []

    def now_ns(self) -> int:
        """One moment for all."""
        return 1

    def feed_tick(self, tick: Tick) -> None:
        """Keep it, or fail."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.fed.append(tick)
        if tick.last_quantity:
            self.prints[tick.instrument] = tick.last_price_paise


def sbin() -> Instrument:
    """The instrument that everybody knows."""
    instrument = load_instruments().by_symbol("SBIN")
    assert instrument is not None
    return instrument


def feeding(desk: QuietDesk, phase: SessionPhase = SessionPhase.OPEN, behind: bool = False) -> Feeding:
    """A feed of one instrument for the desk."""
    return Feeding(
        SyntheticFeed([sbin()], Random(5)),
        desk,
        phase=lambda now_ns: phase,
        last_print=lambda instrument: desk.prints[instrument],
        behind=lambda: behind,
    )


async def test_round_feeds_each_instrument_once() -> None:
    """A round is one tick for each instrument."""
    desk = QuietDesk()
    await feeding(desk).round()
    assert [tick.instrument for tick in desk.fed] == [sbin().key]


@pytest.mark.parametrize(
    ("phase", "behind", "fed"),
    [
        (SessionPhase.CLOSED, False, 0),
        (SessionPhase.PRE_OPEN, False, 0),
        (SessionPhase.CUT_OFF, False, 1),
        (SessionPhase.OPEN, True, 0),
    ],
)
async def test_nothing_prints_out_of_hours_or_behind_a_slow_disk(phase: SessionPhase, behind: bool, fed: int) -> None:
    """The feed prints while the session trades, and leaves a slow disk to the orders."""
    desk = QuietDesk()
    await feeding(desk, phase, behind).round()
    assert len(desk.fed) == fed


async def test_walk_follows_a_pushed_print() -> None:
    """After a print by hand the walk goes on from there instead of jumping back."""
    desk = QuietDesk()
    feed = feeding(desk)
    while not desk.prints:
        await feed.round()
    pushed = desk.prints[sbin().key] = sbin().base_price_paise * 115 // 100 // 5 * 5
    await feed.round()
    assert abs(desk.fed[-1].last_price_paise - pushed) < pushed // 100


async def test_fault_of_the_feed_is_logged_and_the_next_round_tried(caplog: pytest.LogCaptureFixture) -> None:
    """A round that fails is logged, the feed goes on with the next, and ends when the desk serves no more."""
    desk = QuietDesk()
    desk.faults = [RuntimeError("bad round"), None, None, NotServing("stopped")]
    async with asyncio.timeout(5):
        await feeding(desk).run(0.0)
    assert len(desk.fed) == 2
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [("bad round",)]


async def test_a_feed_does_not_drive_a_clock_that_stands() -> None:
    """On a virtual clock rounds print at the time that stands, and what is due later stays due."""
    desk = MovedDesk()
    desk.plan(FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=1))
    await desk.place(price=400)
    feed = Feeding(
        SyntheticFeed(INSTRUMENTS.values(), Random(5)),
        desk,
        phase=AlwaysOpen().phase,
        last_print=lambda instrument: desk.exchange.shown(instrument)[0],
        behind=lambda: False,
    )
    while not desk.exchange.shown(SBIN)[0]:
        await feed.round()
    await feed.round()
    assert (desk.now_ns(), len(desk.state.post)) == (START_NS, 1)
