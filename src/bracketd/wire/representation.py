"""Representation: what a client is shown of a bracket when it asks for more than a status (`Prefer`, RFC 7240).

bracket.md section 1: the reply keeps its first keys and gains the facts a trader would otherwise fetch with a read.
"""

from collections.abc import Iterable

from bracketd.domain.order import Order
from bracketd.engine.state import State
from bracketd.wire.amounts import JSON, average_price, rupees
from bracketd.wire.replies import Reply, modified_body, placed_body, placed_inner

APPLIED = ((b"preference-applied", b"return=representation"),)


def wants_representation(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request's ASGI headers prefer `return=representation`; the first `return` counts (RFC 7240, 2)."""
    for name, value in headers:
        if name != b"prefer":
            continue
        for preference in value.lower().split(b","):
            word, _, sent = preference.partition(b";")[0].partition(b"=")
            if word.strip() == b"return":
                return sent.strip().strip(b'"') == b"representation"
    return False


def cancelled_with_facts(facts: dict[str, object]) -> Reply:
    """The reply to a cancel that was done, with the facts of its bracket."""
    body = {"status": "success", "message": "Order cancelled successfully", "data": facts}
    return Reply(200, JSON.encode(body))


def modified_with_facts(facts: dict[str, object]) -> Reply:
    """The reply to a modification that was done, with the facts of its bracket."""
    return Reply(200, modified_body(facts))


def placed_with_facts(basket_id: str, facts: dict[str, object]) -> Reply:
    """The reply to a placement, with the facts of its bracket beside the keys that are always there."""
    return Reply(200, placed_body(placed_inner(basket_id) | facts))


def facts_of(state: State, order_id: str) -> dict[str, object]:
    """The named row and its bracket; `open_quantity` is what is not closed yet, in shares."""
    named = state.orders[order_id]
    bracket = state.bracket_of(order_id)
    return {
        "oms_order_id": named.order_id,
        "order_status": named.status,
        "filled_quantity": named.filled,
        "open_quantity": state.open_quantity(bracket),
        "legs": [_leg(row) for row in state.rows_of(bracket)],
    }


def _leg(row: Order) -> dict[str, object]:
    return {
        "oms_order_id": row.order_id,
        "leg_order_indicator": row.shown_leg,
        "exchange_order_id": row.exchange_order_id,
        "order_status": row.status,
        "order_status_info": row.info,
        "quantity": row.quantity,
        "filled_quantity": row.filled,
        "remaining_quantity": row.remaining,
        "price": rupees(row.price_paise),
        "trigger_price": rupees(row.trigger_paise),
        "average_price": average_price(row),
    }
