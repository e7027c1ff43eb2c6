"""Order and basket numbers: `YYYYMMDD-N`, both from one sequence, unique for all time (invariant 16).

The date is the IST date of the placement. A clock that goes back never takes the sequence with it.
"""

from bracketd.domain.ist import ist_date
from bracketd.engine.state import State


def next_numbers(state: State, now_ns: int, count: int) -> list[str]:
    """The next `count` numbers; nothing is taken until an event that carries them is applied."""
    today = ist_date(now_ns)
    date, last = (today, 0) if today > state.id_date else (state.id_date, state.id_last)
    return [f"{date}-{last + step}" for step in range(1, count + 1)]


def take_number(state: State, number: str) -> None:
    """Count a number as given out."""
    date, _, sequence = number.partition("-")
    if date > state.id_date:
        state.id_date, state.id_last = date, 0
    state.id_last = max(state.id_last, int(sequence))
