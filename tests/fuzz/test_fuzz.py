"""The fuzzers find no hole in a minute each, and would find one: the corpus is read, and planted holes are seen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fuzz import targets
from tests.fuzz.targets import TARGETS, Hole

from bracketd.wire.known_heads import KnownHeads, Whole

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
SECONDS = int(os.environ.get("BRACKETD_FUZZ_SECONDS", "60"))
KEEP = ["KEEP"] if "BRACKETD_FUZZ_SECONDS" in os.environ else []
RUNS_MIN = {name: (10 if name == "heads" else 100) * SECONDS for name in TARGETS}
"""Three servers answer to each input of heads."""


def read_corpus(name: str) -> int:
    """Give every input of a corpus to its target; returns how many there are."""
    inputs = sorted((CORPUS / name).iterdir())
    for path in inputs:
        TARGETS[name](path.read_bytes())
    return len(inputs)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_holds(name: str) -> None:
    """Every input that once took a new branch, and every one written by hand, is read without a hole."""
    assert read_corpus(name) > 8


def kept_in_case(real: Callable[..., object]) -> Callable[..., object]:
    """A reader that raises what nobody expects for one input in the corpus."""

    def broken(*arguments: object, **named: object) -> object:
        if any(isinstance(part, str | bytes) and len(part) > 40 for part in arguments):
            raise KeyError("planted")
        return real(*arguments, **named)

    return broken


@pytest.mark.parametrize(
    ("name", "reader"),
    [("parameters", "read_parameters"), ("token", "verify"), ("subscription", "read_subscription")],
)
def test_a_planted_hole_is_seen(monkeypatch: pytest.MonkeyPatch, name: str, reader: str) -> None:
    """A reader that raises what it should not is found by its own corpus."""
    monkeypatch.setattr(targets, reader, kept_in_case(getattr(targets, reader)))
    with pytest.raises(KeyError):
        read_corpus(name)


@pytest.mark.parametrize("hole", ["body", "method"])
def test_a_head_that_is_taken_for_another_is_seen(monkeypatch: pytest.MonkeyPatch, hole: str) -> None:
    """A table of known headers that hands on a shorter body, or another method, is found by the corpus."""
    whole = KnownHeads.whole

    def wrong(self: KnownHeads, packet: bytes) -> Whole | None:
        known = whole(self, packet)
        if known is None:
            return None
        method, path, query, head, body = known
        return (method, path, query, head, body[:-1]) if hole == "body" else (b"DELETE", path, query, head, body)

    monkeypatch.setattr(KnownHeads, "whole", wrong)
    with pytest.raises(Hole, match="known headers"):
        read_corpus("heads")


def test_a_verifier_that_lets_anybody_in_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expiry that is not looked at is a hole."""
    monkeypatch.setattr(targets, "verify", lambda key, token, now_ns, standing: _claims(exp_ms=1))
    with pytest.raises(Hole, match="expired"):
        TARGETS["token"]((CORPUS / "token" / "claims").read_bytes())


def _claims(exp_ms: int) -> targets.Claims:
    return targets.Claims("C1:x", "C1", "t", "web", exp_ms)


@pytest.mark.slow
@pytest.mark.timeout(120 + SECONDS)
def test_no_hole_is_found() -> None:
    """All fuzzers side by side, each for its time, find nothing that a reader should not do."""
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.fuzzer", name, str(SECONDS), *KEEP],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in TARGETS
    }
    said = {name: process.communicate()[0] for name, process in running.items()}
    for name, process in running.items():
        assert process.returncode == 0, said[name][-4_000:]
        (runs,) = (line.split()[-1] for line in said[name].splitlines() if "number_of_executed_units" in line)
        sys.stdout.write(f"{name}: {runs} inputs in {SECONDS} s\n")
        assert int(runs) > RUNS_MIN[name], f"{name} was hardly fuzzed"
