"""A bracket as it was last read: its rows, and what follows from them."""

from collections.abc import Sequence

from bracketd.client.rows import Order

CLOSING_INFO = "CLOSING"
UNPROTECTED_INFO = "UNPROTECTED"


class Standing:
    """What both kinds of bracket show. Nothing here asks the broker: `refresh()` does."""

    def __init__(self, rows: Sequence[Order]) -> None:
        self._take(rows)

    def _take(self, rows: Sequence[Order]) -> None:
        self.rows: tuple[Order, ...] = tuple(rows)
        self._fresh = True

    @property
    def entry(self) -> Order:
        """The entry."""
        return self.rows[0]

    @property
    def target(self) -> Order | None:
        """The target, None before the first fill."""
        return self._leg("TARGET")

    @property
    def stop(self) -> Order | None:
        """The stop-loss, None before the first fill; after `exit()` it is the closing order."""
        return self._leg("STOPLOSS")

    @property
    def order_id(self) -> str:
        """The entry's id, by which the bracket is found again."""
        return self.entry.order_id

    @property
    def open_quantity(self) -> int:
        """Shares that were bought (or sold short) and are not closed."""
        return self.entry.filled - sum(row.filled for row in self.rows[1:])

    @property
    def closed(self) -> bool:
        """Whether nothing of it works and nothing is open."""
        return all(row.terminal for row in self.rows) and self.open_quantity == 0

    @property
    def unprotected(self) -> bool:
        """Whether shares are open without a stop: the broker's flag (bracketd), or a book that shows none."""
        if self.entry.info == UNPROTECTED_INFO:
            return True
        guards = [row for row in self.rows[1:] if row.leg == "STOPLOSS" and not row.terminal]
        return self.open_quantity > 0 and not guards

    def __repr__(self) -> str:
        entry = self.entry
        legs = "".join(f", {row.leg} {row.status}" for row in self.rows[1:])
        what = f"{entry.side} {entry.filled}/{entry.quantity} {entry.symbol}"
        return f"<{type(self).__name__} {self.order_id} {what} {entry.status}{legs}>"

    def _leg(self, leg: str) -> Order | None:
        return next((row for row in self.rows[1:] if row.leg == leg), None)

    def _needed(self, leg: str) -> Order:
        """A leg that has to be there. Raises ValueError."""
        found = self._leg(leg)
        if found is None:
            raise ValueError(f"{self.order_id} has no {leg} yet; refresh() looks again")
        return found
