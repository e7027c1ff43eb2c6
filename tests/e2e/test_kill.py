"""Kills, stops and a full disk in the middle of trading lose nothing that was acknowledged (invariant 20)."""

import http.client
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.e2e.caller import CANCELLED, UNAUTHORISED, Caller, Row, bracket_body
from tests.e2e.process import ROOT, Server, command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROUNDS = int(os.environ.get("BRACKETD_CRASH_ROUNDS", "20"))
CONNECTIONS = 4
CANCELS_BEFORE_THE_END = 500
CANCELS_BEFORE_A_KILL = 100
LOAD_S = 30.0
STOP_WITHIN_S = 2.0
EXIT_FAILED = 3
DISK_LEFT_BYTES = 96 * 1024
PLACEMENTS_MAX = 2_000
NEAR = 456.95
FAR = {"BUY": 450.0, "SELL": 464.0}
TERMINAL = {"COMPLETE", "CANCELLED", "REJECTED"}
PRINTS = ((456.95, 3), (456.95, 1), (455.95, 2), (457.5, 0), (458.95, 2))

_numbers = itertools.count(1)
_broken = (OSError, http.client.HTTPException)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, since these tests end it."""
    server = Server(tmp_path, ("C1",), cash="1000000000")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Memory:
    """What the clients were told, by their own order numbers and by basket."""

    placed: dict[str, str] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    exited: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Trading:
    """Clients that place and cancel on connections that stay open, and one who pushes prints."""

    def __init__(self, server: Server, memory: Memory, cancels: int = CANCELS_BEFORE_THE_END) -> None:
        self._server = server
        self._memory = memory
        self._enough_at = len(memory.cancelled) + cancels
        memory.enough.clear()
        memory.over.clear()
        self._threads = [threading.Thread(target=self._trade) for _ in range(CONNECTIONS)]
        self._threads.append(threading.Thread(target=self._print))

    def __enter__(self) -> "Trading":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.over.set()
        for thread in self._threads:
            thread.join(LOAD_S)
        assert not any(thread.is_alive() for thread in self._threads)

    def until_busy(self) -> None:
        """Return once the clients have been told of enough further cancels."""
        assert self._memory.enough.wait(LOAD_S), f"only {len(self._memory.cancelled)}: {self._memory.faults}"

    def _trade(self) -> None:
        caller = self._server.caller()
        connection = http.client.HTTPConnection(caller.host, caller.port, timeout=LOAD_S)
        try:
            for number in _numbers:
                if self._memory.over.is_set() or not self._place_and_cancel(connection, caller, str(number)):
                    return
        except _broken:
            return
        finally:
            connection.close()

    def _place_and_cancel(self, connection: http.client.HTTPConnection, caller: Caller, number: str) -> bool:
        """One bracket placed and its entry cancelled, what was answered noted; False when the server stops serving."""
        memory = self._memory
        side = "SELL" if int(number) % 2 else "BUY"
        price = NEAR if int(number) % 3 == 0 else FAR[side]
        body = bracket_body("C1", order_side=side, price=price, quantity=2, user_order_id=int(number))
        status, said = ask(connection, caller, "POST", "/api/v1/orders/kart", body)
        if status != 200:
            return self._stopped(status, said)
        basket_id = said["data"]["data"]["basket_id"]
        memory.placed[number] = basket_id
        memory.unanswered.add(basket_id)
        cancel = {"client_id": "C1", "execution_type": "BO", "leg_order_indicator": "ENTRY"}
        status, said = ask(connection, caller, "DELETE", f"/api/v1/orders/kart/{basket_id}", cancel)
        if status == 200:
            memory.cancelled[basket_id] = said["data"]["filled_quantity"]
        elif status == 409 and said["reason"] == "TOO_LATE":
            memory.late.add(basket_id)
        else:
            return self._stopped(status, said)
        memory.unanswered.discard(basket_id)
        # Half of what was filled is closed by hand; the rest is left to its own target and stop.
        if memory.cancelled.get(basket_id) != 0 and int(number) % 4 < 2:
            cancel["leg_order_indicator"] = "TARGET"
            status, said = ask(connection, caller, "DELETE", f"/api/v1/orders/kart/{basket_id}", cancel)
            if status == 200:
                memory.exited.add(basket_id)
            elif status != 409 or said["reason"] != "TOO_LATE":
                return self._stopped(status, said)
        if len(memory.cancelled) >= self._enough_at:
            memory.enough.set()
        return True

    def _stopped(self, status: int, said: Row) -> bool:
        if status != 503:
            self._memory.faults.append(f"{status} {said}")
        return False

    def _print(self) -> None:
        caller = self._server.caller()
        connection = http.client.HTTPConnection(caller.host, caller.port, timeout=LOAD_S)
        try:
            for price, quantity in itertools.cycle(PRINTS):
                tick = {"exchange": "NSE", "instrument_token": 3045, "last_price": price, "last_quantity": quantity}
                status, said = ask(connection, caller, "POST", "/sandbox/v1/ticks", tick)
                if status != 200:
                    self._stopped(status, said)
                    return
                # A print every few milliseconds leaves the disk to the orders.
                if self._memory.over.wait(0.005):
                    return
        except _broken:
            return
        finally:
            connection.close()


def ask(
    connection: http.client.HTTPConnection, caller: Caller, method: str, target: str, body: object
) -> tuple[int, Row]:
    """One request on an open connection: status and decoded body."""
    headers = caller.auth | {"content-type": "application/json", "prefer": "return=representation"}
    connection.request(method, target, json.dumps(body), headers)
    response = connection.getresponse()
    said = json.loads(response.read())
    assert isinstance(said, dict)
    return response.status, said


def entries(rows: list[Row]) -> dict[str, Row]:
    """The entry of each of the clients' own order numbers."""
    found = [row for row in rows if row["leg_order_indicator"] == "ENTRY"]
    by_number = {row["user_order_id"]: row for row in found}
    assert len(by_number) == len(found), "one placement, two entries"
    return by_number


def exits(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """The exit legs of each basket; a leg that is there twice would sell twice."""
    by_basket: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["leg_order_indicator"] != "ENTRY":
            legs = by_basket.setdefault(row["basket_id"], {})
            assert row["leg_order_indicator"] not in legs, row
            legs[row["leg_order_indicator"]] = row
    return by_basket


def assert_kept(server: Server, memory: Memory) -> None:
    """Everything that a client was told is so: placements are there, cancels are CANCELLED with the fill they named."""
    assert memory.faults == []
    rows = server.caller().rows()
    found, legs = entries(rows), exits(rows)
    assert memory.placed.keys() - found.keys() == set()
    for number, basket_id in memory.placed.items():
        row = found[number]
        assert row["basket_id"] == basket_id
        if basket_id in memory.cancelled:
            told = ("CANCELLED", memory.cancelled[basket_id])
            assert (row["order_status"], row["filled_quantity"]) == told, row
        if basket_id in memory.late:
            assert (row["order_status"], row["filled_quantity"]) == ("COMPLETE", row["quantity"]), row
        if row["filled_quantity"]:
            assert {leg["quantity"] for leg in legs[basket_id].values()} == {row["filled_quantity"]}
        else:
            assert basket_id not in legs
        if basket_id in memory.exited:
            assert legs[basket_id]["TARGET"]["order_status"] in TERMINAL


def assert_closed(server: Server, memory: Memory) -> None:
    """What the clients' brackets bought they sold, and the other way round: no share more, none less."""
    rows = server.caller().rows()
    found, legs = entries(rows), exits(rows)
    for number, basket_id in memory.placed.items():
        closed = sum(row["filled_quantity"] for row in legs.get(basket_id, {}).values())
        assert closed == found[number]["filled_quantity"], legs[basket_id]


def retry(server: Server, memory: Memory) -> None:
    """Ask again: what was answered succeeds again, and what was not is answered now and noted."""
    caller = server.caller()
    for basket_id in itertools.islice(reversed(memory.cancelled), 20):
        reply = caller.cancel(basket_id)
        assert (reply.status, reply.body) == (200, CANCELLED)
    for basket_id in itertools.islice(memory.exited, 20):
        reply = caller.cancel(basket_id, "TARGET")
        assert (reply.status, reply.body) == (200, CANCELLED)
    for basket_id in sorted(memory.unanswered):
        reply = caller.send_json(
            "DELETE", f"/api/v1/orders/kart/{basket_id}", {"client_id": "C1"}, prefer="return=representation"
        )
        if reply.status == 200:
            memory.cancelled[basket_id] = reply.json["data"]["filled_quantity"]
        else:
            assert (reply.status, reply.json["reason"]) == (409, "TOO_LATE")
            memory.late.add(basket_id)
    memory.unanswered.clear()


def restart_and_check(server: Server, memory: Memory) -> None:
    """Start on the same folder and hold everything against what the clients were told, prints through all included."""
    verified = server.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    server.start()
    assert_kept(server, memory)
    retry(server, memory)
    assert_kept(server, memory)
    # Twice, since a leg that one print made waits for the next; far enough to reach every stop and target. Then back
    # to where the next round begins: what is bought at 440 is not closed at 440.
    for price, quantity in ((440.0, 100_000), (440.0, 100_000), (NEAR, 1)):
        server.caller().tick(price, quantity)
    assert_kept(server, memory)
    assert_closed(server, memory)
    verified = server.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_kill_9_loses_nothing_acknowledged(server: Server) -> None:
    """After each of many kills in the middle of trading a restart finds all that a client was told, and no more."""
    memory = Memory()
    # Never the same moment twice, and the same moments in every run.
    moments = random.Random(20)
    for _ in range(ROUNDS):
        with Trading(server, memory, moments.randint(1, CANCELS_BEFORE_A_KILL)) as trading:
            trading.until_busy()
            server.kill()
        restart_and_check(server, memory)
    assert memory.cancelled
    assert memory.late, "no cancel ever met a fill"
    assert memory.exited, "no bracket was ever closed by hand"
    facts = {name: len(getattr(memory, name)) for name in ("placed", "cancelled", "late", "exited")}
    sys.stdout.write(f"{ROUNDS} kills, acknowledged and found again: {json.dumps(facts)}\n")


def test_sigterm_ends_well(server: Server) -> None:
    """SIGTERM under load ends the process with code 0 within two seconds, and nothing acknowledged is lost."""
    memory = Memory()
    with Trading(server, memory) as trading:
        trading.until_busy()
        asked_s = time.monotonic()
        code = server.terminate()
        took_s = time.monotonic() - asked_s
    assert code == 0
    assert took_s <= STOP_WITHIN_S
    assert memory.faults == []
    restart_and_check(server, memory)


def test_sigterm_does_not_wait_for_idle_connections(server: Server) -> None:
    """A connection that is open and silent does not hold up a stop."""
    caller = server.caller()
    connection = http.client.HTTPConnection(caller.host, caller.port, timeout=LOAD_S)
    try:
        connection.request("GET", "/readyz")
        connection.getresponse().read()
        asked_s = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - asked_s <= STOP_WITHIN_S
    finally:
        connection.close()


def test_a_logout_outlives_a_kill(server: Server) -> None:
    """A token that was logged out is refused at once, and still after a kill and a restart; another one works."""
    other = command("token", "C1", "--data", str(server.data)).stdout.strip()
    caller = server.caller()
    placed = caller.place()
    assert caller.send("POST", "/api/v1/user/logout").status == 200
    assert caller.cancel(placed.entry_id).body == UNAUTHORISED
    server.kill()
    server.start()
    assert server.caller().cancel(placed.entry_id).body == UNAUTHORISED
    server.tokens["C1"] = other
    assert server.caller().cancel(placed.entry_id).body == CANCELLED


def test_a_folder_has_one_server(server: Server) -> None:
    """A second server on the folder refuses to start in one sentence, and the first serves on."""
    placed = server.caller().place()
    second = command("serve", "--data", str(server.data), "--port", "0", check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in second.stderr
    assert server.caller().cancel(placed.entry_id).body == CANCELLED


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is set the Linux way")
def test_a_full_disk_stops_serving(server: Server) -> None:
    """When the disk refuses, the process says why and fails; with room again all that was acknowledged is there."""
    caller = server.caller()
    placed = [caller.place() for _ in range(3)]
    assert caller.cancel(placed[0].entry_id).body == CANCELLED
    largest = max(path.stat().st_size for path in server.data.iterdir())
    limit = largest + DISK_LEFT_BYTES
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    acknowledged: list[str] = []
    for number in range(100_000, 100_000 + PLACEMENTS_MAX):
        try:
            reply = caller.send_json("POST", "/api/v1/orders/kart", bracket_body("C1", user_order_id=number))
        except _broken:
            break
        if reply.status != 200:
            assert (reply.status, reply.json["reason"]) == (503, "NOT_SERVING")
            assert "retry-after" in reply.headers
            break
        acknowledged.append(str(number))
    else:
        pytest.fail("the disk never became full")
    assert server.ended() not in (0, -9, -15)
    lines = [line for line in server.errors().splitlines() if "stopped serving" in line]
    assert len(lines) == 1
    assert "journal" in lines[0]

    server.start()
    found = entries(server.caller().rows())
    assert set(acknowledged) - found.keys() == set()
    assert {found[number]["order_status"] for number in acknowledged} == {"CONFIRMED"}
    assert server.caller().row(placed[0].entry_id)["order_status"] == "CANCELLED"
    again = server.caller().cancel(placed[1].entry_id)
    assert (again.status, again.body) == (200, CANCELLED)
    assert server.verify().returncode == 0


def test_a_sync_that_fails_stops_serving(server: Server, tmp_path: Path) -> None:
    """A write that the disk takes and fails to sync is not acknowledged: 503, one line in the log, exit code 3."""
    server.kill()
    switch = tmp_path / "syncs-fail"
    server.module = ("tests.e2e.failing_server", str(switch), "journal")
    server.start()
    caller = server.caller()
    placed = [caller.place() for _ in range(3)]
    assert caller.cancel(placed[0].entry_id).body == CANCELLED
    switch.touch()
    refused = caller.cancel(placed[1].entry_id)
    assert (refused.status, refused.json["reason"]) == (503, "NOT_SERVING")
    assert "retry-after" in refused.headers
    assert server.ended() == EXIT_FAILED
    lines = [line for line in server.errors().splitlines() if "stopped serving" in line]
    assert len(lines) == 1
    assert "journal" in lines[0]

    switch.unlink()
    server.module = ()
    server.start()
    statuses = [server.caller().row(each.entry_id)["order_status"] for each in placed]
    # What the failed sync was about was told to nobody: it may have come to the disk or not.
    assert (statuses[0], statuses[2]) == ("CANCELLED", "CONFIRMED")
    assert statuses[1] in ("CANCELLED", "CONFIRMED")
    assert server.caller().cancel(placed[1].entry_id).body == CANCELLED
    assert server.verify().returncode == 0


def test_a_sync_of_the_clients_that_fails_stops_serving(server: Server, tmp_path: Path) -> None:
    """A logout that could not be synced is not confirmed: 503, one line in the log, exit code 3; then all goes on."""
    server.kill()
    switch = tmp_path / "syncs-fail"
    server.module = ("tests.e2e.failing_server", str(switch), "clients")
    server.start()
    other = command("token", "C1", "--data", str(server.data)).stdout.strip()
    caller = server.caller()
    placed = caller.place()
    switch.touch()
    refused = caller.send("POST", "/api/v1/user/logout")
    assert (refused.status, refused.json["reason"]) == (503, "NOT_SERVING")
    assert "retry-after" in refused.headers
    assert server.ended() == EXIT_FAILED
    lines = [line for line in server.errors().splitlines() if "stopped serving" in line]
    assert len(lines) == 1
    assert "the clients file failed" in lines[0]
    assert "IOError" in lines[0]

    switch.unlink()
    server.module = ()
    server.start()
    # Whether the token was logged out was told to nobody; another of the client's is good, and its order is there.
    assert server.caller().send("GET", "/api/v1/orders?type=pending&client_id=C1").status in (200, 401)
    server.tokens["C1"] = other
    assert server.caller().cancel(placed.entry_id).body == CANCELLED
    assert server.verify().returncode == 0


def test_a_gateway_whose_clients_cannot_be_synced_ends(tmp_path: Path) -> None:
    """A gateway on a folder stops like a server: 503, one line in the log, exit code 3."""
    store, switch = tmp_path / "store", tmp_path / "syncs-fail"
    command("client", "add", "C1", "--journal", str(store))
    token = command("token", "C1", "--journal", str(store)).stdout.strip()
    arguments = [str(switch), "clients", "gateway", "--journal", str(store), "--port", "0"]
    gateway = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.failing_server", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert gateway.stdout is not None
        port = int(gateway.stdout.readline().rpartition(":")[2])
        switch.touch()
        reply = Caller("127.0.0.1", port, "C1", token).send("POST", "/api/v1/user/logout")
        assert (reply.status, reply.json["reason"]) == (503, "NOT_SERVING")
        _, errors = gateway.communicate(timeout=LOAD_S)
    finally:
        gateway.kill()
        gateway.communicate()
    assert gateway.returncode == EXIT_FAILED
    lines = [line for line in errors.splitlines() if "stopped serving" in line]
    assert len(lines) == 1
    assert "the clients file failed" in lines[0]
