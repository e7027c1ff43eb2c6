"""Where a bracket's legs are priced: offsets from the exact average entry price, rounded toward the entry.

bracket.md section 2.2. The average is a quotient of two integers and is never rounded itself.
"""

import msgspec

from bracketd.domain.bracket import Bracket
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.domain.order import Side

_BUY = Side.BUY


class Offsets(msgspec.Struct, frozen=True, gc=False):
    """What prices a bracket's legs, before there is such a bracket: the entry's side, and paise."""

    side: Side
    target_offset_paise: int
    stop_offset_paise: int
    tick_paise: int


def leg_prices(bracket: Bracket | Offsets, value_paise: int, quantity: int) -> tuple[int, int]:
    """(target price, stop trigger) in paise for an average entry price of value/quantity, before the band.

    Buy: average + target offset, average - stop offset; sell mirrored. Both are rounded to the tick toward the entry.
    """
    tick = bracket.tick_paise
    profit = bracket.target_offset_paise * quantity
    loss = bracket.stop_offset_paise * quantity
    if bracket.side is _BUY:
        target = floor_to_tick((value_paise + profit) // quantity, tick)
        trigger = ceil_to_tick(-((loss - value_paise) // quantity), tick)
    else:
        target = ceil_to_tick(-((profit - value_paise) // quantity), tick)
        trigger = floor_to_tick((value_paise + loss) // quantity, tick)
    return target, trigger


def rebased_prices(bracket: Bracket, value_paise: int, quantity: int) -> tuple[int, int]:
    """As leg_prices, each kept inside the band at its outermost tick."""
    low, high = bracket.lower_band_paise, bracket.upper_band_paise
    target, trigger = leg_prices(bracket, value_paise, quantity)
    return max(low, min(high, target)), max(low, min(high, trigger))


PROTECTION_BP = 300
"""How far from the last print a closing order may trade, in hundredths of a percent (bracket.md 3.3)."""


def protection_limit(bracket: Bracket, print_paise: int) -> int:
    """The limit of a closing order at the protection price: rounded toward the print and kept in the band (2.8)."""
    low, high, tick = bracket.lower_band_paise, bracket.upper_band_paise, bracket.tick_paise
    away = print_paise * PROTECTION_BP // 10_000
    if bracket.side is Side.BUY:
        return max(low, min(high, ceil_to_tick(print_paise - away, tick)))
    return max(low, min(high, floor_to_tick(print_paise + away, tick)))
