"""Re-pricing: what a modification makes of a bracket's legs and of trailing (bracket.md sections 2.2 and 2.6)."""

from typing import NamedTuple

import msgspec

from bracketd.domain.bracket import Bracket
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.domain.order import Leg, Order, Side, Terms
from bracketd.engine.pricing import rebased_prices
from bracketd.engine.state import State
from bracketd.engine.trailing import first_anchor


class Repriced(NamedTuple):
    """The target's price, the stop's trigger and the anchor in paise, each 0 where it stays as it was."""

    target_paise: int = 0
    trigger_paise: int = 0
    anchor_paise: int = 0


def repriced(state: State, order: Order, terms: Terms) -> Repriced:
    """What the order's new terms make of its bracket's legs, beside the order's own new price."""
    bracket = state.brackets[order.basket_id]
    if not bracket.stop_id:
        return Repriced()
    stop, target = state.orders[bracket.stop_id], state.target_of(bracket)
    waits = not stop.terminal and not stop.triggered and stop.trigger_paise > 0
    found = _by_offsets(state, bracket, terms) if order.leg is Leg.ENTRY else Repriced()
    if target is None or target.terminal:
        found = found._replace(target_paise=0)
    if not waits:
        return found._replace(trigger_paise=0, anchor_paise=0)
    by_hand = order is stop and terms.trigger_paise not in (0, stop.trigger_paise)
    switched_on = terms.trailing_step_paise and not bracket.trailing_step_paise
    if switched_on or (by_hand and terms.trailing_step_paise):
        found = found._replace(anchor_paise=terms.print_paise)
    return found


def _by_offsets(state: State, bracket: Bracket, terms: Terms) -> Repriced:
    """Each leg whose offset changed is re-based; a stop that has trailed is shifted, and its anchor stays."""
    entry, stop = state.orders[bracket.entry_id], state.orders[bracket.stop_id]
    after = msgspec.structs.replace(
        bracket, target_offset_paise=terms.target_offset_paise, stop_offset_paise=terms.stop_offset_paise
    )
    target_paise, trigger_paise = rebased_prices(after, entry.traded_value_paise, entry.filled)
    if terms.target_offset_paise == bracket.target_offset_paise:
        target_paise = 0
    if terms.stop_offset_paise == bracket.stop_offset_paise:
        return Repriced(target_paise)
    if bracket.trailed:
        return Repriced(target_paise, _shifted(bracket, stop, terms.stop_offset_paise - bracket.stop_offset_paise))
    anchor = first_anchor(after, trigger_paise) if bracket.trailing_step_paise else 0
    return Repriced(target_paise, trigger_paise, anchor)


def _shifted(bracket: Bracket, stop: Order, wider_paise: int) -> int:
    """The trailed trigger that much farther from the market, rounded toward the entry's side of it and in the band."""
    if bracket.side is Side.BUY:
        trigger = ceil_to_tick(stop.trigger_paise - wider_paise, bracket.tick_paise)
    else:
        trigger = floor_to_tick(stop.trigger_paise + wider_paise, bracket.tick_paise)
    return max(bracket.lower_band_paise, min(bracket.upper_band_paise, trigger))
