"""A trading floor without disk or sockets: the real engine, the real paper exchange, and a clock that tests move."""

from bracketd.domain.commands import CancelOrder, Command, ModifyOrder, OpenAccount, PlaceBracket
from bracketd.domain.events import AnyEvent, decode_step, encode_step
from bracketd.domain.instrument import Instrument, Level, Tick, band_around
from bracketd.domain.order import Execution, Order, OrderType, Product, Side, Validity
from bracketd.domain.outcomes import Outcome, Placed
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancelling import outcome_of
from bracketd.engine.deciding import decide, judged_by
from bracketd.engine.evolve import evolve
from bracketd.engine.invariants import check_state
from bracketd.engine.moment import Moment
from bracketd.engine.state import State, encode_state
from bracketd.runtime.pressing import Pressing
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sightings import Sightings
from bracketd.runtime.step import Step

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


class Floor:
    """One engine and one paper exchange. Every step goes through its encoding, as it would through the journal."""

    def __init__(self, *clients: str, cash_paise: int = 10**11) -> None:
        self.state = State()
        self.venue = resume_paper(self.state, INSTRUMENTS)
        self.sightings = Sightings(self.venue)
        self.pressing = Pressing(self.state)
        self.now_ns = START_NS
        self.phase = SessionPhase.OPEN
        self.steps: list[bytes] = []
        for client in clients or ("A",):
            self.command(OpenAccount(client, cash_paise, 5))

    def command(self, command: Command) -> Outcome:
        """Carry out one command."""
        self.now_ns += 1_000_000
        instrument = judged_by(self.state, command)
        printed = self.venue.shown(instrument)[0] if instrument in INSTRUMENTS else 0
        decision = decide(self.state, command, INSTRUMENTS, Moment(self.now_ns, self.phase, printed))
        step = self._step()
        if decision.events and instrument:
            step.see(instrument)
        for event in decision.events:
            step.apply(event)
        self._keep(step)
        outcome = decision.outcome
        if outcome is None:
            assert decision.ticket is not None
            outcome = outcome_of(self.state, decision.ticket)
        assert outcome is not None
        return outcome

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
        names = {
            "price": "price_paise",
            "trigger": "trigger_paise",
            "t": "target_offset_paise",
            "s": "stop_offset_paise",
            "step": "trailing_step_paise",
        }
        told = {names[name]: paise(float(str(fields.pop(name)))) for name in names if name in fields}
        return self.command(ModifyOrder(client_id=client, ids=(order_id,), **told, **fields))  # type: ignore[arg-type]

    def tick(
        self,
        price: float,
        quantity: int = 1_000,
        bids: tuple[Level, ...] | None = None,
        asks: tuple[Level, ...] | None = None,
    ) -> list[AnyEvent]:
        """One print (quantity 0: a quote) of SBIN; returns what it caused."""
        self.now_ns += 1_000_000
        step = self._step()
        step.tick(Tick(SBIN, paise(price), quantity, bids, asks))
        caused = list(step.events)
        step.see(SBIN)
        self._keep(step)
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

    def restart(self) -> None:
        """Lose everything but the recorded steps, as a crash does."""
        before = encode_state(self.state)
        self.state = self.replayed()
        assert encode_state(self.state) == before, "replay equals live"
        self.venue = resume_paper(self.state, INSTRUMENTS)
        self.sightings = Sightings(self.venue)
        self.pressing = Pressing(self.state)

    def _step(self) -> Step:
        return Step(self.state, self.venue, self.sightings, self.pressing, self.now_ns)

    def _keep(self, step: Step) -> None:
        step.finish()
        check_state(self.state)
        if step.events:
            self.steps.append(encode_step(step.events))


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
