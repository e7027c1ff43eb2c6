"""The stock: data folders full of resting brackets, made with the engine itself and without a socket.

Every bracket goes through decide, the paper exchange and evolve, so that a server which starts on the folder finds
just what it would have written.
"""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bracketd.auth.client_store import ClientStore
from bracketd.auth.issuing import issue_for
from bracketd.auth.signing_key import load_or_create
from bracketd.domain.commands import Command, OpenAccount, PlaceBracket
from bracketd.domain.events import AnyEvent, encode_step
from bracketd.domain.instrument import Instrument, Tick
from bracketd.domain.money import floor_to_tick
from bracketd.domain.order import OrderType, Product, Side, Validity
from bracketd.domain.session import SessionPhase
from bracketd.engine.deciding import decide
from bracketd.engine.moment import Moment
from bracketd.engine.state import State, encode_state
from bracketd.market.calendar import AlwaysOpen
from bracketd.market.instruments import InstrumentTable, load_instruments
from bracketd.runtime.agenda import Agenda
from bracketd.runtime.data_folder import open_journal
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sightings import Sightings
from bracketd.runtime.step import Step, Work
from bracketd.venue.paper.exchange import PaperExchange

CASH_PAISE = 10**15
READER, READER_ROWS = "READER", 20
"""A client whose order book has just these rows."""

BATCH = 2_000
TOKEN_TTL_NS = 12 * 3_600 * 10**9


class Resting(NamedTuple):
    """A resting bracket: its entry's id, and whose it is (index into the stock's clients)."""

    entry_id: str
    client: int


class Room:
    """One engine and one paper exchange in this process; `step` is what the desk does without journal and loop."""

    def __init__(self, clients: int = 16, instruments: InstrumentTable | None = None) -> None:
        self.instruments = instruments or load_instruments()
        self.state = State()
        self.venue: PaperExchange = resume_paper(self.state, self.instruments)
        self.sightings = Sightings(self.venue)
        self.pressing = Pressing(self.state)
        self._list: list[Instrument] = list(self.instruments.values())
        self.clients = [f"BENCH{number}" for number in range(clients)]
        self.bodies: list[bytes] = []
        self.now_ns = time.time_ns()
        agenda = Agenda(self.state, self.pressing, AlwaysOpen(), self.now_ns)
        while (due := agenda.next(self.now_ns)) is not None:
            self.run(due[1])
        for client in self.clients:
            self.command(OpenAccount(client, CASH_PAISE, 5))

    def run(self, work: Work) -> list[AnyEvent]:
        """One step, kept as the journal would."""
        step = Step(self.state, self.venue, self.sightings, self.pressing, self.now_ns)
        work(step)
        step.finish()
        if step.events:
            self.bodies.append(encode_step(step.events))
        return step.events

    def command(self, command: Command) -> list[AnyEvent]:
        """Decide and carry out one command."""
        decision = decide(self.state, command, self.instruments, Moment(self.now_ns, SessionPhase.OPEN, 0))

        def work(step: Step) -> None:
            for event in decision.events:
                step.apply(event)

        return self.run(work)

    def tick(self, tick: Tick) -> list[AnyEvent]:
        """One print or quote."""
        return self.run(partial(Step.tick, tick=tick))

    def place(self, number: int, client: int | None = None) -> Resting:
        """Place the bracket of that number."""
        if client is None:
            client = number % len(self.clients)
        events = self.command(self.bracket(number, client))
        entry_id: str = events[0].entry_id  # type: ignore[union-attr]
        return Resting(entry_id, client)

    def bracket(self, number: int, client: int) -> PlaceBracket:
        """The bracket of that number, far below the market, spread over shares and prices."""
        instruments = self._list
        instrument = instruments[number % len(instruments)]
        return PlaceBracket(
            client_id=self.clients[client],
            instrument=instrument.key,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            product=Product.MIS,
            validity=Validity.DAY,
            quantity=instrument.lot,
            price_paise=resting_paise(instrument, number // len(instruments)),
            trigger_paise=0,
            target_offset_paise=instrument.tick_paise * 20,
            stop_offset_paise=instrument.tick_paise * 20,
            user_order_id="10002",
            device="WEB",
        )


def resting_paise(instrument: Instrument, depth: int) -> int:
    """A buying price that no print of a quiet market reaches: 10 % below the base, and up to 200 ticks lower."""
    below = floor_to_tick(instrument.base_price_paise * 9 // 10, instrument.tick_paise)
    room = (below - instrument.lower_band_paise) // instrument.tick_paise - 25
    return below - instrument.tick_paise * (depth % max(1, min(200, room)))


class Stock(NamedTuple):
    """A data folder, its clients' tokens, and what rests in it, oldest first."""

    data: Path
    clients: list[str]
    tokens: list[str]
    resting: list[Resting]


def lay_in(data: Path, brackets: int, clients: int = 16, *, snapshot: bool = False) -> Stock:
    """Make a data folder with so many resting brackets; with `snapshot` a start need not replay them."""
    room = Room(clients)
    resting = [room.place(number) for number in range(brackets)]
    room.clients.append(READER)
    room.command(OpenAccount(READER, CASH_PAISE, 5))
    for number in range(READER_ROWS):
        room.place(number, clients)
    asyncio.run(_write(data, room, snapshot))
    key = load_or_create(data)
    with ClientStore(data) as store:
        for client in room.clients:
            store.add(client, "no password opens this", CASH_PAISE, 5, room.now_ns)
        now_ns = time.time_ns()
        tokens = [issue_for(store, key, client, TOKEN_TTL_NS, "web", now_ns) for client in room.clients]
    return Stock(data, room.clients, tokens, resting)


async def _write(data: Path, room: Room, snapshot: bool) -> None:
    async with open_journal(data) as opened:
        seq = opened.last_seq
        for batch in _batches(room.bodies):
            seq = await opened.journal.append(opened.lease, seq, batch)
        opened.commit.durable_seq = opened.commit.submitted_seq = seq
        if snapshot:
            await opened.journal.put_snapshot(opened.lease, seq, encode_state(room.state))


def _batches(bodies: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(bodies), BATCH):
        yield bodies[start : start + BATCH]
