"""Requests: the fields of each, by the names under which the wire reads them (wire.md 1.6, bracket.md section 5).

The Structs say which fields there are and what they mean; they decode nothing, because a request comes in any of five
encodings and its values are cast leniently (`parameters`, `words`). A test holds every name that the wire reads
against them.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Text = str | int | None
Number = str | float | None
Whole = str | int | None
Flag = str | bool | int | None
"""A value and what may stand for it: a number or boolean also as its text, null and blank for absent."""

ClientId = Annotated[Text, Meta(description="The token's own client, or absent.", examples=["DEMO1"])]
OrderId = Annotated[
    Text, Meta(description="The order's id, its basket's, or the exchange's number.", examples=["20260105-2"])
]
Exchange = Annotated[Text, Meta(description="The exchange.", examples=["NSE"])]
Token = Annotated[Text, Meta(description="The exchange's number of the instrument.", examples=["3045"])]
Price = Annotated[Number, Meta(description="Rupees, on the instrument's tick and inside its band.", examples=[456.95])]
Offset = Annotated[Number, Meta(description="Points (rupees) from the entry's average fill price.", examples=[1])]
Step = Annotated[Number, Meta(description="Step of the trailing stop in points; 0 does not trail.", examples=["0.05"])]
Quantity = Annotated[Whole, Meta(description="Shares, in whole lots.", examples=[1])]
Side = Annotated[Text, Meta(description="BUY or SELL.", examples=["BUY"])]
OrderType = Annotated[Text, Meta(description="LIMIT, MARKET, SL or SL-M (also SLM).", examples=["LIMIT"])]
Product = Annotated[Text, Meta(description="MIS, CNC or NRML; a bracket is MIS.", examples=["MIS"])]
Validity = Annotated[Text, Meta(description="DAY or IOC.", examples=["DAY"])]
ExecutionType = Annotated[
    Text, Meta(description="BO or CO; where an order is named, that order's own.", examples=["BO"])
]
Regular = Annotated[Text, Meta(description="REGULAR, or AMO: held until the market trades.", examples=["REGULAR"])]
ExchangeOrderId = Annotated[
    Text, Meta(description="The exchange's number of the order or its named leg.", examples=["1100000000006951"])
]
LegIndicator = Annotated[
    Text,
    Meta(description="ENTRY, TARGET or STOPLOSS (also SECOND, THIRD, or a row's id).", examples=["ENTRY"]),
]


class Placement(Struct, kw_only=True):
    """A bracket order: an entry, and the offsets of its target and its stop-loss. A cover order (CO) has no target."""

    client_id: ClientId | UnsetType = UNSET
    exchange: Exchange
    instrument_token: Token
    execution_type: ExecutionType
    order_side: Side
    order_type: OrderType
    product: Product
    quantity: Quantity
    price: Price | UnsetType = UNSET
    trigger_price: Price | UnsetType = UNSET
    square_off_value: Annotated[Offset, Meta(description="Of a CO: absent or 0.")] | UnsetType = UNSET
    stop_loss_value: Offset
    trailing_stop_loss: Step | UnsetType = UNSET
    is_trailing: Annotated[Flag, Meta(description="false contradicts a step above 0.")] | UnsetType = UNSET
    validity: Validity | UnsetType = UNSET
    disclosed_quantity: Annotated[Whole, Meta(description="Shares to show; 0 shows all.")] | UnsetType = UNSET
    market_protection_percentage: (
        Annotated[Number, Meta(description="Bound of an order at market; 0 for the venue's.")] | UnsetType
    ) = UNSET
    user_order_id: Annotated[Text, Meta(description="The caller's own number; kept, never compared.")] | UnsetType = (
        UNSET
    )
    device: Annotated[Text, Meta(description="What the caller speaks from.", examples=["WEB"])] | UnsetType = UNSET


class RegularPlacement(Struct, kw_only=True):
    """An order by itself, of any product; with `amo` one that is held while the market is closed."""

    client_id: ClientId | UnsetType = UNSET
    exchange: Exchange
    instrument_token: Token
    execution_type: Regular | UnsetType = UNSET
    amo: Annotated[Flag, Meta(description="true makes it an AMO; false contradicts AMO.")] | UnsetType = UNSET
    order_side: Side
    order_type: OrderType
    product: Product
    quantity: Quantity
    price: Price | UnsetType = UNSET
    trigger_price: Price | UnsetType = UNSET
    validity: Validity | UnsetType = UNSET
    disclosed_quantity: Annotated[Whole, Meta(description="Shares to show; 0 shows all.")] | UnsetType = UNSET
    market_protection_percentage: (
        Annotated[Number, Meta(description="Bound of an order at market; 0 for the venue's.")] | UnsetType
    ) = UNSET
    square_off_value: Annotated[Offset, Meta(description="Absent or 0: there is no target.")] | UnsetType = UNSET
    stop_loss_value: Annotated[Offset, Meta(description="Absent or 0: there is no stop-loss.")] | UnsetType = UNSET
    trailing_stop_loss: Annotated[Step, Meta(description="Absent or 0.")] | UnsetType = UNSET
    is_trailing: Annotated[Flag, Meta(description="Of no meaning here.")] | UnsetType = UNSET
    user_order_id: Annotated[Text, Meta(description="The caller's own number; kept, never compared.")] | UnsetType = (
        UNSET
    )
    device: Annotated[Text, Meta(description="What the caller speaks from.", examples=["WEB"])] | UnsetType = UNSET


class _Naming(Struct, kw_only=True):
    """What names an order that exists."""

    client_id: ClientId | UnsetType = UNSET
    oms_order_id: OrderId | UnsetType = UNSET
    exchange_order_id: ExchangeOrderId | UnsetType = UNSET
    execution_type: ExecutionType | UnsetType = UNSET
    leg_order_indicator: LegIndicator | UnsetType = UNSET


class Cancellation(_Naming, kw_only=True):
    """Cancels an entry's remainder, or with an exit leg named closes the bracket."""

    status: Annotated[Text, Meta(description="Never looked at.", examples=["CONFIRMED"])] | UnsetType = UNSET


class Modification(_Naming, kw_only=True):
    """What an order is to be; absent, blank, 0 and equal leave it as it is."""

    exchange: Exchange | UnsetType = UNSET
    instrument_token: Token | UnsetType = UNSET
    order_side: Side | UnsetType = UNSET
    order_type: OrderType | UnsetType = UNSET
    product: Product | UnsetType = UNSET
    validity: Annotated[Text, Meta(description="Never looked at.", examples=["DAY"])] | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    trigger_price: Price | UnsetType = UNSET
    square_off_value: Offset | UnsetType = UNSET
    stop_loss_value: Offset | UnsetType = UNSET
    trailing_stop_loss: Step | UnsetType = UNSET
    is_trailing: Annotated[Flag, Meta(description="false contradicts a step above 0.")] | UnsetType = UNSET
    disclosed_quantity: Annotated[Whole, Meta(description="Shares to show.")] | UnsetType = UNSET
    last_activity_reference: (
        Annotated[Number, Meta(description="The order's as last seen; above 10 it must be the present one.")]
        | UnsetType
    ) = UNSET
    filled_quantity: Annotated[Whole, Meta(description="Never looked at.")] | UnsetType = UNSET
    remaining_quantity: Annotated[Whole, Meta(description="Never looked at.")] | UnsetType = UNSET


class Everything(Struct, kw_only=True):
    """The kill switch takes the client and nothing else."""

    client_id: ClientId


class Conversion(Struct, kw_only=True):
    """A position and the product that it is to be of."""

    client_id: ClientId | UnsetType = UNSET
    exchange: Exchange
    instrument_token: Token
    order_side: Side
    product: Product
    new_product: Product
    quantity: Quantity
    validity: Validity | UnsetType = UNSET


class Level(Struct):
    """Displayed depth at one price; also as the pair [price, quantity]."""

    price: Price
    quantity: Quantity


Depth = Annotated[
    list[Level | list[str | float]] | None,
    Meta(description="Best first; absent is not empty.", examples=[[[456.9, 5]]]),
]


TickId = Annotated[Text, Meta(description="What its sender calls it, at most 64 characters that print.")]


class PushedTick(Struct, kw_only=True):
    """A print, or with a quantity of 0 a quote."""

    exchange: Exchange
    instrument_token: Token
    last_price: Price
    last_quantity: Whole
    bids: Depth | UnsetType = UNSET
    asks: Depth | UnsetType = UNSET
    tick_id: TickId | UnsetType = UNSET


class OfClient(Struct, kw_only=True):
    """The query of a read that needs no more than the token."""

    client_id: ClientId | UnsetType = UNSET


class OrderBookQuery(OfClient, kw_only=True):
    """Which orders."""

    type: Annotated[str, Meta(description="pending, or completed (also complete, traded).", examples=["pending"])]


class PositionsQuery(OfClient, kw_only=True):
    """Which positions."""

    type: Annotated[str, Meta(description="live: today's; historical: net.", examples=["live"])]


class FundsQuery(OfClient, kw_only=True):
    """Which funds."""

    type: Annotated[str, Meta(description="all, the one kind that there is.", examples=["all"])] | UnsetType = UNSET


class ContractQuery(OfClient, kw_only=True):
    """Which contract."""

    info: Annotated[str, Meta(description="scrip, or download for all.", examples=["scrip"])] | UnsetType = UNSET
    token: Token | UnsetType = UNSET


class SearchQuery(OfClient, kw_only=True):
    """What is looked for."""

    key: Annotated[str, Meta(description="Part of a symbol or a company, an ISIN or a token.", examples=["SBIN"])]


class MarketDataQuery(OfClient, kw_only=True):
    """Whose market, and which part of it."""

    token: Token
    key: (
        Annotated[str, Meta(description="One name of the quote: its bare value.", examples=["last_trade_price"])]
        | UnsetType
    ) = UNSET
