"""Who runs the programs, with what around them, and what is said where one is missing."""

import os
import sys
from pathlib import Path

import pytest

from bracketd.cluster import programs
from bracketd.cluster.programs import ProgramMissing, Runner, clean_environment, patroni_command


def test_environment_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What points PostgreSQL, Patroni or Python elsewhere does not reach the programs."""
    for name in ("PGHOST", "PGPASSWORD", "PATRONI_SCOPE", "ETCD_NAME", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "elsewhere")
    assert "elsewhere" not in clean_environment().values()
    assert clean_environment()["PATH"] == os.environ["PATH"]


def test_own_user_runs_patroni_as_it_is(tmp_path: Path) -> None:
    """Without root nothing is copied: Patroni runs on this Python."""
    assert patroni_command(tmp_path / "python", Runner()) == ([sys.executable, "-m", "patroni"], {})
    assert not (tmp_path / "python").exists()


@pytest.mark.parametrize(
    ("call", "word"), [(programs.etcd_program, "etcd-server"), (programs.postgres_folder, "postgresql-15")]
)
def test_missing_program(monkeypatch: pytest.MonkeyPatch, call: object, word: str) -> None:
    """A program that is not installed is named, with the package that has it."""
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(programs, "VERSIONS", ())
    with pytest.raises(ProgramMissing, match=word):
        call()  # type: ignore[operator]


def test_root_without_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root without a user to become says so, and starts nothing."""
    monkeypatch.setattr(programs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "USER", "nobody-of-this-name")
    with pytest.raises(ProgramMissing, match="does not run as root"):
        programs.runner()
