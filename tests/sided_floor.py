"""A floor on which a test is written for a BUY and runs for a SELL as well, mirrored about the base price.

bracket.md invariant 26: mirroring sides and prices mirrors every outcome. SBIN's band is symmetric about its base
price, 456.95, so every price that a test writes has a mirror image inside the band and on the tick.
"""

from tests.trading_floor import SBIN, Asked, Floor

from bracketd.domain.events import AnyEvent
from bracketd.domain.instrument import Level
from bracketd.domain.order import Order, Side, Status
from bracketd.domain.outcomes import Outcome
from bracketd.runtime.desk import SessionsOfDay

CENTRE_PAISE = 45_695


def mirrored_paise(price_paise: int) -> int:
    """The price as far on the other side of the base price; 0, which is no price, stays 0."""
    return 2 * CENTRE_PAISE - price_paise if price_paise else 0


def mirrored_levels(levels: tuple[Level, ...] | None) -> tuple[Level, ...] | None:
    """The mirror image of one side of the depth."""
    return None if levels is None else tuple(Level(mirrored_paise(each.price_paise), each.quantity) for each in levels)


class SidedFloor(Floor):
    """A floor whose `side` is what the test calls BUY; prices go in and come out in the test's own terms."""

    def __init__(
        self,
        side: Side = Side.BUY,
        *clients: str,
        cash_paise: int = 10**11,
        sessions: SessionsOfDay | None = None,
        start: str = "",
    ) -> None:
        self.side = side
        super().__init__(*clients, cash_paise=cash_paise, sessions=sessions, start=start)

    def rupees(self, price: float) -> float:
        """The price that stands for the one that the test writes."""
        return price if self.side is Side.BUY or not price else round(2 * CENTRE_PAISE / 100 - price, 2)

    def paise(self, price_paise: int) -> int:
        """The paise that the test expects, from those on a row."""
        return price_paise if self.side is Side.BUY else mirrored_paise(price_paise)

    def place(self, client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> str:
        """Place a bracket in the test's terms."""
        prices = {"price": 456.95, "trigger": 0.0} | {
            name: fields.pop(name) for name in ("price", "trigger") if name in fields
        }
        told = {name: self.rupees(float(str(price))) for name, price in prices.items()}
        return super().place(client, side if self.side is Side.BUY else side.opposite, quantity, **told, **fields)

    def modify(self, order_id: str, client: str = "A", **fields: object) -> Outcome:
        """Modify in the test's terms."""
        return super().modify(order_id, client, **self._sided(fields))

    def ask_modify(self, order_id: str, client: str = "A", **fields: object) -> Asked:
        """As `modify`, by one who waits."""
        return super().ask_modify(order_id, client, **self._sided(fields))

    def tick(
        self,
        price: float,
        quantity: int = 1_000,
        bids: tuple[Level, ...] | None = None,
        asks: tuple[Level, ...] | None = None,
    ) -> list[AnyEvent]:
        """A print or quote in the test's terms."""
        if self.side is Side.SELL:
            bids, asks = mirrored_levels(asks), mirrored_levels(bids)
        return super().tick(self.rupees(price), quantity, bids, asks)

    def silent(self, price: float, quantity: int = 1_000) -> list[AnyEvent]:
        """A print after which nobody is displayed on either side."""
        return self.tick(price, quantity, (), ())

    def net(self, client: str = "A") -> int:
        """The account's position, positive where the test's BUY holds something."""
        position = self.state.positions.get(f"{client} {SBIN} MIS")
        net = position.net if position is not None else 0
        return net if self.side is Side.BUY else -net

    def trades(self, order_id: str) -> list[tuple[float, int]]:
        """(price in rupees, quantity) of each trade of an order, in the order of their making."""
        made = [trade for trade in self.state.trades.values() if trade.order_id == order_id]
        return [(self.paise(trade.price_paise) / 100, trade.quantity) for trade in made]

    def order(self, order_id: str) -> Order:
        """One row."""
        return self.state.orders[order_id]

    def _sided(self, fields: dict[str, object]) -> dict[str, object]:
        return {
            name: self.rupees(float(str(value))) if name in ("price", "trigger") else value
            for name, value in fields.items()
        }


def told(row: Order) -> tuple[Status, int, int, int, int]:
    """(status, quantity, filled, remaining, cancelled) of a row."""
    return row.status, row.quantity, row.filled, row.remaining, row.cancelled
