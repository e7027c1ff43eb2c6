"""An image of a paper exchange: everything by which it decides, so that two exchanges can be compared."""

from typing import Any

from bracketd.venue.paper.book import Book, Work
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.venue.paper.ladder import waiting_at

_FACTS = (
    "account",
    "basket_id",
    "buy",
    "immediate",
    "kind",
    "limit_paise",
    "order_id",
    "priority",
    "protection_bp",
    "trigger_paise",
    "waiting",
)


def image_of(venue: PaperExchange, instrument: str) -> dict[str, Any]:
    """Everything by which the paper exchange decides, in a form that two exchanges can be compared by."""
    book = venue._book(instrument)
    return {
        "market": (book.print_paise, book.bids, book.asks),
        "taken": {account: used for account, used in book.taken.items() if any(used)},
        **queues_of(venue, instrument),
        "left over": (venue._arrivals, venue._touched, venue._depth),
    }


def queues_of(venue: PaperExchange, instrument: str) -> dict[str, Any]:
    """What stands where in whose queue, without what the market shows."""
    book = venue._book(instrument)
    return {
        "books": [_side(side) for side in (*book.resting, *book.stops)],
        "at market": {order_id: _work(work) for order_id, work in book.market.items()},
        "work": {order_id: _work(work) for order_id, work in venue._work.items()},
        "pairs": {
            basket: (pair.remaining, pair.stop and pair.stop.order_id, pair.target and pair.target.order_id)
            for basket, pair in venue._pairs.items()
        },
        "counters": (venue._acknowledged, venue._traded, venue._priority),
    }


def differing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """What differs between two lists of queues: orders and pairs by their ids, anything else by its name."""
    found: list[str] = []
    for old, new in zip(before, after, strict=True):
        for name in old:
            if old[name] == new[name]:
                continue
            if name in ("work", "pairs"):
                ids = sorted(old[name].keys() | new[name].keys())
                found += [f"{name} {key}" for key in ids if old[name].get(key) != new[name].get(key)]
            else:
                found.append(name)
    return found


def _side(side: Any) -> dict[int, dict[str, Any]]:
    """One side of resting limits or waiting stops; who came first is in the priority, by which matching goes.

    A price that nobody waits at any more says nothing.
    """
    return {
        price: {work.order_id: _work(work) for work in waiting_at(rung)}
        for price, rung in side.items()
        if rung is not None
    }


def _work(work: Work) -> dict[str, Any]:
    """One order at work; a leg's own count of what remains means nothing."""
    facts = {name: getattr(work, name) for name in _FACTS}
    # An IOC lives for one step only, so what it was plays no part afterwards.
    if not work.waiting:
        # Its trigger has had its day.
        facts["trigger_paise"] = 0
    return facts | {"remaining": work.remaining, "book": isinstance(work.book, Book)}
