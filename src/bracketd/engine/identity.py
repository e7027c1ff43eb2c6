"""Which order a text names: its own id, a basket's, or the exchange's number, and never another client's.

bracket.md section 4: a basket id is an alias of its entry, an exchange order id of the order that carries it.
"""

import re

from bracketd.domain.bracket import Bracket
from bracketd.domain.order import Leg, Order
from bracketd.engine.state import State

_ID = re.compile(r"[A-Za-z0-9-]{1,32}\Z", re.ASCII)


def find_order(state: State, client_id: str, text: str) -> Order | None:
    """The client's order that the text names, None where there is none or it is another client's."""
    order = state.orders.get(text)
    if order is None:
        if not _ID.match(text):
            return None
        bracket = state.brackets.get(text)
        known = bracket.entry_id if bracket is not None else state.exchange_ids.get(text, "")
        order = state.orders.get(known)
    return order if order is not None and order.client_id == client_id else None


def leg_row(state: State, bracket: Bracket, leg: Leg) -> Order | None:
    """The bracket's row of a leg, None before it exists."""
    rescue_id = bracket.rescue_ids[-1] if bracket.rescue_ids else ""
    stop_id = bracket.stop_id or rescue_id
    order_id = {Leg.ENTRY: bracket.entry_id, Leg.TARGET: bracket.target_id, Leg.STOPLOSS: stop_id}[leg]
    return state.orders[order_id] if order_id else None
