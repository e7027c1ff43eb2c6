"""Replies of a client's reads: trade book, history, portfolio, funds and profile as Structs."""

from typing import Annotated, Literal

from msgspec import Meta, field

from bracketd.domain.order import Leg, OrderType, Product, Side, Status, Validity
from bracketd.wire.schema.replies import Closed, Rupees, Shares, UnixSeconds


class Read(Closed, kw_only=True):
    """The envelope of a read, beside its `data`."""

    message: str
    status: Literal["success"]


class TradeRow(Closed, kw_only=True):
    """One fill."""

    oms_order_id: str
    exchange_order_id: str
    trade_number: str
    fill_number: str
    trade_price: Rupees
    trade_quantity: Shares
    filled_quantity: Shares
    trade_time: UnixSeconds
    exchange_time: UnixSeconds
    order_entry_time: UnixSeconds
    order_price: Rupees
    trigger_price: Rupees
    order_side: Side
    order_type: OrderType
    product: Product
    original_vol: Shares
    vol_filled_today: Shares
    remaining_quantity: Shares
    disclosed_vol: Shares
    disclosed_vol_remaining: Shares
    exchange: str
    instrument_token: int
    trading_symbol: str
    client_id: str
    login_id: str
    v_login_id: str
    book_type: str
    broker_id: str
    good_till_date: int
    pan: str
    pro_cli: int
    matched_by: Annotated[Literal["PRINT", "DISPLAYED"], Meta(description="What of the market it traded against.")]
    tick_price: Annotated[Rupees, Meta(description="The last print then, 0 for none; rupees.")]
    tick_id: Annotated[str, Meta(description="What the sender of that tick called it.")]


class TradeBookData(Closed, kw_only=True):
    """The same rows under both keys that the family's documents use, oldest first."""

    trades: list[TradeRow]
    orders: list[TradeRow]


class TradeBook(Read, kw_only=True):
    """The trade book."""

    data: TradeBookData


class HistoryRow(Closed, kw_only=True):
    """One fact of an order's life."""

    oms_order_id: str
    order_id: str
    client_order_id: str
    exchange_order_id: str
    status: Status
    order_status_info: str
    reject_reason: str
    order_mode: Literal["NEW", "MODIFY"]
    quantity: Shares
    fill_quantity: Shares
    remaining_quantity: Shares
    avg_price: Rupees
    price: Rupees
    trigger_price: Rupees
    disclosed_quantity: Shares
    created_at: UnixSeconds
    modified_at: UnixSeconds
    last_modified: Annotated[int, Meta(description="Unix nanoseconds.")]
    exchange_time: UnixSeconds
    order_side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    leg_order_indicator: Leg
    exchange: str
    segment: str
    symbol: str
    token: int
    underlying_token: int
    client_id: str
    login_id: str


class HistoryData(Closed, kw_only=True):
    """The rows, oldest first; the family's key has a space."""

    order_history: list[HistoryRow] = field(name="order history")


class History(Read, kw_only=True):
    """What became of one order."""

    data: HistoryData


class PositionRow(Closed, kw_only=True):
    """One position."""

    buy_quantity: Shares
    buy_amount: Rupees
    average_buy_price: Rupees
    sell_quantity: Shares
    sell_amount: Rupees
    average_sell_price: Rupees
    net_quantity: Shares
    net_amount: Rupees
    average_price: Rupees
    realized_mtm: Rupees
    cf_buy_quantity: Shares
    cf_buy_amount: Rupees
    cf_sell_quantity: Shares
    cf_sell_amount: Rupees
    ltp: Rupees
    close_price: Rupees
    previous_close: Rupees
    multiplier: int
    product: Product
    prod_type: int
    exchange: str
    segment: str
    instrument_token: int
    token: int
    symbol: str
    trading_symbol: str
    client_id: str
    v_login_id: str
    pro_cli: str


class Positions(Read, kw_only=True):
    """The positions, by the day or net."""

    data: list[PositionRow]


class HeldInstrument(Closed, kw_only=True):
    """The instrument of a holding."""

    exchange: int
    instrument_name: str
    instrument_token: int
    trading_symbol: str


class HoldingRow(Closed, kw_only=True):
    """One share that is held: `quantity` has settled, `t1_quantity` was bought today."""

    quantity: Shares
    free_quantity: Shares
    used_quantity: Shares
    t1_quantity: Shares
    t1_price: Rupees
    buy_avg: Rupees
    buy_avg_mtm: Rupees
    ltp: Rupees
    previous_close: Rupees
    exchange: str
    token: int
    symbol: str
    trading_symbol: str
    isin: str
    instrument_details: HeldInstrument
    client_id: str
    branch_code: str
    pending_quantity: Shares
    pledge_quantity: Shares
    t0_price: Rupees
    t0_quantity: Shares
    t2_price: Rupees
    t2_quantity: Shares
    today_pledge_quantity: Shares
    transaction_type: str


class HoldingsData(Closed, kw_only=True):
    """The rows."""

    holdings: list[HoldingRow]


class Holdings(Read, kw_only=True):
    """The holdings."""

    data: HoldingsData


class TradingInfoData(Closed, kw_only=True):
    """Which client the token stands for, and what it may trade."""

    client_id: str
    email_id: str
    exchanges_subscribed: list[str]
    name: str
    products_enabled: list[Product]
    status: str


class TradingInfo(Read, kw_only=True):
    """The short profile."""

    data: TradingInfoData


class ProfileData(TradingInfoData, kw_only=True):
    """The profile with the depository's fields."""

    bo_id: list[str]
    ddpi: bool
    poa_enabled: bool


class Profile(Read, kw_only=True):
    """The profile."""

    data: ProfileData


class FundsKind(Closed, kw_only=True):
    """A kind of funds."""

    id: str
    title: str


class FundsKinds(Read, kw_only=True):
    """Version 1: the kinds of funds."""

    data: list[FundsKind]


class FundsLine(Closed, kw_only=True):
    """A title and an amount in rupees, both texts."""

    title: str = field(name="0")
    amount: str = field(name="1")


class FundsData(Closed, kw_only=True):
    """The purse."""

    client_id: str
    headers: list[str]
    values: list[FundsLine]


class Funds(Read, kw_only=True):
    """Version 2: what the client has and what of it is bound."""

    data: FundsData
