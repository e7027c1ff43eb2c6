"""The live blotter's content: every order and trade as last heard, the link to the server, and what is shown of it."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bracketd.client import Order, Position, Trade, Update
from bracketd.terminal.amount import rupees
from bracketd.terminal.book import Group, book_table, groups
from bracketd.terminal.screen import clock_text, styled

if TYPE_CHECKING:
    from rich.console import RenderableType

FILLS_SHOWN: Final = 6
_NS_PER_S: Final = 1_000_000_000


class LiveBook:
    """What was heard so far. One thread hears, another draws; every method may be called by both.

    `changes` counts what makes another picture.
    """

    def __init__(self, client_id: str, url: str) -> None:
        self._lock = threading.Lock()
        self._client_id = client_id
        self._url = url
        self._orders: dict[str, Order] = {}
        self._fills: deque[Trade] = deque(maxlen=FILLS_SHOWN)
        self._link = "connecting"
        self._positions: tuple[Position, ...] = ()
        self.changes = 0

    def stands(self, updates: Sequence[Update]) -> None:
        """The feed is open, and this is all that stands: what is not among it is forgotten."""
        with self._lock:
            self.changes += 1
            self._link = "live"
            self._orders = {each.order_id: each for each in updates if not isinstance(each, Trade)}
            self._fills.clear()
            self._fills.extend([each for each in updates if isinstance(each, Trade)])

    def hear(self, update: Update) -> None:
        """An order replaces what is known of it, unless it is older; a trade counts once."""
        with self._lock:
            self.changes += 1
            self._link = "live"
            if isinstance(update, Trade):
                if all(update.trade_id != known.trade_id for known in self._fills):
                    self._fills.append(update)
                return
            before = self._orders.get(update.order_id)
            if before is None or update.reference >= before.reference:
                self._orders[update.order_id] = update

    def lost(self, why: str) -> None:
        """The connection is gone; what is shown may be old."""
        with self._lock:
            self.changes += self._link != why
            self._link = why

    def hold(self, positions: Sequence[Position]) -> None:
        """The positions as they are valued now."""
        with self._lock:
            self.changes += self._positions != tuple(positions)
            self._positions = tuple(positions)

    def groups(self) -> list[Group]:
        """The brackets as they stand."""
        with self._lock:
            return groups(list(self._orders.values()))

    def drawn(self, height: int) -> "RenderableType":
        """The whole screen, of so many lines: what works first, and what is over as far as there is room."""
        from rich.console import Group as Stack
        from rich.text import Text

        with self._lock:
            fills, link, held = list(self._fills), self._link, self._positions
        stand = self.groups()
        live = [group for group in stand if not group.over]
        over = [group for group in reversed(stand) if group.over]
        bare = [group.order_id for group in stand if group.bare]
        room = max(3, height - FILLS_SHOWN - 8 - len(bare) - len(held))
        shown, hidden = fitting([*live, *over], room)
        parts: list[RenderableType] = [self._headline(link, len(live), len(over))]
        if bare:
            text = f" UNPROTECTED: {', '.join(bare)}: shares are open that no working order would close "
            parts.append(Text(text, style="bold white on red"))
        parts.append(book_table(shown) if shown else Text("\nNo orders yet.\n", style="dim"))
        if hidden:
            parts.append(Text(f"and {hidden} more", style="dim"))
        parts += [Text(position_line(position), style="bold") for position in held]
        parts += [Text.from_markup(_fill_line(fill)) for fill in reversed(fills)]
        parts.append(Text("q quits", style="dim"))
        return Stack(*parts)

    def _headline(self, link: str, live: int, over: int) -> "RenderableType":
        from rich.text import Text

        style = "green" if link == "live" else "bold black on yellow"
        counts = f"  {live} live, {over} over  "
        return Text.assemble((f"{self._client_id} at {self._url}", "bold"), counts, (f" {link} ", style))


def position_line(position: Position) -> str:
    """A position with what it has earned and would earn if it were closed at the last price, in rupees."""
    earned = position.realised + position.net * (position.last_price - position.average_price)
    open_part = f" at {rupees(position.average_price)}" if position.net else ""
    earned_text = f"{'+' if earned >= 0 else '-'}{rupees(abs(earned))}"
    return f"{position.symbol} {position.net:+d}{open_part}, last {rupees(position.last_price)}: {earned_text}"


def fitting(wanted: list[Group], lines: int) -> tuple[list[Group], int]:
    """As many of the groups as fit into so many lines, and how many do not."""
    shown: list[Group] = []
    for group in wanted:
        # The section's rule takes a line as well.
        lines -= len(group.rows) + 1
        if lines < 0 and shown:
            break
        shown.append(group)
    return shown, len(wanted) - len(shown)


def line_of(update: Update) -> str:
    """One line for one update, where nobody can be drawn a screen."""
    if isinstance(update, Trade):
        return f"{_traded_at(update)}  FILL      {update.order_id}  {_fill_text(update)}"
    info = f" {update.info}" if update.info else ""
    price = f" at {rupees(update.price)}" if update.price else ""
    trigger = f" trigger {rupees(update.trigger)}" if update.trigger else ""
    what = f"{update.side} {update.filled}/{update.quantity} {update.symbol} {update.order_type}{price}{trigger}"
    return f"{'':8}  {update.leg or 'ORDER':<8}  {update.order_id}  {what} {update.status}{info}"


def _fill_line(fill: Trade) -> str:
    return f"{_traded_at(fill)}  {styled(fill.side)} {_fill_text(fill)}  {fill.order_id}"


def _fill_text(fill: Trade) -> str:
    return f"{fill.quantity} {fill.symbol} at {rupees(fill.price)}"


def _traded_at(fill: Trade) -> str:
    traded = fill.raw.get("trade_time")
    return clock_text(traded * _NS_PER_S)[:8] if isinstance(traded, int) else f"{'':8}"
