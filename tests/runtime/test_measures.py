"""Measures: what is counted, and that asking holds up nobody."""

import asyncio

import pytest
from tests.trading_floor import SBIN, Floor

from bracketd.domain.instrument import Tick
from bracketd.domain.order import Leg, Status
from bracketd.runtime import measures as module
from bracketd.runtime.measures import LAG_INTERVAL_S, Histogram, Measures, census


def test_a_value_falls_under_the_first_bound_that_holds_it() -> None:
    """A bound includes itself, and what lies beyond the last bound is counted apart."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.5):
        histogram.observe(value)
    assert (histogram.counts, histogram.total) == ([2, 1, 1], 5.5)


def test_requests_are_counted_by_endpoint_and_outcome() -> None:
    """One histogram for each pair, and a reason is counted where there is one."""
    measures = Measures()
    measures.answered("cancel", "done", 0.001)
    measures.answered("cancel", "refused", 0.001, "TOO_LATE")
    assert set(measures.requests) == {("cancel", "done"), ("cancel", "refused")}
    assert measures.refusals == {"TOO_LATE": 1}


def test_ticks_are_counted_by_exchange() -> None:
    """The exchange is what an instrument's key begins with, and its last tick is remembered by the monotonic clock."""
    measures = Measures(clock_s=lambda: 7.0)
    measures.ticked(Tick(SBIN, 45_695, 1))
    assert (measures.ticks, measures.last_tick_s) == ({"NSE": 1}, {"NSE": 7.0})


async def test_lag_is_what_comes_on_top_of_the_interval() -> None:
    """A loop that comes round 30 ms after it was asked to has a lag of 30 ms."""
    asked: list[float] = []

    async def wait(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 2:
            raise asyncio.CancelledError

    times = iter((0.0, 0.0, LAG_INTERVAL_S + 0.03, 10.0))
    measures = Measures(clock_s=lambda: next(times))
    with pytest.raises(asyncio.CancelledError):
        await measures.measure_lag(wait)
    assert asked == [LAG_INTERVAL_S, LAG_INTERVAL_S]
    assert measures.lag_s.total == pytest.approx(0.03)


async def test_census_counts_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every order is counted once by leg and status, and others get their turn between two slices."""
    monkeypatch.setattr(module, "CENSUS_SLICE", 2)
    floor = Floor()
    floor.tick(460.0)
    orders = [floor.place(price=456.95) for _ in range(5)]
    floor.cancel(orders[0])
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    counted = await census(floor.state)
    task.cancel()
    assert counted.orders == {(Leg.ENTRY, Status.CANCELLED): 1, (Leg.ENTRY, Status.CONFIRMED): 4}
    assert counted.unprotected == 0
    assert len(turns) >= 4
