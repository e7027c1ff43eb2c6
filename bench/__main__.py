"""`make bench`: contestants in turn, medians and ratios; writes docs/performance.md's figures and prints a page."""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench import blotter, inside, nautilus, page, pause, ticks
from bench.book import book_delay
from bench.contestants import (
    PEER,
    Running,
    asgi,
    bracketd,
    fastapi_libraries,
    peer_python,
    running,
)
from bench.load import Plan, generator
from bench.stock import Stock, lay_in
from bench.turns import FAULTS, Series, why

CONNECTIONS = (64, 1)
OURS, UNSYNCED = "bracketd", "bracketd without fsync"
PEER_PER_S = 9_000
"""More of its orders than the peer cancels in a second."""


class Size(NamedTuple):
    """How much of each measurement is done."""

    rounds: int
    seconds: int
    stock: int
    engine: int
    trailing: int
    many: int
    book_rows: int


FULL = Size(rounds=5, seconds=3, stock=440_000, engine=50_000, trailing=100_000, many=1_000_000, book_rows=100_000)
QUICK = Size(rounds=2, seconds=1, stock=120_000, engine=10_000, trailing=10_000, many=50_000, book_rows=10_000)


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
    return Plan(requests, tokens, once=len(stock.resting))


def peer_plan(folder: Path, port: int, orders: int) -> Plan:
    """A plan that cancels each of the peer's resting orders once; they are placed over its own gateway."""
    lines = asyncio.run(_place_at_peer(port, orders))
    requests, tokens = folder / "peer-cancels", folder / "peer-tokens"
    requests.write_text("".join(lines))
    tokens.write_text("")
    return Plan(requests, tokens, once=len(lines))


async def _place_at_peer(port: int, orders: int) -> list[str]:
    lines: list[str] = []
    numbers = iter(range(orders))

    async def place() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            order = {"account": 1, "side": "buy", "price": str(1000 + number % 400), "quantity": "0.5"}
            body = json.dumps(order)
            head = "POST /markets/BTC-USDT/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json"
            writer.write(f"{head}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            placed = json.loads(await reader.readexactly(length))
            lines.append(f"DELETE /markets/BTC-USDT/orders/{placed['order_id']}?account=1 0\n")
        writer.close()

    await asyncio.gather(*(place() for _ in range(32)))
    return lines


def over_http(folder: Path, size: Size) -> tuple[list[dict[str, Any]], list[str]]:
    """All that goes over sockets, and what did not run."""
    series, missing = Series(), list[str]()
    with contextlib.ExitStack() as stack:

        def start(name: str, command: list[str], path: str, given: dict[str, str] | None = None) -> Running | None:
            try:
                return stack.enter_context(running(name, command, path, given))
            except FAULTS as fault:
                missing.append(f"{name}: not run, {why(fault)}")
                return None

        say("laying in stock")
        stocks = {name: lay_in(folder / name, size.stock) for name in (OURS, UNSYNCED)}
        ours = start(OURS, bracketd(folder / OURS), "/readyz")
        unsynced = start(UNSYNCED, bracketd(folder / UNSYNCED, synced=False), "/readyz")
        empty = start("empty ASGI", asgi("bench.empty_asgi:app"), "/")
        plans = {ours: _plan(folder, "a", stocks[OURS]), unsynced: _plan(folder, "b", stocks[UNSYNCED])}
        plans[empty] = plans[ours]._replace(once=0)
        libraries = fastapi_libraries()
        if libraries is None:
            missing.append("empty FastAPI: not run, FastAPI could not be installed")
        else:
            path = {"PYTHONPATH": f"{libraries}:."}
            plans[start("empty FastAPI", asgi("bench.empty_fastapi:app"), "/healthz", path)] = plans[empty]
        python = peer_python("peer", PEER, "uvloop")
        if python is None:
            missing.append("matching-engine: not run, it wants Python 3.12 or newer and its wheel")
        else:
            command = asgi("matching_engine.gateway.app:create_app", python)
            given = {"ME_DATA_DIR": str(folder / "peer"), "PYTHONPATH": ""}
            # Its engine is started by its lifespan.
            peer = start("matching-engine", [*command[:-3], "--factory", command[-1]], "/healthz", given)
            try:
                if peer is not None:
                    say("the peer's orders are placed")
                    plans[peer] = peer_plan(folder, peer.port, size.rounds * size.seconds * PEER_PER_S)
            except FAULTS as fault:
                missing.append(f"matching-engine: not run, its orders could not be placed: {why(fault)}")
        for turn in range(size.rounds):
            for connections in CONNECTIONS:
                say(f"cancels, round {turn + 1} of {size.rounds}, {connections} connections")
                for one, plan in plans.items():
                    if one is not None:
                        series.once("cancel", one, plan, connections, size.seconds)
        mixes = {one: _mix_plan(folder, stocks[one.name]) for one in (ours, unsynced) if one is not None}
        book = _book_plan(folder, stocks[OURS])
        for turn in range(size.rounds):
            say(f"mix and order book, round {turn + 1} of {size.rounds}")
            for one, plan in mixes.items():
                series.once("mix 6:1:5", one, plan, 64, size.seconds)
            for other in (ours, empty):
                if other is not None:
                    series.once("order book of 20 rows", other, book, 64, size.seconds)
    return series.medians(), [*missing, *series.lost.values()]


def _plan(folder: Path, name: str, stock: Stock) -> Plan:
    (folder / f"plan-{name}").mkdir()
    return plan_of(folder / f"plan-{name}", stock)


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
    few = lay_in(folder / "few", 60_000 if size is FULL else 8_000)
    many = lay_in(folder / "many", size.many, snapshot=True)
    book = lay_in(folder / "long", size.book_rows, clients=1)
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
        if series.lost:
            raise RuntimeError("; ".join(series.lost.values()))
        ratio = at["many"]["p50_us"] / at["few"]["p50_us"]
        bytes_each = (crowded.rss_bytes() - sparse.rss_bytes()) / (size.many - len(few.resting))
        reader = stack.enter_context(running("long", bracketd(folder / "long"), "/readyz"))
        waits = book_delay(reader, book, sparse)
    return {
        "few": len(few.resting),
        "many": size.many,
        "p50_ratio": ratio,
        "start_s": start_s,
        "bytes_each": bytes_each,
        "book_rows": size.book_rows,
        **waits,
    }


def beside_the_page(folder: Path, size: Size) -> dict[str, float]:
    """What the page costs order entry, as ratios."""
    # Three of the four turns of a round are of one server.
    counted = {"orders": size.stock, "rounds": size.rounds, "seconds": max(1, size.seconds - 1)}
    return blotter.beside_the_page(folder, Series(), plan_of, **counted)


def path_of(cancels: int) -> dict[str, Any]:
    """What a DELETE costs inside the process, and where that goes: each in a process of its own."""
    found: dict[str, Any] = {}
    for what in ("time", "shares"):
        command = [sys.executable, "-m", "bench.path", str(cancels), what]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        found |= json.loads(said.stdout)
    return found


def attempt(name: str, part: Callable[[], Any], missing: list[str]) -> Any:
    """What a measurement finds, None where it fails: the others go on, and the page says so."""
    say(name)
    try:
        return part()
    except Exception as fault:  # noqa: BLE001  Whatever it was, what else is measured is worth having.
        missing.append(f"{name}: not run, {why(fault)}")
        return None


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
            "path": lambda: path_of(6_400 if chosen.quick else 25_600),
            "scale": lambda: resting_many(folder, size),
            "blotter": lambda: beside_the_page(folder, size),
            "ticks": lambda: ticks.apart(size.trailing),
            "pause": lambda: pause.snapshot_pause(folder, size.book_rows, 1 if chosen.quick else 3),
            "nautilus_trader": lambda: nautilus.beside(size.engine, size.rounds),
        }
        missing: list[str] = []
        http_rows = attempt("over HTTP", lambda: over_http(folder, size), missing)
        found["http"], lost = http_rows or ([], [])
        for name, part in parts.items():
            found[name] = attempt(name, part, missing)
        found["missing"] = [*lost, *missing]
    found["took_s"] = time.monotonic() - began
    if not chosen.no_page:
        page.write(found)
    sys.stdout.write(page.table(found))


if __name__ == "__main__":
    main()
