"""The paper exchange's book of one instrument: who waits at which price, and what the market shows.

Prices are paise, quantities shares. A price keeps its orders in time order, which is the order of insertion.
"""

from collections.abc import Iterable, Iterator

from sortedcontainers import SortedDict

from bracketd.domain.instrument import Level, Tick
from bracketd.domain.order import OrderType

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
        *,
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


Rung = Work | dict[str, Work] | None
"""Who waits at one price: one order, several by their ids and first come first, or nobody any more.

Most prices at which anybody waits have one order; a dictionary for each would be a tenth of a position's memory.
"""


def waiting_at(rung: Rung) -> Iterable[Work]:
    """The orders at one price, first come first."""
    if rung is None:
        return ()
    return rung.values() if isinstance(rung, dict) else (rung,)


class Book:
    """Everything at work in one instrument."""

    __slots__ = (
        "_edges",
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
        # Index 0 sells, 1 buys; each maps a price to the orders there.
        self.resting: tuple[SortedDict[int, Rung], ...] = (SortedDict(), SortedDict())
        self.stops: tuple[SortedDict[int, Rung], ...] = (SortedDict(), SortedDict())
        self.market: dict[str, Work] = {}
        # The prices nearest to the market: [stops to sell, stops to buy, limits to sell, limits to buy].
        self._edges = [_NONE_BELOW, _NONE_ABOVE, _NONE_ABOVE, _NONE_BELOW]

    def quiet(self, before_paise: int, price_paise: int) -> bool:
        """Whether a print at this price, or with 0 a quote, after one at `before_paise` touches no order at all.

        Most ticks are like this, and it takes four comparisons to tell.
        """
        sell_stop, buy_stop, ask, bid = self._edges
        if self.market or bid > before_paise or ask < before_paise:
            return False
        return not price_paise or (sell_stop < price_paise < buy_stop and bid < price_paise < ask)

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
            side, price, edge = self.stops[work.buy], work.trigger_paise, int(work.buy)
        elif work.kind in _LIMITED:
            side, price, edge = self.resting[work.buy], work.limit_paise, 2 + work.buy
        else:
            self.market[work.order_id] = work
            return
        rung = side.get(price)
        if rung is None:
            side[price] = work
        elif isinstance(rung, dict):
            rung[work.order_id] = work
        elif rung is not work:
            side[price] = {rung.order_id: rung, work.order_id: work}
        if (price > self._edges[edge]) if edge in _BELOW else (price < self._edges[edge]):
            self._edges[edge] = price

    def remove(self, work: Work) -> None:
        """Take an order out, wherever it is; one that is nowhere is no fault."""
        if work.waiting:
            side, price, edge = self.stops[work.buy], work.trigger_paise, int(work.buy)
        elif work.kind in _LIMITED:
            side, price, edge = self.resting[work.buy], work.limit_paise, 2 + work.buy
        else:
            self.market.pop(work.order_id, None)
            return
        rung = side.get(price)
        if isinstance(rung, dict):
            if rung.pop(work.order_id, None) is None or rung:
                return
        elif rung is not work:
            return
        if price == self._edges[edge]:
            del side[price]
            self._edges[edge] = _nearest(side, below=edge in _BELOW)
        else:
            # An empty price stays until it is the nearest: somebody else will want it, and it costs a few bytes.
            side[price] = None

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
        for trigger in reversed(sells):
            if trigger < price_paise:
                break
            found.extend(waiting_at(sells[trigger]))
        for trigger in buys:
            if trigger > price_paise:
                break
            found.extend(waiting_at(buys[trigger]))
        found.sort(key=_by_priority)
        return found

    def limits_through(self, price_paise: int, *, strictly: bool) -> Iterator[Work]:
        """Resting limits that a price is at or beyond (strictly: only beyond), on both sides."""
        sells, buys = self.resting
        for limit in reversed(buys):
            if limit < price_paise or (strictly and limit == price_paise):
                break
            yield from waiting_at(buys[limit])
        for limit in sells:
            if limit > price_paise or (strictly and limit == price_paise):
                break
            yield from waiting_at(sells[limit])

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
_NONE_BELOW = -1
_NONE_ABOVE = 1 << 62
"""Prices that no print reaches: the edges of a side on which nobody waits."""

_BELOW = (0, 3)
"""The edges below the market: of stops to sell and of limits to buy, where the nearest price is the highest."""


def _by_priority(work: Work) -> int:
    return work.priority


def _nearest(side: SortedDict[int, Rung], *, below: bool) -> int:
    """The price of a side that is nearest to the market and at which somebody waits; those of nobody on the way go."""
    end = -1 if below else 0
    while side:
        price, rung = side.peekitem(end)
        if rung is not None:
            return int(price)
        del side[price]
    return _NONE_BELOW if below else _NONE_ABOVE
