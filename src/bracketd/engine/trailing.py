"""Trailing: how a stop follows the market, and never back (bracket.md section 2.6).

A print is measured from an anchor that starts one stop offset beyond the trigger. When the market is a whole step
further, trigger and anchor both move by the whole distance. Quotes and own fills are no prints.
"""

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import StopTrailed
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.domain.order import Side
from bracketd.engine.state import State


def first_anchor(bracket: Bracket, trigger_paise: int) -> int:
    """The anchor of a stop with this trigger, in paise: the offset beyond it, rounded to the tick toward it."""
    low, high = bracket.lower_band_paise, bracket.upper_band_paise
    if bracket.side is Side.BUY:
        anchor = floor_to_tick(trigger_paise + bracket.stop_offset_paise, bracket.tick_paise)
    else:
        anchor = ceil_to_tick(trigger_paise - bracket.stop_offset_paise, bracket.tick_paise)
    return max(low, min(high, anchor))


def better(bracket: Bracket, one_paise: int, other_paise: int) -> int:
    """The price that protects more: the higher for a bracket that bought, the lower for one that sold."""
    return max(one_paise, other_paise) if bracket.side is Side.BUY else min(one_paise, other_paise)


def trail(state: State, bracket: Bracket, print_paise: int, now_ns: int) -> StopTrailed | None:
    """The move that a print causes, None where the market has not come a whole step further."""
    sign = 1 if bracket.side is Side.BUY else -1
    distance = sign * (print_paise - bracket.anchor_paise)
    if distance < bracket.trailing_step_paise:
        return None
    move = sign * floor_to_tick(distance, bracket.tick_paise)
    trigger = state.orders[bracket.stop_id].trigger_paise
    return StopTrailed(now_ns, bracket.basket_id, trigger + move, bracket.anchor_paise + move)
