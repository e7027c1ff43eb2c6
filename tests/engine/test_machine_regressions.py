"""What the machine has found, each shrunk to the few steps that matter and told in words."""

from tests.stormy_floor import StormyFloor
from tests.trading_floor import SBIN, bracket, paise

from bracketd.domain.commands import CancelOrder, ModifyOrder
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import Leg, Order, OrderType, Status
from bracketd.domain.outcomes import Cancelled, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.venue.paper.fault_plan import Action, FaultPlan, FaultRule, Point

MS = 1_000_000


class Story(StormyFloor):
    """A storm floor with the words that these stories need."""

    def place(self, **fields: object) -> str:
        """A bracket that is taken; returns its entry's id."""
        outcome = self.ask(bracket(**fields))  # type: ignore[arg-type]
        assert isinstance(outcome, Placed)
        return outcome.order_id

    def print(self, price: float, quantity: int, asks: int | None = None) -> None:
        """A print with nobody displayed, unless `asks` shares are offered at it."""
        offered = () if asks is None else (Level(paise(price), asks),)
        self.tick(Tick(SBIN, paise(price), quantity, (), offered))
        self.check()

    def wrong(self, on: Point, action: Action, **fields: object) -> None:
        """One rule of a plan."""
        self.set_plan(FaultPlan((FaultRule(on=on, action=action, **fields),)))  # type: ignore[arg-type]

    def legs(self, entry_id: str) -> tuple[Order, Order]:
        """(stop, target)."""
        row = self.state.bracket_of(entry_id)
        return self.state.orders[row.stop_id], self.state.orders[row.target_id]

    def close(self, entry_id: str) -> object:
        """Rule X."""
        return self.ask(CancelOrder(client_id="A", ids=(entry_id,), leg="STOPLOSS"))

    def modify(self, order_id: str, **fields: int) -> object:
        """New terms, in paise and shares."""
        return self.ask(ModifyOrder(client_id="A", ids=(order_id,), **fields))  # type: ignore[arg-type]


def test_a_closing_order_finds_its_bracket_closed() -> None:
    """A closing order under way, the stop triggers and fills: the late request closes nothing and breaks nothing."""
    floor = Story()
    entry = floor.place()
    floor.print(456.95, 10)
    floor.wrong(Point.CLOSE, Action.DELAY, delay_ms=1_500)
    assert floor.close(entry) is None
    floor.tick(Tick(SBIN, paise(455.0), 50, (Level(paise(455.0), 50),), ()))
    assert floor.state.open_quantity(floor.state.bracket_of(entry)) == 0
    floor.wait(2_000 * MS)
    floor.check()
    assert floor.answers[-1][1] == Cancelled(floor.legs(entry)[0].order_id)
    floor.come_to_rest()


def test_a_fill_may_be_the_first_that_is_heard_of_a_growth() -> None:
    """Made larger, the answer under way, and more filled than the engine thinks there is: booked, not complete yet."""
    floor = Story()
    entry = floor.place(quantity=5)
    floor.wrong(Point.MODIFY_ANSWER, Action.DELAY, delay_ms=1_500)
    assert floor.modify(entry, quantity=9) is None
    floor.print(456.90, 7)
    row = floor.state.orders[entry]
    assert (row.filled, row.status) == (7, Status.MODIFY_PENDING)
    floor.wait(2_000 * MS)
    floor.check()
    assert (row.filled, row.remaining, row.quantity) == (7, 2, 9)
    floor.come_to_rest()


def test_a_cancel_does_not_overtake_its_placement() -> None:
    """The placement under way and its cancel behind it: the cancel arrives second, and the order ends CANCELLED."""
    floor = Story()
    floor.wrong(Point.PLACE, Action.DELAY, delay_ms=1_500)
    entry = floor.place()
    assert floor.ask(CancelOrder(client_id="A", ids=(entry,))) is None
    floor.wait(1_600 * MS)
    floor.check()
    assert floor.state.orders[entry].status is Status.CANCELLED
    assert floor.answers[-1][1] == Cancelled(entry)
    floor.come_to_rest()


def test_an_exit_is_no_success_while_the_entry_cannot_be_cancelled() -> None:
    """The stop has triggered, the venue keeps the entry's remainder: an exit is VENUE_REFUSED, not success."""
    floor = Story()
    entry = floor.place()
    floor.print(456.95, 4)
    floor.wrong(Point.CANCEL, Action.REFUSE, leg=Leg.ENTRY)
    floor.print(455.0, 1)
    assert floor.legs(entry)[0].triggered
    outcome = floor.close(entry)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.VENUE_REFUSED
    floor.come_to_rest()


def test_a_crash_after_a_growth_overtook_the_word_of_a_new_price() -> None:
    """A modified target grew and was re-based before the word of the modify came: a crash brings that price back."""
    floor = Story()
    entry = floor.place()
    floor.print(456.95, 4)
    floor.wrong(Point.MODIFY_ANSWER, Action.DELAY, delay_ms=1_500, times=1)
    target = floor.legs(entry)[1]
    assert floor.modify(target.order_id, price_paise=paise(460.0)) is None
    floor.print(456.95, 4)
    floor.restart()
    floor.wait(2_000 * MS)
    floor.check()
    assert floor.legs(entry)[1].price_paise == paise(460.0)
    floor.restart()
    floor.come_to_rest()


def test_a_late_word_of_a_refusal_after_the_closing_order() -> None:
    """An exit made a closing order before the word of the refused stop came: that word changes nothing any more."""
    floor = Story()
    entry = floor.place()
    floor.set_plan(
        FaultPlan(
            (
                FaultRule(on=Point.LEG, action=Action.REFUSE, leg=Leg.STOPLOSS),
                FaultRule(on=Point.ACKNOWLEDGEMENT, action=Action.DELAY, delay_ms=1_500, leg=Leg.STOPLOSS, times=1),
            )
        )
    )
    floor.print(456.95, 10)
    assert isinstance(floor.close(entry), Cancelled)
    floor.restart()
    floor.wait(2_000 * MS)
    floor.check()
    stop = floor.legs(entry)[0]
    assert (stop.status, stop.order_type, stop.info) == (Status.CONFIRMED, OrderType.MARKET, "CLOSING")
    floor.come_to_rest()


def test_the_entry_fills_while_a_closing_order_for_a_refused_stop_is_under_way() -> None:
    """The growth waits for the answer and is then added to the closing order: no share is left, none closes twice."""
    floor = Story()
    entry = floor.place()
    floor.set_plan(
        FaultPlan(
            (
                FaultRule(on=Point.LEG, action=Action.REFUSE, leg=Leg.STOPLOSS),
                FaultRule(on=Point.CLOSE, action=Action.DELAY, delay_ms=1_500),
                FaultRule(on=Point.CANCEL, action=Action.REFUSE, leg=Leg.ENTRY),
            )
        )
    )
    floor.print(456.95, 4)
    floor.print(456.90, 3)
    floor.wait(1_600 * MS)
    floor.check()
    stop = floor.legs(entry)[0]
    assert (stop.quantity, stop.remaining, stop.info) == (7, 7, "CLOSING")
    floor.come_to_rest()


def test_a_spent_stop_that_trails_stays_out_of_the_book() -> None:
    """The target has sold all, its fill is under way, a print trails the stop: a crash finds the same empty book."""
    floor = Story()
    entry = floor.place(step=0.05)
    floor.print(456.95, 4)
    floor.wrong(Point.FILL, Action.DELAY, delay_ms=1_500)
    floor.print(459.0, 4)
    floor.print(459.5, 1)
    floor.restart()
    floor.wait(2_000 * MS)
    floor.check()
    assert floor.state.open_quantity(floor.state.bracket_of(entry)) == 0
    floor.come_to_rest()


def test_the_acknowledgement_of_a_leg_comes_after_its_growth() -> None:
    """A place in time that a target lost by growing is not given back by a late acknowledgement."""
    floor = Story()
    entry = floor.place()
    floor.wrong(Point.ACKNOWLEDGEMENT, Action.DELAY, delay_ms=1_500, leg=Leg.TARGET)
    floor.print(456.95, 4)
    floor.print(456.95, 4)
    grown = floor.legs(entry)[1].priority
    floor.wait(2_000 * MS)
    assert floor.legs(entry)[1].priority == grown
    floor.restart()
    floor.come_to_rest()


def test_an_exit_of_what_a_session_left_open_succeeds_again() -> None:
    """Left open over night and exited by a rescue order before the first print: asked for again, success again."""
    floor = Story()
    entry = floor.place()
    floor.print(456.95, 10)
    for _ in range(20):
        if floor.state.stage.name == "ENDED":
            break
        # Nobody is there to sell to at square-off, so that all of it stays open.
        change = floor.sessions.next_change_ns(floor.now_ns)
        floor.wait(change - floor.now_ns)
        floor.check()
    assert floor.state.bracket_of(entry).unprotected
    floor._open_session()
    first, second = floor.close(entry), floor.close(entry)
    assert isinstance(first, Cancelled)
    assert first == second
    floor.come_to_rest()
