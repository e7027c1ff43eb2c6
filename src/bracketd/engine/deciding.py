"""decide: what a command comes to. It looks at the state and changes nothing."""

from collections.abc import Mapping

from bracketd.domain.commands import CancelOrder, Command, ConvertPosition, ModifyOrder, OpenAccount, PlaceBracket
from bracketd.domain.events import AccountOpened
from bracketd.domain.instrument import Instrument
from bracketd.domain.outcomes import AccountKnown
from bracketd.engine.cancelling import Decision, decide_cancel
from bracketd.engine.converting import decide_convert
from bracketd.engine.identity import find_order
from bracketd.engine.modifying import decide_modify
from bracketd.engine.moment import Moment
from bracketd.engine.placing import decide_place
from bracketd.engine.state import State


def decide(state: State, command: Command, instruments: Mapping[str, Instrument], now: Moment) -> Decision:
    """Judge a command at a moment: events, an outcome, or a ticket for an outcome that is not known yet."""
    match command:
        case CancelOrder():
            return decide_cancel(state, command, now.at_ns, not (now.phase.trades and state.stage.trades))
        case PlaceBracket():
            return decide_place(state, command, instruments, now)
        case ModifyOrder():
            return decide_modify(state, command, instruments, now)
        case ConvertPosition():
            return decide_convert(state, command, now)
        case OpenAccount():
            known = AccountKnown(command.client_id)
            if command.client_id in state.accounts:
                return Decision(outcome=known)
            opened = AccountOpened(now.at_ns, command.client_id, command.cash_paise, command.leverage)
            return Decision((opened,), known)


def judged_by(state: State, command: Command) -> str:
    """The instrument whose last print a command is judged by, "" for a command that needs none."""
    if isinstance(command, PlaceBracket):
        return command.instrument
    if isinstance(command, ModifyOrder):
        order = find_order(state, command.client_id, command.ids[0])
        return order.instrument if order is not None else ""
    return ""
