"""Retrying: what a venue refused and is asked for again, at every print and at least every second.

bracket.md 2.8 (the closing order of a refused stop-loss), 2.9 (an exit refused at square-off; shares left open at a
session's end, at the next session's first print) and 8.24 (nothing stays half cancelled). An exit that somebody asked
for by hand and that was refused is not asked for again: he was told.
"""

from collections.abc import Callable

from bracketd.domain.bracket import Bracket, Exit
from bracketd.domain.events import AnyEvent, CancelRequested, ExitRequested, OrderResent
from bracketd.domain.order import Order, Status
from bracketd.domain.session import Stage
from bracketd.engine.exposure import (
    EXIT_IN_FLIGHT,
    closes_unasked,
    entry_must_go,
    legs_of,
    makes_way,
    unclaimed,
    untouched,
)
from bracketd.engine.protection import closing_requested, rescue_placed
from bracketd.engine.squaring import square_off_again
from bracketd.engine.state import State

RETRY_NS = 1_000_000_000
"""What the venue refused is asked for again after this time at the latest."""

Rule = Callable[[State, Bracket, int], AnyEvent | None]


def _entry_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    entry = state.orders[bracket.entry_id]
    wanted = _cancel_was_refused(entry) and entry_must_go(state, bracket)
    return CancelRequested(now_ns, entry.order_id) if wanted else None


def _target_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    legs = legs_of(state, bracket)
    if legs is None or legs[1] is None or not closes_unasked(bracket, legs[0]):
        return None
    wanted = _cancel_was_refused(legs[1])
    return CancelRequested(now_ns, bracket.target_id) if wanted else None


def _closing_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    legs = legs_of(state, bracket)
    if legs is None or not closes_unasked(bracket, legs[0]) or bracket.closing or bracket.exit in EXIT_IN_FLIGHT:
        return None
    return closing_requested(state, bracket, now_ns) if makes_way(legs[1]) and state.legs_open(bracket) else None


def _rescue_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    refused = (rescue for rescue in state.rescues_of(bracket) if rescue.refused)
    rescue = next(refused, None)
    return OrderResent(now_ns, rescue.order_id) if rescue is not None else None


def _square_off_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    entry = state.orders[bracket.entry_id]
    if not entry.squares or entry.status is not Status.REJECTED:
        return None
    return square_off_again(state, bracket.client_id, bracket.instrument, now_ns)


def _exit_again(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    wanted = state.stage is Stage.SQUARE_OFF and bracket.exit is Exit.REFUSED and state.open_quantity(bracket) > 0
    return ExitRequested(now_ns, bracket.basket_id) if wanted else None


def _rescue_left_open(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    wanted = bracket.unprotected and unclaimed(state, bracket) > 0
    return rescue_placed(state, bracket, now_ns) if wanted else None


def _cancel_was_refused(order: Order) -> bool:
    return order.cancel_refused and not order.terminal and order.status is not Status.CANCEL_PENDING


EACH_SECOND: tuple[Rule, ...] = (_entry_again, _target_again, _closing_again, _rescue_again, _square_off_again)
"""What is tried again when time passes."""

EACH_PRINT: tuple[Rule, ...] = (*EACH_SECOND, _exit_again, _rescue_left_open)
"""What is tried again when the instrument prints."""


def presses(state: State, bracket: Bracket) -> bool:
    """Whether anything of the bracket is to be tried again."""
    entry = state.orders[bracket.entry_id]
    if untouched(bracket, entry) and not entry.marks.cancel_refused:
        return False
    return state.stage.trades and any(rule(state, bracket, 0) is not None for rule in EACH_PRINT)


def hurries(state: State, bracket: Bracket) -> bool:
    """Whether anything of the bracket is to be tried again though nothing prints."""
    return state.stage.trades and any(rule(state, bracket, 0) is not None for rule in EACH_SECOND)
