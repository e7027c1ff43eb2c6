"""Changing a row: its status by the table, its activity reference, and its bracket's margin. For evolve alone."""

from typing import Any

import msgspec

from bracketd.domain.bracket import Bracket
from bracketd.domain.instructions import Modified
from bracketd.domain.order import Leg, Order, Side, Status
from bracketd.engine.margin import settle_margin
from bracketd.engine.stake import settle_stake
from bracketd.engine.state import State
from bracketd.engine.transitions import Happening, next_status

ACTIVITY_STEP_NS = 512
"""Successive references of one order stay this far apart, so that a float64 still tells them apart (wire.md 1.6)."""

_STEPS = {number: number for number in range(0, 64 * ACTIVITY_STEP_NS, ACTIVITY_STEP_NS)}

_STOPLOSS, _PENDING = Leg.STOPLOSS, Status.PENDING


def touch(order: Order, at_ns: int) -> None:
    """Mark the order as changed, in unix nanoseconds."""
    ahead_ns = order.changed_ns + order.ahead_ns + ACTIVITY_STEP_NS - at_ns
    order.changed_ns = at_ns
    # Mostly it is one step, or several, of what came in one moment: those numbers are there already.
    order.ahead_ns = 0 if ahead_ns <= 0 else _STEPS.get(ahead_ns, ahead_ns)


def happen(order: Order, happening: Happening, at_ns: int) -> None:
    """Give the order the status that follows; raises InvariantBroken where none does."""
    order.status = next_status(order.status, happening, order.status_before)
    touch(order, at_ns)


def settle(state: State, bracket: Bracket) -> None:
    """Bring the account's sums up to date with the bracket, or with the stake of an order by itself."""
    account = state.accounts[bracket.client_id]
    if bracket.execution.single:
        settle_stake(state, state.orders[bracket.entry_id], account)
    else:
        settle_margin(state, bracket, account)


def born(at_ns: int) -> dict[str, Any]:
    """What every row begins with."""
    return {
        "status": _PENDING,
        "placed_ns": at_ns,
        "changed_ns": at_ns,
    }


def end_trailing(state: State, order: Order) -> None:
    """A stop that is triggered, refused, closing or done trails no more."""
    if order.leg is _STOPLOSS and order.instrument in state.trailing:
        state.trailing[order.instrument].pop(order.basket_id, None)


def end_modify(state: State, order: Order) -> None:
    """A modify in flight comes to nothing where the order has come to its end first."""
    if state.terms and order.terminal and state.terms.pop(order.order_id, None) is not None:
        order.mark(modify_refusal=ENDED_FIRST, modify_asked_ns=0)


ENDED_FIRST = "the order came to its end first"
"""Why a modify came to nothing that the venue found nothing for; its outcome is that of an order at its end."""


def grows(state: State, order: Order) -> bool:
    """Whether the venue was asked for more of an order than it has, and has not answered."""
    terms = state.terms.get(order.order_id)
    return terms is not None and terms.quantity > order.quantity


def supersede(state: State, *order_ids: str) -> None:
    """The exchange was told other prices for legs that it has just modified: its word on those is still under way."""
    for number, under_way in state.post.items():
        if isinstance(under_way.letter, Modified) and under_way.letter.order_id in order_ids:
            state.post[number] = msgspec.structs.replace(under_way, superseded=True)


def take_displayed(state: State, order: Order, quantity: int) -> None:
    """Displayed quantity is used up for the order's account until the next tick."""
    taken = state.markets[order.instrument].taken.setdefault(order.client_id, [0, 0])
    taken[0 if order.side is Side.BUY else 1] += quantity


def trade_number(trade_id: str) -> int:
    """The number in a trade id of the paper exchange, 0 for one of another venue."""
    return int(trade_id) if trade_id.isdecimal() else 0
