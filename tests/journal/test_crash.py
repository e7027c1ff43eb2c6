"""A process that is killed while it appends has lost nothing that it called durable."""

import subprocess
import sys
from pathlib import Path

import pytest

from bracketd.journal import writer
from bracketd.journal.sqlite import SqliteJournal
from bracketd.journal.verify import check

APPENDER = Path(__file__).with_name("killed_appender.py")


def kill_after(path: Path, reports: int) -> list[int]:
    """Let the appender report so many durable records, kill it, and return all that it reported."""
    with subprocess.Popen([sys.executable, APPENDER, path], stdout=subprocess.PIPE, text=True) as appender:
        assert appender.stdout is not None
        reported = [int(appender.stdout.readline()) for _ in range(reports)]
        appender.kill()
        # Whole lines only: the last one may have been cut by the kill.
        rest = appender.stdout.read()
        reported += [int(line) for line in rest.rpartition("\n")[0].split()]
    return reported


async def restart_and_compare(path: Path, reported: list[int]) -> int:
    """Check that all reported records are there as they were written; returns how many there are."""
    report = check(path)
    assert report.sound, report
    journal = SqliteJournal(path)
    bodies = [record.body async for record in journal.read(0)]
    assert len(bodies) >= max(reported)
    assert bodies == [b"record number %d" % seq for seq in range(1, len(bodies) + 1)]
    await journal.close()
    return len(bodies)


async def test_killed_under_load(tmp_path: Path) -> None:
    """After kill -9 everything reported is there, numbered without holes, and the check finds nothing wrong."""
    path = tmp_path / "journal.db"
    reported = kill_after(path, 300)
    assert reported == list(range(1, len(reported) + 1))
    await restart_and_compare(path, reported)


@pytest.mark.slow
async def test_killed_again_and_again(tmp_path: Path) -> None:
    """Ten lives on one file, each killed, each continuing where the records end, over several checkpoints."""
    path = tmp_path / "journal.db"
    kept = 0
    for life in range(10):
        reported = kill_after(path, 1_000 + 3_000 * (life % 2))
        assert reported[0] == kept + 1 if kept else reported[0] == 1
        kept = await restart_and_compare(path, reported)
    assert path.stat().st_size > writer.CHECKPOINT_BYTES // 8
