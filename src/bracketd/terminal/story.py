"""Stories: why a bracket is in its state, in words, and what happened to it when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bracketd.client import Moment, Order, Trade
from bracketd.terminal.amount import rupees
from bracketd.terminal.book import Group

INFO: Final = {
    "OCO": "the bracket's other exit took its place",
    "CLOSING": "it is a market order now, because the bracket is being closed",
    "SQUARE_OFF": "it closes an intraday position before the session ends",
    "SESSION_END": "the session ended",
    "RESCUE": "it closes shares that neither leg would have closed",
    "AMO": "it is held here until the session begins",
    "UNPROTECTED_LEG_REFUSED": "the exchange would not have it",
    "UNPROTECTED": "shares are open that no working order would close",
}
"""What the words of `order_status_info` mean."""

STATUS: Final = {
    "PENDING": "is on its way to the exchange",
    "CONFIRMED": "works at the exchange",
    "TRIGGER_PENDING": "waits at the exchange for its trigger",
    "MODIFY_PENDING": "works as before, and the exchange was asked to change it",
    "MODIFY_CONFIRMED": "works at the exchange, as changed",
    "CANCEL_PENDING": "may still fill; the exchange was asked to cancel it and has not answered",
    "COMPLETE": "is done",
    "CANCELLED": "works no more",
    "REJECTED": "was refused by the exchange",
}
"""What an order of each status does."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a timeline; `at_ns` is unix nanoseconds. `cause` says what of the market brought a fill about."""

    at_ns: int
    order_id: str
    leg: str
    text: str
    trade_id: str = ""
    cause: str = ""


def why(group: Group) -> str:
    """Why the group is in its state: one or two sentences."""
    entry = group.entry
    if group.single:
        return _sentence(f"The order {standing(entry)}")
    if group.bare:
        return (
            f"UNPROTECTED: {_shares(group.open_shares)} open, and no working order would close "
            f"{'them' if group.open_shares != 1 else 'it'}. The exchange is asked again at every print and every "
            "second; `bracketd exit` asks at once."
        )
    if group.closing:
        return f"Closing: the stop-loss is a market order by now, for {_count(group.open_shares)} still open."
    if group.open_shares:
        return f"{_entry_so_far(entry)} {_guards(group)}"
    if not entry.filled:
        return _sentence(f"Nothing has filled: the entry {standing(entry)}")
    if not group.over:
        return f"{_entry_so_far(entry)} Nothing is open now."
    return f"Over: {_entry_so_far(entry)[0].lower()}{_entry_so_far(entry)[1:]} {_closers(group)}"


def standing(order: Order) -> str:
    """What an order does now and, where its info says so, why; without a full stop."""
    text = STATUS.get(order.status, order.status)
    if order.status == "TRIGGER_PENDING" and order.trigger:
        text = f"waits at the exchange for a print at or {_beyond(order)} {rupees(order.trigger)}"
    elif order.status in ("CONFIRMED", "MODIFY_CONFIRMED") and order.price:
        text = f"{text} at {rupees(order.price)}"
    elif order.status == "COMPLETE" and order.filled:
        text = f"has traded {_count(order.filled)} at {rupees(order.average_price)}"
    elif order.status == "REJECTED" and order.rejection:
        text = f"was refused: {order.rejection}"
    meaning = INFO.get(order.info)
    return f"{text}; {meaning}" if meaning else text


def timeline(
    rows: Sequence[Order], histories: Mapping[str, Iterable[Moment]], trades: Iterable[Trade]
) -> list[Happening]:
    """What happened to the orders, oldest first: each fill with its cause where the broker tells one."""
    fills: dict[str, list[Trade]] = {}
    for trade in trades:
        fills.setdefault(trade.order_id, []).append(trade)
    happenings: list[Happening] = []
    for row in rows:
        happenings += _of_one(row, list(histories.get(row.order_id, ())), fills.get(row.order_id, []))
    return sorted(happenings, key=lambda each: each.at_ns)


def cause_of(trade: Trade) -> str:
    """What of the market a fill came from, in words; "" where the broker does not tell."""
    way = trade.raw.get("matched_by")
    if way not in WAYS:
        return ""
    last = trade.raw.get("tick_price")
    text = f"{WAYS[way]}; the last print was {rupees(last)}" if last else WAYS[way]
    name = str(trade.raw.get("tick_id") or "")
    return f"{text}, tick {name}" if name else text


WAYS: Final = {
    "PRINT": "a print reached its limit, and it had its share of what was traded",
    "DISPLAYED": "it took what was displayed",
}
"""What the trade book's `matched_by` means."""


def _of_one(row: Order, moments: Sequence[Moment], fills: Sequence[Trade]) -> Iterable[Happening]:
    leg = row.leg or "ORDER"
    filled, told, number = 0, "", 0
    for position, moment in enumerate(moments):
        at_ns, last = moment.at_ns, position == len(moments) - 1
        if moment.filled > filled:
            trade = fills[number] if number < len(fills) else None
            price = rupees(trade.price if trade else moment.average_price)
            count = moment.filled - filled
            text = f"{_count(count)} traded at {price}, {moment.filled} in all"
            yield Happening(
                at_ns, row.order_id, leg, text, trade.trade_id if trade else "", cause_of(trade) if trade else ""
            )
            filled, number, told = moment.filled, number + 1, moment.status
        elif position == 0:
            yield Happening(at_ns, row.order_id, leg, _beginning(row, changed=moments[-1].mode == "MODIFY"))
            told = moment.status
        elif not last:
            as_number = f" as {moment.exchange_order_id}" if moment.exchange_order_id else ""
            yield Happening(at_ns, row.order_id, leg, f"taken by the exchange{as_number}")
            told = moment.status
        if last and (moment.status != told or moment.info or moment.mode == "MODIFY"):
            changed = "changed; " if moment.mode == "MODIFY" else ""
            yield Happening(at_ns, row.order_id, leg, f"{changed}{moment.status}: it {standing(row)}")


def _beginning(row: Order, *, changed: bool) -> str:
    """How an order came to be. The broker tells present terms alone: those that have changed are not said."""
    if row.parent_id:
        return "made, because the entry filled"
    if changed:
        return "placed, on terms that were changed since"
    at = f" at {rupees(row.price)}" if row.price else ""
    trigger = f", trigger {rupees(row.trigger)}" if row.trigger else ""
    return f"placed: {row.side} {row.quantity} {row.order_type}{at}{trigger}"


def _entry_so_far(entry: Order) -> str:
    verb = "bought" if entry.side == "BUY" else "sold"
    all_of_it = "" if entry.filled == entry.quantity else f" of {entry.quantity}"
    text = f"{_count(entry.filled)}{all_of_it} {verb} at {rupees(entry.average_price)}"
    if not entry.terminal:
        text += f"; the rest {standing(entry)}"
    elif entry.filled < entry.quantity:
        text += "; the rest works no more"
    return _sentence(text[0].upper() + text[1:])


def _guards(group: Group) -> str:
    stop, target = group.stop, group.target
    parts = []
    if target is not None and not target.terminal:
        parts.append(f"the target {standing(target)}")
    if stop is not None:
        step = stop.raw.get("trailing_stop_loss")
        trails = f" and trails in steps of {rupees(step)}" if step else ""
        parts.append(f"the stop-loss {standing(stop)}{trails}")
    return _sentence(f"{_shares(group.open_shares)} open: " + ", ".join(parts))


def _closers(group: Group) -> str:
    closers = [row for row in group.rows[1:] if row.filled]
    told = [f"the {_LEGS.get(row.leg, row.leg)} closed {row.filled} at {rupees(row.average_price)}" for row in closers]
    return _sentence("T" + ", ".join(told)[1:]) if told else ""


_LEGS: Final = {"TARGET": "target", "STOPLOSS": "stop-loss"}


def _beyond(order: Order) -> str:
    return "above" if order.side == "BUY" else "below"


def _count(shares: int) -> str:
    return f"{shares} share{'' if shares == 1 else 's'}"


def _shares(shares: int) -> str:
    return f"{_count(shares)} {'is' if shares == 1 else 'are'}"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
