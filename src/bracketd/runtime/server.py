"""The server: the parts are put together here, the port opens when recovery is done, and the end is orderly.

SIGTERM and SIGINT drain: no new connection, requests in flight are answered, what was decided becomes durable. When
the desk stops itself because a disk refused or an invariant broke, requests in flight get 503 and the process ends
with exit code 3; a restart replays the journal.
"""

import asyncio
import contextlib
import errno
import gc
import ipaddress
import logging
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import apsw
import msgspec
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_file import ClientStoreError
from bracketd.auth.gate import Gate
from bracketd.auth.password import Passwords
from bracketd.auth.signing_key import SigningKeyError, load_or_create
from bracketd.domain.ist import NS_PER_SECOND, ist_date
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State
from bracketd.journal.protocol import Fenced, FolderInUse, JournalDamaged, JournalTooNew, Unknown
from bracketd.market.calendar import AlwaysOpen, Sessions, SessionTable
from bracketd.market.instruments import InstrumentFault, InstrumentTable, load_instruments
from bracketd.market.session_file import SessionFault
from bracketd.market.synthetic import SyntheticFeed
from bracketd.runtime.clock import SystemClock, VirtualClock
from bracketd.runtime.data_folder import LeaseHeld, OpenJournal, open_journal
from bracketd.runtime.descriptors import connections_max
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.feeding import Feeding
from bracketd.runtime.rates import Rates
from bracketd.runtime.recovery import RecoveryFailed, recover, resume_paper
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.settings import (
    BACKLOG,
    GRACEFUL_SHUTDOWN_S,
    KEEP_ALIVE_S,
    WS_MESSAGE_BYTES,
    WS_PING_INTERVAL_S,
    WS_PING_TIMEOUT_S,
    Settings,
)
from bracketd.runtime.timekeeping import keep_timing
from bracketd.runtime.venue_view import request_due_ns
from bracketd.venue.paper.faulty import FaultyExchange

_log = logging.getLogger(__name__)

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 3
"""The desk stopped itself: a disk refused, a lease was lost or an invariant broke."""

THREAD_SWITCH_S: Final = 0.0005
"""How long one thread keeps the interpreter while another wants it."""

CLOCK_SKEW_S_MAX: Final = 1.0
"""A journal further ahead of the machine's clock than this, as a virtual clock leaves one, is worth a warning."""

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class BuildApp(Protocol):
    """How the wire makes its application; handed in, since runtime does not know the wire."""

    def __call__(
        self,
        desk: Desk,
        gate: Gate,
        *,
        sandbox: Sandbox | None,
        cors: Sequence[str],
        entrance: Entrance,
        rates: Rates,
        metrics_open: bool,
    ) -> App:
        """The ASGI application that speaks to this desk, lets in through this gate and logs in at this entrance.

        With a sandbox it has that one's routes too; `rates` bound what one client may ask in a second.
        `metrics_open`: whether other machines may read the metrics.
        """


class Opened(NamedTuple):
    """What stands behind the port. `feeding` and `sandbox` are None where the settings leave them out."""

    desk: Desk
    gate: Gate
    entrance: Entrance
    feeding: Feeding | None
    sandbox: Sandbox | None


class StartRefused(Exception):
    """The server cannot start; the text is one sentence for the operator."""


def run(
    settings: Settings,
    build_app: BuildApp,
    on_ready: Callable[[str], None],
    http: type[asyncio.Protocol] = HttpToolsProtocol,
    ws: type[asyncio.Protocol] = WebSocketsSansIOProtocol,
) -> int:
    """Serve until told to stop; returns the exit code. `on_ready` gets the URL once connections are accepted.

    `http` is uvicorn's protocol class for a connection, which words the refusals that no application sees; `ws` is
    the one that a connection is handed to when it becomes a websocket.

    Raises StartRefused before the port is open, for whatever keeps the server from starting.
    """
    # The journal's thread comes back from the disk to a busy loop, and every reply waits for it: not 5 ms, as it would.
    sys.setswitchinterval(THREAD_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, build_app, on_ready, http, ws))


async def _serve(
    settings: Settings,
    build_app: BuildApp,
    on_ready: Callable[[str], None],
    http: type[asyncio.Protocol],
    ws: type[asyncio.Protocol],
) -> int:
    async with contextlib.AsyncExitStack() as stack:
        with _start_faults(settings):
            tls = _tls(settings)
            host = _host(settings)
            desk, gate, entrance, feeding, sandbox = await _open(settings, stack)
            listener = _listen(host, settings.port)
        # What recovery made stays for good: the collector need not walk it again in the middle of a request.
        gc.collect()
        gc.freeze()
        stack.callback(listener.close)
        app = build_app(
            desk,
            gate,
            sandbox=sandbox,
            cors=settings.cors,
            entrance=entrance,
            rates=settings.rates(),
            metrics_open=settings.metrics_open,
        )
        server = _Server(app, lambda: on_ready(_url(listener, tls)), http, ws, tls)
        async with (
            _running(_stop_when_failed(desk, server)),
            _running(keep_timing(desk)),
            _running(desk.measures.measure_lag()),
        ):
            if feeding is None:
                await server.serve([listener])
            else:
                async with _running(feeding.run(settings.feed_interval_s)):
                    await server.serve([listener])
    if desk.failure:
        _log.critical("exit: %s", desk.failure)
        return EXIT_FAILED
    return EXIT_STOPPED


class _Server(uvicorn.Server):
    """uvicorn's server, with signals on the event loop and word given when connections are accepted."""

    def __init__(
        self,
        app: App,
        on_listening: Callable[[], None],
        http: type[asyncio.Protocol],
        ws: type[asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http,
                ws=ws,
                ws_max_size=WS_MESSAGE_BYTES,
                ws_ping_interval=WS_PING_INTERVAL_S,
                ws_ping_timeout=WS_PING_TIMEOUT_S,
                # Frames are small and many: to compress them costs more than it saves.
                ws_per_message_deflate=False,
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                # Who speaks is told by the token; an address in a header would be anybody's word.
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=connections_max(),  # http_protocol answers one too many
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
                ssl_context_factory=None if tls is None else lambda config, default: tls,
            )
        )
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first SIGTERM or SIGINT drains, the second stops waiting for connections.

        uvicorn's own way raises the signal again at the end, and a clean stop would look like a death.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


async def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> Opened:
    """Everything behind the port, recovered and ready; the stack closes it in the opposite order.

    What fell due while no server ran is done before the first request can be asked.
    """
    instruments = load_instruments(settings.instruments)
    sessions: Sessions = AlwaysOpen() if settings.session == "always" else SessionTable.load()
    opened = await stack.enter_async_context(open_journal(settings.data))
    key = load_or_create(settings.data)
    store = stack.enter_context(ClientStore(settings.data))
    state = await recover(opened.journal, opened.lease)
    _log.info("recovered %d records, %d orders", opened.last_seq, len(state.orders))
    desk, feeding, sandbox = _staff(settings, state, opened, store, instruments, sessions)
    warning = sessions.warning_on(ist_date(desk.now_ns()))
    if warning:
        _log.warning("%s", warning)
    desk.keep_time()
    await desk.durable()
    return Opened(desk, Gate(store, key), Entrance(store, key, Passwords()), feeding, sandbox)


def _staff(
    settings: Settings,
    state: State,
    opened: OpenJournal,
    store: ClientStore,
    instruments: InstrumentTable,
    sessions: Sessions,
) -> tuple[Desk, Feeding | None, Sandbox | None]:
    """The desk as the journal left it, its feed, and the sandbox around it."""
    paper = resume_paper(state, instruments)
    known = state.orders.values()
    faulty = FaultyExchange(paper, known, partial(request_due_ns, state)) if settings.sandbox else None
    clock = _clock(settings, state.last_event_ns)

    def account_terms(client_id: str) -> tuple[int, int] | None:
        client = store.get(client_id)
        return None if client is None else (client.cash_paise, client.leverage)

    desk = Desk(
        state=state,
        venue=faulty or paper,
        instruments=instruments,
        commit=opened.commit,
        clock=clock,
        sessions=sessions,
        account_terms=account_terms,
    )
    movable = clock if isinstance(clock, VirtualClock) else None
    sandbox = Sandbox(desk, faulty, movable) if faulty is not None else None
    if settings.feed != "synthetic":
        return desk, None, sandbox
    feed = SyntheticFeed(instruments.values(), settings.feed_seed)
    feed.resume({instrument: market.print_paise for instrument, market in state.markets.items()})
    feeding = Feeding(
        feed,
        desk,
        phase=sessions.phase,
        last_print=lambda instrument: paper.shown(instrument)[0],
        behind=lambda: opened.commit.full,
    )
    return desk, feeding, sandbox


def _clock(settings: Settings, last_event_ns: int) -> SystemClock | VirtualClock:
    """The clock that the settings name; no clock tells a time before what the journal knows of."""
    now_ns = time.time_ns()
    if settings.clock == "virtual":
        return VirtualClock(max(now_ns, last_event_ns))
    ahead_s = (last_event_ns - now_ns) / NS_PER_SECOND
    if ahead_s > CLOCK_SKEW_S_MAX:
        _log.warning("the journal is %.0f s ahead of the machine's clock: time stands still until then", ahead_s)
    return SystemClock(last_event_ns)


@contextlib.contextmanager
def _start_faults(settings: Settings) -> Iterator[None]:
    """Whatever keeps a server from starting becomes one sentence for the operator."""
    try:
        yield
    except FolderInUse as fault:
        raise StartRefused(str(fault)) from fault
    except LeaseHeld as fault:
        raise StartRefused(f"{settings.data}: {fault}") from fault
    except (JournalDamaged, JournalTooNew, RecoveryFailed, InvariantBroken, msgspec.DecodeError) as fault:
        raise StartRefused(f"the journal in {settings.data} cannot be replayed: {fault}") from fault
    except (SigningKeyError, ClientStoreError, InstrumentFault, SessionFault) as fault:
        raise StartRefused(str(fault)) from fault
    except NotServing as fault:
        raise StartRefused(f"what is due in {settings.data} cannot be done: {fault}") from fault
    except (Fenced, Unknown, apsw.Error, OSError) as fault:
        raise StartRefused(f"the data folder {settings.data} cannot be used: {fault}") from fault


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """What HTTPS is spoken with, None for plain HTTP; raises StartRefused. TLS 1.2 is the oldest that is spoken."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A password, so that an encrypted key is an error and not a question on somebody's terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as fault:
        names = f"{settings.tls_cert} and {settings.tls_key}"
        raise StartRefused(f"TLS cannot be spoken with {names}: {fault}") from fault
    return context


def _host(settings: Settings) -> str:
    """The address to listen on; raises StartRefused where passwords and tokens would leave the machine in the clear."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise StartRefused(f"{settings.host} is no address of this machine: {fault.strerror or fault}") from fault
    address = str(found[0][4][0])
    private = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    if not (private or settings.tls_cert or settings.insecure):
        raise StartRefused(
            f"plain HTTP on {settings.host} would show passwords and tokens to the network:"
            " name --tls-cert and --tls-key, or say --insecure"
        )
    return address


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; raises StartRefused."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as fault:
        taken = fault.errno == errno.EADDRINUSE
        why = "is in use by another program" if taken else f"cannot be listened on: {fault.strerror or fault}"
        raise StartRefused(f"port {port} of {host} {why}") from fault


def _url(listener: socket.socket, tls: ssl.SSLContext | None) -> str:
    """Where the listener is reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "http" if tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _stop_when_failed(desk: Desk, server: _Server) -> None:
    await desk.wait_failed()
    server.should_exit = True


@contextlib.asynccontextmanager
async def _running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run something beside the body, and end it with the body."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
