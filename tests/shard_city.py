"""A city of shards in one event loop: engines with real links on loopback, a gateway, and a store whose word is law.

Only the disk is missing: leases, epochs and what an append compares are as in a store that is shared.
"""

import asyncio
import contextlib
import copy
import secrets
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from websockets.asyncio.client import connect

from bracketd.auth.speaker import LinkGate
from bracketd.domain.slot import SlotMap, even_map
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Fenced, Lease, Record, Snapshot, Unknown
from bracketd.journal.shards import Holding
from bracketd.market.calendar import AlwaysOpen
from bracketd.market.instruments import load_instruments
from bracketd.runtime.engine_call import engine_at
from bracketd.runtime.engine_house import EngineHouse
from bracketd.runtime.gateway_server import NoJournal
from bracketd.runtime.link import HandOver, link_key
from bracketd.runtime.routes import Routes
from bracketd.runtime.settings import Settings
from bracketd.runtime.staffing import Staff, staff_desk
from bracketd.runtime.tenure import Tenure
from bracketd.testing.tokens import TokenBook
from bracketd.wire.app import build_app
from bracketd.wire.gateway_app import build_gateway
from bracketd.wire.websocket_protocol import FeedProtocol

KEY = b"k" * 32
SHORT_S = 1.0
"""A lease for tests that wait for its end."""

LONG_S = 20.0
"""One that a busy machine does not let end by itself."""
CLIENTS = ("A", "B", "C", "D", "E", "F")
BRACKET = {
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


class Shard:
    """What the store keeps of one shard."""

    def __init__(self) -> None:
        self.owner, self.epoch, self.expires_s = "", 0, 0.0
        self.records: list[Record] = []


class MemoryShards:
    """A store of shards in memory. `down` refuses everything; `stuck` holds appends and renewals of an owner back."""

    def __init__(self, count: int) -> None:
        self.map = even_map(count)
        self.name = secrets.token_bytes(8)
        self.shards = [Shard() for _ in range(count)]
        self.down = False
        self.stuck: dict[str, asyncio.Event] = {}
        self.late_appends: list[str] = []

    async def slot_map(self) -> SlotMap:
        """The map."""
        self.check()
        return self.map

    def copied(self) -> "MemoryShards":
        """Another store with the same in it, leases included."""
        other = MemoryShards(self.map.count)
        other.shards = copy.deepcopy(self.shards)
        return other

    async def identity(self) -> bytes:
        """Its name."""
        self.check()
        return self.name

    async def holdings(self) -> list[Holding]:
        """The leases."""
        self.check()
        now_s = time.monotonic()
        return [
            Holding(number, shard.owner, shard.epoch, bool(shard.owner) and shard.expires_s > now_s)
            for number, shard in enumerate(self.shards)
        ]

    async def journal(self, shard: int) -> "MemoryShard":
        """The journal of one."""
        return MemoryShard(self, self.shards[shard])

    async def close(self) -> None:
        """Nothing to close."""

    def check(self) -> None:
        """Raise Unknown while the store is down."""
        if self.down:
            raise Unknown("the store is down")

    def freeze(self, owner: str) -> asyncio.Event:
        """Hold back what that owner asks from now on, until the event is set."""
        return self.stuck.setdefault(owner, asyncio.Event())


class MemoryShard:
    """The Journal protocol over one shard."""

    def __init__(self, store: MemoryShards, shard: Shard) -> None:
        self._store = store
        self._shard = shard

    async def _asked(self, owner: str) -> None:
        if (stuck := self._store.stuck.get(owner)) is not None:
            await stuck.wait()
        await asyncio.sleep(0)
        self._store.check()

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Grant the lease under the next epoch."""
        await self._asked(owner)
        shard = self._shard
        if shard.owner not in ("", owner) and shard.expires_s > time.monotonic():
            return None
        shard.owner, shard.epoch, shard.expires_s = owner, shard.epoch + 1, time.monotonic() + ttl_s
        return Lease(owner, shard.epoch, len(shard.records))

    def _check(self, lease: Lease) -> None:
        if (lease.owner, lease.epoch) != (self._shard.owner, self._shard.epoch):
            raise Fenced(f"epoch {lease.epoch} is over")

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Move its end."""
        await self._asked(lease.owner)
        self._check(lease)
        self._shard.expires_s = time.monotonic() + ttl_s
        return Lease(lease.owner, lease.epoch, len(self._shard.records))

    async def release(self, lease: Lease) -> None:
        """Give it back."""
        await self._asked(lease.owner)
        self._check(lease)
        self._shard.owner = ""

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Append, if the epoch and the end are what the owner believes."""
        await self._asked(lease.owner)
        records = self._shard.records
        try:
            self._check(lease)
            if len(records) != expected_seq:
                raise Fenced(f"the journal ends at {len(records)}")
        except Fenced:
            self._store.late_appends.append(lease.owner)
            raise
        records.extend(Record(expected_seq + place, lease.epoch, body) for place, body in enumerate(bodies, 1))
        return len(records)

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """The records after that one."""
        for record in tuple(self._shard.records[after_seq:]):
            yield record

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """None is kept."""

    async def get_snapshot(self) -> Snapshot | None:
        """None is kept."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


class Engine:
    """One engine of the city."""

    def __init__(self, store: MemoryShards, ttl_s: float, shards: Sequence[int], standby: Sequence[int]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        host, port = self.listener.getsockname()[:2]
        self.address = f"{host}:{port}"
        terms: dict[str, tuple[int, int]] = {}
        settings = Settings(data=Path("unused"), session="always", feed="manual", sandbox=True)
        instruments = load_instruments()

        def staff(tenure: Tenure, state: State) -> Staff:
            made = staff_desk(settings, state, tenure.commit, terms.get, instruments, AlwaysOpen(), tenure.shard)
            tenure.app = build_app(made.desk, LinkGate(), sandbox=made.sandbox)
            return made

        self.house = EngineHouse(
            store, KEY, address=self.address, ttl_s=ttl_s, shards=shards, standby=standby, staff=staff, terms=terms
        )
        self._keeping: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> "Engine":
        """Listen, and take what is free."""
        self._server = await asyncio.get_running_loop().create_server(self.house.accept, sock=self.listener)
        self._keeping = asyncio.ensure_future(self.house.keep())
        return self

    async def hand_over(self) -> None:
        """End as SIGTERM ends it."""
        if self._keeping is not None:
            self._keeping.cancel()
        await self.house.hand_over()
        if self._server is not None:
            self._server.close()

    async def kill(self) -> None:
        """End as a power cut ends it: nothing is given back, and links break."""
        if self._keeping is not None:
            self._keeping.cancel()
        self.house.drop()
        if self._server is not None:
            self._server.close()


class City:
    """The store, its engines, and one gateway, called as any HTTP client would."""

    def __init__(self, store: MemoryShards, wait_s: float, ttl_s: float) -> None:
        self.store = store
        self.ttl_s = ttl_s
        self.engines: list[Engine] = []
        self.held: list[asyncio.Task[None]] = []
        self.tokens = TokenBook()
        self.routes = Routes(store, KEY, wait_s=wait_s)
        settings = Settings(data=Path("unused"), session="always", feed="manual")
        commit = GroupCommit(NoJournal(), Lease("gateway", 0, 0))
        desk = staff_desk(settings, State(), commit, lambda _: None, load_instruments(), AlwaysOpen()).desk
        self.app = build_gateway(
            desk,
            self.tokens,
            None,
            self.routes,
            lambda client: (100_000_000, 5) if client in CLIENTS else None,
            sandbox=True,
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway")
        self.token = {client: self.tokens.give(client) for client in CLIENTS}

    async def engine(self, shards: Sequence[int], standby: Sequence[int] = ()) -> Engine:
        """One more engine, which has its shards when this returns, if they are free."""
        engine = await Engine(self.store, self.ttl_s, shards, standby).start()
        self.engines.append(engine)
        return engine

    async def until(self, fact: Any, wait_s: float = 10.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(wait_s):
            while not fact():  # noqa: ASYNC110  It is the world outside that is waited for.
                await asyncio.sleep(0.005)

    async def call(
        self, method: str, path: str, client: str, headers: dict[str, str] | None = None, **more: Any
    ) -> Any:
        """One request of a client's."""
        sent = {"x-authorization-token": self.token[client]} | (headers or {})
        return await self.http.request(method, path, headers=sent, **more)

    async def place(self, client: str, key: str = "", **changed: Any) -> Any:
        """Place a bracket."""
        headers = {"idempotency-key": key} if key else {}
        body = BRACKET | {"client_id": client} | changed
        return await self.call("POST", "/api/v1/orders/kart", client, headers, json=body)

    async def book(self, client: str) -> list[dict[str, Any]]:
        """The working orders of a client."""
        reply = await self.call("GET", f"/api/v1/orders?type=pending&client_id={client}", client)
        assert reply.status_code == 200, reply.text
        rows: list[dict[str, Any]] = reply.json()["data"]["orders"]
        return rows

    async def cancel(self, client: str, order_id: str) -> Any:
        """Cancel an entry."""
        body = {"client_id": client, "execution_type": "BO", "leg_order_indicator": "ENTRY", "status": "CONFIRMED"}
        return await self.call("DELETE", f"/api/v1/orders/kart/{order_id}", client, json=body)

    async def print_at(self, rupees: str, quantity: int = 10) -> Any:
        """A print of SBIN in every shard."""
        body = {"exchange": "NSE", "instrument_token": 3045, "last_price": rupees, "last_quantity": quantity}
        return await self.http.post("/sandbox/v1/ticks", json=body)

    async def move(self, owner: Engine, shard: int, to: str) -> str:
        """Order an owner to hand a shard over; gives why it did not, "" where it did."""
        async with engine_at(link_key(KEY, self.store.name), owner.address) as ask:
            return await ask(HandOver(7, shard, to), 20)

    def shard_of(self, client: str) -> int:
        """Where a client's account is."""
        return self.store.map.shard_of(client)

    @contextlib.asynccontextmanager
    async def websockets(self) -> AsyncIterator[Any]:
        """Serve the gateway on a port; gives a function that opens a client's websocket."""
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(self.app, ws=FeedProtocol, lifespan="off", log_config=None, log_level="warning")
        server = _Server(config)
        task = asyncio.ensure_future(server.serve([listener]))
        port = listener.getsockname()[1]
        try:
            yield lambda client: connect(f"ws://127.0.0.1:{port}/ws/v1/feeds?access_token={self.token[client]}")
        finally:
            server.should_exit = True
            await task

    async def close(self) -> None:
        """End everything."""
        for stuck in self.store.stuck.values():
            stuck.set()
        await self.http.aclose()
        await self.routes.close()
        for engine in self.engines:
            await engine.kill()
        await asyncio.sleep(0)


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def city(
    count: int = 2, wait_s: float = 8.0, ttl_s: float = LONG_S, store: MemoryShards | None = None
) -> AsyncIterator[City]:
    """A city without engines yet; its gateway looks for owners all the time. With `store` it is about that one."""
    made = City(store or MemoryShards(count), wait_s, ttl_s)
    looking = asyncio.ensure_future(made.routes.keep())
    try:
        yield made
    finally:
        looking.cancel()
        await made.close()
