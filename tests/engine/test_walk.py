"""Random walks over the trading floor: whatever two clients do, the invariants of bracket.md section 8 hold.

A walk is a list of numbers; each is the seed of one step, so that a failing walk shrinks by losing steps. The floor
itself checks every state and compares it with its replay at each restart; here is what only an onlooker can judge.
"""

from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.exchange_image import dumped
from tests.sided_floor import CENTRE_PAISE, SidedFloor, mirrored_paise
from tests.trading_floor import INSTRUMENTS, LOWER, SBIN, UPPER

from bracketd.domain.commands import CancelOrder, ModifyOrder, PlaceBracket
from bracketd.domain.events import TradeBooked, decode_step
from bracketd.domain.instrument import Level
from bracketd.domain.order import Execution, Leg, Order, OrderType, Product, Side, Status, Validity
from bracketd.domain.outcomes import Cancelled, Modified, NotFound, Outcome, Placed, Refused
from bracketd.engine.state import encode_state

WORDS = (None, None, "ENTRY", "TARGET", "STOPLOSS", "SECOND", "third", "nonsense")
CLIENTS = ("A", "B")
TICK = 5
_ENCODER = msgspec.msgpack.Encoder()
WALKS = st.lists(st.integers(0, 2**32), min_size=50, max_size=50)
NARROW = 500
"""So far from the centre, in paise, the default protection of 3 % binds on neither side."""


class Walk:
    """A floor, what was seen of it before the last step, and the steps that a seed can bring."""

    def __init__(self, side: Side = Side.BUY, *, reach: int = UPPER - CENTRE_PAISE, restarts: bool = True) -> None:
        self.floor = SidedFloor(side, *CLIENTS)
        self.reach = reach
        self.restarts = restarts
        self.last = CENTRE_PAISE
        self.outcomes: list[Outcome] = []
        self.rows: dict[str, Order] = {}
        self.shown = {Side.BUY: 0, Side.SELL: 0}
        self.taken: dict[tuple[str, Side], int] = {}
        self.seen_trades: set[str] = set()

    # Steps

    def step(self, seed: int) -> None:
        """One step, and everything that an onlooker can judge of it."""
        random = Random(seed)
        steps = (self.place, self.tick, self.cancel, self.modify, self.restart)
        random.choices(steps, (28, 38, 14, 16, 4))[0](random)
        self.judge_rows()

    def price(self, random: Random, ticks: int = 12) -> int:
        """A price some ticks around the last, inside the reach; now and then as far out as it goes."""
        if random.random() < 0.02:
            return CENTRE_PAISE + random.choice((-1, 1)) * (self.reach - self.reach % TICK)
        price = self.last + TICK * random.randint(-ticks, ticks)
        return max(CENTRE_PAISE - self.reach, min(CENTRE_PAISE + self.reach, price))

    def place(self, random: Random) -> None:
        """Some bracket, mostly one that can be taken; offsets need not be multiples of the tick."""
        floor = self.floor
        order_type = random.choice((OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.SL, OrderType.SLM))
        buys = random.random() < 0.5
        sign = 1 if buys else -1
        price, trigger = self.price(random), 0
        if order_type in (OrderType.SL, OrderType.SLM):
            trigger = self.last + sign * TICK * random.randint(0, 8)
            price = trigger + sign * TICK * random.randint(-1, 6)
        immediate = order_type in (OrderType.LIMIT, OrderType.MARKET) and random.random() < 0.2
        side = Side.BUY if buys else Side.SELL
        command = PlaceBracket(
            client_id=random.choice(CLIENTS),
            instrument=SBIN,
            side=side if floor.side is Side.BUY else side.opposite,
            order_type=order_type,
            product=Product.MIS,
            validity=Validity.IOC if immediate else Validity.DAY,
            quantity=random.randint(1, 12),
            price_paise=floor.paise(price),
            trigger_paise=floor.paise(trigger),
            target_offset_paise=random.randint(TICK, 90),
            stop_offset_paise=random.randint(TICK, 90),
            trailing_step_paise=random.choice((0, 0, 0, TICK, 12, 30)),
            protection_bp=random.choice((0, 0, 0, 20)) if self.reach > NARROW else 0,
        )
        if random.random() < 0.2:
            command = replace(command, execution=Execution.CO, target_offset_paise=0)
        others = self.of_others(command.client_id)
        before = encode_state(floor.state)
        outcome = floor.command(command)
        self.outcomes.append(outcome)
        assert self.of_others(command.client_id) == others
        if isinstance(outcome, Placed):
            self.judge_fills(0)
        else:
            assert encode_state(floor.state) == before, "a refusal leaves no trace"

    def tick(self, random: Random) -> None:
        """A print or a quote, with depth on both sides, on one, or on none."""
        price = self.price(random, 16)
        quantity = random.choice((0, 0, random.randint(1, 8), random.randint(1, 40)))
        bids, asks = (self.depth(random, price, sign) for sign in (-1, 1))
        self.taken.clear()
        for side, levels in ((Side.BUY, asks), (Side.SELL, bids)):
            self.shown[side] = quantity if levels is None else sum(level.quantity for level in levels)
        made = len(self.floor.state.trades)
        self.floor.tick(price / 100, quantity, bids, asks)
        if quantity:
            self.last = price
        if len(self.floor.state.trades) > made:
            self.judge_fills(quantity)

    def depth(self, random: Random, price: int, sign: int) -> tuple[Level, ...] | None:
        """One side of the depth, best first: absent, empty or up to three levels, a little inside the print too."""
        if random.random() < 0.4:
            return None
        best = price + sign * TICK * random.randint(-4, 3)
        levels = [Level(best + sign * TICK * away, random.randint(1, 9)) for away in sorted(random.sample(range(8), 3))]
        kept = [each for each in levels if abs(each.price_paise - CENTRE_PAISE) <= UPPER - CENTRE_PAISE]
        return tuple(kept[: random.randint(0, 3)])

    def cancel(self, random: Random) -> None:
        """Cancel by any id that was ever given, of either client, with any word; then once more."""
        floor = self.floor
        ids = [*floor.state.orders, *floor.state.brackets, *floor.state.exchange_ids]
        if not ids:
            return
        client, named, word = random.choice(CLIENTS), random.choice(ids), random.choice(WORDS)
        self.cancel_twice(CancelOrder(client_id=client, ids=(named,), leg=word))

    def modify(self, random: Random) -> None:
        """Modify any row by any field, mostly one that it can be modified by; then once more, which changes nothing."""
        floor = self.floor
        working = [row for row in floor.state.orders.values() if not row.terminal]
        if not working:
            return
        row = random.choice(working)
        draw = random.random
        command = ModifyOrder(
            client_id=row.client_id if draw() < 0.95 else random.choice(CLIENTS),
            ids=(row.order_id,),
            price_paise=floor.paise(self.price(random)) if draw() < 0.4 and row.price_paise else 0,
            trigger_paise=floor.paise(self.price(random)) if draw() < 0.4 and row.trigger_paise else 0,
            quantity=random.randint(1, 15) if draw() < 0.3 and row.leg is Leg.ENTRY else 0,
            target_offset_paise=random.randint(TICK, 90) if draw() < 0.2 and row.leg is Leg.ENTRY else 0,
            stop_offset_paise=random.randint(TICK, 90) if draw() < 0.2 and row.leg is Leg.ENTRY else 0,
            trailing_step_paise=random.choice((TICK, 12, 30)) if draw() < 0.15 and row.leg is not Leg.TARGET else 0,
        )
        before, others = encode_state(floor.state), self.of_others(command.client_id)
        outcome = floor.command(command)
        self.outcomes.append(outcome)
        self.judge_fills(0)
        assert self.of_others(command.client_id) == others, "isolation"
        if not isinstance(outcome, Modified):
            assert encode_state(floor.state) == before, "a refusal leaves no trace"
        elif not row.terminal and not row.at_market:
            after = encode_state(floor.state)
            assert isinstance(floor.command(command), Modified)
            assert encode_state(floor.state) == after

    def cancel_twice(self, command: CancelOrder) -> Outcome:
        """Cancel, judge what came of it, and cancel again, which must change nothing and answer the same."""
        floor = self.floor
        before, others = encode_state(floor.state), self.of_others(command.client_id)
        protection = self.protection()
        outcome = floor.command(command)
        self.outcomes.append(outcome)
        self.judge_fills(0)
        after = encode_state(floor.state)
        assert self.of_others(command.client_id) == others, "isolation"
        if isinstance(outcome, Cancelled):
            self.judge_success(command, outcome, protection)
        else:
            assert after == before, "a refusal changes nothing"
        assert floor.command(command) == outcome, "cancel twice is cancel once"
        assert encode_state(floor.state) == after
        return outcome

    def restart(self, random: Random) -> None:
        """A crash: the exchange after it is the exchange before it."""
        if self.restarts:
            before = dumped(self.floor.venue)
            self.floor.restart()
            assert dumped(self.floor.venue) == before

    # What an onlooker judges

    def of_others(self, client: str) -> list[bytes]:
        """Everything of the clients who did not ask."""
        state = self.floor.state
        orders = [_ENCODER.encode(order) for order in state.orders.values() if order.client_id != client]
        return [*orders, *(repr(state.accounts[other]).encode() for other in CLIENTS if other != client)]

    def protection(self) -> dict[str, int]:
        """For each bracket with legs how many shares its stop protects."""
        state = self.floor.state
        return {
            each.basket_id: state.orders[each.stop_id].remaining for each in state.brackets.values() if each.stop_id
        }

    def judge_success(self, command: CancelOrder, outcome: Cancelled, protection: dict[str, int]) -> None:
        """Section 1: what "cancelled" says of the bracket is so."""
        state = self.floor.state
        row = state.orders[outcome.order_id]
        bracket = state.brackets[row.basket_id]
        assert state.orders[bracket.entry_id].terminal
        if row.leg is Leg.ENTRY:
            assert protection.get(row.basket_id, 0) == self.protection().get(row.basket_id, 0)
            return
        stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
        open_quantity = state.open_quantity(bracket)
        assert target is None or target.terminal
        assert not open_quantity or (
            stop.at_market
            and stop.status in (Status.CONFIRMED, Status.MODIFY_CONFIRMED)
            and stop.remaining == open_quantity
        )

    def judge_fills(self, traded: int) -> None:
        """What one account got since the tick is no more than the tick offered it."""
        shared: dict[str, int] = {}
        if not self.floor.steps:
            return
        for event in decode_step(self.floor.steps[-1]):
            if not isinstance(event, TradeBooked) or event.trade_id in self.seen_trades:
                continue
            self.seen_trades.add(event.trade_id)
            order = self.floor.state.orders[event.order_id]
            written = order.side if self.floor.side is Side.BUY else order.side.opposite
            if event.aggressive:
                key = order.client_id, written
                self.taken[key] = self.taken.get(key, 0) + event.quantity
                assert self.taken[key] <= self.shown[written]
            else:
                shared[order.client_id] = shared.get(order.client_id, 0) + event.quantity
                assert shared[order.client_id] <= traded
            if order.price_paise and order.order_type in (OrderType.LIMIT, OrderType.SL) and order.leg is Leg.ENTRY:
                sign = 1 if order.side is Side.BUY else -1
                assert sign * (order.price_paise - event.price_paise) >= 0, "never beyond the limit"

    def judge_rows(self) -> None:
        """Every row against the same row one step ago, and by itself."""
        state, instrument = self.floor.state, INSTRUMENTS[SBIN]
        numbers = [row.exchange_order_id for row in state.orders.values()]
        assert len(set(numbers)) == len(numbers)
        for order_id, row in state.orders.items():
            for price in (row.price_paise, row.trigger_paise):
                assert price == 0 or (instrument.on_tick(price) and instrument.in_band(price))
            assert row.quantity == row.filled + row.remaining + row.cancelled
            old = self.rows.get(order_id)
            if old is not None and old != row:
                self.judge_change(old, row)
        for bracket in state.brackets.values():
            self.judge_bracket(bracket.basket_id)
        self.rows = {order_id: _copy(row) for order_id, row in state.orders.items()}

    def judge_change(self, old: Order, row: Order) -> None:
        """What may never change has not, and whoever looks can tell that something did."""
        assert not old.terminal, "terminal is terminal"
        assert row.filled >= old.filled
        assert row.exchange_order_id == old.exchange_order_id
        assert (row.side, row.leg, row.client_id, row.placed_ns) == (old.side, old.leg, old.client_id, old.placed_ns)
        assert float(row.activity_reference) > float(old.activity_reference)

    def judge_bracket(self, basket_id: str) -> None:
        """A decided exit leaves no entry to fill, and the venue can sell exactly what is open."""
        state = self.floor.state
        bracket = state.brackets[basket_id]
        pair = self.floor.venue._pairs.get(basket_id)
        open_quantity = state.open_quantity(bracket)
        assert (pair.remaining if pair is not None else 0) == open_quantity
        if bracket.stop_id:
            stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
            if stop.triggered or stop.filled or (target is not None and target.filled) or bracket.exit_accepted:
                assert state.orders[bracket.entry_id].terminal, "a bracket never re-enters after its own exit"

    def close_all(self) -> None:
        """Liveness: entries cancelled, exits asked for, and one print with quantity later nothing is left."""
        state = self.floor.state
        for bracket in state.brackets.values():
            self.cancel_twice(CancelOrder(client_id=bracket.client_id, ids=(bracket.entry_id,)))
            if bracket.stop_id:
                self.cancel_twice(CancelOrder(client_id=bracket.client_id, ids=(bracket.stop_id,)))
        self.floor.tick(self.last / 100, 10**6)
        assert all(row.terminal for row in state.orders.values())
        assert [self.floor.net(client) for client in CLIENTS] == [0, 0]
        assert [account.blocked_paise for account in state.accounts.values()] == [0, 0]
        assert not self.floor.venue._work
        assert not self.floor.venue._pairs


def _copy(row: Order) -> Order:
    return Order(**{name: getattr(row, name) for name in Order.__struct_fields__})


@settings(max_examples=220, deadline=None, suppress_health_check=list(HealthCheck))
@given(WALKS)
def test_the_invariants_hold_on_every_walk(seeds: list[int]) -> None:
    """Whatever is placed, cancelled, printed and crashed, every invariant holds after every step, and all can close."""
    walk = Walk()
    for seed in seeds:
        walk.step(seed)
    walk.close_all()
    walk.restart(Random(0))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(WALKS)
def test_long_equals_short(seeds: list[int]) -> None:
    """The same walk with sides and prices mirrored about the base price has mirrored outcomes (26)."""
    long, short = (Walk(side, reach=NARROW, restarts=False) for side in (Side.BUY, Side.SELL))
    for seed in seeds:
        long.step(seed)
        short.step(seed)
        assert long.outcomes == short.outcomes
        assert rows_as_told(long.floor) == rows_as_told(short.floor)
    assert trades_as_told(long.floor) == trades_as_told(short.floor)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(WALKS)
def test_a_crash_at_any_point_changes_nothing_after_it(seeds: list[int]) -> None:
    """The same walk with a restart after every step ends in the same state, byte for byte (20, 25)."""
    calm, crashing = Walk(restarts=False), Walk(restarts=False)
    for seed in seeds:
        calm.step(seed)
        crashing.step(seed)
        crashing.floor.restart()
    assert encode_state(calm.floor.state) == encode_state(crashing.floor.state)
    assert calm.outcomes == crashing.outcomes


def rows_as_told(floor: SidedFloor) -> list[tuple[object, ...]]:
    """The rows in the walk's own terms."""
    return [
        (
            *(row.order_id, row.leg, row.order_type, row.status, row.quantity, row.filled, row.remaining, row.info),
            *(row.exchange_order_id, row.triggered, floor.paise(row.price_paise), floor.paise(row.trigger_paise)),
            row.priority,
        )
        for row in floor.state.orders.values()
    ]


def trades_as_told(floor: SidedFloor) -> list[tuple[object, ...]]:
    """The trades in the walk's own terms."""
    return [
        (trade.trade_id, trade.order_id, floor.paise(trade.price_paise), trade.quantity)
        for trade in floor.state.trades.values()
    ]


def test_the_band_is_its_own_mirror_image() -> None:
    """The mirror that these tests are held to is one: SBIN's band is symmetric about its base price."""
    assert mirrored_paise(LOWER) == UPPER
    assert INSTRUMENTS[SBIN].base_price_paise == CENTRE_PAISE


def test_a_walk_meets_what_it_is_meant_to_meet() -> None:
    """The walks are worth something: among them every status, answer and way of closing occurs."""
    statuses, answers, infos = set(), set(), set()
    for start in range(20):
        walk = Walk()
        for seed in range(start * 1_000, start * 1_000 + 60):
            walk.step(seed)
        statuses |= {(row.leg, row.status) for row in walk.floor.state.orders.values()}
        infos |= {row.info for row in walk.floor.state.orders.values()}
        answers |= {str(each.reason) if isinstance(each, Refused) else type(each) for each in walk.outcomes}
    for leg in (Leg.ENTRY, Leg.STOPLOSS, Leg.TARGET):
        assert {(leg, Status.COMPLETE), (leg, Status.CANCELLED)} <= statuses
    assert {"OCO", "CLOSING"} <= infos
    assert {(Leg.ENTRY, Status.MODIFY_CONFIRMED), (Leg.TARGET, Status.MODIFY_CONFIRMED)} <= statuses
    assert {Cancelled, Modified, Placed, NotFound, "TOO_LATE", "LEG_NOT_ACTIVE", "TRIGGER_WRONG_SIDE"} <= answers
