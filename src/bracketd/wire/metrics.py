"""Metrics: GET /metrics as Prometheus reads it, rendered by its own client library.

No token, so only this machine is answered, and nothing that a proxy on this machine passes on; `--metrics-open`
answers whoever reaches the port. No label names a client or an order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request

from bracketd import __version__
from bracketd.runtime.desk import Desk
from bracketd.runtime.measures import Census, Histogram, census
from bracketd.wire.neighbour import is_neighbour
from bracketd.wire.replies import RESOURCE_NOT_FOUND, Reply

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The page. `sockets` tells how many websockets are open."""

    def __init__(self, desk: Desk, sockets: Callable[[], int], open_: bool) -> None:
        self._desk = desk
        self._open = open_
        self._sockets = sockets
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)

    async def page(self, request: Request) -> Reply:
        """All metrics at this moment; orders are counted in slices. Whoever may not ask is told of no such page."""
        if not (self._open or is_neighbour(request.scope)):
            return RESOURCE_NOT_FOUND
        counted = await census(self._desk.state)
        text = generate_latest(self._registry) + generate_latest(_Once(self._families(counted)))
        return Reply(200, text, ((b"content-type", CONTENT_TYPE),))

    def _families(self, counted: Census) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_journal()
        yield from self._of_market(counted)

    def _of_requests(self) -> Iterator[Metric]:
        measures = self._desk.measures
        requests = HistogramMetricFamily(
            "bracketd_request_seconds",
            "From the request's head to the reply handed to the socket.",
            labels=("endpoint", "outcome"),
        )
        for labels, histogram in sorted(measures.requests.items()):
            _add(requests, histogram, labels)
        yield requests
        refusals = CounterMetricFamily(
            "bracketd_refusals", "Replies that refused, by the reason that they carry.", labels=("reason",)
        )
        for reason, count in sorted(measures.refusals.items()):
            refusals.add_metric((reason,), count)
        yield refusals
        yield _histogram("bracketd_event_loop_lag_seconds", "How late the event loop comes round.", measures.lag_s)
        yield GaugeMetricFamily("bracketd_websocket_connections", "Open websockets.", self._sockets())
        yield GaugeMetricFamily(
            "bracketd_uptime_seconds", "Since the process began to serve.", measures.clock_s() - measures.started_s
        )
        build = GaugeMetricFamily("bracketd_build_info", "Always 1; the label says what runs.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build

    def _of_journal(self) -> Iterator[Metric]:
        measures, commit = self._desk.measures, self._desk.commit
        yield GaugeMetricFamily(
            "bracketd_serving", "1 while orders can be acknowledged, 0 once the desk has stopped.", self._desk.serving
        )
        yield _histogram("bracketd_journal_commit_seconds", "One commit, its sync included.", measures.commit_s)
        yield _histogram(
            "bracketd_journal_batch_records", "Records that became durable by one commit.", measures.commit_records
        )
        yield GaugeMetricFamily(
            "bracketd_journal_pending_records", "Records decided and not on disk yet.", commit.pending_records
        )
        yield GaugeMetricFamily("bracketd_journal_pending_bytes", "The same in bytes.", commit.pending_bytes)
        yield GaugeMetricFamily("bracketd_journal_durable_seq", "The last record on disk.", commit.durable_seq)
        snapshots = CounterMetricFamily("bracketd_snapshots", "Snapshots that were begun.", labels=("outcome",))
        for outcome, count in sorted(measures.snapshots.items()):
            snapshots.add_metric((outcome,), count)
        yield snapshots
        yield GaugeMetricFamily(
            "bracketd_snapshot_seq", "The last record that the snapshot stands for.", measures.snapshot_seq
        )
        yield GaugeMetricFamily("bracketd_snapshot_seconds", "How long the last one took.", measures.snapshot_s)

    def _of_market(self, counted: Census) -> Iterator[Metric]:
        measures = self._desk.measures
        orders = GaugeMetricFamily("bracketd_orders", "Orders of the trading day.", labels=("leg", "status"))
        for (leg, status), count in sorted(counted.orders.items()):
            orders.add_metric((leg or "NONE", status), count)
        yield orders
        yield GaugeMetricFamily(
            "bracketd_unprotected_brackets",
            "Brackets with open shares that no order closes.",
            counted.unprotected,
        )
        ticks = CounterMetricFamily("bracketd_ticks", "Prints and quotes taken in.", labels=("exchange",))
        age = GaugeMetricFamily(
            "bracketd_feed_age_seconds", "Since the last tick of an exchange.", labels=("exchange",)
        )
        for exchange, last_s in sorted(measures.last_tick_s.items()):
            ticks.add_metric((exchange,), measures.ticks[exchange])
            age.add_metric((exchange,), measures.clock_s() - last_s)
        yield ticks
        yield age


class _Once(Collector):
    """Families that were made for one page, as the library wants to be given them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._families


def _histogram(name: str, told: str, histogram: Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, told)
    _add(family, histogram, ())
    return family


def _add(family: HistogramMetricFamily, histogram: Histogram, labels: tuple[str, ...]) -> None:
    """The counts as Prometheus wants them: each bucket with all below it."""
    buckets: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), below))
    family.add_metric(labels, buckets, sum_value=histogram.total)
