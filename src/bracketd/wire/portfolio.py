"""The portfolio: positions by the day and net, and holdings, as the family's clients read them (wire.md 1.8).

`live` is the day's trades alone. `historical` is net: the day's trades and what was carried into it. A holding is a
CNC position whose shares have settled: bought today they settle when the date in India changes. Amounts are rupees.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bracketd.domain.account import Position
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Product
from bracketd.domain.session import Segment
from bracketd.wire.amounts import average, rupees
from bracketd.wire.contracts import EXCHANGE_CODES
from bracketd.wire.turnover import Turnover

PRODUCT_TYPES = {Product.NRML: 0, Product.CNC: 1, Product.MIS: 2}
"""The numbers beside the products: 0 and 2 as the documents print them, 1 for the one that they do not show."""

LastPrice = Callable[[Instrument], int]
"""The last print of an instrument, or its base price before the first, in paise."""


class _Marked(NamedTuple):
    """An instrument and its prices in paise; 0 where the file no longer names it."""

    exchange: str
    token: int
    instrument: Instrument | None
    last_paise: int

    @property
    def close_paise(self) -> int:
        return self.instrument.base_price_paise if self.instrument else 0


def _marked(key: str, instruments: Mapping[str, Instrument], last_price: LastPrice) -> _Marked:
    exchange, _, token = key.partition(":")
    instrument = instruments.get(key)
    return _Marked(exchange, int(token), instrument, last_price(instrument) if instrument else 0)


def position_rows(
    turnovers: list[Turnover],
    instruments: Mapping[str, Instrument],
    last_price: LastPrice,
    client_id: str,
    *,
    net: bool,
) -> list[dict[str, object]]:
    """One row for each position that has traded today or, where `net` is asked for, was open when the day began."""
    rows = []
    for turnover in turnovers:
        carried = turnover.carried if net else Position()
        if turnover.today != Position() or carried != Position():
            marked = _marked(turnover.instrument, instruments, last_price)
            rows.append(_position_row(turnover, carried, marked, client_id))
    return rows


def _position_row(turnover: Turnover, carried: Position, marked: _Marked, client_id: str) -> dict[str, object]:
    """One position: what it bought and sold, what is left, and what the closed part has earned."""
    today = turnover.today
    bought, sold = today.bought + carried.bought, today.sold + carried.sold
    spent, earned = (
        today.bought_value_paise + carried.bought_value_paise,
        today.sold_value_paise + carried.sold_value_paise,
    )
    left = bought - sold
    instrument = marked.instrument
    return {
        "buy_quantity": bought,
        "buy_amount": rupees(spent),
        "average_buy_price": average(spent, bought),
        "sell_quantity": sold,
        "sell_amount": rupees(earned),
        "average_sell_price": average(earned, sold),
        "net_quantity": left,
        "net_amount": rupees(earned - spent),
        "average_price": average(spent, bought) if left > 0 else average(earned, sold) if left < 0 else rupees(0),
        "realized_mtm": rupees(_realised(bought, spent, sold, earned)),
        "cf_buy_quantity": carried.bought,
        "cf_buy_amount": rupees(carried.bought_value_paise),
        "cf_sell_quantity": carried.sold,
        "cf_sell_amount": rupees(carried.sold_value_paise),
        "ltp": rupees(marked.last_paise),
        "close_price": 0,
        "previous_close": rupees(marked.close_paise),
        "multiplier": 1,
        "product": turnover.product,
        "prod_type": PRODUCT_TYPES[Product(turnover.product)],
        "exchange": marked.exchange,
        "segment": Segment.CAPITAL,
        "instrument_token": marked.token,
        "token": marked.token,
        "symbol": instrument.symbol if instrument else "",
        "trading_symbol": instrument.trading_symbol if instrument else "",
        "client_id": client_id,
        "v_login_id": client_id,
        "pro_cli": "CLIENT",
    }


def _realised(bought: int, spent_paise: int, sold: int, earned_paise: int) -> int:
    """What the closed part has earned, at average cost, in paise toward zero."""
    closed = min(bought, sold)
    if not closed:
        return 0
    gain, whole = closed * (earned_paise * bought - spent_paise * sold), bought * sold
    return gain // whole if gain >= 0 else -(-gain // whole)


def holding_rows(
    turnovers: list[Turnover], instruments: Mapping[str, Instrument], last_price: LastPrice, client_id: str
) -> list[dict[str, object]]:
    """One row for each share that is held: settled, or bought today and not sold again."""
    rows = []
    for turnover in turnovers:
        if turnover.product != Product.CNC:
            continue
        settled = max(0, turnover.before.net)
        unsettled = max(0, turnover.today.net)
        used = min(settled, max(0, -turnover.today.net))
        if settled or unsettled:
            marked = _marked(turnover.instrument, instruments, last_price)
            rows.append(_holding_row(turnover, settled, unsettled, used, marked) | {"client_id": client_id})
    return rows


def _holding_row(turnover: Turnover, settled: int, unsettled: int, used: int, marked: _Marked) -> dict[str, object]:
    """One holding: `quantity` has settled, `t1_quantity` was bought today, `used_quantity` of the settled was sold."""
    carried = turnover.carried
    instrument = marked.instrument
    # Of shares that are all of today their own cost is the only one there is.
    cost = carried if settled else turnover.today
    worth = settled * marked.last_paise - carried.bought_value_paise
    symbol = instrument.symbol if instrument else ""
    return {
        "quantity": settled,
        "free_quantity": settled - used,
        "used_quantity": used,
        "t1_quantity": unsettled,
        "t1_price": average(turnover.today.bought_value_paise, turnover.today.bought) if unsettled else rupees(0),
        "buy_avg": average(cost.bought_value_paise, cost.bought),
        "buy_avg_mtm": rupees(worth),
        "ltp": rupees(marked.last_paise),
        "previous_close": rupees(marked.close_paise),
        "exchange": marked.exchange,
        "token": marked.token,
        "symbol": symbol,
        "trading_symbol": symbol,
        "isin": instrument.isin if instrument else "",
        "instrument_details": {
            "exchange": EXCHANGE_CODES.get(marked.exchange, 0),
            "instrument_name": instrument.series if instrument else "",
            "instrument_token": marked.token,
            "trading_symbol": instrument.trading_symbol if instrument else "",
        },
        "branch_code": "",
        "pending_quantity": 0,
        "pledge_quantity": 0,
        "t0_price": 0,
        "t0_quantity": 0,
        "t2_price": 0,
        "t2_quantity": 0,
        "today_pledge_quantity": 0,
        "transaction_type": "",
    }
