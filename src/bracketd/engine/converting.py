"""Converting: whether a position may change its product, and what that makes of the stakes.

Only what orders by themselves have left open can be converted: a bracket's position is MIS for all of it, since its
exits are (wire.md 1.8). It moves at its average cost, so that nothing is earned or lost by it.
"""

import msgspec

from bracketd.domain.account import Position, Stake
from bracketd.domain.commands import ConvertPosition
from bracketd.domain.events import PositionConverted
from bracketd.domain.order import Product, position_key
from bracketd.domain.outcomes import Converted, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.cancelling import Decision
from bracketd.engine.evolve_convert import moves
from bracketd.engine.moment import Moment
from bracketd.engine.stake import bound_paise, leverage_of, open_cost_paise, plus, sellable, stake_of
from bracketd.engine.state import State


def decide_convert(state: State, command: ConvertPosition, now: Moment) -> Decision:
    """Judge a conversion: the event that makes it, or the first reason why not."""
    key = position_key(command.client_id, command.instrument, command.product)
    stake = stake_of(state, key)
    net = stake.total.net
    refusal = _refusal(state.positions.get(key, Position()), command, stake, now)
    if refusal is not None:
        return Decision(outcome=refusal)
    quantity = command.quantity if net > 0 else -command.quantity
    value = open_cost_paise(stake.total) * command.quantity // abs(net)
    converted = PositionConverted(
        now.at_ns, command.client_id, command.instrument, command.product, command.new_product, quantity, value
    )
    if _lacks_margin(state, converted):
        return Decision(outcome=Refused(Reason.MARGIN_SHORT))
    return Decision((converted,), Converted(command.instrument))


def _refusal(held: Position, command: ConvertPosition, stake: Stake, now: Moment) -> Refused | None:
    """`held` is the whole position, what brackets made of it included."""
    net = stake.total.net
    free = sellable(stake) if command.product is Product.CNC else abs(net)
    if not 0 < command.quantity <= free:
        by_brackets = command.product is Product.MIS and 0 < command.quantity <= abs(held.net)
        if by_brackets:
            return Refused(Reason.PRODUCT_NOT_ALLOWED, "product")
        return Refused(Reason.BAD_LOT, "quantity")
    if command.new_product is Product.CNC and net < 0:
        # Shares that nobody has cannot be delivered.
        return Refused(Reason.PRODUCT_NOT_ALLOWED, "new_product")
    # What becomes MIS after the cut-off would be squared off at once.
    late = command.new_product is Product.MIS and now.phase is not SessionPhase.OPEN
    return Refused(Reason.SESSION_CLOSED) if late or not now.phase.trades else None


def _lacks_margin(state: State, event: PositionConverted) -> bool:
    account = state.accounts[event.client_id]
    more = 0
    for product, side in moves(event):
        stake = stake_of(state, position_key(event.client_id, event.instrument, product))
        total = plus(stake.total, Position())
        total.book(side, abs(event.quantity), event.value_paise)
        after = msgspec.structs.replace(stake, total=total)
        more += bound_paise(after, leverage_of(account, product)) - stake.blocked_paise
    return more > 0 and more > account.available_paise
