"""The websocket of a real process: many idle connections, logout, a killed server, and an orderly stop."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.caller import Caller
from tests.e2e.process import HOST, Server
from tests.listening_post import TRADE_FIELDS, Folder
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection as SyncConnection
from websockets.sync.client import connect as connect_sync

from bracketd.auth.client_store import ClientStore
from bracketd.auth.issuing import issue_for
from bracketd.auth.signing_key import load_or_create

CLIENTS = 25
CONNECTIONS_EACH = 20
HOUR_NS = 3_600 * 10**9
HEAR_S = 10


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A process of the test's own, which it may stop or kill."""
    server = Server(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def url(server: Server, token: str) -> str:
    """Where a token listens."""
    return f"ws://{HOST}:{server.port}/ws/v1/feeds?access_token={token}"


@contextlib.contextmanager
def listen(server: Server, client: str = "C1") -> Iterator[SyncConnection]:
    """A connection that is subscribed to its client's updates."""
    with connect_sync(url(server, server.tokens[client])) as connection:
        connection.send(json.dumps({"a": "subscribe", "v": [client, "web"], "m": "updates"}))
        assert connection.recv(HEAR_S)[0] == 99
        yield connection


def folder_of(trader: Caller) -> Folder:
    """What REST says of a client's orders, to fold frames into."""
    return Folder({row["oms_order_id"]: row for row in trader.rows()}, trades_of(trader))


def trades_of(trader: Caller) -> dict[str, dict[str, Any]]:
    """The trade book as REST shows it, by number: of each row what a frame has of it."""
    rows = trader.get(f"/api/v1/trades?client_id={trader.client}").json["data"]["trades"]
    return {row["trade_number"]: {name: row[name] for name in TRADE_FIELDS} for row in rows}


def fold(connection: SyncConnection, folder: Folder) -> None:
    """Fold all that is pushed up to the answer to one more message."""
    connection.send(json.dumps({"a": "unsubscribe", "v": [[1, 3045]], "m": "marketdata"}))
    while (frame := connection.recv(HEAR_S))[0] != 99:
        assert isinstance(frame, bytes)
        folder.take(frame)


def ending(connection: SyncConnection) -> tuple[int | None, str | None]:
    """(code, reason) with which the server closes the connection."""
    try:
        while True:
            connection.recv(HEAR_S)
    except ConnectionClosed:
        return connection.close_code, connection.close_reason


def trade_a_little(trader: Caller, round_number: int) -> None:
    """A filled and closed bracket, a modified one and a cancelled one."""
    trader.tick(460.0, 10)
    filled = trader.place(price=455.0)
    trader.tick(455.0, 4)
    trader.tick(454.95, 40)
    modified = trader.place(price=430.0 + round_number)
    body = {"client_id": trader.client, "oms_order_id": modified.entry_id, "execution_type": "BO", "price": 431.5}
    assert trader.send_json("PUT", "/api/v1/orders/kart", body).status == 200
    assert trader.cancel(modified.entry_id).status == 200
    assert trader.cancel(filled.entry_id, "STOPLOSS").status == 200
    trader.tick(457.05, 1_000)


def test_stream_equals_rest_across_a_kill(fresh: Server) -> None:
    """Before and after a power cut, what is pushed folds to the order book that REST shows (19)."""
    seen: set[Any] = set()
    for round_number in range(2):
        trader = fresh.caller()
        with listen(fresh) as connection:
            folder = folder_of(trader)
            trade_a_little(trader, round_number)
            fold(connection, folder)
            assert folder.book == {row["oms_order_id"]: row for row in trader.rows()}
            assert folder.trades == trades_of(trader)
            seen |= {fields.get("order_status") for _, fields in folder.frames}
            fresh.kill()
        fresh.start()
    assert {None, "CONFIRMED", "MODIFY_CONFIRMED", "COMPLETE", "CANCELLED"} <= seen


def test_logout_closes_the_websocket_within_a_second(fresh: Server) -> None:
    """A token that logs out over HTTP loses its websocket within a second; another client's stays."""
    with listen(fresh) as connection, listen(fresh, "C2") as other:
        assert fresh.caller().send("POST", "/api/v1/user/logout").status == 200
        asked_s = time.monotonic()
        assert ending(connection) == (1008, "Request Unauthorised")
        assert time.monotonic() - asked_s < 1.0
        fold(other, Folder({}, {}))


def test_stop_closes_everybody_and_waits_for_nobody(fresh: Server) -> None:
    """SIGTERM closes each websocket with 1012, the process ends with 0, and its time for a stop is not used up."""
    with listen(fresh) as connection, listen(fresh, "C2") as other:
        assert fresh.terminate() == 0
        assert (ending(connection)[0], ending(other)[0]) == (1012, 1012)
    assert "graceful shutdown exceeded" not in fresh.said()
    assert "access_token" not in fresh.said()
    assert "Traceback" not in fresh.said()


def many_tokens(server: Server) -> list[str]:
    """Tokens of as many clients as it takes, made beside the running server."""
    now_ns = time.time_ns()
    key = load_or_create(server.data)
    with ClientStore(server.data) as store:
        for number in range(CLIENTS):
            store.add(f"M{number}", "no password", 10**9, 5, now_ns)
        return [issue_for(store, key, f"M{number}", HOUR_NS, "web", now_ns) for number in range(CLIENTS)]


async def test_five_hundred_idle_connections(fresh: Server) -> None:
    """500 connections stay open, order entry is as quick as ever beside them, and each hears the next print."""
    tokens = many_tokens(fresh)
    async with contextlib.AsyncExitStack() as stack:
        connections: list[ClientConnection] = []
        for token in tokens:
            opened = (connect(url(fresh, token), compression=None) for _ in range(CONNECTIONS_EACH))
            connections += await asyncio.gather(*map(stack.enter_async_context, opened))
        subscribed = json.dumps({"a": "subscribe", "v": [[1, 3045]], "m": "compact_marketdata"})
        for connection in connections:
            await connection.send(subscribed)
        heard = [[(await connection.recv())[0] for _ in range(2)] for connection in connections]
        assert heard == [[99, 2]] * CLIENTS * CONNECTIONS_EACH
        trader = fresh.caller()
        asked_s = time.monotonic()
        placed = await asyncio.to_thread(trader.place, price=430.0)
        await asyncio.to_thread(trader.cancel, placed.entry_id)
        assert time.monotonic() - asked_s < 5.0
        await asyncio.to_thread(trader.tick, 457.0, 5)
        async with asyncio.timeout(HEAR_S):
            prints = [(await connection.recv())[6:10] for connection in connections]
        assert prints == [(45_700).to_bytes(4, "big")] * len(connections)
        assert await asyncio.to_thread(fresh.terminate) == 0
        codes = set()
        for connection in connections:
            await connection.wait_closed()
            codes.add(connection.close_code)
        assert codes == {1012}
