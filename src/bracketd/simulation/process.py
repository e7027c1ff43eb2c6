"""One life of the server: what runtime/server.py puts together, over the simulated disk and clock, until it dies."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from bracketd.auth.gate import Gate
from bracketd.domain.events import AnyEvent
from bracketd.domain.instrument import Instrument
from bracketd.engine.state import State
from bracketd.journal.protocol import Lease
from bracketd.market.calendar import SessionTable
from bracketd.runtime import data_folder, recovery, timekeeping
from bracketd.runtime.data_folder import OpenJournal
from bracketd.runtime.http_server import HttpServer
from bracketd.runtime.rates import Rates
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.venue_view import request_due_ns
from bracketd.simulation.archive import Archive
from bracketd.simulation.client_book import ClientBook
from bracketd.simulation.line import Line, Peer
from bracketd.simulation.scheduled_journal import Machine, ScheduledJournal
from bracketd.simulation.virtual_loop import LoopClock
from bracketd.simulation.watched_desk import Watch, WatchedDesk
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.venue.paper.fault_plan import FaultPlan
from bracketd.venue.paper.faulty import FaultyExchange
from bracketd.wire.app import build_app
from bracketd.wire.http_protocol import JsonHttpProtocol
from bracketd.wire.websocket_protocol import FeedProtocol

SNAPSHOT_TAIL_RECORDS = 40
"""A simulated process leaves a snapshot behind far sooner than a real one, so that snapshots are tried at all."""

KEY = b"a key that everybody may know: it opens nothing but simulations"


class Process:
    """A server that runs. `power` is done when the power has been cut; `dead` from that moment on."""

    def __init__(
        self,
        *,
        state: State,
        opened: OpenJournal,
        journal: ScheduledJournal,
        watch: Watch,
        instruments: Mapping[str, Instrument],
        sessions: SessionTable,
        clock: LoopClock,
        book: ClientBook,
        rates: Rates,
    ) -> None:
        self.dead = False
        self.power: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.exchange: PaperExchange = recovery.resume_paper(state, instruments)
        known = tuple(state.orders.values())
        self.venue = FaultyExchange(self.exchange, known, partial(request_due_ns, state))
        self.commit = opened.commit
        self.journal = journal
        self._opened = opened

        def account_terms(client_id: str) -> tuple[int, int] | None:
            client = book.get(client_id)
            return None if client is None else (client.cash_paise, client.leverage)

        self.desk = WatchedDesk(
            watch,
            state=state,
            venue=self.venue,
            instruments=instruments,
            commit=self.commit,
            clock=clock,
            sessions=sessions,
            account_terms=account_terms,
        )
        self.gate = Gate(book, KEY)
        app = build_app(self.desk, self.gate, sandbox=Sandbox(self.desk, self.venue, None), rates=rates)
        self._server = HttpServer(app, lambda: None, JsonHttpProtocol, FeedProtocol, None)
        self._server.config.load()
        self._lines: list[Line] = []

    def connect(self, peer: Peer) -> Line:
        """A connection, as the port accepts it."""
        loop = asyncio.get_running_loop()
        line = Line(loop, peer, lambda: self.dead)
        self._lines = [each for each in self._lines if not each.is_closing()]
        self._lines.append(line)
        server = self._server
        line.plug_in(JsonHttpProtocol(config=server.config, server_state=server.server_state, app_state={}, _loop=loop))
        return line

    def misbehave(self, plan: FaultPlan) -> None:
        """Another plan of what goes wrong at the venue."""
        self.venue.plan = plan

    async def keep_timing(self) -> None:
        """The real timekeeping, with naps as long as nothing is due: no simulated machine is suspended."""

        async def nap(woken: asyncio.Event, timeout_s: float) -> None:
            left_s = (self.desk._told_due_ns - self.desk.now_ns()) / 1e9
            await timekeeping.nap(woken, max(left_s, timeout_s))

        await timekeeping.keep_timing(self.desk, nap)

    async def keep_lease(self) -> None:
        """The real renewal of the journal's lease."""
        await data_folder._renew(self._opened)

    def drop_lines(self) -> None:
        """The process is dead, and so are its connections."""
        for line in self._lines:
            line.close()

    def cut_power(self) -> None:
        """Nothing that this process does reaches anybody any more."""
        self.dead = True
        self.journal.writer.dead = True
        if not self.power.done():
            self.power.set_result(None)


async def started(
    machine: Machine,
    archive: Archive,
    begin: Callable[[State, Lease], None],
    stepped: Callable[[int, list[AnyEvent]], None],
    overhear: Callable[[PaperExchange], None],
    *,
    watch: Watch,
    instruments: Mapping[str, Instrument],
    sessions: SessionTable,
    clock: LoopClock,
    book: ClientBook,
    rates: Rates,
) -> Process:
    """A process that has recovered and serves. `begin` sees the recovered state before anything is done with it.

    Raises whatever keeps a server from starting.
    """
    journal = ScheduledJournal(machine)
    try:
        opened = OpenJournal(journal, await data_folder._take_lease(journal))
        archive.find([record.body async for record in journal.read(archive.kept_seq)])
        state = await recovery.recover(journal, opened.lease, SNAPSHOT_TAIL_RECORDS)
        begin(state, opened.lease)
        process = Process(
            state=state,
            opened=opened,
            journal=journal,
            watch=watch,
            instruments=instruments,
            sessions=sessions,
            clock=clock,
            book=book,
            rates=rates,
        )
        overhear(process.exchange)
        process.desk.on_step.append(stepped)
        process.desk.keep_time()
        await process.desk.durable()
    except BaseException:
        # What it held of the journal, locks and memory, ends with it.
        journal.abandon()
        raise
    return process
