"""Metrics: who may read them, what they count, and that documents, alerts and dashboard name just what there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from tests.trading_floor import SBIN, Floor
from tests.wire.counter import KART, Counter, FakeDesk

from bracketd.domain.instrument import Tick
from bracketd.wire.metrics import Metrics
from bracketd.wire.replies import RESOURCE_NOT_FOUND, Reply, outcome_word

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "ops" / "alerts.yml").read_text(encoding="utf-8")
DASHBOARD = (ROOT / "ops" / "grafana-dashboard.json").read_text(encoding="utf-8")
OF_A_SERIES = re.compile(r"_(bucket|count|sum)$")


def scope(peer: str = "127.0.0.1", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """A GET of /metrics."""
    return {"type": "http", "method": "GET", "path": "/metrics", "client": (peer, 1), "headers": list(headers)}


async def scraped(desk: FakeDesk, *, sockets: int = 0) -> dict[str, Any]:
    """What a scrape gives: the families by name, as Prometheus's own parser reads them."""
    reply = await asked(desk, scope(), sockets=sockets)
    assert reply.headers[0][1].startswith(b"text/plain")
    return {family.name: family for family in text_string_to_metric_families(reply.body.decode())}


async def asked(desk: FakeDesk, from_: dict[str, Any], *, open_: bool = False, sockets: int = 0) -> Reply:
    """The reply to one request."""
    return await Metrics(desk, lambda: sockets, open_).page(Request(from_))  # type: ignore[arg-type]


def named(text: str) -> set[str]:
    """The metrics of ours that a text names, without what a histogram adds to its name."""
    return {OF_A_SERIES.sub("", name) for name in re.findall(r"\bbracketd_\w+", text)}


@pytest.fixture
def desk() -> FakeDesk:
    """A desk with one order, one answered request, one tick."""
    floor = Floor()
    floor.tick(460.0)
    floor.place(price=456.95)
    made = FakeDesk(floor=floor)
    made.measures.answered("cancel", "refused", 0.003, "TOO_LATE")
    made.measures.committed(3, 0.0007)
    made.measures.ticked(Tick(SBIN, 46_000, 1))
    return made


async def families(desk: FakeDesk) -> set[str]:
    """The names of all families of ours, counters with their `_total`."""
    found = await scraped(desk)
    return {
        f"{name}_total" if family.type == "counter" else name
        for name, family in found.items()
        if name.startswith("bracketd_")
    }


async def test_the_document_names_every_metric(desk: FakeDesk) -> None:
    """The table of docs/operations.md has a row for each metric, and for nothing else."""
    assert set(re.findall(r"^\| `(bracketd_\w+)`", DOCUMENT, re.MULTILINE)) == await families(desk)


@pytest.mark.parametrize("text", [ALERTS, DASHBOARD], ids=["alerts", "dashboard"])
async def test_what_is_watched_exists(desk: FakeDesk, text: str) -> None:
    """Alerts and dashboard ask for no metric that there is not."""
    assert named(text)
    assert named(text) <= await families(desk)


def test_the_document_names_every_alert() -> None:
    """Each alert has its row, and each row its alert."""
    assert set(re.findall(r"alert: (\w+)", ALERTS)) == set(re.findall(r"^\| (Bracketd\w+)", DOCUMENT, re.MULTILINE))


def test_the_dashboard_shows_every_metric_by_a_query() -> None:
    """The dashboard is JSON, and each of its panels has a query."""
    panels = json.loads(DASHBOARD)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert all(target["expr"] for panel in panels for target in panel["targets"])


async def test_figures_are_those_that_were_counted(desk: FakeDesk) -> None:
    """A request, a commit, an order and a websocket show with their labels and values."""
    found = await scraped(desk, sockets=2)
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for each in found.values()
        for sample in each.samples
    }
    cancel = (("endpoint", "cancel"), ("outcome", "refused"))
    assert values["bracketd_request_seconds_count", *cancel] == 1
    assert values["bracketd_request_seconds_bucket", *sorted((*cancel, ("le", "0.002")))] == 0
    assert values["bracketd_request_seconds_bucket", *sorted((*cancel, ("le", "0.004")))] == 1
    assert values["bracketd_refusals_total", ("reason", "TOO_LATE")] == 1
    assert values["bracketd_journal_batch_records_sum",] == 3
    assert values["bracketd_orders", ("leg", "ENTRY"), ("status", "CONFIRMED")] == 1
    assert values["bracketd_websocket_connections",] == 2
    assert values["bracketd_serving",] == 1
    assert values["bracketd_ticks_total", ("exchange", "NSE")] == 1


async def test_nothing_that_a_proxy_passes_on(desk: FakeDesk) -> None:
    """A request from this machine that speaks for somebody else may not ask."""
    assert (await asked(desk, scope())).status == 200
    assert await asked(desk, scope("127.0.0.1", (b"x-real-ip", b"192.0.2.1"))) == RESOURCE_NOT_FOUND


async def test_other_machines_are_told_of_no_such_page(desk: FakeDesk) -> None:
    """Another machine gets the 404 of a path that is not there, and with the setting the metrics."""
    assert await asked(desk, scope("192.0.2.1")) == RESOURCE_NOT_FOUND
    assert (await asked(desk, scope("192.0.2.1"), open_=True)).status == 200


async def test_requests_are_counted_as_they_are_answered() -> None:
    """A cancel, a page and a path that is nowhere are counted under closed names, a refusal with its reason."""
    counter = Counter(floor=Floor())
    await counter.call("DELETE", f"{KART}/20260106-2")
    await counter.call("GET", "/api/v1/orders?type=pending")
    await counter.call("GET", "/nowhere/at/all")
    counter.desk.serving = False
    await counter.call("DELETE", f"{KART}/20260106-2")
    assert set(counter.desk.measures.requests) == {
        ("cancel", "refused"),
        ("GET /api/v1/orders", "done"),
        ("other", "refused"),
        ("other", "fault"),
    }
    assert counter.desk.measures.refusals == {"NOT_SERVING": 1}


@pytest.mark.parametrize(
    ("status", "word"), [(200, "done"), (202, "pending"), (302, "done"), (404, "refused"), (503, "fault")]
)
def test_a_status_comes_to_one_of_four_words(status: int, word: str) -> None:
    """202 is neither success nor failure, 4xx is the caller's, 5xx is ours."""
    assert outcome_word(status) == word
