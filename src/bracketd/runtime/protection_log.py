"""The protection log: an operator reads of every bracket that lost its protection, and that it has it again (2.8)."""

import logging
from collections.abc import Sequence

from bracketd.domain.events import AnyEvent, ProtectionLost, ProtectionRegained
from bracketd.engine.state import State

_log = logging.getLogger(__name__)

_FLAGGED = frozenset({ProtectionLost, ProtectionRegained})


def log_protection(state: State, events: Sequence[AnyEvent]) -> None:
    """One line for each loss (a warning) and each return of protection among a step's events; quantities are shares."""
    if _FLAGGED.isdisjoint(map(type, events)):
        return
    for event in events:
        if type(event) is ProtectionLost:
            bracket = state.brackets[event.basket_id]
            _log.warning(
                "UNPROTECTED: basket %s, entry %s, open quantity %d",
                bracket.basket_id,
                bracket.entry_id,
                state.open_quantity(bracket),
            )
        elif type(event) is ProtectionRegained:
            _log.info("protected again: basket %s", event.basket_id)
