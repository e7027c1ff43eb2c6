"""A desk that moves from a folder to PostgreSQL: its clients go on with their tokens, orders and history."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.postgres_server import PostgresServer, binary, require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BRACKETD = str(Path(sys.executable).with_name("bracketd"))
HEADERS = {"x-device-type": "WEB", "content-type": "application/json"}
BRACKET = {
    "client_id": "AB1",
    "exchange": "NSE",
    "execution_type": "BO",
    "instrument_token": "3045",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 411.25,
    "product": "MIS",
    "quantity": 1,
    "square_off_value": 1,
    "stop_loss_value": 1,
    "trigger_price": 0,
    "validity": "DAY",
}


class Programs:
    """What a test starts; all of it ends with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        """Start a program that serves; returns it and the last word of the line in which it says so."""
        log = (self.folder / f"log-{len(self.running)}").open("w")
        with log:
            process = subprocess.Popen([BRACKETD, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
        self.running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, Path(log.name).read_text()
        return process, line.split()[-1]

    def end(self) -> None:
        """Kill what still runs."""
        for process in self.running:
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """What the test starts."""
    started = Programs(tmp_path)
    yield started
    started.end()


def run(*arguments: str) -> str:
    """Run a program to its good end; returns what it printed."""
    done = subprocess.run([BRACKETD, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(method: str, url: str, token: str, fields: dict[str, Any] | None = None) -> tuple[int, Any]:
    """(status, JSON) of one request."""
    body = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(url, data=body, headers=HEADERS | {"x-authorization-token": token}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def orders(url: str, token: str) -> list[dict[str, Any]]:
    """The rows of the working orders."""
    status, reply = ask("GET", f"{url}/api/v1/orders?type=pending&client_id=AB1", token)
    assert status == 200, reply
    rows: list[dict[str, Any]] = reply["data"]["orders"]
    return rows


def cancel(url: str, token: str, order_id: str) -> tuple[int, Any]:
    """Cancel an entry."""
    fields = {"client_id": "AB1", "execution_type": "BO", "leg_order_indicator": "ENTRY", "status": "CONFIRMED"}
    return ask("DELETE", f"{url}/api/v1/orders/kart/{order_id}", token, fields)


def test_clients_go_on(programs: Programs, tmp_path: Path, postgres_address: str) -> None:
    """Orders placed on the folder are shown and cancelled by a gateway, with the token of the folder's server."""
    data = tmp_path / "data"
    run("client", "add", "AB1", "--data", str(data))
    token = run("token", "AB1", "--data", str(data)).strip()
    served = ("--session", "always", "--feed", "manual")
    server, url = programs.start("serve", "--data", str(data), "--port", "0", *served)
    for _ in range(2):
        assert ask("POST", f"{url}/api/v1/orders/kart", token, BRACKET)[0] == 200
    before = orders(url, token)
    assert len(before) == 2
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0
    assert "moved and replayed on both sides" in run("migrate", "--from", str(data), "--to", postgres_address)
    engine, _ = programs.start("engine", "--journal", postgres_address, *served)
    gateway, url = programs.start("gateway", "--journal", postgres_address, "--port", "0")
    assert orders(url, token) == before
    gone = before[0]["oms_order_id"]
    assert cancel(url, token, gone) == (200, {"status": "success", "message": "Order cancelled successfully"})
    assert ask("POST", f"{url}/api/v1/orders/kart", token, BRACKET)[0] == 200
    after = orders(url, token)
    assert len(after) == 2
    assert gone not in [row["oms_order_id"] for row in after]
    # What was made there outlives its engine.
    engine.kill()
    engine.wait(10)
    programs.start("engine", "--journal", postgres_address, *served)
    assert orders(url, token) == after
    assert "sound" in run("verify", "--journal", postgres_address)
    run("client", "rotate", "AB1", "--journal", postgres_address)
    until_s = time.monotonic() + 5
    status = 200
    while status != 401 and time.monotonic() < until_s:
        status, _ = ask("GET", f"{url}/api/v1/orders?type=pending&client_id=AB1", token)
    assert status == 401, "a gateway that runs hears that the client's sessions were ended"
    assert gateway.poll() is None


def test_dump_and_restore(programs: Programs, postgres_server: PostgresServer, tmp_path: Path) -> None:
    """A dump taken beside a running engine holds all that was acknowledged before; restored it is sound, and served."""
    require("pg_dump", "pg_restore")
    address, restored = postgres_server.database(), postgres_server.database()
    run("client", "add", "AB1", "--journal", address)
    token = run("token", "AB1", "--journal", address).strip()
    served = ("--session", "always", "--feed", "manual")
    _, original = programs.start("engine", "--journal", address, *served)
    _, url_of_original = programs.start("gateway", "--journal", address, "--port", "0")
    for _ in range(3):
        assert ask("POST", f"{url_of_original}/api/v1/orders/kart", token, BRACKET)[0] == 200
    before = orders(url_of_original, token)
    dump = tmp_path / "bracketd.dump"
    for command in (
        [binary("pg_dump"), "--format=custom", "--schema=bracketd", f"--file={dump}", address],
        [binary("pg_restore"), "--exit-on-error", f"--dbname={restored}", str(dump)],
    ):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert cancel(url_of_original, token, before[0]["oms_order_id"])[0] == 200
    assert "sound" in run("verify", "--journal", restored)
    # As if the dump had been of this moment: its lease lives, and names an engine that has the same signing key.
    name = restored.rpartition("/")[2]
    lease = "UPDATE bracketd.shard SET expires_ns = bracketd.now_ns() + {}000000000"
    postgres_server.psql(lease.format(60), name)
    assert postgres_server.psql("SELECT owner FROM bracketd.shard", name) == original
    moved = subprocess.run(
        [BRACKETD, "shards", "move", "0", "--to", original, "--journal", restored],
        capture_output=True,
        text=True,
        check=False,
    )
    assert moved.returncode == 1
    why = f"Error: The engine at {original} broke off: its store or its signing key is another. "
    assert moved.stderr == f"{why}`bracketd shards` says who has shard 0.\n"
    programs.start("engine", "--journal", restored, *served)
    postgres_server.psql(lease.format(3), name)
    _, url = programs.start("gateway", "--journal", restored, "--port", "0")
    assert orders(url, token) == before, "as it was when it was dumped: the cancel came later"
    assert cancel(url, token, before[1]["oms_order_id"])[0] == 200
    assert orders(url_of_original, token) == before[1:], "the original goes on without it"
