"""decide: what a command comes to. It looks at the state and changes nothing."""

from collections.abc import Mapping

from bracketd.domain.commands import CancelOrder, Command, OpenAccount, PlaceBracket
from bracketd.domain.events import AccountOpened
from bracketd.domain.instrument import Instrument
from bracketd.domain.outcomes import AccountKnown
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancelling import Decision, decide_cancel
from bracketd.engine.moment import Moment
from bracketd.engine.placing import decide_place
from bracketd.engine.state import State


def decide(state: State, command: Command, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a command at a moment: events, an outcome, or a ticket for an outcome that is not known yet."""
    match command:
        case CancelOrder():
            return decide_cancel(state, command, now.at_ns, now.phase is SessionPhase.CLOSED)
        case PlaceBracket():
            return decide_place(state, command, instruments, now)
        case OpenAccount():
            known = AccountKnown(command.client_id)
            if command.client_id in state.accounts:
                return Decision(outcome=known)
            opened = AccountOpened(now.at_ns, command.client_id, command.cash_paise, command.leverage)
            return Decision((opened,), known)
