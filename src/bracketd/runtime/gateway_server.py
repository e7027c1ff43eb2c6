"""The process of a gateway: clients and their tokens, the routes to the engines, and the port for the world.

It keeps nothing that another gateway does not have: any number of them may stand side by side.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import apsw
import uvloop

from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.gate import Gate
from bracketd.auth.password import Passwords
from bracketd.auth.signing_key import SigningKeyError
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Fenced, JournalDamaged, JournalTooNew, Lease, Record, Snapshot, Unknown
from bracketd.market.instruments import InstrumentFault, load_instruments
from bracketd.market.session_file import SessionFault
from bracketd.runtime.cluster import open_clients, open_store
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.http_server import App, HttpServer, running
from bracketd.runtime.listening import StartRefused, host, listen, tls, url
from bracketd.runtime.routes import Routes
from bracketd.runtime.server import EXIT_FAILED, EXIT_STOPPED, THREAD_SWITCH_S, stop_when_failed
from bracketd.runtime.settings import Settings
from bracketd.runtime.staffing import sessions_of, staff_desk

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What an operator chooses of one gateway. `desk` holds what it has in common with a server on one folder."""

    journal: str
    """`postgresql://…`, or the folder of the shards."""

    desk: Settings
    """Host, port, TLS, origins and sandbox."""

    count: int = 1
    """How many shards a new store gets."""


class BuildGateway(Protocol):
    """How the wire makes a gateway's application; handed in, since runtime does not know the wire."""

    def __call__(
        self,
        desk: Desk,
        gate: Gate,
        entrance: Entrance | None,
        routes: Routes,
        terms: Callable[[str], tuple[int, int] | None],
        *,
        sandbox: bool,
        cors: Sequence[str],
        metrics_open: bool,
    ) -> App:
        """The ASGI application that lets in through this gate and asks the owners along these routes."""


def run_gateway(
    settings: GatewaySettings,
    build_app: BuildGateway,
    on_ready: Callable[[str], None],
    http: type[asyncio.Protocol],
    ws: type[asyncio.Protocol],
) -> int:
    """Serve until told to stop; returns the exit code. Raises StartRefused before the port is open."""
    sys.setswitchinterval(THREAD_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, build_app, on_ready, http, ws))


async def _serve(
    settings: GatewaySettings,
    build_app: BuildGateway,
    on_ready: Callable[[str], None],
    http: type[asyncio.Protocol],
    ws: type[asyncio.Protocol],
) -> int:
    chosen = settings.desk
    async with contextlib.AsyncExitStack() as stack:
        try:
            secured = tls(chosen)
            address = host(chosen)
            clients, key = stack.enter_context(open_clients(settings.journal))
            store = open_store(settings.journal, settings.count)
            stack.push_async_callback(store.close)
            instruments = load_instruments(chosen.instruments)
            commit = GroupCommit(NoJournal(), Lease("gateway", 0, 0))
            desk = staff_desk(chosen, State(), commit, lambda _: None, instruments, sessions_of(chosen)).desk
            listener = listen(address, chosen.port)
        except (SigningKeyError, ClientStoreError, InstrumentFault, SessionFault, JournalDamaged) as fault:
            raise StartRefused(str(fault)) from fault
        except (JournalTooNew, Unknown, OSError, apsw.Error, ValueError, ModuleNotFoundError) as fault:
            raise StartRefused(f"the gateway cannot start: {fault}") from fault
        stack.callback(listener.close)
        routes = Routes(store, key)
        stack.push_async_callback(routes.close)

        def terms(client_id: str) -> tuple[int, int] | None:
            client = clients.get(client_id)
            return None if client is None else (client.cash_paise, client.leverage)

        app = build_app(
            desk,
            Gate(clients, key),
            Entrance(clients, key, Passwords()),
            routes,
            remembered(terms, clients.version),
            sandbox=chosen.sandbox,
            cors=chosen.cors,
            metrics_open=chosen.metrics_open,
        )
        await routes.look()
        server = HttpServer(app, lambda: on_ready(url(listener, secured)), http, ws, secured)
        clients.file.on_failure.append(lambda fault: desk.fail(f"the clients file failed: {fault}"))
        async with (
            running(stop_when_failed(desk, server)),
            running(routes.keep()),
            running(desk.measures.measure_lag()),
        ):
            await server.serve([listener])
    if desk.failure:
        _log.critical("exit: %s", desk.failure)
        return EXIT_FAILED
    return EXIT_STOPPED


def remembered(
    terms: Callable[[str], tuple[int, int] | None], version: Callable[[], object]
) -> Callable[[str], tuple[int, int] | None]:
    """The same, looked up once for each client as long as the clients' version stands."""
    known: dict[str, tuple[int, int] | None] = {}
    stands: object = None

    def look(client_id: str) -> tuple[int, int] | None:
        nonlocal stands
        now = version()
        if now != stands:
            known.clear()
            stands = now
        if client_id not in known:
            known[client_id] = terms(client_id)
        return known[client_id]

    return look


class NoJournal:
    """The journal of a desk without a shard: whatever would be decided there is refused."""

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Nobody can have it."""
        return None

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Nobody has it."""
        raise Fenced("a gateway decides nothing")

    async def release(self, lease: Lease) -> None:
        """Nobody has it."""

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Refused."""
        raise Fenced("a gateway decides nothing")

    async def read(self, after_seq: int) -> AsyncIterator[Record]:
        """It is empty."""
        nothing: tuple[Record, ...] = ()
        for record in nothing:
            yield record

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Refused."""
        raise Fenced("a gateway decides nothing")

    async def get_snapshot(self) -> Snapshot | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """Nothing to close."""
