"""The page of the metrics: what a server answers to Prometheus after a bracket was placed, filled and refused."""

import contextlib

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bracketd.client import TooLate
from bracketd.testing import PaperBroker
from tools.markdown import code, paragraph, table

OURS = "bracketd_"


def metrics_page() -> str:
    """Every metric of ours with its kind, its labels and the text that a scrape has."""
    families = sorted(text_string_to_metric_families(scrape()), key=lambda family: family.name)
    rows = [
        (
            code(f"{family.name}_total" if family.type == "counter" else family.name),
            family.type,
            ", ".join(code(label) for label in _labels(family.samples)),
            family.documentation,
        )
        for family in families
        if family.name.startswith(OURS)
    ]
    return "\n".join(
        (
            "# Metrics\n",
            paragraph(
                "Made of what a server answers at `GET /metrics`. [Operations](../operations.md) says what each tells "
                "and who may ask, and [the alerts](../alerts.md) what to do."
            ),
            table(("Metric", "Kind", "Labels", "Text"), rows),
        )
    )


def scrape() -> str:
    """The answer of a paper broker on which every kind of thing has happened once."""
    with PaperBroker() as paper:
        broker = paper.client("A")
        bracket = broker.place_bracket("SBIN", "BUY", 1, price="456.95", target=2, stop=1)
        paper.tick("SBIN", "456.95", quantity=1)
        with contextlib.suppress(TooLate):
            bracket.cancel()
        with httpx.Client(transport=paper.transport(), base_url=paper.url) as client:
            return client.get("/metrics").raise_for_status().text


def _labels(samples: list[Sample]) -> list[str]:
    """The labels of a family, less those by which Prometheus tells a histogram's buckets apart."""
    return sorted({label for sample in samples for label in sample.labels} - {"le"})
