"""Admission: how an order becomes work in a book, be it new, a leg, or taken up again after a restart.

Prices are paise, quantities shares.
"""

from bracketd.domain.instructions import ClosePair, ModifyWork, OpenPair, SendEntry
from bracketd.domain.order import Order, OrderType, Side, Validity
from bracketd.venue.paper.book import Book, EntryWork, LegWork, Pair, Work

# A module's own names are found faster than an enumeration's members; these are asked for at every order.
_STOPS, _BUY, _IOC = (OrderType.SL, OrderType.SLM), Side.BUY, Validity.IOC


def admit_entry(entry: SendEntry, book: Book, priority: int) -> EntryWork:
    """A new entry; an SL or SL-M waits for its trigger."""
    # By position: so many names would take more than twice as long.
    return EntryWork(
        entry.order_id,
        entry.basket_id,
        entry.account,
        book,
        entry.side is _BUY,
        entry.order_type,
        entry.quantity,
        entry.quantity,
        entry.price_paise,
        entry.trigger_paise,
        priority,
        entry.order_type in _STOPS,
        entry.validity is _IOC,
        entry.protection_bp,
    )


def admit_leg(legs: OpenPair, kind: OrderType, book: Book, pair: Pair, priority: int) -> LegWork:
    """A new leg of a pair: SLM is the stop-loss, LIMIT the target."""
    stop = kind is OrderType.SLM
    return LegWork(
        pair,
        order_id=legs.stop_id if stop else legs.target_id,
        book=book,
        buy=legs.side is Side.BUY,
        kind=kind,
        limit_paise=0 if stop else legs.target_paise,
        trigger_paise=legs.trigger_paise if stop else 0,
        priority=priority,
        waiting=stop,
    )


def admit_closing(close: ClosePair, book: Book, pair: Pair, priority: int) -> LegWork:
    """A closing order for a pair whose stop-loss the exchange would not have before."""
    # A pair that was taken up again after a restart without a leg does not know whose it is.
    pair.account = close.account
    return LegWork(
        pair,
        order_id=close.stop_id,
        book=book,
        buy=close.side is Side.BUY,
        kind=OrderType.MARKET,
        limit_paise=0,
        trigger_paise=0,
        priority=priority,
        waiting=False,
    )


def amend(work: Work, change: ModifyWork, priority: int) -> bool:
    """Give working orders other terms; True where that cost the order its place, which is then `priority`.

    A growth, a new price and a trigger set by hand do; a shrinking keeps the place (bracket.md 3.4).
    """
    priced = work.limited and change.price_paise != work.limit_paise
    triggers = work.waiting and change.trigger_paise not in (0, work.trigger_paise)
    moved = change.growth > 0 or priced or triggers
    if moved:
        work.book.remove(work)
    if isinstance(work, EntryWork):
        traded = work.traded
        work.total = max(work.total + change.growth, traded)
        work.own_remaining = work.total - traded
    if priced:
        work.limit_paise = change.price_paise
    if triggers:
        work.trigger_paise = change.trigger_paise
    if moved:
        work.priority = priority
        if work.remaining:
            work.book.add(work)
    return moved


def readmit(order: Order, book: Book, pair: Pair | None) -> Work:
    """An order that worked before a restart, in its old place; `pair` is a leg's."""
    if pair is not None:
        pair.account = order.client_id
        return LegWork(
            pair,
            order_id=order.order_id,
            book=book,
            buy=order.side is Side.BUY,
            kind=order.order_type,
            limit_paise=order.price_paise,
            trigger_paise=order.trigger_paise,
            priority=order.priority,
            waiting=order.waits,
        )
    return EntryWork(
        order_id=order.order_id,
        basket_id=order.basket_id,
        account=order.client_id,
        book=book,
        buy=order.side is Side.BUY,
        kind=order.order_type,
        quantity=order.remaining,
        limit_paise=order.price_paise,
        trigger_paise=order.trigger_paise,
        priority=order.priority,
        waiting=order.waits,
        immediate=order.validity is Validity.IOC,
        protection_bp=order.protection_bp,
        total=order.quantity,
    )
