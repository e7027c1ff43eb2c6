"""The contestants: servers on loopback, each a process of its own, started and stopped by its pid."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = Path(os.environ.get("BENCH_ENVIRONMENTS", ROOT / ".bench"))
START_S = 120.0
UVICORN = [
    "--host",
    "127.0.0.1",
    "--no-access-log",
    "--log-level",
    "warning",
    "--loop",
    "uvloop",
    "--http",
    "httptools",
]
NO_RATE = "1000000"
"""Counted as every other rate is, and never reached."""

PIP_INSTALL = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
PEER = "matching-engine[gateway]==0.1.1"


class Running(NamedTuple):
    """A server that answers."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor time that the process has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self) -> int:
        """Memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def running(name: str, command: list[str], path: str, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """Start a server on a free port (`{port}` in the command), wait until GET `path` answers, stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [part.replace("{port}", str(port)) for part in command]
    given = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))} | (environment or {})
    # A file, since a pipe that nobody reads would stop whoever says much.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(argv, env=given, stdout=subprocess.DEVNULL, stderr=said, cwd=ROOT)
        try:
            _await(process, f"http://127.0.0.1:{port}{path}", said)
            yield Running(name, port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await(process: "subprocess.Popen[bytes]", url: str, said: IO[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"it did not start: {last[-200:]}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("it did not answer in time")


def bracketd(data: Path, *, synced: bool = True) -> list[str]:
    """The command of bracketd on a data folder, with rates that nobody reaches and nothing printing."""
    entry = ["-c", "from bracketd.cli.main import main; main()"] if synced else ["-m", "bench.unsynced"]
    options = [
        "--session",
        "always",
        "--feed",
        "manual",
        "--port",
        "{port}",
        "--order-rate",
        NO_RATE,
        "--cancel-rate",
        NO_RATE,
    ]
    return [sys.executable, *entry, "serve", "--data", str(data), *options]


def asgi(application: str, python: str = sys.executable) -> list[str]:
    """Uvicorn with an application of this folder."""
    return [python, "-m", "uvicorn", *UVICORN, "--port", "{port}", "--lifespan", "off", application]


def fastapi_libraries() -> Path | None:
    """A folder that has FastAPI, installed on first use; None where that does not work."""
    folder = ENVIRONMENTS / "fastapi"
    if not (folder / "fastapi").is_dir():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            str(folder),
        ]
        if subprocess.run([*pip, "fastapi"], check=False, capture_output=True).returncode:
            return None
    return folder


def peer_python(name: str, package: str, *more: str) -> str | None:
    """The interpreter of a peer's own environment, made on first use; None without Python 3.12 or the wheel."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if python.exists():
        return str(python)
    base = next(filter(_starts, _candidates()), None)
    if base is None or subprocess.run([base, "-m", "venv", str(python.parents[1])], check=False).returncode:
        return None
    pip = [str(python), *PIP_INSTALL, package, *more]
    if subprocess.run(pip, check=False, capture_output=True).returncode:
        shutil.rmtree(python.parents[1], ignore_errors=True)
        return None
    return str(python)


def _candidates() -> Iterator[str]:
    """Where a Python of 3.12 or newer may be: on the path, or kept by pyenv."""
    yield sys.executable
    yield from filter(None, map(shutil.which, ("python3.12", "python3.13", "python3.14")))
    yield from map(str, sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"), reverse=True))


def _starts(python: str) -> bool:
    """Whether it is one that runs, and new enough: a name on the path may be no more than a name."""
    asked = [python, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0
