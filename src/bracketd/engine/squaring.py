"""Squaring off: intraday positions of orders by themselves are closed at square-off, as open brackets are (2.9).

Once nothing works of such a position any more, an order of our own, at market, is placed for all of it. One that the
venue refuses is placed again at every print and at least every second; what is still open at the session's end is
carried, and squared off on the next day.
"""

from bracketd.domain.events import BracketPlaced
from bracketd.domain.order import Execution, OrderType, Product, Side, Validity, position_key
from bracketd.domain.session import Stage
from bracketd.engine.numbering import next_numbers
from bracketd.engine.stake import open_cost_paise
from bracketd.engine.state import State

SQUARE_OFF_INFO = "SQUARE_OFF"


def square_off_due(state: State, client_id: str, instrument: str, now_ns: int) -> BracketPlaced | None:
    """The order that squares off what the client has of an instrument, None where there is nothing to do."""
    stake = state.stakes.get(position_key(client_id, instrument, Product.MIS))
    return None if stake is None or stake.denied else square_off_again(state, client_id, instrument, now_ns)


def square_off_again(state: State, client_id: str, instrument: str, now_ns: int) -> BracketPlaced | None:
    """As square_off_due, also where the venue has refused."""
    stake = state.stakes.get(position_key(client_id, instrument, Product.MIS))
    if state.stage is not Stage.SQUARE_OFF or stake is None:
        return None
    net = stake.total.net
    if not net or any(not state.orders[each].terminal and not state.orders[each].held for each in stake.working):
        return None
    market = state.markets.get(instrument)
    basket_id, entry_id = next_numbers(state, now_ns, 2)
    return BracketPlaced(
        at_ns=now_ns,
        basket_id=basket_id,
        entry_id=entry_id,
        client_id=client_id,
        instrument=instrument,
        side=Side.SELL if net > 0 else Side.BUY,
        order_type=OrderType.MARKET,
        product=Product.MIS,
        validity=Validity.DAY,
        quantity=abs(net),
        price_paise=0,
        trigger_paise=0,
        target_offset_paise=0,
        stop_offset_paise=0,
        tick_paise=0,
        lower_band_paise=0,
        upper_band_paise=0,
        reference_paise=market.print_paise if market is not None else open_cost_paise(stake.total) // abs(net),
        disclosed_quantity=0,
        protection_bp=0,
        user_order_id="",
        device="",
        execution=Execution.REGULAR,
        squares=True,
    )
