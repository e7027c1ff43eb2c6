"""The process of an engine: its store, its house of shards, and the port on which gateways reach it."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass

import apsw
import uvloop

from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.signing_key import SigningKeyError
from bracketd.auth.speaker import LinkGate
from bracketd.engine.state import State
from bracketd.journal.protocol import JournalDamaged, JournalTooNew, Unknown
from bracketd.market.instruments import InstrumentFault, load_instruments
from bracketd.market.session_file import SessionFault
from bracketd.runtime.cluster import open_clients, open_store
from bracketd.runtime.engine_house import EngineHouse
from bracketd.runtime.http_server import running
from bracketd.runtime.listening import StartRefused
from bracketd.runtime.server import EXIT_STOPPED, THREAD_SWITCH_S, BuildApp
from bracketd.runtime.settings import BACKLOG, Settings
from bracketd.runtime.shard_snapshots import EVERY_RECORDS, keep_snapshots
from bracketd.runtime.staffing import Staff, sessions_of, staff_desk
from bracketd.runtime.tenure import Tenure

_log = logging.getLogger(__name__)

TTL_S = 2.0
"""How long a lease lasts that is not renewed: the longest part of a failover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an operator chooses of one engine. `desk` holds what it has in common with a server on one folder."""

    journal: str
    """`postgresql://…`, or a folder in which each shard has a folder of its own."""

    desk: Settings
    """Session, feed, sandbox, instruments and rates."""

    shards: Collection[int] | None = None
    """The shards that it takes when they are free; None for all."""

    standby: Collection[int] = ()
    """The shards that it takes when their owner is lost."""

    count: int = 1
    """How many shards a new store gets."""

    listen: str = "127.0.0.1:0"
    """Address and port for gateways; what they are told is `advertise`, or this."""

    advertise: str = ""
    """The address under which gateways reach it, where it is not the one it listens on."""

    snapshot_every: int = EVERY_RECORDS
    """A shard's state is kept after so many records, so that the next owner has no more to replay; 0 for never."""

    ttl_s: float = TTL_S
    """How long a lease lasts that is not renewed, in seconds."""


def run_engine(settings: EngineSettings, build_app: BuildApp, on_ready: Callable[[str], None]) -> int:
    """Serve shards until told to stop; returns the exit code. `on_ready` gets the address that gateways are told.

    Raises StartRefused before the port is open.
    """
    sys.setswitchinterval(THREAD_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, build_app, on_ready))


async def _serve(settings: EngineSettings, build_app: BuildApp, on_ready: Callable[[str], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        try:
            with open_clients(settings.journal) as (_, key):
                pass
            instruments = load_instruments(settings.desk.instruments)
            sessions = sessions_of(settings.desk)
            store = open_store(settings.journal, settings.count)
            stack.push_async_callback(store.close)
            count = (await store.slot_map()).count
            listener = _listen(settings.listen)
            stack.callback(listener.close)
        except (
            SigningKeyError,
            ClientStoreError,
            InstrumentFault,
            SessionFault,
            JournalDamaged,
            JournalTooNew,
        ) as fault:
            raise StartRefused(str(fault)) from fault
        except (Unknown, OSError, apsw.Error, ValueError, ModuleNotFoundError) as fault:
            raise StartRefused(f"the shards cannot be reached: {fault}") from fault
        terms: dict[str, tuple[int, int]] = {}
        gate = LinkGate()

        def staff(tenure: Tenure, state: State) -> Staff:
            # As at a server's start: what recovery made stays, and the collector need not walk it again.
            gc.freeze()
            made = staff_desk(settings.desk, state, tenure.commit, terms.get, instruments, sessions, tenure.shard)
            tenure.app = build_app(
                made.desk,
                gate,
                sandbox=made.sandbox,
                cors=(),
                entrance=None,
                rates=settings.desk.rates(),
                metrics_open=False,
            )
            tenure.run_beside(made.desk.client_rows.keep_up())
            tenure.run_beside(keep_snapshots(tenure, settings.journal, settings.snapshot_every))
            if made.feeding is not None:
                tenure.run_beside(made.feeding.run(settings.desk.feed_interval_s))
            return made

        host, port = listener.getsockname()[:2]
        address = settings.advertise or f"{host}:{port}"
        own = range(count) if settings.shards is None else settings.shards
        wrong = sorted(shard for shard in {*own, *settings.standby} if not 0 <= shard < count)
        if wrong:
            raise StartRefused(f"there is no shard {wrong[0]}: the map has {count}, from 0 to {count - 1}")
        house = EngineHouse(
            store,
            key,
            address=address,
            ttl_s=settings.ttl_s,
            shards=own,
            standby=settings.standby,
            staff=staff,
            terms=terms,
        )
        server = await loop.create_server(house.accept, sock=listener)
        stack.callback(server.close)
        async with running(house.keep()):
            on_ready(address)
            await stop.wait()
        await house.hand_over()
    return EXIT_STOPPED


def _listen(text: str) -> socket.socket:
    """The socket at `host:port`; raises StartRefused."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise StartRefused(f"{text!r} is not an address and a port, such as 10.0.0.5:7000")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except OSError as fault:
        raise StartRefused(f"{text} cannot be listened on: {fault.strerror or fault}") from fault
