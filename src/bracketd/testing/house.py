"""The house: one whole broker in memory, and a clock that is moved.

Application, desk, engine and paper exchange are the real ones; journal, clock and gate stand in for theirs.
"""

from functools import partial
from typing import Final

from bracketd.auth.refusal import Unauthorised
from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.ist import day_start_ns
from bracketd.domain.money import parse_rupees
from bracketd.domain.order import Leg, Order
from bracketd.engine.state import State
from bracketd.market.calendar import AlwaysOpen, Sessions, SessionTable
from bracketd.market.instruments import load_instruments
from bracketd.market.tick_check import tick_fault
from bracketd.runtime.clock import VirtualClock
from bracketd.runtime.desk import VENUE_WAIT_S, Desk
from bracketd.runtime.recovery import replay, resume_paper
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.venue_view import request_due_ns
from bracketd.testing.memory_journal import MemoryJournal, PromptCommit
from bracketd.testing.tokens import TokenBook
from bracketd.venue.paper.faulty import FaultyExchange
from bracketd.wire.app import build_app

LEVERAGE: Final = 5
CASH_PAISE: Final = 1_000_000_000
START_NS: Final = day_start_ns("20260105") + 10 * 3_600 * 10**9
"""A Monday at ten in the morning in India: the clock starts there, every time."""

INSTRUMENTS: Final = load_instruments()


Side = tuple[Level, ...] | None


class House:
    """The parts of one broker, put together, and again after a restart.

    `session` is "always", or "nse" for the exchange's hours. `clients` have `cash_paise` each.
    """

    def __init__(self, clients: tuple[str, ...], cash_paise: int, session: str) -> None:
        if session not in ("always", "nse"):
            raise ValueError(f"a session is always or nse, not {session!r}")
        self.clients = clients
        self.tokens = TokenBook()
        self.clock = VirtualClock(START_NS)
        self.instruments = INSTRUMENTS
        self._cash_paise = cash_paise
        self._sessions: Sessions = AlwaysOpen() if session == "always" else SessionTable.load()
        self._journal = MemoryJournal()
        self._staff(State())

    def restart(self) -> None:
        """Lose everything but what is in the journal; faults that were planned are kept, as the world outside is."""
        plan = self.sandbox.plan
        self.desk.fail("restarted by the test")
        self._staff(replay(self._journal.records()))
        self.sandbox.set_plan(plan.rules, plan.seed)

    def instrument(self, name: str) -> Instrument:
        """An instrument by its symbol or by "NSE:3045". Raises ValueError."""
        found = self.instruments.get(name) or self.instruments.by_symbol(name)
        if found is None:
            raise ValueError(f"no instrument is called {name}")
        return found

    def print_at(
        self, instrument: Instrument, price_paise: int, quantity: int, bids: Side = None, asks: Side = None
    ) -> None:
        """A print; a side of the depth that is None is stood for by it. Raises ValueError for what cannot be."""
        tick = Tick(instrument.key, price_paise, quantity, bids, asks)
        fault = tick_fault(tick, instrument)
        if fault is not None:
            raise ValueError(f"a print of {instrument.symbol} at {price_paise} paise for {quantity}: {fault} is wrong")
        self.desk.take_tick(tick)

    def token_client(self, token: str) -> str:
        """Whose token it is, "" for nobody's."""
        try:
            return self.tokens.admit(token, self.clock.now_ns()).client_id
        except Unauthorised:
            return ""

    # --- what the steps of a script look at

    def last_entry(self) -> Order | None:
        """The entry that was placed last and still works."""
        entries = [row for row in self.desk.state.orders.values() if row.leg is Leg.ENTRY and not row.terminal]
        return entries[-1] if entries else None

    def last_leg(self, leg: Leg) -> Order | None:
        """The leg of that kind that was made last and still works."""
        legs = [row for row in self.desk.state.orders.values() if row.leg is leg and not row.terminal]
        return legs[-1] if legs else None

    def running(self, client_id: str, name: str) -> list[int]:
        """What the client held of an instrument after each of its fills, by the exchange's own count."""
        state, key = self.desk.state, self.instrument(name).key
        held, line = 0, [0]
        for trade in state.trades.values():
            order = state.orders[trade.order_id]
            if order.client_id == client_id and order.instrument == key:
                held += trade.quantity if order.side == "BUY" else -trade.quantity
                line.append(held)
        return line

    def open_price(self, order: Order) -> int:
        """The price at which a print reaches an order, in paise: its limit, its trigger, or the last print."""
        last_paise = self.desk.quote(order.instrument)[0] or self.instruments[order.instrument].base_price_paise
        return order.price_paise or order.trigger_paise or last_paise

    def _staff(self, state: State) -> None:
        paper = resume_paper(state, self.instruments)
        exchange = FaultyExchange(paper, tuple(state.orders.values()), partial(request_due_ns, state))
        self.desk = Desk(
            state=state,
            venue=exchange,
            instruments=self.instruments,
            commit=PromptCommit(self._journal),
            clock=self.clock,
            sessions=self._sessions,
            account_terms=lambda client: (self._cash_paise, LEVERAGE) if client in self.clients else None,
            venue_wait_s=VENUE_WAIT_S,
        )
        self.sandbox = Sandbox(self.desk, exchange, self.clock)
        self.app = build_app(self.desk, self.tokens, sandbox=self.sandbox)


def paise(price: object) -> int:
    """Paise of a price in rupees. Raises TypeError for what is inexact or no price, ValueError for what is none."""
    if isinstance(price, float | bool):
        raise TypeError(f"a price is a Decimal, an int or a str such as '456.95', not a {type(price).__name__}")
    return parse_rupees(str(price))
