"""Order and basket numbers: `YYYYMMDD-N`, both from one sequence, unique for all time (invariant 16).

The date is the IST date of the placement. A clock that goes back never takes the sequence with it.

Each shard counts in a block of its own, so that no two of them give out the same number; a server on one folder is in
the first. So does its paper exchange with the numbers of orders and trades, which begin no new count each day.
"""

from typing import Final

from bracketd.domain.ist import ist_date
from bracketd.engine.state import State

NUMBERS_PER_SHARD: Final = 1_000_000_000
"""What a shard may give out on one day."""

VENUE_NUMBERS_PER_SHARD: Final = 20_000_000_000
"""What a shard's paper exchange may give out of each kind, ever: 4,096 blocks are within an order's 14 digits."""


def begin_block(state: State, shard: int) -> None:
    """Count in the block of that shard from now on; once a number was given out, this changes nothing."""
    state.id_last = max(state.id_last, shard * NUMBERS_PER_SHARD)


def venue_block(shard: int) -> int:
    """The number after which the paper exchange of that shard counts."""
    return shard * VENUE_NUMBERS_PER_SHARD


def next_numbers(state: State, now_ns: int, count: int) -> list[str]:
    """The next `count` numbers; nothing is taken until an event that carries them is applied."""
    date, last, today = state.id_date, state.id_last, ist_date(now_ns)
    if today > date:
        date, last = today, last - last % NUMBERS_PER_SHARD
    return [f"{date}-{number}" for number in range(last + 1, last + count + 1)]


def take_number(state: State, number: str) -> None:
    """Count a number as given out."""
    date, _, digits = number.partition("-")
    if date > state.id_date:
        state.id_date, state.id_last = date, 0
    sequence = int(digits)
    if sequence > state.id_last:
        state.id_last = sequence
