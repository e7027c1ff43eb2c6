"""Turnover: what a client bought and sold of one instrument and product today, and what it carried into the day.

A day is a date in India. The family shows positions by the day and net, and holdings as what has settled; all three
are sums of these two (wire.md 1.8).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bracketd.domain.account import Position
from bracketd.domain.ist import day_start_ns, ist_date
from bracketd.domain.order import Side
from bracketd.engine.state import State
from bracketd.runtime.client_rows import ClientRows


class Turnover(NamedTuple):
    """One position of one client: its instrument and product, the day's trades, and all trades before the day."""

    instrument: str
    product: str
    today: Position
    before: Position

    @property
    def carried(self) -> Position:
        """What was open when the day began, at its average cost; what had been closed by then is gone."""
        net = self.before.net
        if net > 0:
            return Position(
                bought=net, bought_value_paise=_cost(self.before.bought_value_paise, net, self.before.bought)
            )
        if net < 0:
            return Position(sold=-net, sold_value_paise=_cost(self.before.sold_value_paise, -net, self.before.sold))
        return Position()


def turnovers(state: State, rows: ClientRows, client_id: str, now_ns: int) -> Iterator[Turnover]:
    """The client's positions in the order of their first trades; those of the past that are closed included."""
    today = _todays_trades(state, rows.trades.of(client_id), now_ns)
    for key in rows.positions.of(client_id):
        total = state.positions.get(key)
        if total is not None:
            _, instrument, product = key.split(" ")
            day = today.get(key, Position())
            yield Turnover(instrument, product, day, _difference(total, day))


def _todays_trades(state: State, ids: Sequence[str], now_ns: int) -> dict[str, Position]:
    """What was traded today by the trades of one client, by position."""
    midnight_ns = day_start_ns(ist_date(now_ns))
    booked: dict[str, Position] = {}
    # They are in the order of their making, so that the day's are the last ones.
    for trade_id in reversed(ids):
        trade = state.trades.get(trade_id)
        if trade is None:
            continue
        if trade.at_ns < midnight_ns:
            break
        order = state.orders[trade.order_id]
        position = booked.setdefault(order.position_key, Position())
        position.book(Side(order.side), trade.quantity, trade.quantity * trade.price_paise)
    return booked


def _difference(total: Position, part: Position) -> Position:
    return Position(
        bought=total.bought - part.bought,
        bought_value_paise=total.bought_value_paise - part.bought_value_paise,
        sold=total.sold - part.sold,
        sold_value_paise=total.sold_value_paise - part.sold_value_paise,
    )


def _cost(value_paise: int, quantity: int, of: int) -> int:
    """The share of the value that falls to the quantity, in paise, rounded half up."""
    return (2 * value_paise * quantity + of) // (2 * of)
