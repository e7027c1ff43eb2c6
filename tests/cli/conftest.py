"""Real servers for the tests of the command line: the console script itself, on a free port, ended with the test."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

BRACKETD = str(Path(sys.executable).with_name("bracketd"))
PLACE = {
    "device": "WEB",
    "disclosed_quantity": 0,
    "exchange": "NSE",
    "execution_type": "BO",
    "instrument_token": "3045",
    "is_trailing": False,
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 411.25,
    "product": "MIS",
    "quantity": 1,
    "square_off_value": 1,
    "stop_loss_value": 1,
    "trailing_stop_loss": 0,
    "trigger_price": 0,
    "user_order_id": 10002,
    "validity": "DAY",
}


class Running:
    """A bracketd that serves: its process, what it printed up to being ready, and its URL."""

    def __init__(self, arguments: list[str], last_line: str, log: Path, file_kib_max: int | None = None) -> None:
        """Start and wait for the line that begins with `last_line`; `file_kib_max` stands for a disk that fills up."""
        command = [BRACKETD, *arguments]
        if file_kib_max is not None:
            command = ["bash", "-c", f'ulimit -f {file_kib_max}; exec "$@"', "bash", *command]
        self._log = log
        self._log_file: IO[str] = log.open("w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log_file, text=True)
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(last_line):
                break
        else:
            self.close()
            raise AssertionError(f"bracketd did not become ready: {self.log()}")
        self.url = next(word for line in self.lines for word in line.split() if word.startswith("http://"))

    def log(self) -> str:
        """What it wrote to stderr so far."""
        return self._log.read_text()

    def curls(self) -> list[str]:
        """The printed lines that are commands."""
        return [line for line in self.lines if line.startswith("curl ")]

    def request(self, method: str, path: str, token: str, fields: dict[str, Any] | None = None) -> tuple[int, Any]:
        """(status, JSON) of one request."""
        body = None if fields is None else json.dumps(fields).encode()
        headers = {"x-authorization-token": token, "x-device-type": "WEB", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def head(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """(status, headers with names in lower case) of one request."""
        request = urllib.request.Request(self.url + path, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, {name.lower(): value for name, value in reply.headers.items()}
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, {name.lower(): value for name, value in refused.headers.items()}

    def place(self, client_id: str, token: str) -> tuple[int, Any]:
        """Place the bracket that never fills."""
        return self.request("POST", "/api/v1/orders/kart", token, {**PLACE, "client_id": client_id})

    def orders(self, client_id: str, token: str) -> list[dict[str, Any]]:
        """The rows of the working orders."""
        status, reply = self.request("GET", f"/api/v1/orders?type=pending&client_id={client_id}", token)
        assert status == 200, reply
        rows: list[dict[str, Any]] = reply["data"]["orders"]
        return rows

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(10)

    def close(self) -> None:
        """End the process, if it has not ended, and close its pipes."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log_file.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start `bracketd` with the arguments given and wait until it is ready; all are ended with the test."""
    started: list[Running] = []

    def start_one(*arguments: str, **options: Any) -> Running:
        last_line = "Ctrl-C" if arguments[0] == "demo" else "bracketd serves"
        log = tmp_path / f"log-{len(started)}"
        started.append(Running([*arguments, "--port", "0"], last_line, log, **options))
        return started[-1]

    yield start_one
    for running in started:
        running.close()


@pytest.fixture
def bracketd() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `bracketd` to its end; returns exit code and output."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([BRACKETD, *arguments], capture_output=True, text=True, check=False, timeout=30)

    return run


@pytest.fixture
def shell() -> Callable[..., Any]:
    """Run one line in a new bash; returns the JSON that it printed."""

    def run(line: str, **variables: str) -> Any:
        done = subprocess.run(
            ["bash", "-c", line],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env={"PATH": os.environ["PATH"], **variables},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
