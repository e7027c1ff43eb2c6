"""Replies about instruments and their market, as Structs."""

from typing import Annotated, Literal

from msgspec import Meta

from bracketd.wire.schema.reads import Read
from bracketd.wire.schema.replies import Closed, Rupees, Shares


class ContractError(Closed, kw_only=True):
    """0 and no text, or 404."""

    code: Literal[0, 404]
    message: str


class ContractMissing(Closed, kw_only=True):
    """No such contract, in the envelope of these routes."""

    error: ContractError
    result: Literal[""]


class ContractResult(Closed, kw_only=True):
    """Everything that the documents tell of an instrument; what is not known is their own empty value."""

    board_lot_quantity: Shares
    exchange: int
    higher_circuit_limit: Rupees
    lower_circuit_limit: Rupees
    dpr: str
    instrument_name: str
    instrument_token: int
    underlying_token: int
    isin: str
    series: str
    symbol: str
    trading_symbol: str
    company_name: str
    display_name: str
    tick_size: Rupees
    raw_tick_size: Annotated[int, Meta(description="Paise.")]
    freeze: Shares
    max_single_qty: Shares
    multiplier: int
    precision: int
    tradable: bool
    is_index: bool
    trade_to_trade: bool
    instrument_type: str
    change_in_oi: int
    open_interest: int
    expiry: int
    raw_expiry: int
    strike: Rupees
    issue_rate: Rupees
    max_order_size: Shares
    price_numerator: int
    price_denominator: int
    price_quotation: int
    trading_unit_factor: int
    delivery_unit_factor: int
    surveillance_indicator: int
    partition_id: int
    product_id: int
    month_identifier: int
    option_type: str
    issue_start_date: str
    list_date: str
    comments: str
    circuit_rating: str
    expiry_string: str
    local_update_time: str
    market_type: str
    price_units: str
    trading_units: str
    last_trading_date: str
    tender_period_end_date: str
    delivery_start_date: str
    general_denominator: str
    tender_period_start_date: str
    delivery_units: str
    delivery_end_date: str
    book_closure_end_date: str
    book_closure_start_date: str
    product_category: str
    no_delivery_date_end: str
    no_delivery_date_start: str
    re_admission_date: str
    record_date: str
    warning: str


class Named(Closed, kw_only=True):
    """What an instrument is called; its token and its close are texts."""

    token: str
    exchange: str
    company: str
    symbol: str
    trading_symbol: str
    display_name: str
    isin: str
    close_price: str


class FoundRow(Named, kw_only=True):
    """One instrument that a key fits; `alternate` is the same share at another exchange, empty where it is at none."""

    score: Annotated[float, Meta(description="How close, up to 1.")]
    alternate: Annotated[dict[str, str], Meta(description="What it is called there.")]


class Contract(Closed, kw_only=True):
    """One instrument, or with `info=download` all of them as a search shows them."""

    error: ContractError
    result: ContractResult | list[FoundRow]


class Search(Closed, kw_only=True):
    """The instruments that a key fits, the closest first."""

    error: ContractError
    result: list[FoundRow]


class QuoteLevel(Closed, kw_only=True):
    """Displayed depth at one price."""

    price: Rupees
    quantity: Shares


class Quote(Closed, kw_only=True):
    """The market of one instrument."""

    exchange: str
    instrument_token: int
    trading_symbol: str
    last_trade_price: Rupees
    close_price: Rupees
    higher_circuit_limit: Rupees
    lower_circuit_limit: Rupees
    best_bid_price: Rupees
    best_bid_quantity: Shares
    best_ask_price: Rupees
    best_ask_quantity: Shares
    total_buy_quantity: Shares
    total_sell_quantity: Shares
    bids: list[QuoteLevel]
    asks: list[QuoteLevel]


class MarketData(Read, kw_only=True):
    """The whole quote, or with `key=` the bare value of that name."""

    data: Quote | float | str | list[QuoteLevel]
