"""The onlooker: he hears every trade when the exchange makes it, sees every state, and says what must not be.

He knows what the engine cannot: what really traded, whoever has been told of it yet. What he judges is bracket.md
section 8, by sums of his own; the engine's checks of one state (engine/invariants.py) are asked besides. Every fault
is an InvariantBroken whose text ends with the invariant's number.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.instructions import Filled, Instruction, Report
from bracketd.domain.instrument import Instrument, Tick
from bracketd.domain.order import Leg, Order, Product, Side, Status
from bracketd.domain.outcomes import Cancelled
from bracketd.domain.session import Stage
from bracketd.engine.exposure import squares_off
from bracketd.engine.invariant import invariant
from bracketd.engine.invariants import check_state
from bracketd.engine.state import State
from bracketd.venue.paper.exchange import PaperExchange


class Onlooker:
    """What one has seen of a state and of the exchange behind it.

    `traded` are the shares that each order traded at the exchange, `flows` what they were worth (paise), `trade_ids`
    the numbers of all trades, `makers` all orders that ever were.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.traded: dict[str, int] = {}
        self.trade_ids: set[str] = set()
        self.flows: dict[str, int] = {}
        self.makers: dict[str, Order] = {}
        self._instruments = instruments
        self._numbers: dict[str, str] = {}
        self._rows: dict[str, Order] = {}
        # Orders whose row was judged as it stands in `_rows`.
        self._judged: set[str] = set()
        self._ended: dict[str, int] = {}

    def overhear(self, exchange: PaperExchange) -> None:
        """Note every trade at the moment when it is made."""
        submit, tick = exchange.submit, exchange.tick

        def heard(reports: Iterator[Report]) -> Iterator[Report]:
            for report in reports:
                if isinstance(report, Filled):
                    self._trade(report)
                yield report

        def overheard_submit(instruction: Instruction, now_ns: int) -> Iterator[Report]:
            return heard(submit(instruction, now_ns))

        def overheard_tick(tick_: Tick, now_ns: int) -> Iterator[Report]:
            return heard(tick(tick_, now_ns))

        exchange.submit = overheard_submit  # type: ignore[method-assign]
        exchange.tick = overheard_tick  # type: ignore[method-assign,assignment]

    def begin_again(self, state: State) -> None:
        """After a crash what counts is what the state has of it: trades that are booked, and those still under way.

        What traded in a step that never came on disk has not happened: the exchange of paper died with it.
        """
        self.traded, self.flows, self.trade_ids = {}, {}, set()
        for trade in state.trades.values():
            self._count(trade.order_id, trade.trade_id, trade.quantity, trade.price_paise)
        for sent in state.post.values():
            if isinstance(sent.letter, Filled) and sent.letter.trade_id not in self.trade_ids:
                self._trade(sent.letter)
        self._rows = {order_id: copy(row) for order_id, row in state.orders.items()}
        self._judged.clear()
        self._numbers = dict(state.exchange_ids)
        self._ended = {
            key: self.traded.get(key, 0) for key in self._ended if key in state.orders and state.orders[key].terminal
        }

    def promised(self, entry_id: str) -> None:
        """Somebody was told that this entry is cancelled: it must not trade any more (8)."""
        self._ended.setdefault(entry_id, self.traded.get(entry_id, 0))

    def trailed(self, bracket: Bracket, trigger_paise: int) -> None:
        """A stop has trailed to a new trigger, last in its step: it must be better than the last one seen (14).

        Where the same step re-based the legs there is nothing to compare with, and it is left alone.
        """
        old, entry = self._rows.get(bracket.stop_id), self._rows.get(bracket.entry_id)
        if (
            old is None
            or entry is None
            or entry.filled != self.traded.get(bracket.entry_id, 0)
            or not old.trigger_paise
        ):
            return
        better = trigger_paise > old.trigger_paise if entry.side is Side.BUY else trigger_paise < old.trigger_paise
        invariant(better, "trailing only improves (14)", old, trigger_paise)

    # What he judges

    def check(self, state: State, exchange: PaperExchange) -> None:
        """Everything that holds after every step, of everything."""
        check_state(state)
        self.check_baskets(state, exchange, tuple(state.brackets))
        if state.stage is Stage.SQUARE_OFF:
            _check_stakes(state)
        if len(self._rows) != len(state.orders):
            self._rows = {order_id: row for order_id, row in self._rows.items() if order_id in state.orders}
            self._judged &= self._rows.keys()
        if state.stage is Stage.ENDED:
            invariant(not exchange._work, "after the session nothing works at the exchange (17)")
            invariant(not state.post, "after the session nothing is under way (17)")
        for account in state.accounts.values():
            invariant(account.blocked_paise >= 0, "no less than nothing is blocked (21)", account)
        told = {trade.trade_id for trade in state.trades.values()}
        invariant(told <= self.trade_ids, "no trade is made up (5)")

    def check_baskets(self, state: State, exchange: PaperExchange, basket_ids: Iterable[str]) -> None:
        """Everything that holds after every step, of these brackets."""
        for basket_id in basket_ids:
            bracket = state.brackets.get(basket_id)
            if bracket is None:
                continue
            rows = state.rows_of(bracket)
            for row in rows:
                if row.held:
                    self._check_held(row, state, exchange)
                self._check_row(row)
            self._check_at_exchange(exchange, bracket, rows)
            self._check_going(state, bracket, rows)
            self._check_prices(state, bracket)
            if bracket.entry_id in self._ended:
                still = self.traded.get(bracket.entry_id, 0) == self._ended[bracket.entry_id]
                invariant(still, "an entry that was called cancelled does not trade (8)", bracket.entry_id)

    def check_success(self, state: State, outcome: Cancelled) -> None:
        """Section 1: what "cancelled" says of the bracket is so."""
        row = state.orders[outcome.order_id]
        bracket = state.brackets[row.basket_id]
        invariant(state.orders[bracket.entry_id].terminal, "cancelled means that the entry is at its end (1)", row)
        if row.leg is Leg.ENTRY:
            return
        if bracket.target_id:
            invariant(state.orders[bracket.target_id].terminal, "an exit leaves no target (1)", row)
        closers = [
            each
            for each in state.rows_of(bracket)
            if each.leg is Leg.STOPLOSS and not each.terminal and each.at_market and not each.refused
        ]
        closes = sum(each.remaining for each in closers)
        invariant(closes == state.open_quantity(bracket), "all that is open is being closed (1)", row)

    # Inside

    def _trade(self, report: Filled) -> None:
        invariant(report.trade_id not in self.trade_ids, "the exchange numbers a trade once (16)", report)
        self._count(report.order_id, report.trade_id, report.quantity, report.price_paise)

    def _count(self, order_id: str, trade_id: str, quantity: int, price_paise: int) -> None:
        self.trade_ids.add(trade_id)
        self.traded[order_id] = self.traded.get(order_id, 0) + quantity
        self.flows[order_id] = self.flows.get(order_id, 0) + price_paise * quantity

    def _check_held(self, row: Order, state: State, exchange: PaperExchange) -> None:
        there = row.order_id in self.traded or row.order_id in exchange._work
        invariant(not there, "what is held for the session is not at the exchange (2.9)", row)
        invariant(state.stage is not Stage.TRADING, "what was held is sent when the market trades (2.9)", row)

    def _check_row(self, row: Order) -> None:
        old = self._rows.get(row.order_id)
        if old == row and row.order_id in self._judged:
            # What follows looks at the row alone, and at trades, which only grow in number.
            return
        self.makers[row.order_id] = row
        instrument = self._instruments[row.instrument]
        for price in (row.price_paise, row.trigger_paise):
            fits = price == 0 or (instrument.on_tick(price) and instrument.in_band(price))
            invariant(fits, "a price is on the tick and in the band (18)", row)
        invariant(row.quantity == row.filled + row.remaining + row.cancelled, "the quantities add up (4)", row)
        invariant(row.filled <= self.traded.get(row.order_id, 0), "no fill that was not traded (5)", row)
        if row.exchange_order_id:
            owner = self._numbers.setdefault(row.exchange_order_id, row.order_id)
            invariant(owner == row.order_id, "one number is one order's (16)", row)
        if old != row:
            if old is not None:
                _check_change(old, row)
            self._rows[row.order_id] = copy(row)
        self._judged.add(row.order_id)

    def _check_going(self, state: State, bracket: Bracket, rows: list[Order]) -> None:
        """An entry whose bracket is on its way out goes, and at square-off every bracket is on its way out."""
        entry, *exits = rows
        on_the_way = bracket.exit is not Exit.NONE or any(row.filled or row.triggered for row in exits)
        squared_off = state.stage is Stage.SQUARE_OFF and squares_off(entry)
        if on_the_way or squared_off or any(row.refused or row.status is Status.REJECTED for row in exits):
            going = entry.terminal or entry.status is Status.CANCEL_PENDING or entry.cancel_refused
            invariant(going, "a bracket never re-enters after its own exit (2.4)", entry)
        if squared_off and state.open_quantity(bracket):
            invariant(bracket.exit is not Exit.NONE, "at square-off everything is exited (17)", bracket)

    def _check_at_exchange(self, exchange: PaperExchange, bracket: Bracket, rows: list[Order]) -> None:
        """What can still trade on the exit side never exceeds what is open, judged where the matching is (1)."""
        entered = self.traded.get(bracket.entry_id, 0)
        exited = sum(self.traded.get(row.order_id, 0) for row in rows if row.leg is not Leg.ENTRY)
        pair = exchange._pairs.get(bracket.basket_id)
        can = pair.remaining if pair is not None and (pair.stop is not None or pair.target is not None) else 0
        for order_id in bracket.rescue_ids:
            work = exchange._work.get(order_id)
            can += work.remaining if work is not None else 0
        invariant(0 <= can <= entered - exited, "no over-exit at the exchange (1)", bracket.basket_id, can)

    def _check_prices(self, state: State, bracket: Bracket) -> None:
        """Before anything of the exit happened, legs stand where the entry's exact average puts them (2.2)."""
        if not bracket.stop_id or bracket.late or bracket.exit is not Exit.NONE or bracket.entry_id in state.terms:
            return
        entry, stop, target = state.orders[bracket.entry_id], state.orders[bracket.stop_id], state.target_of(bracket)
        gone = stop.filled or stop.triggered or stop.refused or bracket.leg_refused or not entry.filled
        if gone or (target is not None and target.filled):
            return
        sign = 1 if entry.side.name == "BUY" else -1
        price = _toward_entry(bracket, entry, bracket.target_offset_paise, sign)
        asked = target is None or bracket.target_by_hand or target.terminal or target.order_id in state.terms
        if target is not None and not asked:
            invariant(target.price_paise == price, "the target is rounded toward the entry (2.2)", target, price)
        trigger = _toward_entry(bracket, entry, bracket.stop_offset_paise, -sign)
        if not (bracket.stop_by_hand or bracket.trailed or stop.terminal or stop.order_id in state.terms):
            invariant(stop.trigger_paise == trigger, "the stop is rounded toward the entry (2.2)", stop, trigger)


def _toward_entry(bracket: Bracket, entry: Order, offset_paise: int, sign: int) -> int:
    """A leg's price, `offset_paise` above (sign 1) or below (-1) the entry's average: on the tick, in the band."""
    away = entry.traded_value_paise + sign * offset_paise * entry.filled
    ticks = away // (bracket.tick_paise * entry.filled)
    if sign < 0 and away % (bracket.tick_paise * entry.filled):
        ticks += 1
    return max(bracket.lower_band_paise, min(bracket.upper_band_paise, ticks * bracket.tick_paise))


def _check_stakes(state: State) -> None:
    """At square-off of every intraday position something works that closes it, or must go before that (17)."""
    for key, stake in state.stakes.items():
        if key.endswith(Product.MIS):
            working = [order_id for order_id in stake.working if not state.orders[order_id].held]
            closes = working or stake.denied or not stake.total.net
            invariant(closes, "at square-off intraday positions are closed (17)", key)


def _check_change(old: Order, row: Order) -> None:
    late = row.filled > old.filled
    if old.terminal:
        invariant(row.status is old.status, "terminal is terminal (3)", old, row)
        invariant(late or row.traded_value_paise == old.traded_value_paise, "terminal is terminal (3)", old, row)
    invariant(row.filled >= old.filled, "filled never decreases (4)", old, row)
    invariant(old.exchange_order_id in ("", row.exchange_order_id), "a number never changes (16)", old, row)
    who = (row.side, row.leg, row.client_id, row.placed_ns)
    invariant(who == (old.side, old.leg, old.client_id, old.placed_ns), "an order stays whose it is (12)", old, row)
    invariant(row.activity_reference >= old.activity_reference, "an activity reference only grows (16)", old, row)
    if row.status is not old.status or late:
        told_apart = float(row.activity_reference) > float(old.activity_reference)
        invariant(told_apart, "every change is told apart (16)", old, row)
