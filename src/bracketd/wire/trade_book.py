"""The trade book: every fill of the client's orders, as the family's clients read it (wire.md 1.8, samples.md)."""

from collections.abc import Mapping

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Order, Trade
from bracketd.engine.state import State
from bracketd.wire.amounts import rupees

_NS_PER_S = 1_000_000_000


def trade_rows(state: State, instruments: Mapping[str, Instrument], client_id: str) -> list[dict[str, object]]:
    """The client's fills, oldest first; as many as there are."""
    filled: dict[str, int] = {}
    rows = []
    # Trades are never taken out of the state, so that its own order is that of their making.
    for trade in state.trades.values():
        order = state.orders[trade.order_id]
        if order.client_id == client_id:
            filled[order.order_id] = filled.get(order.order_id, 0) + trade.quantity
            rows.append(trade_row(trade, order, filled[order.order_id], instruments.get(order.instrument)))
    return rows


def trade_row(trade: Trade, order: Order, filled: int, instrument: Instrument | None) -> dict[str, object]:
    """One fill: `filled` is what the order had traded when it was done. Times in unix seconds, prices in rupees.

    The documents print an empty object for `fill_number`, `trigger_price` and `v_login_id`; here they have a value of
    the kind that belongs there. The last three are no part of the family's rows: what of the market it came from.
    """
    exchange, _, token = order.instrument.partition(":")
    traded_s = trade.at_ns // _NS_PER_S
    return {
        "oms_order_id": order.order_id,
        "exchange_order_id": order.exchange_order_id,
        "trade_number": trade.trade_id,
        "fill_number": trade.trade_id,
        "trade_price": rupees(trade.price_paise),
        "trade_quantity": trade.quantity,
        "filled_quantity": trade.quantity,
        "trade_time": traded_s,
        "exchange_time": traded_s,
        "order_entry_time": order.placed_ns // _NS_PER_S,
        "order_price": rupees(order.price_paise),
        "trigger_price": rupees(order.trigger_paise),
        "order_side": order.side,
        "order_type": order.order_type,
        "product": order.product,
        "original_vol": order.quantity,
        "vol_filled_today": filled,
        "remaining_quantity": max(0, order.quantity - filled),
        "disclosed_vol": order.disclosed_quantity,
        "disclosed_vol_remaining": 0,
        "exchange": exchange,
        "instrument_token": int(token),
        "trading_symbol": instrument.trading_symbol if instrument else "",
        "client_id": order.client_id,
        "login_id": order.client_id,
        "v_login_id": order.client_id,
        "book_type": "0",
        "broker_id": "",
        "good_till_date": 0,
        "pan": "",
        "pro_cli": 0,
        "matched_by": "DISPLAYED" if trade.aggressive else "PRINT",
        "tick_price": rupees(trade.print_paise),
        "tick_id": trade.tick,
    }
