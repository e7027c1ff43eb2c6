"""The server: the parts are put together here, the port opens when recovery is done, and the end is orderly.

SIGTERM and SIGINT drain: no new connection, requests in flight are answered, what was decided becomes durable. When
the desk stops itself because a disk refused or an invariant broke, requests in flight get 503 and the process ends
with exit code 3; a restart replays the journal.
"""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import apsw
import msgspec
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.gate import Gate
from bracketd.auth.password import Passwords
from bracketd.auth.signing_key import SigningKeyError, load_or_create
from bracketd.domain.ist import ist_date
from bracketd.engine.invariant import InvariantBroken
from bracketd.journal.protocol import Fenced, FolderInUse, JournalDamaged, JournalTooNew, Unknown
from bracketd.market.instruments import InstrumentFault, load_instruments
from bracketd.market.session_file import SessionFault
from bracketd.runtime.data_folder import FolderMoved, LeaseHeld, open_journal
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.feeding import Feeding
from bracketd.runtime.http_server import App, HttpServer, running
from bracketd.runtime.listening import StartRefused, host, listen, tls, url
from bracketd.runtime.rates import Rates
from bracketd.runtime.recovery import RecoveryFailed, recover
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.settings import Settings
from bracketd.runtime.snapshots import Snapshots, snapshot_to_start_from
from bracketd.runtime.staffing import sessions_of, staff_desk
from bracketd.runtime.timekeeping import keep_timing

_log = logging.getLogger(__name__)

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 3
"""The desk stopped itself: a disk refused, the journal's or the clients', a lease was lost or an invariant broke."""

THREAD_SWITCH_S: Final = 0.000_005
"""How long one thread keeps the interpreter while another wants it: the journal's, a few times for each batch."""


class BuildApp(Protocol):
    """How the wire makes its application; handed in, since runtime does not know the wire."""

    def __call__(
        self,
        desk: Desk,
        gate: Gate,
        *,
        sandbox: Sandbox | None,
        cors: Sequence[str],
        entrance: Entrance | None,
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
    # While it waits, the loop wakes it in vain after each read of a socket, which costs both more than to let it in.
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
            secured = tls(settings)
            address = host(settings)
            desk, gate, entrance, feeding, sandbox = await _open(settings, stack)
            listener = listen(address, settings.port)
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
        commit = desk.commit
        snapshots = Snapshots(settings.data, settings.snapshot_every, lambda: commit.durable_seq, desk.measures)
        server = HttpServer(app, lambda: on_ready(url(listener, secured)), http, ws, secured)
        async with (
            running(stop_when_failed(desk, server)),
            running(keep_timing(desk)),
            running(desk.measures.measure_lag()),
            running(desk.client_rows.keep_up()),
            running(snapshots.run()),
        ):
            if feeding is None:
                await server.serve([listener])
            else:
                async with running(feeding.run(settings.feed_interval_s)):
                    await server.serve([listener])
    if desk.failure:
        _log.critical("exit: %s", desk.failure)
        return EXIT_FAILED
    return EXIT_STOPPED


async def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> Opened:
    """Everything behind the port, recovered and ready; the stack closes it in the opposite order.

    What fell due while no server ran is done before the first request can be asked.
    """
    instruments = load_instruments(settings.instruments)
    sessions = sessions_of(settings)
    opened = await stack.enter_async_context(open_journal(settings.data))
    key = load_or_create(settings.data)
    store = stack.enter_context(ClientStore(settings.data))
    beside = snapshot_to_start_from(settings.data)
    # What is made while serving need not be waited for here.
    tail_records = sys.maxsize if settings.snapshot_every else None
    state = await recover(opened.journal, opened.lease, tail_records, beside)
    _log.info("recovered %d records, %d orders", opened.last_seq, len(state.orders))

    def account_terms(client_id: str) -> tuple[int, int] | None:
        client = store.get(client_id)
        return None if client is None else (client.cash_paise, client.leverage)

    staff = staff_desk(settings, state, opened.commit, account_terms, instruments, sessions)
    warning = sessions.warning_on(ist_date(staff.desk.now_ns()))
    if warning:
        _log.warning("%s", warning)
    store.file.on_failure.append(lambda fault: staff.desk.fail(f"the clients file failed: {fault}"))
    staff.desk.keep_time()
    await staff.desk.durable()
    return Opened(staff.desk, Gate(store, key), Entrance(store, key, Passwords()), staff.feeding, staff.sandbox)


@contextlib.contextmanager
def _start_faults(settings: Settings) -> Iterator[None]:
    """Whatever keeps a server from starting becomes one sentence for the operator."""
    try:
        yield
    except FolderInUse as fault:
        raise StartRefused(str(fault)) from fault
    except (LeaseHeld, FolderMoved) as fault:
        raise StartRefused(f"{settings.data}: {fault}") from fault
    except (JournalDamaged, JournalTooNew, RecoveryFailed, InvariantBroken, msgspec.DecodeError) as fault:
        raise StartRefused(f"the journal in {settings.data} cannot be replayed: {fault}") from fault
    except (SigningKeyError, ClientStoreError, InstrumentFault, SessionFault) as fault:
        raise StartRefused(str(fault)) from fault
    except NotServing as fault:
        raise StartRefused(f"what is due in {settings.data} cannot be done: {fault}") from fault
    except (Fenced, Unknown, apsw.Error, OSError) as fault:
        raise StartRefused(f"the data folder {settings.data} cannot be used: {fault}") from fault


async def stop_when_failed(desk: Desk, server: HttpServer) -> None:
    """End the server in order once the desk has stopped itself."""
    await desk.wait_failed()
    server.should_exit = True
