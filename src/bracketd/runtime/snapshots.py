"""Snapshots while a server serves: another process replays the journal and keeps the state beside it.

The state is a fold of what is on disk, so that whoever reads the journal can make it, and the server need not stop for
as much as a look at its own. What it costs is the making of a process, and while that works a second state in memory
and a part of another processor. A snapshot holds nothing that is not durable.

A start takes the later one of the journal's own and the file's, and replays the records after it. A file that is torn,
of another history or of another version is left aside, with a word in the log.
"""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from bracketd.engine.state import State, encode_state
from bracketd.journal.protocol import JournalDamaged, Snapshot
from bracketd.journal.reader import Reader
from bracketd.journal.snapshot_file import (
    LAYOUT_BYTES,
    SnapshotUnusable,
    drop_unfinished,
    drop_unusable,
    kept_seq,
    read_snapshot,
    write_snapshot,
)
from bracketd.runtime.data_folder import journal_path
from bracketd.runtime.measures import Measures
from bracketd.runtime.recovery import replay

_log = logging.getLogger(__name__)

LAYOUT: Final = blake2b(
    msgspec.json.encode(msgspec.json.schema(State), order="deterministic"), digest_size=LAYOUT_BYTES
).digest()
"""What tells this version's state from another's: its fields and their types, all the way down."""

LOOK_INTERVAL_S: Final = 1.0
"""How often it is looked whether a snapshot is due."""

NICENESS: Final = 10
"""The process that makes a snapshot gives way to others, and comes to its end on a busy machine all the same."""


def kept_snapshot(folder: Path) -> Snapshot | None:
    """The folder's snapshot beside the journal, None where there is none. Raises SnapshotUnusable."""
    with contextlib.closing(Reader(journal_path(folder))) as reader:
        return read_snapshot(folder, LAYOUT, reader.digest_at)


def snapshot_to_start_from(folder: Path) -> Snapshot | None:
    """As `kept_snapshot`; one that cannot be used is said to the log, and is taken away to make room for the next."""
    drop_unfinished(folder)
    try:
        return kept_snapshot(folder)
    except SnapshotUnusable as fault:
        _log.warning("the snapshot beside the journal is not used: %s", fault)
        drop_unusable(folder)
        return None


def make_snapshot(folder: Path) -> int:
    """Keep the state as of the journal's last record; returns that record's sequence.

    Takes no lock and may stand beside a server: what is appended meanwhile is not in it. Raises JournalDamaged,
    RecoveryFailed, InvariantBroken, OSError.
    """
    with contextlib.closing(Reader(journal_path(folder))) as reader:
        last_seq = reader.last_seq()
        try:
            began_at = read_snapshot(folder, LAYOUT, reader.digest_at)
        except SnapshotUnusable:
            drop_unusable(folder)
            began_at = None
        after_seq = 0 if began_at is None else began_at.seq
        records = (record for page in reader.pages(after_seq) for record in page if record.seq <= last_seq)
        state = replay(records, began_at)
        at_seq = reader.digest_at(last_seq)
    if at_seq is None:
        raise JournalDamaged("missing", last_seq)
    write_snapshot(folder, last_seq, at_seq, LAYOUT, encode_state(state))
    return last_seq


class Snapshots:
    """Has a snapshot made whenever `every_records` have become durable since the last; 0 for never.

    `durable_seq` tells the last durable record; what comes of it is told to `measures`. One is made at a time, and one
    that fails is tried again after as many records more.
    """

    def __init__(self, folder: Path, every_records: int, durable_seq: Callable[[], int], measures: Measures) -> None:
        self._folder = folder
        self._every_records = every_records
        self._durable_seq = durable_seq
        self._measures = measures
        self._tried_seq = measures.snapshot_seq = kept_seq(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def due(self) -> bool:
        """Whether enough has become durable since the last."""
        return 0 < self._every_records <= self._durable_seq() - self._tried_seq

    async def run(self) -> None:
        """Look again and again; a process that is at work when this is cancelled is ended."""
        try:
            while True:
                if self.due:
                    await self.make()
                await asyncio.sleep(LOOK_INTERVAL_S)
        finally:
            self._end()

    async def make(self) -> bool:
        """Have one made; whether there is one now. A failure is logged and changes nothing."""
        self._tried_seq = self._durable_seq()
        began_s = time.monotonic()
        try:
            code, told = await asyncio.to_thread(self._work)
        except OSError as fault:
            code, told = 1, str(fault)
        took_s = time.monotonic() - began_s
        if code:
            self._measures.snapshots["failed"] += 1
            _log.error("no snapshot was made: %s", told)
            return False
        seq = self._tried_seq = self._measures.snapshot_seq = kept_seq(self._folder)
        self._measures.snapshots["made"] += 1
        self._measures.snapshot_s = took_s
        _log.info("snapshot after record %d, made in %.1f s", seq, took_s)
        return True

    def _work(self) -> tuple[int, str]:
        """Run the process to its end; its exit code and its last word. In a thread: the loop goes on."""
        # -P: what lies in the folder that the server was started in is no part of this program.
        command = [sys.executable, "-P", "-m", __name__, str(self._folder)]
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE)
        _, told = self._process.communicate()
        lines = told.decode(errors="replace").strip().splitlines() or [f"exit code {self._process.returncode}"]
        return self._process.returncode, lines[-1]

    def _end(self) -> None:
        """End the process that is at work; what it had not finished is as if it had never begun."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            with contextlib.suppress(OSError):
                drop_unfinished(self._folder)


def main(folder: Path) -> None:
    """The life of the process that makes one snapshot: exit code 0, or 1 with a word on stderr."""
    os.nice(NICENESS)
    try:
        make_snapshot(folder)
    except Exception as fault:  # noqa: BLE001 (whatever it was, the server wants to hear one line of it)
        sys.exit(f"{type(fault).__name__}: {fault}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
