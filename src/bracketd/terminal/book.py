"""The book: the day's orders in their brackets, as tables show them and as JSON tells them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bracketd.client import Order, Trade
from bracketd.client.bracket import CLOSING_INFO, Standing
from bracketd.client.dialogue import rows_of
from bracketd.terminal.amount import rupees
from bracketd.terminal.screen import styled, table

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("order", "leg", "symbol", "side", "qty", "filled", "type", "price", "trigger", "average", "status", "info")
NUMBERS = ("qty", "filled", "price", "trigger", "average")


class Group(Standing):
    """A bracket, a cover order, or an order by itself, as it was last read."""

    @property
    def single(self) -> bool:
        """Whether it is an order by itself, which has no legs and no stop-loss to miss."""
        return not self.entry.leg

    @property
    def over(self) -> bool:
        """Whether nothing of it works and nothing is open that it would close."""
        return self.entry.terminal if self.single else self.closed

    @property
    def bare(self) -> bool:
        """Whether shares are open without a stop: UNPROTECTED."""
        return not self.single and self.unprotected

    @property
    def closing(self) -> bool:
        """Whether its stop-loss is a market order by now."""
        return any(row.info == CLOSING_INFO and not row.terminal for row in self.rows)

    @property
    def open_shares(self) -> int:
        """Shares that the bracket still has to close; of an order by itself none."""
        return 0 if self.single else self.open_quantity


@dataclass(frozen=True, slots=True)
class Filter:
    """Which groups are shown: each word that is given must fit one of their rows. `live` is True for what works."""

    live: bool | None = None
    symbol: str = ""
    side: str = ""
    status: str = ""

    def passes(self, group: Group) -> bool:
        """Whether the group is shown; it is shown whole or not at all."""
        if self.live is not None and group.over is self.live:
            return False
        if self.symbol and not group.entry.symbol.upper().startswith(self.symbol.upper()):
            return False
        if self.side and group.entry.side != self.side.upper():
            return False
        return not self.status or any(self.status.upper() in (row.status, row.info) for row in group.rows)


def groups(orders: Sequence[Order]) -> list[Group]:
    """The orders as groups, in the order in which their entries were placed; each row is in one group."""
    made: list[Group] = []
    seen: set[str] = set()
    for order in sorted(orders, key=lambda row: (placed_s(row), len(row.order_id), row.order_id)):
        if order.order_id in seen:
            continue
        rows = rows_of(order.order_id, orders)
        seen.update(row.order_id for row in rows)
        made.append(Group(rows))
    return made


def placed_s(order: Order) -> int:
    """When the order was placed, in unix seconds; 0 where the broker does not say."""
    placed = order.raw.get("order_entry_time")
    return placed if isinstance(placed, int) else 0


def book_table(shown: Iterable[Group]) -> "Table":
    """A table with a line for each order; the legs stand below their entry."""
    made = table(*COLUMNS, numbers=NUMBERS)
    for group in shown:
        for row in group.rows:
            made.add_row(*cells(row, below=row is not group.entry))
        made.add_section()
    return made


def cells(order: Order, *, below: bool) -> tuple[str, ...]:
    """The cells of one order, in the order of COLUMNS."""
    return (
        f"{'└ ' if below else ''}{order.order_id}",
        order.leg or str(order.raw.get("execution_type") or ""),
        order.symbol,
        styled(order.side),
        str(order.quantity),
        str(order.filled),
        order.order_type,
        price_text(order.price),
        price_text(order.trigger),
        price_text(order.average_price),
        styled(order.status),
        styled(order.info),
    )


def price_text(amount: Any) -> str:
    """A price, "" for none."""
    return rupees(amount) if amount else ""


def order_facts(order: Order) -> dict[str, object]:
    """An order as JSON tells it: prices are texts in rupees, quantities shares, times unix seconds."""
    return {
        "order_id": order.order_id,
        "basket_id": order.basket_id,
        "parent_id": order.parent_id,
        "leg": order.leg,
        "execution": str(order.raw.get("execution_type") or ""),
        "symbol": order.symbol,
        "instrument": f"{order.exchange}:{order.token}",
        "side": order.side,
        "order_type": order.order_type,
        "product": str(order.raw.get("product") or ""),
        "validity": str(order.raw.get("validity") or ""),
        "quantity": order.quantity,
        "filled": order.filled,
        "remaining": order.remaining,
        "price": rupees(order.price),
        "trigger": rupees(order.trigger),
        "average_price": rupees(order.average_price),
        "status": order.status,
        "info": order.info,
        "rejection": order.rejection,
        "exchange_order_id": order.exchange_order_id,
        "placed_s": placed_s(order),
    }


def group_facts(group: Group) -> dict[str, object]:
    """A group as JSON tells it."""
    return {
        "order_id": group.order_id,
        "basket_id": group.entry.basket_id,
        "over": group.over,
        "open_quantity": group.open_shares,
        "unprotected": group.bare,
        "closing": group.closing,
        "orders": [order_facts(row) for row in group.rows],
    }


def trade_facts(trade: Trade) -> dict[str, object]:
    """A trade as JSON tells it; what of the market it came from is told by the trade book alone."""
    return {
        "trade_id": trade.trade_id,
        "order_id": trade.order_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity,
        "price": rupees(trade.price),
        "traded_s": trade.raw.get("trade_time", 0),
    }
