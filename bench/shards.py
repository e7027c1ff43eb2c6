"""`python -m bench.shards`: durable cancels through a gateway, for each kind of store, with one shard and with eight.

All stores run at the same time and are measured in turns, A B C A B C, so that what else the machine does meets all of
them. A turn places brackets, reads their ids, and cancels each of them once, over 64 connections; medians and ratios.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.load import Plan, Result, generator, run
from bracketd.auth.issuing import issue_for
from bracketd.cluster.programs import ProgramMissing
from bracketd.cluster.trio import Cluster, NotUp
from bracketd.runtime.cluster import open_clients

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures of `python -m bench.shards` -->", "<!-- end of figures of shards -->"
CLIENTS = 16
CONNECTIONS = 64
TTL_S = "20"
BOOK_KINDS = "pending"
_AT = re.compile(r" at (?:http://)?127\.0\.0\.1:(\d+)\s*$", re.MULTILINE)


class Site(NamedTuple):
    """One store with its engine and its gateway."""

    name: str
    shards: int
    port: int
    clients: list[str]
    tokens: list[str]
    engine_pid: int
    gateway_pid: int


class Turn(NamedTuple):
    """One turn of one store, and the processor time that a cancel took in engine and gateway, in microseconds."""

    result: Result
    engine_us: float
    gateway_us: float


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    """Tell on stderr how far it is."""
    sys.stderr.write(text + "\n")


@contextlib.contextmanager
def process(folder: Path, name: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """One engine or gateway; gives (port, pid)."""
    out = folder / f"{name}.out"
    command = [sys.executable, "-c", "from bracketd.cli.main import main; main()", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with out.open("wb") as stdout, (folder / f"{name}.err").open("wb") as stderr:
        popen = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment)
    try:
        until_s = time.monotonic() + 60
        while (said := _AT.search(out.read_text())) is None:
            if popen.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError((folder / f"{name}.err").read_text()[-400:])
            time.sleep(0.05)
        yield int(said.group(1)), popen.pid
    finally:
        popen.terminate()
        try:
            popen.wait(15)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait(10)


@contextlib.contextmanager
def site(folder: Path, name: str, journal: str, shards: int) -> Iterator[Site]:
    """An engine and a gateway on a store, and clients with tokens."""
    folder.mkdir(parents=True)
    clients, tokens = [f"BENCH{number}" for number in range(CLIENTS)], []
    with open_clients(journal) as (store, key):
        for client in clients:
            record = store.add(client, "no password", 10**15, 5, time.time_ns())
            tokens.append(issue_for(store, key, record.client_id, 12 * 3_600 * 10**9, "web", time.time_ns()))
    common = ["--journal", journal, "--count", str(shards)]
    engine = ["engine", *common, "--ttl", TTL_S, "--session", "always", "--feed", "manual"]
    with (
        process(folder, "engine", *engine, "--order-rate", "0", "--cancel-rate", "0") as (_, engine_pid),
        process(folder, "gateway", "gateway", *common, "--port", "0") as (port, gateway_pid),
    ):
        yield Site(name, shards, port, clients, tokens, engine_pid, gateway_pid)


def place_all(one: Site, folder: Path, seconds: int) -> Result:
    """Place brackets for some seconds, spread over the clients."""
    body: dict[str, Any] = {
        "exchange": "NSE",
        "instrument_token": "3045",
        "execution_type": "BO",
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
    lines = [
        f"POST /api/v1/orders/kart {number} {json.dumps(body | {'client_id': client}, separators=(',', ':'))}\n"
        for number, client in enumerate(one.clients)
    ]
    return run(one.port, _plan(folder, one, lines * 4_000), CONNECTIONS, seconds, 0)


def cancel_all(one: Site, folder: Path, seconds: int) -> Turn:
    """Cancel what rests, each order once; raises RuntimeError where there was too little of it."""
    found: list[list[str]] = []
    for number, (client, token) in enumerate(zip(one.clients, one.tokens, strict=True)):
        url = f"http://127.0.0.1:{one.port}/api/v1/orders?type={BOOK_KINDS}&client_id={client}"
        asked = urllib.request.Request(url, headers={"x-authorization-token": token})
        with urllib.request.urlopen(asked, timeout=60) as reply:
            rows = json.loads(reply.read())["data"]["orders"]
        rest = {"client_id": client, "execution_type": "BO", "leg_order_indicator": "ENTRY", "status": "CONFIRMED"}
        text = json.dumps(rest, separators=(",", ":"))
        found.append([f"DELETE /api/v1/orders/kart/{row['oms_order_id']} {number} {text}\n" for row in rows])
    # One client after the other, so that all shards have work at the same time.
    most = max(map(len, found))
    lines = [each[place] for place in range(most) for each in found if place < len(each)]
    before = cpu_s(one.engine_pid), cpu_s(one.gateway_pid)
    result = run(one.port, _plan(folder, one, lines), CONNECTIONS, seconds, 0)
    engine_s, gateway_s = cpu_s(one.engine_pid) - before[0], cpu_s(one.gateway_pid) - before[1]
    if result.used > len(lines) or result.refused or result.socket_errors:
        raise RuntimeError(f"{one.name}: {result.used} cancels of {len(lines)} orders, {result.refused} refused")
    return Turn(result, engine_s / result.requests * 1e6, gateway_s / result.requests * 1e6)


def _plan(folder: Path, one: Site, lines: list[str]) -> Plan:
    requests, tokens = folder / f"{one.port}.requests", folder / f"{one.port}.tokens"
    requests.write_text("".join(lines))
    tokens.write_text("\n".join(one.tokens) + "\n")
    return Plan(requests, tokens)


def measure(rounds: int, seconds: int, folder: Path) -> tuple[dict[tuple[str, int], list[Turn]], list[str]]:
    """Every store in turns; what did not run is told."""
    found: dict[tuple[str, int], list[Turn]] = {}
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        sites = []
        for name, nodes in (("SQLite", 0), ("PostgreSQL", 1), ("three nodes", 3)):
            for shards in (1, 8):
                place = folder / f"{name.replace(' ', '-')}-{shards}"
                try:
                    journal = str(place / "store") if not nodes else stack.enter_context(_database(place, nodes))
                    sites.append(stack.enter_context(site(place / "site", name, journal, shards)))
                except (ProgramMissing, NotUp, RuntimeError) as fault:
                    missing.append(f"{name}, {shards} shards: not run, {fault}")
        for turn in range(rounds):
            for one in sites:
                say(f"round {turn + 1} of {rounds}: {one.name}, {one.shards} shards")
                place_all(one, folder, seconds * 2)
                found.setdefault((one.name, one.shards), []).append(cancel_all(one, folder, seconds))
    return found, missing


@contextlib.contextmanager
def _database(place: Path, nodes: int) -> Iterator[str]:
    """A cluster of its own in a folder that its user can enter."""
    place.mkdir()
    place.chmod(0o755)
    cluster = Cluster.make(place / "nodes", nodes)
    try:
        cluster.start()
        cluster.wait_up()
        yield cluster.plan.address
    finally:
        cluster.stop()


def table(found: dict[tuple[str, int], list[Turn]], missing: list[str]) -> str:
    """The figures as a table: medians, and each store's share of SQLite's with as many shards."""
    lines = ["| Store | Shards | Cancels/s | of SQLite | p50 | p99 | Engine's CPU | Gateway's CPU |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for (name, shards), turns in found.items():
        results = [each.result for each in turns]
        per_second = statistics.median(each.per_second for each in results)
        shares = [
            own.per_second / other.result.per_second
            for own, other in zip(results, found.get(("SQLite", shards), []), strict=False)
        ]
        share = f"{statistics.median(shares):.2f}" if shares else ""
        p50, p99 = (statistics.median(getattr(each, name) for each in results) / 1000 for name in ("p50_us", "p99_us"))
        engine_us, gateway_us = (statistics.median(each[place] for each in turns) for place in (1, 2))
        cpu = f"{engine_us:.0f} us | {gateway_us:.0f} us"
        lines.append(f"| {name} | {shards} | {per_second:,.0f} | {share} | {p50:.1f} ms | {p99:.1f} ms | {cpu} |")
    return "\n".join([*lines, *(f"\n{each}." for each in missing)])


def with_table(page: str, made: str) -> str:
    """The page with `made` between the marks; raises ValueError for a page without them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} needs these two lines, in this order:\n{BEGIN}\n{END}")
    return f"{head}{BEGIN}\n\n{made}\n\n{END}{tail}"


def main() -> None:
    """Measure, print the table, and put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.shards", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--no-page", action="store_true", help="leave docs/performance.md as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bracketd-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        loads = [os.getloadavg()[0]]
        found, missing = measure(chosen.rounds, chosen.seconds, folder)
        loads.append(os.getloadavg()[0])
    text = table(found, missing)
    how = (
        f"Medians of {chosen.rounds} rounds of {chosen.seconds} s in turns, {CONNECTIONS} connections,"
        f" {CLIENTS} clients, one engine and one gateway for each store, on {os.cpu_count()} cores with the load,"
        f" from {generator()}; the machine's load was {loads[0]:.1f} at the beginning."
    )
    sys.stdout.write(f"{text}\n\n{how}\n")
    if not chosen.no_page:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), f"{text}\n\n{how}"), encoding="utf-8")


if __name__ == "__main__":
    main()
