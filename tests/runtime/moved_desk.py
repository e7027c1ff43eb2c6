"""A desk whose clock a test moves, over a paper exchange that misbehaves as planned and a journal in memory."""

from functools import partial

from tests.runtime.test_desk import MemoryJournal
from tests.trading_floor import INSTRUMENTS, SBIN, START_NS, bracket, paise

from bracketd.domain.instrument import Tick
from bracketd.domain.outcomes import Placed
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease
from bracketd.market.calendar import AlwaysOpen, Sessions
from bracketd.runtime.clock import VirtualClock
from bracketd.runtime.desk import Desk
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.venue_view import request_due_ns
from bracketd.venue.paper.fault_plan import FaultRule
from bracketd.venue.paper.faulty import FaultyExchange

LONG_S = 3_600.0
"""A waiting time that only the virtual clock can bring to an end in a test."""


class MovedDesk(Desk):
    """The desk with all that belongs to it at hand; `bare` puts the honest exchange behind it."""

    def __init__(
        self,
        state: State | None = None,
        *,
        now_ns: int = START_NS,
        sessions: Sessions | None = None,
        wait_s: float = LONG_S,
        bare: bool = False,
    ) -> None:
        state = State() if state is None else state
        paper = resume_paper(state, INSTRUMENTS)
        self.exchange = FaultyExchange(paper, state.orders.values(), partial(request_due_ns, state))
        self.clock = VirtualClock(now_ns)
        self.journal = MemoryJournal()
        super().__init__(
            state=state,
            venue=paper if bare else self.exchange,
            instruments=INSTRUMENTS,
            commit=GroupCommit(self.journal, Lease("test", 1, 0)),
            clock=self.clock,
            sessions=sessions or AlwaysOpen(),
            account_terms=lambda client: (10**11, 5) if client == "A" else None,
            venue_wait_s=wait_s,
        )
        self.sandbox = Sandbox(self, self.exchange, self.clock)

    def plan(self, *rules: FaultRule) -> None:
        """These rules and no others."""
        self.sandbox.set_plan(rules, 7)

    async def place(self, quantity: int = 10, **fields: object) -> str:
        """Place a bracket that must be taken; returns its entry's id."""
        await self.ensure_account("A")
        outcome = await self.execute(bracket(quantity=quantity, **fields))
        assert isinstance(outcome, Placed), outcome
        return outcome.order_id

    async def tick(self, price: float, quantity: int = 1_000) -> None:
        """One print of SBIN with nobody who buys."""
        await self.push_tick(Tick(SBIN, paise(price), quantity, bids=()))
