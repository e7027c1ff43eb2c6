"""`make bench`: contestants in turn, medians and ratios; writes docs/performance.md's figures and prints a page."""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench import blotter, inside, page
from bench.contestants import (
    PEER,
    Running,
    asgi,
    bracketd,
    fastapi_libraries,
    peer_python,
    running,
)
from bench.load import Plan, Result, generator, run
from bench.stock import Stock, lay_in

CONNECTIONS = (64, 1)


class Size(NamedTuple):
    """How much of each measurement is done."""

    rounds: int
    seconds: int
    stock: int
    engine: int
    trailing: int
    many: int
    book_rows: int


FULL = Size(rounds=5, seconds=3, stock=330_000, engine=50_000, trailing=100_000, many=1_000_000, book_rows=100_000)
QUICK = Size(rounds=2, seconds=1, stock=60_000, engine=10_000, trailing=10_000, many=50_000, book_rows=10_000)


def say(text: str) -> None:
    """Tell on stderr how far it is."""
    sys.stderr.write(text + "\n")


def cancel_line(stock: Stock, number: int) -> str:
    """The seed's DELETE of one resting bracket as a line of a plan."""
    resting = stock.resting[number]
    body = {
        "client_id": stock.clients[resting.client],
        "execution_type": "BO",
        "leg_order_indicator": "ENTRY",
        "status": "CONFIRMED",
    }
    text = json.dumps(body, separators=(",", ":"))
    return f"DELETE /api/v1/orders/kart/{resting.entry_id} {resting.client} {text}"


def plan_of(folder: Path, stock: Stock) -> Plan:
    """A plan that cancels each resting bracket of a stock once."""
    requests, tokens = folder / "cancels", folder / "tokens"
    requests.write_text("".join(cancel_line(stock, number) + "\n" for number in range(len(stock.resting))))
    tokens.write_text("\n".join(stock.tokens) + "\n")
    return Plan(requests, tokens)


def peer_plan(folder: Path, port: int, orders: int) -> Plan:
    """A plan that cancels each of the peer's resting orders once; they are placed over its own gateway."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    lines = []
    for number in range(orders):
        order = {"account": 1, "side": "buy", "price": str(1000 + number % 400), "quantity": "0.5"}
        connection.request("POST", "/markets/BTC-USDT/orders", json.dumps(order), {"content-type": "application/json"})
        placed = json.loads(connection.getresponse().read())
        lines.append(f"DELETE /markets/BTC-USDT/orders/{placed['order_id']}?account=1 0\n")
    requests, tokens = folder / "peer-cancels", folder / "peer-tokens"
    requests.write_text("".join(lines))
    tokens.write_text("")
    return Plan(requests, tokens)


class Series:
    """Runs of several contestants in turns, and where each is in its stock."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str, int], list[Result]] = {}
        self.cpu_us: dict[tuple[str, str, int], list[float]] = {}
        self._skip: dict[int, int] = {}

    def once(self, work: str, one: Running, plan: Plan, connections: int, seconds: int) -> None:
        """One run of one contestant."""
        key = (work, one.name, connections)
        skip = self._skip.get(one.port, 0)
        before = one.cpu_s()
        result = run(one.port, plan, connections, seconds, skip)
        if work == "cancel":
            self._skip[one.port] = skip + result.used
        self.results.setdefault(key, []).append(result)
        self.cpu_us.setdefault(key, []).append((one.cpu_s() - before) / max(1, result.requests) * 1e6)

    def medians(self) -> list[dict[str, Any]]:
        """A row for each work, contestant and number of connections."""
        return [
            {
                "work": work,
                "name": name,
                "connections": connections,
                "per_second": statistics.median(each.per_second for each in results),
                "p50_us": statistics.median(each.p50_us for each in results),
                "p99_us": statistics.median(each.p99_us for each in results),
                "cpu_us": statistics.median(self.cpu_us[work, name, connections]),
                "refused": sum(each.refused + each.socket_errors for each in results),
            }
            for (work, name, connections), results in self.results.items()
        ]


def over_http(folder: Path, size: Size) -> tuple[list[dict[str, Any]], list[str]]:
    """All that goes over sockets, and what did not run."""
    series, missing = Series(), []
    with contextlib.ExitStack() as stack:
        say("laying in stock")
        stocks = {name: lay_in(folder / name, size.stock) for name in ("bracketd", "bracketd without fsync")}
        ours = stack.enter_context(running("bracketd", bracketd(folder / "bracketd"), "/readyz"))
        bare = bracketd(folder / "bracketd without fsync", synced=False)
        unsynced = stack.enter_context(running("bracketd without fsync", bare, "/readyz"))
        empty = stack.enter_context(running("empty ASGI", asgi("bench.empty_asgi:app"), "/"))
        plans = {ours: _plan(folder, "a", stocks[ours.name]), unsynced: _plan(folder, "b", stocks[unsynced.name])}
        plans[empty] = plans[ours]
        libraries = fastapi_libraries()
        if libraries is None:
            missing.append("empty FastAPI: not run, FastAPI could not be installed")
        else:
            path = {"PYTHONPATH": f"{libraries}:."}
            route = stack.enter_context(running("empty FastAPI", asgi("bench.empty_fastapi:app"), "/healthz", path))
            plans[route] = plans[ours]
        python = peer_python("peer", PEER, "uvloop")
        if python is None:
            missing.append("matching-engine: not run, it wants Python 3.12 or newer and its wheel")
        else:
            peer = _peer(stack, folder, python, missing)
            if peer is not None:
                plans[peer] = peer_plan(folder, peer.port, size.rounds * size.seconds * 9_000)
        for turn in range(size.rounds):
            for connections in CONNECTIONS:
                say(f"cancels, round {turn + 1} of {size.rounds}, {connections} connections")
                for one, plan in plans.items():
                    series.once("cancel", one, plan, connections, size.seconds)
        mixes = {one: _mix_plan(folder, stocks[one.name]) for one in (ours, unsynced)}
        book = _book_plan(folder, stocks[ours.name])
        for turn in range(size.rounds):
            say(f"mix and order book, round {turn + 1} of {size.rounds}")
            for one in (ours, unsynced, empty):
                if one is not empty:
                    series.once("mix 6:1:5", one, mixes[one], 64, size.seconds)
                if one is not unsynced:
                    series.once("order book of 20 rows", one, book, 64, size.seconds)
    return series.medians(), missing


def _plan(folder: Path, name: str, stock: Stock) -> Plan:
    (folder / f"plan-{name}").mkdir()
    return plan_of(folder / f"plan-{name}", stock)


def _peer(stack: contextlib.ExitStack, folder: Path, python: str, missing: list[str]) -> Running | None:
    command = asgi("matching_engine.gateway.app:create_app", python)
    command = [*command[:-3], "--factory", command[-1]]
    given = {"ME_DATA_DIR": str(folder / "peer"), "PYTHONPATH": ""}
    try:
        return stack.enter_context(running("matching-engine", command, "/healthz", given))
    except RuntimeError as fault:
        missing.append(f"matching-engine: not run, {fault}")
        return None


def _mix_plan(folder: Path, stock: Stock) -> Plan:
    name = stock.data.name.replace(" ", "-")
    bodies, tokens = folder / f"mix-{name}", folder / f"mix-tokens-{name}"
    body = {
        "client_id": stock.clients[0],
        "exchange": "NSE",
        "instrument_token": "3045",
        "execution_type": "BO",
        "order_side": "BUY",
        "order_type": "LIMIT",
        "price": 400,
        "product": "MIS",
        "quantity": 1,
        "square_off_value": 1,
        "stop_loss_value": 1,
        "trigger_price": 0,
        "validity": "DAY",
    }
    bodies.write_text(f"0 {json.dumps(body)}\n")
    tokens.write_text(stock.tokens[0] + "\n")
    return Plan(bodies, tokens, "mix.lua")


def _book_plan(folder: Path, stock: Stock) -> Plan:
    requests, tokens = folder / "book", folder / "book-tokens"
    tokens.write_text(stock.tokens[-1] + "\n")
    requests.write_text(f"GET /api/v1/orders?type=pending&client_id={stock.clients[-1]} 0\n")
    return Plan(requests, tokens)


def resting_many(folder: Path, size: Size) -> dict[str, Any]:
    """The same cancel beside few and beside many resting orders, in turns; and what a long order book delays."""
    few = lay_in(folder / "few", 30_000 if size is FULL else 8_000)
    many = lay_in(folder / "many", size.many, snapshot=True)
    book = lay_in(folder / "long", size.book_rows, clients=1)
    ratios = []
    with contextlib.ExitStack() as stack:
        began = time.perf_counter()
        crowded = stack.enter_context(running("many", bracketd(folder / "many"), "/readyz"))
        start_s = time.perf_counter() - began
        sparse = stack.enter_context(running("few", bracketd(folder / "few"), "/readyz"))
        plans = {crowded: _plan(folder, "many", many), sparse: _plan(folder, "few", few)}
        series = Series()
        for _ in range(size.rounds):
            for one, plan in plans.items():
                series.once("cancel", one, plan, 1, size.seconds)
        at = {row["name"]: row for row in series.medians()}
        ratios.append(at["many"]["p50_us"] / at["few"]["p50_us"])
        bytes_each = (crowded.rss_bytes() - sparse.rss_bytes()) / (size.many - len(few.resting))
        reader = stack.enter_context(running("long", bracketd(folder / "long"), "/readyz"))
        delay_ms = book_delay_ms(reader, book)
    return {
        "few": len(few.resting),
        "many": size.many,
        "p50_ratio": ratios[0],
        "start_s": start_s,
        "bytes_each": bytes_each,
        "book_rows": size.book_rows,
        "book_delay_ms": delay_ms,
    }


def beside_the_page(folder: Path, size: Size) -> dict[str, float]:
    """What the page costs order entry, as ratios."""
    counted = {"orders": size.stock // 2, "rounds": size.rounds, "seconds": size.seconds}
    return blotter.beside_the_page(folder, Series(), plan_of, **counted)


def book_delay_ms(one: Running, stock: Stock) -> float:
    """The longest that another client waits for /healthz while a long order book is rendered."""
    import http.client
    import threading

    def read_book() -> None:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{one.port}/api/v1/orders?type=pending&client_id={stock.clients[0]}",
            headers={"x-authorization-token": stock.tokens[0]},
        )
        with urllib.request.urlopen(asked, timeout=120) as answer:
            while answer.read(1 << 20):
                pass

    reading = threading.Thread(target=read_book)
    probe = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
    waits = []
    reading.start()
    while reading.is_alive():
        began = time.perf_counter()
        probe.request("GET", "/healthz")
        probe.getresponse().read()
        waits.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.001)
    reading.join()
    return max(waits)


def main() -> None:
    """Measure, write the page, print the table."""
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="less of everything, within two minutes")
    arguments.add_argument("--no-page", action="store_true", help="print only, and leave docs/performance.md as it is")
    chosen = arguments.parse_args()
    size = QUICK if chosen.quick else FULL
    began = time.monotonic()
    found: dict[str, Any] = {"generator": generator(), "quick": chosen.quick, "size": size._asdict()}
    with tempfile.TemporaryDirectory(prefix="bracketd-bench-") as kept:
        folder = Path(kept)
        parts: dict[str, Callable[[], Any]] = {
            "journal": lambda: inside.journal(64 * (100 if chosen.quick else 300), folder),
            "engine": lambda: inside.apart("engine", size.engine),
            "recovery": lambda: inside.apart("recovery", size.engine),
            "trailing": lambda: inside.apart("trailing", size.trailing),
            "scale": lambda: resting_many(folder, size),
            "blotter": lambda: beside_the_page(folder, size),
        }
        found["http"], found["missing"] = over_http(folder, size)
        for name, part in parts.items():
            say(name)
            found[name] = part()
    found["took_s"] = time.monotonic() - began
    if not chosen.no_page:
        page.write(found)
    sys.stdout.write(page.table(found))


if __name__ == "__main__":
    main()
