"""The trade book: every fill of the client's orders, as the family's clients read it (wire.md 1.8, samples.md)."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Order, Trade
from bracketd.engine.state import State
from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.amounts import JSON, rupees
from bracketd.wire.replies import Reply
from bracketd.wire.slices import Slice, Slices

TRADES_AT_ONCE: Final = 50
"""Trades rendered before other requests get their turn: less than half a millisecond."""

_NS_PER_S = 1_000_000_000
_TRADES, _ORDERS, _TAIL = b'{"data":{"trades":[', b'],"orders":[', b']},"message":"","status":"success"}'


class TradeBook:
    """Renders the clients' trade books of one desk: a short one at once, a long one in slices.

    Which trades are in it is settled at once. A row of a long book shows its order's terms as they stand when its slice
    comes.
    """

    def __init__(self, desk: Desk, slices: Slices) -> None:
        self._desk = desk
        self._slices = slices

    def whole(self, client_id: str) -> Reply:
        """The client's fills under both of the keys that the family's documents use.

        What is in its body is not durable yet: await that before it is sent. What comes behind the body is.
        """
        ids = self._desk.client_rows.trades.of(client_id)
        if len(ids) > TRADES_AT_ONCE:
            return Reply(200, _TRADES, rest=partial(self._rest, ids, len(ids)))
        rows = list(self._rows(ids, {}))
        return replies.success("", {"trades": rows, "orders": rows})

    async def _rest(self, ids: Sequence[str], end: int) -> AsyncGenerator[bytes, None]:
        """Both lists, each piece on disk when it comes. Raises NotServing."""
        for behind in (_ORDERS, _TAIL):
            async for piece in self._slices.follow(partial(self._slice, ids, end, {}), 0, end, shown=False):
                yield piece
            yield behind

    def _slice(self, ids: Sequence[str], end: int, filled: dict[str, int], start: int) -> Slice:
        """As many of the trades from that one on as are rendered at once."""
        end = min(end, start + TRADES_AT_ONCE)
        return Slice(JSON.encode(list(self._rows(ids[start:end], filled)))[1:-1], end)

    def _rows(self, ids: Sequence[str], filled: dict[str, int]) -> Iterator[dict[str, object]]:
        """The rows of some trades; `filled` is what each order had traded before them, and then by them too."""
        state, instruments = self._desk.state, self._desk.instruments
        return trade_rows(state, instruments, (state.trades[key] for key in ids if key in state.trades), filled)


def trade_rows(
    state: State, instruments: Mapping[str, Instrument], trades: Iterable[Trade], filled: dict[str, int]
) -> Iterator[dict[str, object]]:
    """The rows of some trades in their order; `filled` is as above."""
    for trade in trades:
        order = state.orders[trade.order_id]
        so_far = filled[order.order_id] = filled.get(order.order_id, 0) + trade.quantity
        yield trade_row(trade, order, so_far, instruments.get(order.instrument))


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
