"""A site to break things on: engines and gateways as processes, and a load that never forgets what it was told.

Each worker is one client. It places brackets, every one under a key of its own and with a number in `user_order_id`,
and cancels every second one. What is not answered, or with 503, is asked again, with the same key, until it is: so a
gap between two answers is an outage, and what was answered must be in the books at the end, once.
"""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from tests.e2e.process import BRACKETD, HOST, command

from bracketd.auth.token import issue
from bracketd.runtime.cluster import open_clients

SHARDS = 4
TTL_S = 2.0
WORKERS = 8
READY_S = 60.0
ASK_S = 12.0
"""A worker gives one attempt this long: longer than a gateway waits for an owner."""

ALL = os.environ.get("BRACKETD_FAULTS") == "all"
ON_DEMAND = pytest.mark.skipif(not ALL, reason="`make faults` runs it")
FAILOVER_S_MAX = 3.0 if ALL else 10.0
"""What an engine's failover may take with a lease of 2 s: on demand it is measured, else it is only bounded."""

_sites = itertools.count()
_AT = re.compile(r" at (?:http://)?127\.0\.0\.1:(\d+)\s*$", re.MULTILINE)


class Process:
    """One engine or gateway."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.name = name
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.popen = subprocess.Popen([BRACKETD, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.port = 0

    async def ready(self) -> "Process":
        """Wait until it says where it is."""
        async with asyncio.timeout(READY_S):
            while (said := _AT.search(self.out.read_text())) is None:
                assert self.popen.poll() is None, self.err.read_text()
                await asyncio.sleep(0.05)
        self.port = int(said.group(1))
        return self

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.popen.send_signal(number)

    def end(self) -> None:
        """Kill it, frozen or not."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.kill()
            self.popen.wait(10)


class Load:
    """What every client was told, and when."""

    def __init__(self, site: "FaultSite") -> None:
        self.site = site
        self.stopping = False
        self.placed: dict[str, dict[int, str]] = {client: {} for client in site.tokens}
        self.tried: Counter[str] = Counter()
        self.cancelled: dict[str, set[str]] = {client: set() for client in site.tokens}
        self.answered_s: dict[str, list[float]] = {client: [] for client in site.tokens}
        self.wrong: list[str] = []

    @property
    def answers(self) -> int:
        """How many requests were acknowledged."""
        return sum(map(len, self.answered_s.values()))

    def outage_s(self, since_s: float, until_s: float) -> float:
        """The longest that any client waited for its next answer between two moments."""
        longest = 0.0
        for moments in self.answered_s.values():
            seen = [since_s, *(moment for moment in moments if since_s <= moment <= until_s), until_s]
            longest = max(longest, *(after - before for before, after in itertools.pairwise(seen)))
        return longest

    async def run(self, client: str, first_gateway: int) -> None:
        """One client, until the load stops."""
        turn = first_gateway
        async with httpx.AsyncClient(timeout=ASK_S) as http:

            async def ask(method: str, path: str, body: dict[str, Any], key: str = "") -> httpx.Response:
                nonlocal turn
                headers = {"x-authorization-token": self.site.tokens[client]} | (
                    {"idempotency-key": key} if key else {}
                )
                while True:
                    gateway = self.site.gateways[turn % len(self.site.gateways)]
                    with contextlib.suppress(httpx.HTTPError):
                        url = f"http://{HOST}:{gateway.port}{path}"
                        answer = await http.request(method, url, json=body, headers=headers)
                        if answer.status_code != 503:
                            if answer.status_code == 200:
                                self.answered_s[client].append(time.monotonic())
                            return answer
                    turn += 1
                    await asyncio.sleep(0.05)

            number = 0
            while not self.stopping:
                number += 1
                self.tried[client] = number
                body = _bracket(client, number)
                answer = await ask("POST", "/api/v1/orders/kart", body, f"{client}-{number}")
                if answer.status_code != 200:
                    self.wrong.append(f"placement {number} of {client}: {answer.status_code} {answer.text}")
                    return
                basket_id = answer.json()["data"]["data"]["basket_id"]
                self.placed[client][number] = basket_id
                if number % 2:
                    continue
                entry_id = f"{basket_id.partition('-')[0]}-{int(basket_id.partition('-')[2]) + 1}"
                cancel = {"client_id": client, "execution_type": "BO", "leg_order_indicator": "ENTRY"}
                answer = await ask("DELETE", f"/api/v1/orders/kart/{entry_id}", cancel | {"status": "CONFIRMED"})
                if answer.status_code != 200:
                    self.wrong.append(f"cancel of {entry_id} of {client}: {answer.status_code} {answer.text}")
                    return
                self.cancelled[client].add(entry_id)


class FaultSite:
    """One store, two engines that stand by for one another, two gateways, and a client for each worker."""

    def __init__(self, folder: Path, journal: str) -> None:
        self.folder = folder
        self.journal = journal
        self.engines: list[Process] = []
        self.gateways: list[Process] = []
        self.tokens: dict[str, str] = {}
        # A store may have seen other sites before: each has clients of its own.
        self._prefix = f"S{next(_sites)}W"
        self._all: list[Process] = []

    async def start(self, engine_journals: Sequence[str] = ()) -> None:
        """Clients, engines (each by its own way to the store, where they have one) and gateways."""
        await asyncio.to_thread(self._add_clients)
        halves = ("0-1", "2-3")
        for number, own in enumerate(halves):
            journal = engine_journals[number] if engine_journals else self.journal
            self.engines.append(await self.engine(f"engine-{number}", own, halves[1 - number], journal))
        for number in range(2):
            gateway = Process(
                self.folder, f"gateway-{number}", *("gateway", "--journal", self.journal, "--port", "0", "--count", "4")
            )
            self._all.append(gateway)
            self.gateways.append(await gateway.ready())

    async def engine(self, name: str, shards: str, standby: str, journal: str = "") -> Process:
        """One more engine."""
        arguments = ["engine", "--journal", journal or self.journal, "--count", str(SHARDS), "--ttl", str(TTL_S)]
        arguments += ["--shards", shards, "--standby", standby, "--session", "always", "--feed", "manual"]
        arguments += ["--order-rate", "0", "--cancel-rate", "0", "--snapshot-every", "400"]
        process = Process(self.folder, name, *arguments)
        self._all.append(process)
        return await process.ready()

    def _add_clients(self) -> None:
        with open_clients(self.journal) as (store, key):
            for number in range(WORKERS):
                client = f"{self._prefix}{number}"
                record = store.add(client, "no password", 10**13, 5, time.time_ns())
                exp_ms = (time.time_ns() // 1_000_000) + 86_400_000
                self.tokens[client] = issue(key, client, record.client_token, "web", exp_ms)

    @contextlib.asynccontextmanager
    async def loaded(self) -> AsyncIterator[Load]:
        """Load while the body runs; when it ends every worker finishes what it began."""
        load = Load(self)
        workers = [asyncio.ensure_future(load.run(client, number)) for number, client in enumerate(self.tokens)]
        try:
            async with asyncio.timeout(READY_S):
                while any(len(moments) < 5 for moments in load.answered_s.values()):
                    assert not load.wrong, load.wrong
                    await asyncio.sleep(0.05)
            yield load
            load.stopping = True
            async with asyncio.timeout(READY_S):
                await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def check(self, load: Load) -> None:
        """Hold the books to what was acknowledged, and the journals to their replay."""
        assert load.wrong == []
        gateway = next(gateway for gateway in self.gateways if gateway.popen.poll() is None)
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{gateway.port}", timeout=60) as http:
            for client, token in self.tokens.items():
                rows = []
                for kind in ("pending", "completed"):
                    path = f"/api/v1/orders?type={kind}&client_id={client}"
                    answer = await http.get(path, headers={"x-authorization-token": token})
                    assert answer.status_code == 200, answer.text
                    rows += answer.json()["data"]["orders"]
                entries = [row for row in rows if row["leg_order_indicator"] == "ENTRY"]
                numbers = Counter(int(row["user_order_id"]) for row in entries)
                assert {number for number, count in numbers.items() if count > 1} == set(), "done twice"
                found = {int(row["user_order_id"]): row["basket_id"] for row in entries}
                lost = {number for number, basket in load.placed[client].items() if found.get(number) != basket}
                assert lost == set(), f"acknowledged and lost, of {client}"
                gone = {row["oms_order_id"] for row in entries if row["order_status"] == "CANCELLED"}
                assert load.cancelled[client] - gone == set(), f"cancelled and not, of {client}"
        await self.verify()

    async def verify(self) -> None:
        """Have `bracketd verify` check every shard beside the running engines: chain, events, state and snapshot."""
        done = await asyncio.to_thread(command, "verify", "--journal", self.journal, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def end(self) -> None:
        """Kill every process."""
        for process in self._all:
            process.end()

    def said(self) -> str:
        """The last lines of every process, for whoever looks into a failure."""
        return "\n".join(f"{process.name}:\n{process.err.read_text()[-1500:]}" for process in self._all)


def _bracket(client: str, number: int) -> dict[str, Any]:
    return {
        "client_id": client,
        "user_order_id": number,
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


def kill(pid: int) -> None:
    """End a process as a power cut would."""
    os.kill(pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def site(folder: Path, journal: str, engine_journals: tuple[str, ...] = ()) -> AsyncIterator[FaultSite]:
    """A site with its processes; what they said is shown where the test fails."""
    made = FaultSite(folder, journal)
    try:
        await made.start(engine_journals)
        yield made
    except BaseException:
        click.echo(made.said())
        raise
    finally:
        made.end()


def tell(fault: str, load: Load, outage_s: float) -> None:
    """One line for the operator's table."""
    click.echo(f"\n{fault}: {load.answers} acknowledged, lost 0, twice 0, longest wait {outage_s:.1f} s")
