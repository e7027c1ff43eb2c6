"""Repeating: a placement that was accepted under an idempotency key is known again for its day (bracket.md section 4).

The same key with the same request gets the same answer, with another request a refusal. A refused placement is not
remembered and may be tried again. The day is the IST date.
"""

from bracketd.domain.commands import PlaceBracket
from bracketd.domain.events import BracketPlaced
from bracketd.domain.ist import ist_date
from bracketd.domain.outcomes import Outcome, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.state import Placement, State


def repeated(state: State, command: PlaceBracket, now_ns: int) -> Outcome | None:
    """What a placement that was made before is answered, None for one that is new."""
    if not command.idempotency_key or state.placements_date != ist_date(now_ns):
        return None
    known = state.placements.get(command.client_id, {}).get(command.idempotency_key)
    if known is None:
        return None
    if known.digest != command.digest():
        return Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    return Placed(known.basket_id, known.entry_id)


def remember(state: State, event: BracketPlaced) -> None:
    """Keep a keyed placement; those of an earlier day are forgotten with the first of a new one."""
    if not event.idempotency_key:
        return
    today = ist_date(event.at_ns)
    if today != state.placements_date:
        state.placements_date = today
        state.placements.clear()
    kept = Placement(event.digest, event.basket_id, event.entry_id)
    state.placements.setdefault(event.client_id, {})[event.idempotency_key] = kept
