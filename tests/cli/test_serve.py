"""`bracketd serve` as an operator runs it: a process, signals, a second one, and the verbs beside it."""

import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

START_S_MAX = 3.0
"""`serve` is meant to be ready in under a second; a machine under test may be three times as busy."""


def token_of(bracketd: Callable[..., Any], data: Path, client_id: str) -> str:
    """Add a client from outside and make it a token."""
    added = bracketd("client", "add", client_id, "--data", str(data))
    assert added.returncode == 0, added.stderr
    made = bracketd("token", client_id, "--data", str(data))
    assert made.returncode == 0, made.stderr
    return str(made.stdout.strip())


def test_serve_is_ready_soon(start: Callable[..., Any], tmp_path: Path) -> None:
    """On an empty folder `serve` is ready at once, and the folder is its owner's alone."""
    began = time.monotonic()
    start("serve", "--data", str(tmp_path / "data"))
    assert time.monotonic() - began < START_S_MAX
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "data").iterdir()} == {0}


def test_client_added_beside_a_server_trades_at_once(
    start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path
) -> None:
    """A client that is added while the server runs can place, see and cancel without a restart."""
    server = start("serve", "--data", str(tmp_path), "--session", "always", "--feed", "manual")
    token = token_of(bracketd, tmp_path, "LATE1")
    status, placed = server.place("LATE1", token)
    assert (status, placed["status"]) == (200, "success")
    (row,) = server.orders("LATE1", token)
    status, reply = server.request(
        "DELETE", f"/api/v1/orders/kart/{row['oms_order_id']}", token, {"client_id": "LATE1"}
    )
    assert (status, reply) == (200, {"status": "success", "message": "Order cancelled successfully"})
    assert server.orders("LATE1", token) == []


def test_second_server_is_refused(start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """A folder has one server; the second says who holds it and leaves with 1."""
    first = start("serve", "--data", str(tmp_path))
    second = bracketd("serve", "--data", str(tmp_path), "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert f"is in use by process {first.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_virtual_clock_without_a_sandbox_is_refused(bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """A clock that nobody could move is wrong usage, said in one sentence, before anything is made."""
    refused = bracketd("serve", "--data", str(tmp_path / "data"), "--port", "0", "--clock", "virtual")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Error: --clock virtual needs --sandbox, which moves the clock." in refused.stderr
    assert not (tmp_path / "data").exists()


def test_port_in_use_is_refused(bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """A port that another program has is one clear sentence and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = bracketd("serve", "--data", str(tmp_path), "--port", str(port))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"Error: port {port} of 127.0.0.1 is in use by another program." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_bad_instrument_file_is_refused(bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """An instrument file that cannot be read is named with its line before anything is served."""
    bad = tmp_path / "instruments.csv"
    bad.write_text("what\nis this\n")
    refused = bracketd("serve", "--data", str(tmp_path / "data"), "--port", "0", "--instruments", str(bad))
    assert refused.returncode == 1
    assert "Error: instrument file, line 1" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_server_cleanly(start: Callable[..., Any], tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the server with exit code 0 and without a trace."""
    server = start("serve", "--data", str(tmp_path))
    assert server.stop(number) == 0
    assert "Traceback" not in server.log()


@pytest.mark.slow
def test_killed_server_loses_nothing(start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """What was acknowledged before a kill is there after the restart, to be cancelled with the same token."""
    first = start("serve", "--data", str(tmp_path), "--session", "always", "--feed", "manual")
    token = token_of(bracketd, tmp_path, "AB1")
    assert first.place("AB1", token)[0] == 200
    before = first.orders("AB1", token)
    first.kill()
    second = start("serve", "--data", str(tmp_path), "--session", "always", "--feed", "manual")
    assert second.orders("AB1", token) == before
    path = f"/api/v1/orders/kart/{before[0]['oms_order_id']}"
    assert second.request("DELETE", path, token, {"client_id": "AB1"})[0] == 200


def test_verify_works_beside_a_server(start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """`verify` counts what a running server has made durable, and does not disturb it."""
    server = start("serve", "--data", str(tmp_path), "--session", "always", "--feed", "manual")
    token = token_of(bracketd, tmp_path, "AB1")
    for _ in range(3):
        assert server.place("AB1", token)[0] == 200
    verified = bracketd("verify", "--data", str(tmp_path))
    assert verified.returncode == 0, verified.stderr
    assert re.search(r"^orders +3$", verified.stdout, re.MULTILINE)
    assert re.search(r"^ +CONFIRMED +3$", verified.stdout, re.MULTILINE)
    assert server.place("AB1", token)[0] == 200


@pytest.mark.slow
def test_full_disk_ends_the_server_with_three(
    start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path
) -> None:
    """When the disk refuses, requests get 503, the process says why and leaves with 3, and nothing is lost."""
    token = token_of(bracketd, tmp_path, "AB1")
    settings = ("--session", "always", "--feed", "manual", "--order-rate", "0")
    server = start("serve", "--data", str(tmp_path), *settings, file_kib_max=256)
    acknowledged = 0
    for _ in range(1_000):
        status, reply = server.place("AB1", token)
        if status != 200:
            break
        acknowledged += 1
    assert (status, reply["reason"]) == (503, "NOT_SERVING")
    assert acknowledged > 0
    assert server.process.wait(10) == 3
    assert "the journal failed" in server.log()
    again = start("serve", "--data", str(tmp_path), "--session", "always", "--feed", "manual")
    assert len(again.orders("AB1", token)) >= acknowledged


@pytest.mark.slow
def test_log_holds_no_token(start: Callable[..., Any], bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """Nothing that the server writes about a request holds the token that it carried."""
    server = start("serve", "--data", str(tmp_path), "--session", "always")
    token = token_of(bracketd, tmp_path, "AB1")
    server.place("AB1", token)
    server.request("DELETE", "/api/v1/orders/kart/nothing", token + "x")
    assert server.stop() == 0
    assert token not in server.log() + "\n".join(server.lines)
