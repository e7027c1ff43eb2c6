"""A trading floor without disk or sockets: the real engine, the real paper exchange, and a clock that tests move."""

from functools import partial

from bracketd.domain.bracket import Bracket
from bracketd.domain.commands import CancelOrder, Command, ModifyOrder, OpenAccount, PlaceBracket
from bracketd.domain.events import AnyEvent, IntentKept, decode_step, encode_step
from bracketd.domain.instructions import Filled, Report
from bracketd.domain.instrument import Instrument, Level, Tick, band_around
from bracketd.domain.ist import day_start_ns
from bracketd.domain.order import Execution, Leg, Order, OrderType, Product, Side, Validity
from bracketd.domain.outcomes import Outcome, Placed, Unknown
from bracketd.domain.session import SessionPhase, Stage, TradingDay
from bracketd.engine.cancelling import Ticket, outcome_of
from bracketd.engine.deciding import decide, judged_by
from bracketd.engine.evolve import evolve
from bracketd.engine.invariants import check_state
from bracketd.engine.moment import Moment
from bracketd.engine.state import State, encode_state
from bracketd.runtime.agenda import Agenda
from bracketd.runtime.desk import VENUE_WAIT_S, SessionsOfDay
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sightings import Sightings
from bracketd.runtime.step import Step
from bracketd.runtime.venue_view import request_due_ns
from bracketd.venue.paper.fault_plan import FaultPlan, FaultRule
from bracketd.venue.paper.faulty import FaultyExchange

START_NS = 1_790_000_000_000_000_000
SBIN = "NSE:3045"
LOWER, UPPER = band_around(45_695, 20, 5)
INSTRUMENTS = {
    SBIN: Instrument(
        exchange="NSE",
        token=3045,
        symbol="SBIN",
        series="EQ",
        company="State Bank of India",
        isin="INE062A01020",
        tick_paise=5,
        lot=1,
        base_price_paise=45_695,
        lower_band_paise=LOWER,
        upper_band_paise=UPPER,
        freeze_quantity=100_000,
    )
}


def levels(*pairs: tuple[float, int]) -> tuple[Level, ...]:
    """Depth from (rupees, quantity) pairs."""
    return tuple(Level(paise(price), quantity) for price, quantity in pairs)


def paise(rupees: float) -> int:
    """Paise of a price that a test writes in rupees."""
    return round(rupees * 100)


class Timeless:
    """A session table without days: it is always open, and nothing ever turns."""

    def phase(self, now_ns: int) -> SessionPhase:
        """OPEN at every moment."""
        return SessionPhase.OPEN

    def trading_day(self, now_ns: int) -> TradingDay:
        """The day of a state that has none."""
        return TradingDay("", Stage.TRADING, ends=False)

    def next_change_ns(self, now_ns: int) -> int | None:
        """None: nothing changes."""
        return None


class Asked:
    """A request that may have to wait for the venue; `outcome` is None until it is known."""

    def __init__(self, command: Command, until_ns: int) -> None:
        self.command = command
        self.until_ns = until_ns
        self.ticket: Ticket | None = None
        self.waits_for = ""
        self.named_id = ""
        self.intends = Leg.NONE
        self.outcome: Outcome | None = None


class Floor:
    """One engine and one paper exchange. Every step goes through its encoding, as it would through the journal.

    `venue` is the exchange itself, which tests may look into; the engine speaks with `front`, the fault plan before it.
    Without `sessions` there are no days, and `phase` is what a test sets it to.
    """

    def __init__(
        self,
        *clients: str,
        cash_paise: int = 10**11,
        sessions: SessionsOfDay | None = None,
        start: str = "",
    ) -> None:
        self.sessions: SessionsOfDay = sessions or Timeless()
        self.state = State()
        self.plan = FaultPlan()
        self.now_ns = moment_ns(start) if start else START_NS
        self._phase: SessionPhase | None = None
        self.steps: list[bytes] = []
        self.waiting: list[Asked] = []
        self._moved: dict[str, None] = {}
        self._staff()
        self._do_due()
        for client in clients or ("A",):
            self.command(OpenAccount(client, cash_paise, 5))

    @property
    def phase(self) -> SessionPhase:
        """What the market does: what a test set it to, or what the session table says."""
        return self._phase or self.sessions.phase(self.now_ns)

    @phase.setter
    def phase(self, phase: SessionPhase) -> None:
        self._phase = phase

    # Faults, time and crashes

    def faults(self, *rules: FaultRule, seed: int = 0) -> None:
        """From now on these go wrong; without rules nothing does."""
        assert not [rule.fault() for rule in rules if rule.fault()], "a rule that makes sense"
        self.plan = self.front.plan = FaultPlan(rules, seed)

    def wait(self, seconds: float) -> None:
        """Time goes by, and what falls due in it happens at its moment."""
        self._pass_time(self.now_ns + round(seconds * 1e9))

    def until(self, moment: str) -> None:
        """Time goes by until a moment in India, written "20261123 15:20" or with seconds."""
        to_ns = moment_ns(moment)
        assert to_ns >= self.now_ns, "time goes one way"
        self._pass_time(to_ns)

    def restart(self) -> None:
        """Lose everything but the recorded steps, as a crash does. Who had asked has lost his connection."""
        from tests.exchange_image import dumped

        before, image, plan = encode_state(self.state), dumped(self.venue), self.plan
        self.state = self.replayed()
        assert encode_state(self.state) == before, "replay equals live"
        self.waiting.clear()
        self._staff()
        self.front.plan = plan
        assert dumped(self.venue) == image, "the exchange after a crash is the exchange before it"
        self._do_due()

    # Requests

    def ask(self, command: Command) -> Asked:
        """A request; it waits for the venue where it has to, until it has waited as long as the desk lets it."""
        self.now_ns += 1_000_000
        self._do_due()
        asked = Asked(command, self.now_ns + round(VENUE_WAIT_S * 1e9))
        self._judge(asked)
        if asked.outcome is None:
            self.waiting.append(asked)
        self._wake()
        return asked

    def command(self, command: Command) -> Outcome:
        """A request of one who does not wait: Unknown where the venue has not answered at once."""
        asked = self.ask(command)
        return Unknown(asked.named_id) if asked.outcome is None else asked.outcome

    def answer(self, asked: Asked) -> Outcome | None:
        """What a request has come to by now, None while it waits."""
        return asked.outcome

    def ask_cancel(self, order_id: str, leg: str | None = None, client: str = "A") -> Asked:
        """As `cancel`, by one who waits."""
        return self.ask(CancelOrder(client_id=client, ids=(order_id,), leg=leg))

    def place(self, client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> str:
        """Place a bracket that must be taken; returns its entry's id. Prices in rupees: price, trigger, t, s."""
        outcome = self.command(bracket(client, side, quantity, **fields))
        assert isinstance(outcome, Placed), outcome
        return outcome.order_id

    def regular(self, client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> str:
        """Place an order by itself that must be taken; returns its id. CNC at 456.95 unless said otherwise."""
        outcome = self.command(regular(client, side, quantity, **fields))
        assert isinstance(outcome, Placed), outcome
        return outcome.order_id

    def cover(self, client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> str:
        """Place a cover order that must be taken; returns its entry's id."""
        outcome = self.command(cover(client, side, quantity, **fields))
        assert isinstance(outcome, Placed), outcome
        return outcome.order_id

    def cancel(self, order_id: str, leg: str | None = None, client: str = "A", **fields: object) -> Outcome:
        """Cancel, by the entry's id or a leg's."""
        return self.command(CancelOrder(client_id=client, ids=(order_id,), leg=leg, **fields))  # type: ignore[arg-type]

    def modify(self, order_id: str, client: str = "A", **fields: object) -> Outcome:
        """Modify, by the entry's id or a leg's. Prices in rupees: price, trigger, t, s, step."""
        return self.command(modification(order_id, client, **fields))

    def ask_modify(self, order_id: str, client: str = "A", **fields: object) -> Asked:
        """As `modify`, by one who waits."""
        return self.ask(modification(order_id, client, **fields))

    def tick(
        self,
        price: float,
        quantity: int = 1_000,
        bids: tuple[Level, ...] | None = None,
        asks: tuple[Level, ...] | None = None,
    ) -> list[AnyEvent]:
        """One print (quantity 0: a quote) of SBIN; returns what it caused."""
        self.now_ns += 1_000_000
        self._do_due()
        step = self._step()
        step.tick(Tick(SBIN, paise(price), quantity, bids, asks))
        caused = list(step.events)
        step.see(SBIN)
        self._keep(step)
        self._wake()
        return caused

    def rows(self, entry_id: str) -> tuple[Order, Order | None, Order | None]:
        """(entry, stop, target) of a bracket."""
        made = self.state.rows_of(self.state.bracket_of(entry_id))
        return made[0], *(made[1:] if len(made) == 3 else (None, None))

    def legs(self, entry_id: str) -> tuple[Order, Order]:
        """(stop, target) of a bracket that has them."""
        _, stop, target = self.rows(entry_id)
        assert stop is not None
        assert target is not None
        return stop, target

    def replayed(self) -> State:
        """The state that the recorded steps alone give."""
        state = State()
        for body in self.steps:
            for event in decode_step(body):
                evolve(state, event)
        return state

    def deliver(self, *reports: Report) -> list[AnyEvent]:
        """Reports out of the blue, as a venue of one's own might bring them; returns what they caused."""
        step = self._step()
        step.handle(reports)
        self._keep(step)
        self._wake()
        return list(step.events)

    def events(self) -> list[AnyEvent]:
        """Everything that happened since the floor opened."""
        return [event for body in self.steps for event in decode_step(body)]

    # Inside

    def _staff(self) -> None:
        self.venue = resume_paper(self.state, INSTRUMENTS)
        self.front = FaultyExchange(self.venue, tuple(self.state.orders.values()), partial(request_due_ns, self.state))
        self.sightings = Sightings(self.front)
        self.pressing = Pressing(self.state)
        self.agenda = Agenda(self.state, self.pressing, self.sessions, self.now_ns)

    def _judge(self, asked: Asked) -> None:
        instrument = judged_by(self.state, asked.command)
        printed = self.venue.shown(instrument)[0] if instrument in INSTRUMENTS else 0
        decision = decide(self.state, asked.command, INSTRUMENTS, Moment(self.now_ns, self.phase, printed))
        step = self._step()
        if decision.events and instrument:
            step.see(instrument)
        for event in decision.events:
            step.apply(event)
        self._keep(step)
        asked.outcome, asked.ticket, asked.waits_for = decision.outcome, decision.ticket, decision.waits_for
        asked.named_id, asked.intends = decision.named_id, decision.intends
        if asked.outcome is None and asked.ticket is not None:
            asked.waits_for = asked.ticket.basket_id
            asked.outcome = outcome_of(self.state, asked.ticket)

    def _wake(self) -> None:
        """Whoever waits for a bracket that moved hears his outcome or is judged anew."""
        while self._moved:
            moved, self._moved = self._moved, {}
            for asked in [each for each in self.waiting if each.waits_for in moved]:
                if asked.ticket is not None:
                    asked.outcome = outcome_of(self.state, asked.ticket)
                else:
                    self._judge(asked)
                if asked.outcome is not None:
                    self.waiting.remove(asked)

    def _pass_time(self, to_ns: int) -> None:
        while (due_ns := self.agenda.due_ns()) <= to_ns:
            self._be_late(due_ns)
            self.now_ns = max(due_ns, self.now_ns)
            self._do_due()
        self._be_late(to_ns)
        self.now_ns = to_ns

    def _be_late(self, now_ns: int) -> None:
        """Whoever has waited as long as he may is told that the outcome is not known."""
        for asked in [each for each in self.waiting if each.until_ns < now_ns]:
            asked.outcome = Unknown(asked.named_id)
            self.waiting.remove(asked)
            if asked.intends is not Leg.NONE and asked.waits_for in self.state.brackets:
                step = self._step()
                step.apply(IntentKept(self.now_ns, asked.waits_for, asked.intends))
                self._keep(step)

    def _do_due(self) -> None:
        while (item := self.agenda.next(self.now_ns)) is not None:
            at_ns, work = item
            step = Step(self.state, self.front, self.sightings, self.pressing, at_ns)
            work(step)
            self._keep(step)
            self._wake()

    def _step(self) -> Step:
        return Step(self.state, self.front, self.sightings, self.pressing, self.now_ns)

    def _keep(self, step: Step) -> None:
        step.finish()
        check_state(self.state)
        if step.events:
            self.steps.append(encode_step(step.events))
            self._moved |= step.moved
        for bracket in self.state.brackets.values():
            self._judge_exits(bracket)

    def _judge_exits(self, bracket: Bracket) -> None:
        """Invariant 1 where the matching is: what can still close is never more than what is open in truth."""
        open_in_truth = self.state.open_quantity(bracket)
        for under_way in self.state.post.values():
            letter = under_way.letter
            if isinstance(letter, Filled) and not under_way.copy:
                order = self.state.orders[letter.order_id]
                if order.basket_id == bracket.basket_id:
                    open_in_truth += letter.quantity if order.leg is Leg.ENTRY else -letter.quantity
        pair = self.venue._pairs.get(bracket.basket_id)
        closing = pair.remaining if pair is not None and (pair.stop or pair.target) else 0
        rescues = [self.venue._work[each] for each in bracket.rescue_ids if each in self.venue._work]
        assert closing + sum(work.remaining for work in rescues) <= open_in_truth, "never more closed than open"


def moment_ns(text: str) -> int:
    """A moment in India, written "20261123 15:20" or with seconds, in unix nanoseconds."""
    date, _, time = text.partition(" ")
    hours, minutes, seconds = (*time.split(":"), "0")[:3]
    return day_start_ns(date) + (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 10**9


def modification(order_id: str, client: str = "A", **fields: object) -> ModifyOrder:
    """A modification. Prices in rupees: price, trigger, t, s, step."""
    names = {
        "price": "price_paise",
        "trigger": "trigger_paise",
        "t": "target_offset_paise",
        "s": "stop_offset_paise",
        "step": "trailing_step_paise",
    }
    told = {names[name]: paise(float(str(fields.pop(name)))) for name in names if name in fields}
    return ModifyOrder(client_id=client, ids=(order_id,), **told, **fields)  # type: ignore[arg-type]


def bracket(client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> PlaceBracket:
    """A bracket to place; unless said otherwise a LIMIT at 456.95 with target 2.00 and stop 1.00 away."""
    values = {"price": 456.95, "trigger": 0.0, "t": 2.0, "s": 1.0, "step": 0.0, "order_type": OrderType.LIMIT} | fields
    prices = {name: paise(float(str(values.pop(name)))) for name in ("price", "trigger", "t", "s", "step")}
    return PlaceBracket(
        client_id=client,
        instrument=str(values.pop("instrument", SBIN)),
        side=side,
        product=Product(str(values.pop("product", "MIS"))),
        validity=Validity(str(values.pop("validity", "DAY"))),
        quantity=quantity,
        price_paise=prices["price"],
        trigger_paise=prices["trigger"],
        target_offset_paise=prices["t"],
        stop_offset_paise=prices["s"],
        trailing_step_paise=prices["step"],
        **values,  # type: ignore[arg-type]
    )


def regular(client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> PlaceBracket:
    """An order by itself to place: CNC, REGULAR, and without offsets unless said otherwise."""
    values = {"execution": Execution.REGULAR, "product": "CNC", "t": 0.0, "s": 0.0} | fields
    return bracket(client, side, quantity, **values)


def cover(client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> PlaceBracket:
    """A cover order to place: a bracket without a target."""
    return bracket(client, side, quantity, **({"execution": Execution.CO, "t": 0.0} | fields))
