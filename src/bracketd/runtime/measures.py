"""Measures: what an operator counts of a running server. Nothing here names a client or an order.

A request pays for one bisection and three additions. All that takes longer, such as counting orders by status, happens
when somebody asks (`census`), in slices, so that the question holds up nobody.
"""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final, NamedTuple

from bracketd.domain.instrument import Tick
from bracketd.domain.order import Leg, Status
from bracketd.engine.state import State

REQUEST_BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5)
COMMIT_BOUNDS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0)
BATCH_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
LAG_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)

LAG_INTERVAL_S: Final = 0.1
"""How often the loop's lag is measured."""

CENSUS_SLICE: Final = 2_000
"""Orders counted before others get their turn: well under a millisecond."""


class Histogram:
    """How often a value fell at or below each bound; `counts` has one more place, for what lies beyond the last."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Census(NamedTuple):
    """How many orders are in each status by leg, and how many brackets are UNPROTECTED."""

    orders: Counter[tuple[Leg, Status]]
    unprotected: int


class Measures:
    """The numbers of one process, from its start on; times are seconds of the monotonic clock."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.clock_s = clock_s
        self.started_s = clock_s()
        self.requests: dict[tuple[str, str], Histogram] = {}
        self.refusals: Counter[str] = Counter()
        self.commit_s = Histogram(COMMIT_BOUNDS_S)
        self.commit_records = Histogram(BATCH_BOUNDS)
        self.lag_s = Histogram(LAG_BOUNDS_S)
        self.snapshots: Counter[str] = Counter(made=0, failed=0)
        self.snapshot_seq = 0
        self.snapshot_s = 0.0
        self.ticks: Counter[str] = Counter()
        self.last_tick_s: dict[str, float] = {}

    def answered(self, endpoint: str, outcome: str, took_s: float, reason: str = "") -> None:
        """A request was answered; `endpoint` and `outcome` are from closed lists."""
        histogram = self.requests.get((endpoint, outcome))
        if histogram is None:
            histogram = self.requests[endpoint, outcome] = Histogram(REQUEST_BOUNDS_S)
        histogram.observe(took_s)
        if reason:
            self.refusals[reason] += 1

    def committed(self, records: int, took_s: float) -> None:
        """So many records became durable together."""
        self.commit_records.observe(records)
        self.commit_s.observe(took_s)

    def ticked(self, tick: Tick) -> None:
        """A tick came in, by the exchange that its instrument's key begins with."""
        exchange = tick.instrument[: tick.instrument.find(":")]
        self.ticks[exchange] += 1
        self.last_tick_s[exchange] = self.clock_s()

    async def measure_lag(self, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Note again and again how much later than asked the event loop comes round."""
        while True:
            due_s = self.clock_s() + LAG_INTERVAL_S
            await wait(LAG_INTERVAL_S)
            self.lag_s.observe(max(0.0, self.clock_s() - due_s))


async def census(state: State) -> Census:
    """Count orders and UNPROTECTED brackets, slice by slice.

    What changes between two slices may be counted as it was or as it is; what is there all along is counted once.
    """
    orders: Counter[tuple[Leg, Status]] = Counter()
    ids = iter(tuple(state.orders))
    while part := tuple(islice(ids, CENSUS_SLICE)):
        for order_id in part:
            order = state.orders.get(order_id)
            if order is not None:
                orders[order.leg, order.status] += 1
        await asyncio.sleep(0)
    unprotected = 0
    baskets = iter(tuple(state.brackets))
    while part := tuple(islice(baskets, CENSUS_SLICE)):
        for basket_id in part:
            bracket = state.brackets.get(basket_id)
            unprotected += bracket is not None and bracket.unprotected
        await asyncio.sleep(0)
    return Census(orders, unprotected)
