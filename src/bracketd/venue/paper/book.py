"""The paper exchange's book of one instrument: who waits at which price, and what the market shows.

Prices are paise, quantities shares.
"""

from collections.abc import Iterator

from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import OrderType
from bracketd.venue.paper.ladder import Ladder

_LIMITED = frozenset({OrderType.LIMIT, OrderType.SL})


class Pair:
    """The two legs of one bracket under one quantity: a fill on one is a fill of both. `account` is whose they are."""

    __slots__ = ("account", "basket_id", "remaining", "stop", "target")

    def __init__(self, basket_id: str, remaining: int, account: str = "") -> None:
        self.basket_id = basket_id
        self.remaining = remaining
        self.account = account
        self.stop: LegWork | None = None
        self.target: LegWork | None = None


class Work:
    """One order at work: what both kinds have. An entry works by itself, a leg shares the quantity of its pair."""

    __slots__ = ("book", "buy", "kind", "limit_paise", "order_id", "priority", "trigger_paise", "waiting")

    pair: Pair | None = None
    account: str
    basket_id: str
    immediate: bool = False
    protection_bp: int = 0

    def __init__(
        self,
        *,
        order_id: str,
        book: "Book",
        buy: bool,
        kind: OrderType,
        limit_paise: int,
        trigger_paise: int,
        priority: int,
        waiting: bool,
    ) -> None:
        self.order_id = order_id
        self.book = book
        self.buy = buy
        self.kind = kind
        self.limit_paise = limit_paise
        self.trigger_paise = trigger_paise
        self.priority = priority
        self.waiting = waiting

    @property
    def remaining(self) -> int:
        """Shares that may still trade."""
        raise NotImplementedError

    @property
    def limited(self) -> bool:
        """Whether the order has a limit price of its own and may rest at it."""
        return self.kind in _LIMITED

    def take(self, quantity: int) -> None:
        """Count a fill."""
        raise NotImplementedError

    def reached(self, price_paise: int) -> bool:
        """Whether a print at this price triggers the waiting stop: at or through its trigger."""
        return price_paise >= self.trigger_paise if self.buy else price_paise <= self.trigger_paise


class EntryWork(Work):
    """An order with a quantity of its own; `total` is what it was to trade in all."""

    __slots__ = ("account", "basket_id", "immediate", "own_remaining", "protection_bp", "total")

    def __init__(
        self,
        order_id: str,
        basket_id: str,
        account: str,
        book: "Book",
        buy: bool,
        kind: OrderType,
        quantity: int,
        total: int,
        limit_paise: int,
        trigger_paise: int,
        priority: int,
        waiting: bool,
        immediate: bool,
        protection_bp: int,
    ) -> None:
        self.order_id = order_id
        self.basket_id = basket_id
        self.account = account
        self.book = book
        self.buy = buy
        self.kind = kind
        self.own_remaining = quantity
        self.total = total
        self.limit_paise = limit_paise
        self.trigger_paise = trigger_paise
        self.priority = priority
        self.waiting = waiting
        self.immediate = immediate
        self.protection_bp = protection_bp

    @property
    def remaining(self) -> int:
        """Shares that may still trade."""
        return self.own_remaining

    @property
    def traded(self) -> int:
        """Shares of it that have traded."""
        return self.total - self.own_remaining

    def take(self, quantity: int) -> None:
        """Count a fill."""
        self.own_remaining -= quantity


class LegWork(Work):
    """One of a pair. There are two for each position, so it keeps nothing that the pair knows."""

    __slots__ = ("pair",)
    pair: Pair

    def __init__(
        self,
        pair: Pair,
        *,
        order_id: str,
        book: "Book",
        buy: bool,
        kind: OrderType,
        limit_paise: int,
        trigger_paise: int,
        priority: int,
        waiting: bool,
    ) -> None:
        super().__init__(
            order_id=order_id,
            book=book,
            buy=buy,
            kind=kind,
            limit_paise=limit_paise,
            trigger_paise=trigger_paise,
            priority=priority,
            waiting=waiting,
        )
        self.pair = pair

    @property
    def account(self) -> str:  # type: ignore[override]
        """Whose it is."""
        return self.pair.account

    @property
    def basket_id(self) -> str:  # type: ignore[override]
        """Which bracket's it is."""
        return self.pair.basket_id

    @property
    def remaining(self) -> int:
        """Shares that may still trade: the pair's."""
        return self.pair.remaining

    def take(self, quantity: int) -> None:
        """Count a fill."""
        self.pair.remaining -= quantity


class Book:
    """Everything at work in one instrument."""

    __slots__ = (
        "asks",
        "base_paise",
        "bids",
        "instrument",
        "market",
        "print_paise",
        "resting",
        "stops",
        "taken",
        "tick_name",
    )

    def __init__(self, instrument: str, base_paise: int) -> None:
        self.instrument = instrument
        self.base_paise = base_paise
        self.print_paise = 0
        self.bids: tuple[Level, ...] = ()
        self.asks: tuple[Level, ...] = ()
        self.taken: dict[str, list[int]] = {}
        self.tick_name = ""
        # Index 0 sells, 1 buys.
        self.resting = (Ladder(below=False), Ladder(below=True))
        self.stops = (Ladder(below=True), Ladder(below=False))
        self.market: dict[str, Work] = {}

    def quiet(self, before_paise: int, price_paise: int) -> bool:
        """Whether a print at this price, or with 0 a quote, after one at `before_paise` touches no order at all.

        Most ticks are like this, and it takes four comparisons to tell.
        """
        if self.market:
            return False
        if self._reaches_nobody(before_paise, price_paise):
            return True
        looked = [ladder.look() for ladder in (*self.stops, *self.resting)]
        return any(looked) and self._reaches_nobody(before_paise, price_paise)

    def _reaches_nobody(self, before_paise: int, price_paise: int) -> bool:
        asks, bids = self.resting
        ask, bid = asks.edge_paise, bids.edge_paise
        if bid > before_paise or ask < before_paise:
            return False
        if not price_paise:
            return True
        sells, buys = self.stops
        return sells.edge_paise < price_paise < buys.edge_paise and bid < price_paise < ask

    @property
    def reference_paise(self) -> int:
        """The last print, or the base price before the first."""
        return self.print_paise or self.base_paise

    def show(self, tick: Tick) -> None:
        """Display what the tick shows; an absent side is stood for by last price and last quantity."""
        last = (Level(tick.last_price_paise, tick.last_quantity),) if tick.last_quantity else ()
        self.bids = last if tick.bids is None else tick.bids
        self.asks = last if tick.asks is None else tick.asks
        self.taken = {}
        self.tick_name = tick.name

    def add(self, work: Work) -> None:
        """Put an order where it belongs: among the stops, at its limit, or with those at market."""
        if work.waiting:
            self.stops[work.buy].add(work.trigger_paise, work)
        elif work.kind in _LIMITED:
            self.resting[work.buy].add(work.limit_paise, work)
        else:
            self.market[work.order_id] = work

    def remove(self, work: Work) -> None:
        """Take an order out, wherever it is; one that is nowhere is no fault."""
        if work.waiting:
            self.stops[work.buy].remove(work.trigger_paise, work)
        elif work.kind in _LIMITED:
            self.resting[work.buy].remove(work.limit_paise, work)
        else:
            self.market.pop(work.order_id, None)

    def replace_stop(self, work: Work, trigger_paise: int) -> None:
        """Give a waiting stop another trigger; its place in time stays its priority."""
        self.remove(work)
        work.trigger_paise = trigger_paise
        if work.remaining:
            self.add(work)

    def reached_stops(self, price_paise: int) -> list[Work]:
        """The waiting stops that a print at this price triggers, in time order."""
        sells, buys = self.stops
        found: list[Work] = []
        for trigger, waiting in sells.nearest_first():
            if trigger < price_paise:
                break
            found.extend(waiting)
        for trigger, waiting in buys.nearest_first():
            if trigger > price_paise:
                break
            found.extend(waiting)
        found.sort(key=_by_priority)
        return found

    def limits_through(self, price_paise: int, *, strictly: bool) -> Iterator[Work]:
        """Resting limits that a price is at or beyond (strictly: only beyond), on both sides."""
        sells, buys = self.resting
        for limit, waiting in buys.nearest_first():
            if limit < price_paise or (strictly and limit == price_paise):
                break
            yield from waiting
        for limit, waiting in sells.nearest_first():
            if limit > price_paise or (strictly and limit == price_paise):
                break
            yield from waiting

    def shows_to(self, work: Work) -> bool:
        """Whether anything is displayed on the side that the order would take from."""
        return bool(self.asks if work.buy else self.bids)

    def displayed(self, work: Work) -> list[tuple[int, int]]:
        """(price, quantity) that the market still shows to the order's account, best first."""
        levels = self.asks if work.buy else self.bids
        used = self.taken.get(work.account, _NOTHING)[0 if work.buy else 1]
        left: list[tuple[int, int]] = []
        for price, quantity in levels:
            if used >= quantity:
                used -= quantity
                continue
            left.append((price, quantity - used))
            used = 0
        return left

    def marketable(self, work: Work) -> bool:
        """Whether the best that is displayed to the order's account lies within its limit."""
        best = next(iter(self.displayed(work)), None)
        if best is None:
            return False
        return best[0] <= work.limit_paise if work.buy else best[0] >= work.limit_paise

    def use(self, work: Work, quantity: int) -> None:
        """Count displayed quantity as used up for the order's account until the next tick."""
        self.taken.setdefault(work.account, [0, 0])[0 if work.buy else 1] += quantity


_NOTHING = [0, 0]


def _by_priority(work: Work) -> int:
    return work.priority
