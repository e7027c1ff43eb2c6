"""`make audit` fails for a known fault, and for every package that nobody was asked about."""

import json
from typing import Any

import pytest
from tools.audit import EXIT_CLEAN, EXIT_FAULTY, EXIT_NOT_ASKED, LOCK, judge, locked

PINS = "Alpha==1.0 \\\n    --hash=sha256:0\nbeta_two==2.0 \\\n    --hash=sha256:1\n"
CLEAN: list[dict[str, Any]] = [
    {"name": "alpha", "version": "1.0", "vulns": []},
    {"name": "beta-two", "version": "2.0", "vulns": []},
]
FAULT = {"id": "GHSA-1", "fix_versions": ["2.1"], "aliases": [], "description": "bad"}


def report(*dependencies: dict[str, Any]) -> str:
    """What pip-audit writes."""
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_a_clean_lock_is_clean() -> None:
    """Where every package was looked up and none has a fault, the code is 0 and the number is told."""
    assert judge(PINS, report(*CLEAN), "") == (EXIT_CLEAN, "2 packages, none with a known fault")


def test_a_known_fault_fails() -> None:
    """A fault is named with its package, its id and the release that mends it."""
    code, text = judge(PINS, report(CLEAN[0], CLEAN[1] | {"vulns": [FAULT]}), "")
    assert (code, text) == (EXIT_FAULTY, "beta-two 2.0: GHSA-1, mended in 2.1")


@pytest.mark.parametrize(
    "dependencies",
    [
        [],
        [CLEAN[0]],
        [CLEAN[0], {"name": "beta-two", "skip_reason": "Dependency not found"}],
        [CLEAN[0] | {"vulns": [FAULT]}, {"name": "beta-two", "skip_reason": "Dependency not found"}],
    ],
)
def test_a_package_not_looked_up_fails(dependencies: list[dict[str, Any]]) -> None:
    """A package that the database was silent about is named, and the audit fails, whatever is known of the others."""
    code, text = judge(PINS, report(*dependencies), "No known vulnerabilities found")
    assert code == EXIT_NOT_ASKED
    assert "was not asked" in text
    assert "beta-two" in text


@pytest.mark.parametrize("said", ["", "null", "[]", "not JSON", '{"dependencies": 1}'])
def test_a_database_that_is_not_reached_fails(said: str) -> None:
    """Without an answer the audit fails in one line that says why."""
    code, text = judge(PINS, said, "Traceback\n  ...\nConnectionError: no route to host\n")
    assert code == EXIT_NOT_ASKED
    assert text == (
        "make audit: the database of known faults was not asked, so nothing is known: ConnectionError: no route to host"
    )


def test_every_pin_is_asked_about() -> None:
    """The real lock is read whole."""
    assert len(locked(LOCK.read_text(encoding="utf-8"))) > 40
