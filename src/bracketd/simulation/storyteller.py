"""The storyteller: from a seed, the same story every time, whatever the hash seed of the process."""

from collections.abc import Callable
from random import Random

from bracketd.domain.order import Execution, Leg, OrderType, Product
from bracketd.simulation.deeds import (
    AnyDeed,
    Cancel,
    Convert,
    KillSwitch,
    Listen,
    Misbehave,
    Modify,
    NewTokens,
    Place,
    PowerCut,
    Print,
    Read,
    Story,
    Trouble,
    Turn,
)
from bracketd.simulation.disk import POINTS, DiskTrouble
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

CLIENTS = 4
SHARES = 2
DEEDS_PER_MINUTE = 240
READS = ("orders", "completed", "trades", "positions", "funds", "history")
WORDS = ("", "ENTRY", "ENTRY", "TARGET", "STOPLOSS", "STOPLOSS", "Second", "third")
BEGINNINGS = (560, 560, 560, 560, 700, 700, 909, 919, 929)
"""Minutes of the day: most stories begin in the morning, others just before cut-off, square-off and the end."""

RATES = ((0, 0), (0, 0), (0, 0), (3, 6))
"""Orders and cancels of a client in a second; most stories bound neither."""

LATE = 900
"""From this minute on the session's turns come often."""

TICK = 5
EXECUTIONS = (*8 * (Execution.BO,), Execution.CO, Execution.REGULAR, Execution.REGULAR, Execution.AMO)
ENTRY_TYPES = (OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.SL, OrderType.SLM)


def tell(seed: int, minutes: float = 1.0) -> Story:
    """The story of a seed; `minutes` is roughly how long it lasts, by the simulated clock."""
    return _Teller(seed).story(max(1, round(DEEDS_PER_MINUTE * minutes)))


class _Teller:
    """One seed's lots. A story has a temper: how much trades, how much goes wrong, and how crowded it is."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random = Random(f"story {seed}")
        self._away = [0] * SHARES
        self._storm = random.choice((0.0, 0.5, 1.0))
        self._minute = random.choice(BEGINNINGS)
        self._crowd = random.choice((0.2, 0.5, 0.8))
        self._weights: dict[Callable[[], AnyDeed], float] = {
            self._place: 40,
            self._cancel: 22,
            self._modify: 8,
            self._convert: 2.5,
            self._print: 30,
            self._read: 5,
            self._listen: 0.6,
            self._misbehave: 4 * self._storm,
            self._trouble: 2.5 * self._storm,
            self._power_cut: 0.7,
            self._new_tokens: 0.5,
            self._kill_switch: 2.0,
            self._turn: 0.8 if self._minute > LATE else 0.2,
        }

    def story(self, length: int) -> Story:
        """A beginning and so many deeds."""
        tellers, weights = tuple(self._weights), tuple(self._weights.values())
        deeds: list[AnyDeed] = [self._print() for _ in range(SHARES)]
        deeds += [teller() for teller in self._random.choices(tellers, weights, k=length)]
        orders_per_s, cancels_per_s = self._random.choice(RATES)
        return Story(
            seed=self._seed,
            minute=self._minute,
            orders_per_s=orders_per_s,
            cancels_per_s=cancels_per_s,
            deeds=tuple(deeds),
        )

    def _gap_us(self) -> int:
        """Mostly a crowd at one moment, otherwise some tenths of a second; now and then some seconds."""
        random = self._random
        if random.random() < self._crowd:
            return random.choice((0, 0, 1, 50, 400, 2_000))
        return round(random.expovariate(1 / 400_000)) if random.random() < 0.95 else 3_000_000

    def _client(self) -> int:
        return self._random.randrange(CLIENTS)

    def _place(self) -> Place:
        random = self._random
        key = f"k{random.randrange(40)}" if random.random() < 0.1 else ""
        order_type = random.choice(ENTRY_TYPES)
        share = random.randrange(SHARES)
        execution = random.choice(EXECUTIONS)
        buys = random.random() < 0.5
        # Mostly what trades soon: an order that never does is soon told.
        eager = random.randint(-3, 6)
        return Place(
            gap_us=self._gap_us(),
            client=self._client(),
            execution=execution,
            product=random.choice(tuple(Product)) if execution.single else Product.MIS,
            share=share,
            buys=buys,
            order_type=order_type,
            away=self._away[share] + (eager if buys else -eager),
            beyond=random.randint(1, 5),
            quantity=random.choice((1, 2, 5, 10, 12)),
            target_paise=random.choice((TICK, 7, 12, 20, 33, 60)),
            stop_paise=random.choice((TICK, 7, 12, 20, 33, 60)),
            step_paise=random.choice((0, 0, 0, TICK, 12)),
            immediate=random.random() < 0.1,
            key=key,
            copies=2 if key and random.random() < 0.7 else 1,
            way=random.randrange(1_000),
            auth=random.randrange(1_000),
        )

    def _cancel(self) -> Cancel:
        random = self._random
        return Cancel(
            gap_us=self._gap_us(),
            client=self._client(),
            pick=random.randrange(1_000),
            word=random.choice(WORDS),
            copies=random.choice((1, 1, 1, 1, 2, 3)),
            way=random.randrange(1_000),
            auth=random.randrange(1_000),
            stranger=random.random() < 0.05,
            facts=random.random() < 0.1,
        )

    def _modify(self) -> Modify:
        random = self._random
        return Modify(
            gap_us=self._gap_us(),
            client=self._client(),
            pick=random.randrange(1_000),
            away=random.choice((None, self._away[0] + random.randint(-12, 12))),
            trigger_away=random.choice((None, self._away[0] + random.randint(-12, 12))),
            quantity=random.choice((None, None, random.randint(1, 14))),
            offset_paise=random.choice((None, random.randint(TICK, 60))),
            step_paise=random.choice((0, 0, TICK, 30)),
            way=random.randrange(1_000),
            auth=random.randrange(1_000),
        )

    def _convert(self) -> Convert:
        random = self._random
        product, new_product = random.sample(tuple(Product), 2)
        return Convert(
            gap_us=self._gap_us(),
            client=self._client(),
            share=random.randrange(SHARES),
            product=product,
            new_product=new_product,
            quantity=random.choice((1, 2, 5)),
            way=random.randrange(1_000),
            auth=random.randrange(1_000),
        )

    def _print(self) -> Print:
        random = self._random
        share = random.randrange(SHARES)
        lot = random.random()
        if lot < 0.03:
            # The market gaps, and stays there or comes back.
            self._away[share] = random.randint(-200, 200)
        elif lot < 0.06:
            self._away[share] = 0
        else:
            self._away[share] += random.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3))
        return Print(
            gap_us=self._gap_us(),
            share=share,
            away=self._away[share],
            quantity=random.choice((0, 1, 3, 8, 40, 400)),
            bids=self._sizes(),
            asks=self._sizes(),
            by_hand=random.random() < 0.2,
        )

    def _sizes(self) -> tuple[int, ...] | None:
        random = self._random
        if random.random() < 0.5:
            return None
        return tuple(random.choice((1, 2, 5, 9, 50)) for _ in range(random.randrange(3)))

    def _misbehave(self) -> Misbehave:
        random = self._random
        rules = tuple(self._rule() for _ in range(random.randrange(5)))
        return Misbehave(gap_us=self._gap_us(), rules=rules, seed=random.randrange(100))

    def _rule(self) -> FaultRule:
        """A rule that the plan would take."""
        while (rule := self._any_rule()).fault():
            pass
        return rule

    def _any_rule(self) -> FaultRule:
        random = self._random
        return FaultRule(
            on=random.choice((*Point, Point.FILL, Point.FILL, Point.LEG, Point.GROWTH)),
            action=random.choice(tuple(Action)),
            delay_ms=random.choice((3, 300, 1_500, 2_500, 6_000)),
            probability=random.choice((1.0, 0.5, 0.2)),
            times=random.choice((0, 1, 2)),
            leg=random.choice((None, None, Leg.ENTRY, Leg.TARGET, Leg.STOPLOSS)),
        )

    def _read(self) -> Read:
        random = self._random
        return Read(
            gap_us=self._gap_us(), client=self._client(), what=random.choice(READS), auth=random.randrange(1_000)
        )

    def _listen(self) -> Listen:
        return Listen(gap_us=self._gap_us(), client=self._client())

    def _trouble(self) -> Trouble:
        return Trouble(gap_us=self._gap_us(), what=self._random.choice((None, None, *DiskTrouble)))

    def _power_cut(self) -> PowerCut:
        point = self._random.choice(("", "", *POINTS))
        machine = self._random.random() < 0.7
        down_ms = self._random.choice((1, 50, 3_000))
        return PowerCut(gap_us=self._gap_us(), point=point, machine=machine, down_ms=down_ms)

    def _new_tokens(self) -> NewTokens:
        return NewTokens(gap_us=self._gap_us(), client=self._client(), rotates=self._random.random() < 0.5)

    def _kill_switch(self) -> KillSwitch:
        return KillSwitch(gap_us=self._gap_us(), client=self._client())

    def _turn(self) -> Turn:
        return Turn(gap_us=self._gap_us(), early=self._random.random() < 0.4)
