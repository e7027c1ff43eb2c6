"""Intents: what was asked of a bracket by somebody who could not wait for what was in flight on it.

bracket.md section 4: outcome unknown means that the intent is recorded, 202 is told, and it is done once the venue has
answered. What it comes to then is said by the cancel table, as if it were asked for at that moment.
"""

from bracketd.domain.bracket import Bracket
from bracketd.domain.events import AnyEvent, CancelRequested, ExitAccepted, ExitRequested, IntentKept
from bracketd.domain.order import Leg
from bracketd.engine.cancel_table import Named, Situation, Verdict, by_entry, situation_of, verdict
from bracketd.engine.state import State


def intent_due(state: State, bracket: Bracket, now_ns: int) -> AnyEvent | None:
    """What a kept intent comes to; None where there is none, or something is still in flight."""
    if not bracket.intended:
        return None
    situation = situation_of(state, bracket, session_over=not state.stage.trades)
    if situation is Situation.IN_FLIGHT:
        return None
    said = verdict(situation, Named.ENTRY if bracket.intended is Leg.ENTRY else Named.EXIT)
    if said is Verdict.BY_ENTRY:
        said = by_entry(state.orders[bracket.entry_id])
    if said is Verdict.RULE_E:
        return CancelRequested(now_ns, bracket.entry_id)
    if said is Verdict.RULE_X:
        return ExitRequested(now_ns, bracket.basket_id)
    if said is Verdict.COUNTS_AS_EXIT and not bracket.exit_accepted:
        return ExitAccepted(now_ns, bracket.basket_id)
    return IntentKept(now_ns, bracket.basket_id, Leg.NONE)
