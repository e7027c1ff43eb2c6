"""A floor in a storm: engine, faulty exchange, session table, a clock that is moved, and an onlooker who judges.

No disk and no sockets: a step is kept as the bytes that the journal would get, and a restart makes everything anew from
them. The onlooker sees what the engine cannot: what really traded at the exchange, whoever has been told of it yet.
"""

from functools import partial
from typing import Any

from tests.exchange_image import dumped
from tests.trading_floor import INSTRUMENTS, SBIN

from bracketd.domain.commands import CancelOrder, Command, ModifyOrder, OpenAccount
from bracketd.domain.events import IntentKept, decode_step, encode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.ist import day_start_ns
from bracketd.domain.order import Leg, Product, Side, Status
from bracketd.domain.outcomes import Cancelled, Modified, Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.cancelling import Ticket, outcome_of
from bracketd.engine.deciding import decide, judged_by
from bracketd.engine.evolve import evolve
from bracketd.engine.moment import Moment
from bracketd.engine.stake import open_cost_paise
from bracketd.engine.state import State, encode_state
from bracketd.market.calendar import SessionTable
from bracketd.runtime.agenda import Agenda
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sightings import Sightings
from bracketd.runtime.step import Step, Work
from bracketd.runtime.venue_view import request_due_ns
from bracketd.simulation.onlooker import Onlooker
from bracketd.venue.paper.fault_plan import FaultPlan
from bracketd.venue.paper.faulty import FaultyExchange

CLIENTS = ("A", "B")
MINUTE_NS = 60_000_000_000
START_NS = day_start_ns("20261123") + (9 * 60 + 20) * MINUTE_NS
SESSIONS = SessionTable.load()
WAIT_NS = 2_000_000_000
CASH_PAISE = 10**11


class Asked:
    """A request whose answer is not known yet."""

    def __init__(self, command: Command, until_ns: int) -> None:
        self.command = command
        self.until_ns = until_ns
        self.ticket: Ticket | None = None
        self.kept = IntentKept(0, "", Leg.NONE)


class StormyFloor:
    """Requests, ticks, faults, time and crashes in any order; `check` judges after each."""

    def __init__(self, sessions: Any = SESSIONS, start_ns: int = START_NS) -> None:
        self.now_ns = start_ns
        self.sessions = sessions
        self.steps: list[bytes] = []
        self.asked: list[Asked] = []
        self.answers: list[tuple[Command, Outcome]] = []
        self.onlooker = Onlooker(INSTRUMENTS)
        self.plan = FaultPlan()
        self.state = State()
        self._staff()
        self.do_due()
        for client in CLIENTS:
            self.ask(OpenAccount(client, CASH_PAISE, 5))

    # What can happen

    def ask(self, command: Command) -> Outcome | None:
        """A request; None where its answer has to be waited for."""
        self.do_due()
        asked = Asked(command, self.now_ns + WAIT_NS)
        outcome = self._judge(asked)
        if outcome is None:
            self.asked.append(asked)
        self._hear_answers()
        return outcome

    def tick(self, tick: Tick) -> None:
        """One message of the feed, recorded as one pushed by hand is."""
        self.do_due()

        def work(step: Step) -> None:
            step.tick(tick)
            step.see(tick.instrument)

        self._run(work)
        self._hear_answers()

    def wait(self, span_ns: int) -> None:
        """Time goes by, with all that falls due in it."""
        to_ns = self.now_ns + span_ns
        while (due_ns := self.agenda.due_ns()) <= to_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.do_due()
        self.now_ns = to_ns
        self._hear_answers()

    def do_due(self) -> None:
        """What is due by now."""
        while (item := self.agenda.next(self.now_ns)) is not None:
            at_ns, work = item
            self._run(work, at_ns)

    def set_plan(self, plan: FaultPlan) -> None:
        """Other faults from now on."""
        self.plan = self.venue.plan = plan

    def restart(self) -> None:
        """Everything is lost but the recorded steps; what comes back is what was there."""
        image, state = dumped(self.exchange), encode_state(self.state)
        self.state = State()
        for body in self.steps:
            for event in decode_step(body):
                evolve(self.state, event)
        assert encode_state(self.state) == state, "replay equals live (25)"
        self._staff()
        assert dumped(self.exchange) == image, "the exchange after a crash is the one before it (20)"
        # Who had asked has lost his connection.
        self.asked.clear()

    # Inside

    def _staff(self) -> None:
        self.exchange = resume_paper(self.state, INSTRUMENTS)
        self.onlooker.overhear(self.exchange)
        known = tuple(self.state.orders.values())
        self.venue = FaultyExchange(self.exchange, known, partial(request_due_ns, self.state))
        self.venue.plan = self.plan
        self.sightings = Sightings(self.venue)
        self.pressing = Pressing(self.state)
        self.agenda = Agenda(self.state, self.pressing, self.sessions, self.now_ns)

    def _judge(self, asked: Asked) -> Outcome | None:
        command = asked.command
        instrument = judged_by(self.state, command)
        printed = self.venue.shown(instrument)[0] if instrument in INSTRUMENTS else 0
        before, others = encode_state(self.state), self._of_others(command)
        moment = Moment(self.now_ns, self.sessions.phase(self.now_ns), printed)
        decision = decide(self.state, command, INSTRUMENTS, moment)
        if decision.events:

            def work(step: Step) -> None:
                if instrument:
                    step.see(instrument)
                for event in decision.events:
                    step.apply(event)

            self._run(work)
        assert self._of_others(command) == others, "isolation (12)"
        outcome, asked.ticket = decision.outcome, decision.ticket
        asked.kept = IntentKept(0, decision.waits_for, decision.intends)
        if outcome is None and decision.ticket is not None:
            outcome = outcome_of(self.state, decision.ticket)
        if outcome is not None:
            if isinstance(outcome, Refused) and outcome.reason is not Reason.VENUE_REFUSED and decision.ticket is None:
                assert encode_state(self.state) == before, "a refusal changes nothing (9)"
            self._answered(command, outcome)
        return outcome

    def _hear_answers(self) -> None:
        """Ask again for what was waited for, until nothing moves any more; who has waited too long goes."""
        moved = True
        while moved:
            moved = False
            for asked in tuple(self.asked):
                outcome = outcome_of(self.state, asked.ticket) if asked.ticket is not None else self._judge(asked)
                if outcome is None and self.now_ns < asked.until_ns:
                    continue
                self.asked.remove(asked)
                moved = True
                if outcome is not None and asked.ticket is not None:
                    self._answered(asked.command, outcome)
                elif outcome is None and asked.ticket is None:
                    self._keep(asked.kept)

    def _keep(self, kept: IntentKept) -> None:
        """What nobody waits for any more is kept, and done once it can be judged (section 4)."""
        if kept.leg is not Leg.NONE and kept.basket_id in self.state.brackets:
            self._run(lambda step: step.apply(IntentKept(self.now_ns, kept.basket_id, kept.leg)))

    def _run(self, work: Work, at_ns: int | None = None) -> None:
        step = Step(self.state, self.venue, self.sightings, self.pressing, self.now_ns if at_ns is None else at_ns)
        self.onlooker.makers.update(self.state.orders)
        work(step)
        step.finish()
        if step.events:
            self.steps.append(encode_step(step.events))

    # What the onlooker judges

    def _answered(self, command: Command, outcome: Outcome) -> None:
        self.answers.append((command, outcome))
        if isinstance(outcome, Cancelled) and isinstance(command, CancelOrder):
            self.onlooker.check_success(self.state, outcome)
            if self.ready_to_repeat(outcome):
                self._judge_repeat(command, outcome)
        if isinstance(outcome, Modified) and isinstance(command, ModifyOrder):
            assert outcome.order_id in self.state.orders

    def ready_to_repeat(self, outcome: Cancelled) -> bool:
        """Whether the same cancel would be judged at once: nothing of the bracket is in flight."""
        rows = self.state.rows_of(self.state.bracket_of(outcome.order_id))
        return not any(row.status in (Status.CANCEL_PENDING, Status.MODIFY_PENDING) for row in rows)

    def _judge_repeat(self, command: CancelOrder, outcome: Cancelled) -> None:
        before = encode_state(self.state)
        moment = Moment(self.now_ns, self.sessions.phase(self.now_ns))
        again = decide(self.state, command, INSTRUMENTS, moment)
        assert again.outcome == outcome, "an earlier success asked again succeeds (10)"
        assert not again.events, "cancel twice is cancel once (10)"
        assert encode_state(self.state) == before

    def _of_others(self, command: Command) -> list[str]:
        state, client = self.state, command.client_id
        orders = [repr(order) for order in state.orders.values() if order.client_id != client]
        return [*orders, *(repr(account) for key, account in state.accounts.items() if key != client)]

    def check(self) -> None:
        """Everything that holds after every step."""
        self.onlooker.check(self.state, self.exchange)
        if self.state.stage.name == "ENDED":
            assert not self.asked or all(each.ticket is None for each in self.asked)

    # The end

    def come_to_rest(self) -> None:
        """Liveness (24): with a responsive venue and prints that carry quantity, everything asked to end ends."""
        self.set_plan(FaultPlan())
        self._open_session()
        self.wait(8_000_000_000)
        self.check()
        self._print()
        self.wait(2_000_000_000)
        assert not self.state.post, "every letter arrives"
        assert all(each.intended is Leg.NONE for each in self.state.brackets.values()), "what was kept is done"
        for row in self.state.orders.values():
            assert row.status not in (Status.CANCEL_PENDING, Status.MODIFY_PENDING), "nothing stays half asked (24)"
        for bracket in self.state.brackets.values():
            assert not bracket.unprotected, "what was refused is tried again until it is taken (2.8)"
        for bracket in tuple(self.state.brackets.values()):
            client = bracket.client_id
            self.ask(CancelOrder(client_id=client, ids=(bracket.entry_id,)))
            if self.state.open_quantity(bracket):
                self.ask(CancelOrder(client_id=client, ids=(bracket.entry_id,), leg="STOPLOSS"))
            self.check()
        self._print()
        self.check()
        assert not self.asked, "every request has its answer"
        for bracket in self.state.brackets.values():
            assert self.state.open_quantity(bracket) == 0, "everything closes (24)"
            assert not bracket.unprotected
        assert all(row.terminal for row in self.state.orders.values())
        self._check_money()
        assert not self.exchange._work
        assert not self.exchange._pairs
        for order_id, quantity in self.onlooker.traded.items():
            if order_id in self.state.orders:
                assert self.state.orders[order_id].filled == quantity, "every trade is booked in the end (5)"

    def _check_money(self) -> None:
        """What is left is what orders by themselves hold, and all money that came in or went out is accounted for."""
        held: dict[str, int] = {}
        worth = dict.fromkeys(CLIENTS, CASH_PAISE)
        for order_id, quantity in self.onlooker.traded.items():
            order = self.onlooker.makers[order_id]
            sign = 1 if order.side is Side.BUY else -1
            worth[order.client_id] -= sign * self.onlooker.flows[order_id]
            if order.execution.single:
                held[order.position_key] = held.get(order.position_key, 0) + sign * quantity
        assert {key: net for key, net in held.items() if net} == {
            key: stake.total.net for key, stake in self.state.stakes.items() if stake.total.net
        }, "what was traded is held, overnight too (5)"
        assert all(net >= 0 for key, net in held.items() if key.endswith(Product.CNC)), "what is not held is not sold"
        for key, position in self.state.positions.items():
            assert position.net == held.get(key, 0), "brackets leave no position (5)"
        for client, account in self.state.accounts.items():
            stakes = [stake for key, stake in self.state.stakes.items() if key.startswith(f"{client} ")]
            for stake in stakes:
                cost = open_cost_paise(stake.total)
                worth[client] += cost if stake.total.net > 0 else -cost
            assert account.cash_paise + account.realised_paise == worth[client], "cash is the sum of trades (5)"
            assert account.blocked_paise == sum(stake.blocked_paise for stake in stakes), "nothing else is bound (21)"

    def _open_session(self) -> None:
        for _ in range(40):
            phase = self.sessions.phase(self.now_ns)
            if phase.trades and self.state.stage.name == "TRADING":
                return
            change = self.sessions.next_change_ns(self.now_ns)
            self.wait(change - self.now_ns)

    def _print(self) -> None:
        shown = self.exchange.shown(SBIN)[0] or INSTRUMENTS[SBIN].base_price_paise
        for _ in range(2):
            self.tick(Tick(SBIN, shown, 10**6))
