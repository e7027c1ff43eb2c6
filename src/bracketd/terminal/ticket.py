"""A ticket: what is about to be placed, with the prices that follow from it, shown before anything is sent."""

from dataclasses import dataclass
from decimal import Decimal

from bracketd.terminal.amount import rupees


@dataclass(frozen=True, slots=True)
class Ticket:
    """A bracket to be placed. Prices and offsets are rupees, 0 for none; the offsets are away from the average fill."""

    symbol: str
    side: str
    quantity: int
    price: Decimal
    trigger: Decimal
    target: Decimal
    stop: Decimal
    trailing: Decimal
    validity: str

    @property
    def order_type(self) -> str:
        """What the prices make of the entry."""
        if self.price:
            return "SL" if self.trigger else "LIMIT"
        return "SL-M" if self.trigger else "MARKET"

    @property
    def expected(self) -> Decimal:
        """The price at which the entry is expected to fill: its limit, else its trigger, else 0 for unknown."""
        return self.price or self.trigger

    def exits(self) -> tuple[Decimal, Decimal]:
        """(target's price, stop-loss's trigger) for a fill at the expected price; (0, 0) where that is unknown."""
        if not self.expected:
            return Decimal(0), Decimal(0)
        sign = 1 if self.side == "BUY" else -1
        return self.expected + sign * self.target, self.expected - sign * self.stop

    def lines(self) -> list[str]:
        """The ticket in words."""
        at = f" at {rupees(self.price)}" if self.price else ""
        trigger = f", triggered at {rupees(self.trigger)}" if self.trigger else ""
        target, stop = self.exits()
        up, down = ("above", "below") if self.side == "BUY" else ("below", "above")
        trails = f", trailing in steps of {rupees(self.trailing)}" if self.trailing else ""
        win, risk = rupees(self.target * self.quantity), rupees(self.stop * self.quantity)
        return [
            f"{self.side} {self.quantity} {self.symbol}, {self.order_type}{at}{trigger}, {self.validity}",
            f"  target     {rupees(self.target)} {up} the fill" + (f": {rupees(target)}" if self.expected else ""),
            f"  stop-loss  {rupees(self.stop)} {down} the fill"
            + (f": {rupees(stop)}" if self.expected else "")
            + trails,
            f"  if all of it fills: {win} to win, {risk} at risk, before costs and slippage",
        ]

    def facts(self) -> dict[str, object]:
        """The ticket as JSON tells it: prices are texts in rupees, those not known are empty."""
        target, stop = self.exits()
        return {
            "symbol": self.symbol,
            "side": self.side,
            "quantity": self.quantity,
            "order_type": self.order_type,
            "price": rupees(self.price) if self.price else "",
            "trigger": rupees(self.trigger) if self.trigger else "",
            "target_offset": rupees(self.target),
            "stop_offset": rupees(self.stop),
            "trailing": rupees(self.trailing) if self.trailing else "",
            "validity": self.validity,
            "expected_target": rupees(target) if target else "",
            "expected_stop": rupees(stop) if stop else "",
        }
