"""A machine that looks for holes: every invariant of bracket.md section 8, after every step of any day it can think of.

Placing, cancelling, closing, modifying, ticks, a venue that delays, refuses, loses, repeats and mixes up, the clock,
the turns of the session, and crashes, in any order. Hypothesis shrinks what fails to the few steps that matter.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.stormy_floor import CLIENTS, MINUTE_NS, StormyFloor
from tests.trading_floor import INSTRUMENTS, SBIN

from bracketd.domain.commands import CancelOrder, ModifyOrder, PlaceBracket
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import Execution, Leg, OrderType, Product, Side, Validity
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point

CENTRE = INSTRUMENTS[SBIN].base_price_paise
TICK = 5
WORDS = (None, "ENTRY", "TARGET", "STOPLOSS")
EXAMPLES = int(os.environ.get("BRACKETD_MACHINE_EXAMPLES", "200"))
STEPS = 50
"""Days that the machine lives, and what happens on each; `make machine` gives it 5,000."""

pytestmark = pytest.mark.timeout(7_200)

prices = st.integers(-12, 12).map(lambda away: CENTRE + TICK * away)
clients = st.sampled_from(CLIENTS)
picks = st.integers(0, 999)


def depth(away: int, sizes: list[int] | None, sign: int) -> tuple[Level, ...] | None:
    """One side of the depth, best first; None is absent, an empty list nobody."""
    if sizes is None:
        return None
    return tuple(Level(CENTRE + TICK * (away + sign * step), size) for step, size in enumerate(sizes))


def sensible(rule_: FaultRule) -> bool:
    """Whether the plan would take the rule."""
    return not rule_.fault()


fault_rules = st.builds(
    FaultRule,
    on=st.sampled_from(list(Point)),
    action=st.sampled_from(list(Action)),
    delay_ms=st.sampled_from((300, 1_500, 2_500, 6_000)),
    probability=st.sampled_from((1.0, 0.5)),
    times=st.sampled_from((0, 1, 2)),
    leg=st.sampled_from((None, None, Leg.ENTRY, Leg.TARGET, Leg.STOPLOSS)),
).filter(sensible)


class Machine(RuleBasedStateMachine):
    """The floor in a storm, and what can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = StormyFloor()

    @initialize(rules=st.lists(fault_rules, max_size=3), seed=st.integers(0, 9))
    def begin(self, rules: list[FaultRule], seed: int) -> None:
        """Most days begin with something amiss."""
        self.floor.set_plan(FaultPlan(tuple(rules), seed))

    @rule(
        client=clients,
        buys=st.booleans(),
        order_type=st.sampled_from((OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.SL, OrderType.SLM)),
        price=prices,
        beyond=st.integers(1, 5),
        quantity=st.integers(1, 12),
        offsets=st.tuples(st.integers(TICK, 60), st.integers(TICK, 60)),
        step=st.sampled_from((0, 0, TICK, 12)),
        immediate=st.booleans(),
        execution=st.sampled_from((Execution.BO, Execution.BO, Execution.BO, *Execution)),
        product=st.sampled_from(Product),
    )
    def place(self, **drawn: Any) -> None:
        """A bracket or another order, mostly one that can be taken."""
        execution = drawn["execution"]
        buys, order_type, price = drawn["buys"], drawn["order_type"], drawn["price"]
        sign = 1 if buys else -1
        stops = order_type in (OrderType.SL, OrderType.SLM)
        last = self.floor.exchange.shown(SBIN)[0] or CENTRE
        trigger = last + sign * TICK * drawn["beyond"] if stops else 0
        self.floor.ask(
            PlaceBracket(
                client_id=drawn["client"],
                instrument=SBIN,
                side=Side.BUY if buys else Side.SELL,
                order_type=order_type,
                product=drawn["product"] if execution.single else Product.MIS,
                validity=Validity.IOC if drawn["immediate"] and not stops else Validity.DAY,
                quantity=drawn["quantity"],
                price_paise=trigger + sign * TICK if stops else price,
                trigger_paise=trigger,
                target_offset_paise=drawn["offsets"][0] if execution is Execution.BO else 0,
                stop_offset_paise=0 if execution.single else drawn["offsets"][1],
                trailing_step_paise=0 if execution.single else drawn["step"],
                execution=execution,
            )
        )

    @rule(
        away=st.integers(-14, 14),
        quantity=st.sampled_from((0, 1, 3, 8, 40)),
        bids=st.none() | st.lists(st.integers(1, 9), max_size=2),
        asks=st.none() | st.lists(st.integers(1, 9), max_size=2),
    )
    def tick(self, away: int, quantity: int, bids: list[int] | None, asks: list[int] | None) -> None:
        """A print or a quote, while the session trades."""
        floor = self.floor
        if floor.sessions.phase(floor.now_ns).trades:
            price = CENTRE + TICK * away
            floor.tick(Tick(SBIN, price, quantity, depth(away, bids, -1), depth(away, asks, 1)))

    @rule(pick=picks, word=st.sampled_from(WORDS), client=st.sampled_from((None, None, None, *CLIENTS)))
    def cancel(self, pick: int, word: str | None, client: str | None) -> None:
        """Cancel or exit by any id that is known, now and then another client's."""
        floor = self.floor
        rows = list(floor.state.orders.values())
        if rows:
            row = rows[-1 - pick % min(len(rows), 8)]
            floor.ask(CancelOrder(client_id=client or row.client_id, ids=(row.order_id,), leg=word))

    @rule(
        pick=picks,
        price=st.none() | prices,
        trigger=st.none() | prices,
        quantity=st.none() | st.integers(1, 14),
        offset=st.none() | st.integers(TICK, 60),
        step=st.sampled_from((0, 0, TICK, 30)),
    )
    def modify(self, pick: int, **drawn: Any) -> None:
        """Modify a working row by some of the fields that it has."""
        floor = self.floor
        rows = [row for row in floor.state.orders.values() if not row.terminal]
        if not rows:
            return
        row = rows[-1 - pick % min(len(rows), 8)]
        entry = row.leg is Leg.ENTRY
        floor.ask(
            ModifyOrder(
                client_id=row.client_id,
                ids=(row.order_id,),
                price_paise=(drawn["price"] or 0) if row.price_paise else 0,
                trigger_paise=(drawn["trigger"] or 0) if row.trigger_paise else 0,
                quantity=(drawn["quantity"] or 0) if entry else 0,
                stop_offset_paise=(drawn["offset"] or 0) if row.shown_leg is Leg.ENTRY else 0,
                trailing_step_paise=drawn["step"] if row.shown_leg in (Leg.ENTRY, Leg.STOPLOSS) else 0,
            )
        )

    @rule(rules=st.lists(fault_rules, max_size=4), seed=st.integers(0, 9))
    def faults(self, rules: list[FaultRule], seed: int) -> None:
        """Another plan, or none."""
        self.floor.set_plan(FaultPlan(tuple(rules), seed))

    @rule(span_ms=st.sampled_from((100, 400, 1_000, 2_000, 7_000)))
    def wait(self, span_ms: int) -> None:
        """A little time goes by."""
        self.floor.wait(span_ms * 1_000_000)

    @rule(early=st.booleans(), pick=st.integers(0, 9))
    def turn(self, early: bool, pick: int) -> None:
        """Now and then: the next turn of the session, or the minute before it."""
        floor = self.floor
        change = floor.sessions.next_change_ns(floor.now_ns)
        if pick < 4 and change is not None:
            floor.wait(max(0, change - floor.now_ns - (MINUTE_NS if early else 0)))

    @rule()
    def restart(self) -> None:
        """A crash."""
        self.floor.restart()

    @rule(hours=st.sampled_from((1, 7, 20, 90)), pick=st.integers(0, 9))
    def long_restart(self, hours: int, pick: int) -> None:
        """Now and then: a crash, and nobody starts it again for hours."""
        if pick < 2:
            self.floor.now_ns += hours * 60 * MINUTE_NS
            self.floor.restart()
            self.floor.do_due()

    @invariant()
    def everything_holds(self) -> None:
        """Section 8."""
        self.floor.check()

    def teardown(self) -> None:
        """Whatever happened, it can be brought to rest."""
        self.floor.come_to_rest()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
