"""The way of a DELETE inside the process: from a request's bytes to its reply's bytes, without a socket or a disk.

A third word, `place`, `modify` or `read` instead of `cancel`, asks for that of a POST, a PUT or a book of 20 rows.
64 connections of the server's own protocol class, each with a transport that keeps what is written; the journal is
in memory and takes a batch in each turn of the loop. The time is the event loop's thread's alone. Shares are the
profiler's, by who did the work or had a library do it: calls of small functions weigh more in them than they cost.
"""

import asyncio
import cProfile
import gc
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from uvicorn.server import ServerState

from bench.stock import CASH_PAISE, READER_ROWS, Resting, Room
from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.signing_key import load_or_create
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease
from bracketd.market.calendar import AlwaysOpen
from bracketd.runtime.clock import SystemClock
from bracketd.runtime.desk import Desk
from bracketd.runtime.rates import Rates
from bracketd.wire.app import build_app
from bracketd.wire.http_protocol import JsonHttpProtocol

CONNECTIONS = 64
RATE = 1_000_000
TTL_NS = 12 * 3_600 * 10**9

PARTS = {
    "HTTP: the parser's calls, the reply's frame": ("uvicorn/", "wire/http_protocol", "wire/exchange"),
    "the token": ("auth/",),
    "reading the request and wording the reply": ("wire/", "json/"),
    "engine: judging, events, rules, invariants": ("engine/", "domain/"),
    "the paper exchange": ("venue/", "sortedcontainers/"),
    "the step around it: time, what is due, who waits": ("runtime/",),
    "the journal's queue": ("journal/",),
}
"""Whose time is counted where, the first that fits; all else is "the event loop, and who measures"."""

OTHER = "the event loop, and who measures"


class Memory:
    """A journal that keeps nothing and is one turn of the loop away."""

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Take the batch."""
        await asyncio.sleep(0)
        return expected_seq + len(bodies)


class Wire(asyncio.Transport):
    """A transport that keeps the last that was written."""

    written = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The two ends."""
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written = data

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0


KART = "/api/v1/orders/kart"


def cancel_bytes(room: Room, tokens: list[str], resting: Resting) -> bytes:
    """The seed's DELETE of a resting bracket as it comes over the wire."""
    fields = {"client_id": room.clients[resting.client], "execution_type": "BO", "leg_order_indicator": "ENTRY"}
    return _bytes("DELETE", f"{KART}/{resting.entry_id}", tokens[resting.client], fields | {"status": "CONFIRMED"})


def modify_bytes(room: Room, tokens: list[str], resting: Resting) -> bytes:
    """A PUT that changes the quantity of a resting bracket, as the broker's mix sends it."""
    quantity = room.state.orders[resting.entry_id].quantity * 2
    fields = {"oms_order_id": resting.entry_id, "execution_type": "BO", "quantity": quantity}
    return _bytes("PUT", KART, tokens[resting.client], fields)


def place_bytes(room: Room, tokens: list[str], number: int) -> bytes:
    """A POST of the bracket of that number, with the fields of the family's sample."""
    asked = room.bracket(number, number % len(room.clients))
    exchange, _, token = asked.instrument.partition(":")
    fields = {
        "client_id": asked.client_id,
        "exchange": exchange,
        "instrument_token": token,
        "execution_type": "BO",
        "order_side": "BUY",
        "order_type": "LIMIT",
        "price": asked.price_paise / 100,
        "product": "MIS",
        "quantity": asked.quantity,
        "square_off_value": asked.target_offset_paise / 100,
        "stop_loss_value": asked.stop_offset_paise / 100,
        "trigger_price": 0,
        "validity": "DAY",
        "user_order_id": asked.user_order_id,
    }
    return _bytes("POST", KART, tokens[number % len(room.clients)], fields)


def read_bytes(room: Room, tokens: list[str], number: int) -> bytes:
    """A GET of the order book of 20 rows of the client of that number, as the benchmark over sockets sends it."""
    client = number % len(room.clients)
    target = f"/api/v1/orders?type=pending&client_id={room.clients[client]}"
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nx-authorization-token: {tokens[client]}\r\n\r\n".encode()


def _bytes(method: str, target: str, token: str, fields: dict[str, Any]) -> bytes:
    body = json.dumps(fields, separators=(",", ":"))
    return (
        f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
        f"x-authorization-token: {token}\r\ncontent-type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def way(requests: int, profile: bool, verb: str = "cancel") -> dict[str, Any]:
    """Microseconds of a request, or with `profile` the shares of the parts in percent and the number of calls."""
    room = Room()
    stock = {"place": 0, "read": READER_ROWS * len(room.clients)}.get(verb, requests)
    resting = [room.place(number) for number in range(stock)]
    desk = Desk(
        state=room.state,
        venue=room.venue,
        instruments=room.instruments,
        commit=GroupCommit(Memory(), Lease("bench", 1, 0)),  # type: ignore[arg-type]
        clock=SystemClock(),
        sessions=AlwaysOpen(),
        account_terms=lambda client: (CASH_PAISE, 5),
    )
    with tempfile.TemporaryDirectory() as kept, ClientStore(Path(kept)) as store:
        key = load_or_create(Path(kept))
        for client in room.clients:
            store.add(client, "no password opens this", CASH_PAISE, 5, room.now_ns)
        tokens = [issue_for(store, key, client, TTL_NS, "web", time.time_ns()) for client in room.clients]
        app = build_app(desk, Gate(store, key), sandbox=None, rates=Rates(RATE, RATE))
        options: dict[str, Any] = {"lifespan": "off", "log_config": None, "access_log": False, "proxy_headers": False}
        config = uvicorn.Config(app, http=JsonHttpProtocol, interface="asgi3", **options)
        config.load()
        lines = []
        for _ in range(CONNECTIONS):
            lines.append((JsonHttpProtocol(config=config, server_state=ServerState(), app_state={}), Wire()))
            lines[-1][0].connection_made(lines[-1][1])
        asked, sign = _asked(verb, room, tokens, resting, requests)
        gc.collect()
        gc.freeze()
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        took_us = [await _batch(lines, asked[at : at + CONNECTIONS], sign) for at in range(0, requests, CONNECTIONS)]
        profiler.disable()
    if not profile:
        return {"us": statistics.median(took_us)}
    return {"shares": shares(profiler), "calls": pstats.Stats(profiler).total_calls / requests}  # type: ignore[attr-defined]


def _asked(
    verb: str, room: Room, tokens: list[str], resting: list[Resting], requests: int
) -> tuple[list[bytes], bytes]:
    """The requests, and by what a reply is known to say that the request was done."""
    if verb == "read":
        return [read_bytes(room, tokens, number) for number in range(requests)], b'"status":"success"'
    if verb == "place":
        return [place_bytes(room, tokens, number) for number in range(requests)], b"Placed Successfully"
    if verb == "modify":
        return [modify_bytes(room, tokens, each) for each in resting], b"modified successfully"
    return [cancel_bytes(room, tokens, each) for each in resting], b"cancelled successfully"


async def _batch(lines: list[tuple[JsonHttpProtocol, Wire]], asked: list[bytes], sign: bytes) -> float:
    """Microseconds for each of as many requests as there are connections, until the last is answered."""
    for _, wire in lines:
        wire.written = b""
    began_s = time.thread_time()
    for (protocol, _), request in zip(lines, asked, strict=False):
        protocol.data_received(request)
    while not lines[len(asked) - 1][1].written:  # noqa: ASYNC110  Its turns of the loop are what is measured.
        await asyncio.sleep(0)
    took_s = time.thread_time() - began_s
    if not all(sign in wire.written for _, wire in lines[: len(asked)]):
        raise RuntimeError("a request was refused")
    return took_s / len(asked) * 1e6


def shares(profiler: cProfile.Profile) -> dict[str, float]:
    """Percent of the time by part. What has no part of its own counts for whoever called it."""
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own_s, _, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        part = part_of(file)
        if part is not None:
            spent[part] += own_s
        for caller, (_, _, for_it_s, _) in callers.items() if part is None else ():
            spent[part_of(caller[0]) or OTHER] += for_it_s
    whole = sum(spent.values())
    return {part: spent[part] / whole * 100 for part in (*PARTS, OTHER)}


def part_of(file: str) -> str | None:
    """The part that a file's functions belong to."""
    for part, places in PARTS.items():
        if any(f"/{place}" in file for place in places):
            return part
    return None


if __name__ == "__main__":
    json.dump(uvloop.run(way(int(sys.argv[1]), sys.argv[2] == "shares", *sys.argv[3:4])), sys.stdout)
