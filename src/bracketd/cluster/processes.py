"""The programs of a node as processes: started by themselves, found again by number and birth, ended in order.

They outlive the command that started them. `processes.json` remembers each one's number and the moment of its birth:
a number alone may be somebody else's by now.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil  # type: ignore[import-untyped]

from bracketd.cluster.programs import Runner, clean_environment

FILE_NAME: Final = "processes.json"
BIRTH_TOLERANCE_S: Final = 1.0


class Started(msgspec.Struct, frozen=True):
    """A process that was started: its number, and its birth in unix seconds."""

    pid: int
    born_s: float


class Processes:
    """The processes of one cluster, by name."""

    def __init__(self, folder: Path, who: Runner) -> None:
        self._file = folder / FILE_NAME
        self._who = who
        self._known: dict[str, Started] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            self._known = msgspec.json.decode(self._file.read_bytes(), type=dict[str, Started])

    def pid(self, name: str) -> int | None:
        """The number of a process that runs under this name, None where none does."""
        known = self._known.get(name)
        process = None if known is None else _living(known)
        return None if process is None else int(process.pid)

    def start(self, name: str, command: Sequence[str], log: Path, environment: dict[str, str], folder: Path) -> None:
        """Start a program unless it runs; what it says goes to the log."""
        if self.pid(name) is not None:
            return
        self._reap()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._who.own(log)
            process = subprocess.Popen(
                command,
                env=clean_environment() | environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                **self._who.popen(),  # type: ignore[call-overload]
            )
        finally:
            os.close(descriptor)
        self._children.append(process)
        self._known[name] = Started(process.pid, psutil.Process(process.pid).create_time())
        self._save()

    def end(self, names: Sequence[str], wait_s: float) -> list[str]:
        """Ask the named processes to end, all at once; those that have not after so long are killed, and returned."""
        living = {name: process for name in names if (process := _living(self._known.get(name))) is not None}
        for process in living.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        _, left = psutil.wait_procs(list(living.values()), timeout=wait_s)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)
        self._reap()
        for name in names:
            self._known.pop(name, None)
        self._save()
        return [name for name, process in living.items() if process in left]

    def wait(self, wait_s: float) -> None:
        """Wait for those of our own children that were told to end. Raises subprocess.TimeoutExpired."""
        for child in self._children:
            child.wait(wait_s)
        self._reap()

    def _reap(self) -> None:
        """Take note of children that have ended."""
        self._children = [child for child in self._children if child.poll() is None]

    def _save(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(self._known)))
        draft.replace(self._file)


def end_postgres(data: Path, wait_s: float) -> None:
    """End a server whose Patroni is gone, at once; its next start replays its log."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        if process.name() != "postgres":
            return
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGQUIT)
        psutil.wait_procs([process], timeout=wait_s)
        if process.is_running():
            process.kill()


def _living(known: Started | None) -> psutil.Process | None:
    """The process that was started, None where it has ended."""
    if known is None:
        return None
    try:
        process = psutil.Process(known.pid)
        born_at_once = abs(process.create_time() - known.born_s) < BIRTH_TOLERANCE_S
        return process if born_at_once and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
