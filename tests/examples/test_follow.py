"""The tutorial's program passes every ready scenario; the naive one passes its good day and is found out."""

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from examples import follow, naive_follow
from examples.test_follow import *  # noqa: F403  The tutorial's own tests run here as they stand there.
from examples.test_follow import market

from bracketd.client import BrokerError
from bracketd.testing import SCENARIOS, LiveBroker, PaperBroker

ROOT = Path(__file__).resolve().parents[2]
FAILED_BY_THE_NAIVE = {
    "still_live_after_cancel",
    "filled_during_cancel",
    "partly_filled_then_cancelled",
    "exit_refused_once",
}


def test_the_naive_program_passes_its_good_day(broker: PaperBroker) -> None:
    """On a day on which nothing goes wrong nobody sees what is wrong with it."""
    naive_follow.trade(broker.client("A"), market(broker))
    assert (broker.peak("A"), broker.position("A")) == (10, 0)


def held_by_the_naive(scenario: str) -> int:
    """The most that the naive program held in a scenario."""
    with PaperBroker() as paper:
        paper.play(scenario)
        with contextlib.suppress(BrokerError):
            naive_follow.trade(paper.client("A"), market(paper))
        return paper.peak("A")


def test_the_kit_finds_the_race() -> None:
    """The naive program holds more than it wanted in four of the ten scenarios, and in no other."""
    held = {scenario: held_by_the_naive(scenario) for scenario in SCENARIOS}
    assert {scenario for scenario, most in held.items() if most > naive_follow.QUANTITY} == FAILED_BY_THE_NAIVE
    assert held["filled_during_cancel"] == 20
    assert held["partly_filled_then_cancelled"] == 14


def test_the_tutorial_shows_the_program() -> None:
    """docs/tutorial.md prints each function that it speaks of exactly as it stands in examples/follow.py."""
    source = (ROOT / "examples" / "follow.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = "\n".join(shown)
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert {node.name for node in functions} == {"enter", "cancel", "follow", "leave", "trade"}
    for node in functions:
        text = ast.get_source_segment(source, node)
        assert text is not None
        assert text in program, f"docs/tutorial.md does not show {node.name} as it is"
    tests = (ROOT / "examples" / "test_follow.py").read_text(encoding="utf-8")
    assert tests.split("\n\n\n", 1)[1].strip() in program
    assert all(name in page for name in FAILED_BY_THE_NAIVE)


def test_the_same_from_another_language() -> None:
    """A node program plays every scenario over HTTP: never more than ten, and nothing in the end."""
    node = shutil.which("node")
    if node is None:
        assert os.environ.get("CI") != "true", "node is needed"
        pytest.skip("node is not installed")
    with LiveBroker(clients=tuple(SCENARIOS)) as live:
        done = subprocess.run(
            [node, ROOT / "examples" / "follow.test.mjs", live.url], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stdout + done.stderr
    days = [json.loads(line) for line in done.stdout.splitlines()]
    assert [day["scenario"] for day in days] == list(SCENARIOS)
    assert [day for day in days if day["peak"] > 10 or day["net"] != 0] == []
    stopped = [day["scenario"] for day in days if day["stopped"]]
    assert stopped == ["session_expired"]
    assert {day["scenario"] for day in days if day["peak"] == 0} <= {"session_expired"}


@pytest.mark.slow
def test_a_thousand_scenarios_take_less_than_thirty_seconds() -> None:
    """A thousand scenario tests, each with a broker of its own, take under thirty seconds of one processor."""
    began_s = time.process_time()
    for _ in range(100):
        for scenario in SCENARIOS:
            with PaperBroker() as paper:
                paper.play(scenario)
                try:
                    follow.trade(paper.client("A"), market(paper))
                except BrokerError:
                    assert scenario == "session_expired"
                assert paper.peak("A") <= follow.QUANTITY
    took_s = time.process_time() - began_s
    assert took_s < 30, f"a thousand took {took_s:.1f} s"
