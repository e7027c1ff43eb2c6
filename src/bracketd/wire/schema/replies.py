"""Replies about orders, and the ones that every route has: bracket.md sections 1 and 6 as Structs.

They describe what `wire/replies.py` and `wire/representation.py` word; a test decodes real replies with them.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from bracketd.domain.order import Execution, Leg, OrderType, Product, Side, Status, Validity
from bracketd.domain.reasons import Reason

Rupees = Annotated[float, Meta(description="Rupees.")]
Shares = Annotated[int, Meta(description="Shares.")]
UnixSeconds = Annotated[int, Meta(description="Unix seconds, 0 where it has not happened.")]
Empty = Annotated[dict[str, Any], Meta(max_length=0)]


class Closed(Struct, forbid_unknown_fields=True, kw_only=True):
    """A reply that has these keys and no others."""


class Problem(Closed, kw_only=True):
    """A refusal. `reason` is a word of the closed list, where it has one; a cancel refused for the state is failed."""

    status: Literal["error", "failed"]
    message: str
    error_code: Literal[40000, 44000, 45000, 45010]
    reason: Reason | UnsetType = UNSET
    data: Empty


class OrderNotFound(Closed, kw_only=True):
    """No such order, or another client's: the two cannot be told apart."""

    status: Literal["failed"]
    message: Literal["Order not found"]


class Done(Closed, kw_only=True):
    """What was asked for is done, and there is nothing to tell of it."""

    data: Empty
    message: str
    status: Literal["success"]


class PendingData(Closed, kw_only=True):
    """The order and what it waits for."""

    oms_order_id: str
    order_status: Status


class Pending(Closed, kw_only=True):
    """The outcome is not known yet: neither success nor failure."""

    status: Literal["pending"]
    message: str
    data: PendingData


class LegRow(Closed, kw_only=True):
    """One row of a bracket, as `Prefer: return=representation` shows it."""

    oms_order_id: str
    leg_order_indicator: Leg
    exchange_order_id: str
    order_status: Status
    order_status_info: str
    quantity: Shares
    filled_quantity: Shares
    remaining_quantity: Shares
    price: Rupees
    trigger_price: Rupees
    average_price: Rupees


class CancelledData(Closed, kw_only=True):
    """The bracket as it stands after the cancel."""

    basket_id: str
    oms_order_id: str
    order_status: Status
    filled_quantity: Shares
    open_quantity: Shares
    legs: list[LegRow]


class Cancelled(Closed, kw_only=True):
    """Cancelled; `data` only with `Prefer: return=representation`."""

    status: Literal["success"]
    message: Literal["Order cancelled successfully"]
    data: CancelledData | UnsetType = UNSET


class BracketFacts(Closed, kw_only=True):
    """The basket and a message; the rest only with `Prefer: return=representation`."""

    basket_id: str
    message: str
    oms_order_id: str | UnsetType = UNSET
    order_status: Status | UnsetType = UNSET
    filled_quantity: Shares | UnsetType = UNSET
    open_quantity: Shares | UnsetType = UNSET
    legs: list[LegRow] | UnsetType = UNSET


class PlacedData(Closed, kw_only=True):
    """The family nests a placement twice."""

    data: BracketFacts


class Placed(Closed, kw_only=True):
    """The bracket exists; its orders are in the order book."""

    data: PlacedData
    message: Literal["Order place successfully"]
    status: Literal["success"]


class Modified(Closed, kw_only=True):
    """The order is as the request would have it."""

    data: BracketFacts
    message: Literal["Order modified successfully"]
    status: Literal["success"]


class RegularFacts(Closed, kw_only=True):
    """The order; the rest only with `Prefer: return=representation`."""

    oms_order_id: str
    order_status: Status | UnsetType = UNSET
    filled_quantity: Shares | UnsetType = UNSET
    open_quantity: Shares | UnsetType = UNSET
    legs: list[LegRow] | UnsetType = UNSET


class RegularPlacedFacts(RegularFacts, kw_only=True):
    """The order and the caller's own number of it, under both of its names."""

    user_order_id: int | str
    client_order_id: str


class RegularPlaced(Closed, kw_only=True):
    """The order exists."""

    data: RegularPlacedFacts
    message: Literal["Order place successfully", "Order Placed Successfully"]
    status: Literal["success"]


class RegularModified(Closed, kw_only=True):
    """The order is as the request would have it."""

    data: RegularFacts
    message: Literal["Order modification request submitted"]
    status: Literal["success"]


class RegularCancelled(Closed, kw_only=True):
    """The order is at its end; the message is the family's, and names it."""

    data: RegularFacts
    message: str
    status: Literal["success"]


class KillSwitchResult(Closed, kw_only=True):
    """What became of one order: status, message and reason as its own cancel has them."""

    oms_order_id: str
    order_status: Status
    status: Literal["success", "failed", "pending"]
    message: str
    reason: Reason | UnsetType = UNSET


class KillSwitchData(Closed, kw_only=True):
    """One result for each order that was asked to be cancelled."""

    results: list[KillSwitchResult]


class KillSwitch(Closed, kw_only=True):
    """The worst result decides the status; `error_code` and `reason` where one is refused."""

    status: Literal["success", "failed", "pending"]
    message: str
    error_code: Literal[45000] | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    data: KillSwitchData


class OrderRow(Closed, kw_only=True):
    """One order of the order book, with the keys of the 2020 documents and of the 2024 ones."""

    basket_id: str
    oms_order_id: str
    parent_order_id: str
    leg_order_indicator: Leg
    user_order_id: str
    order_status: Status
    order_status_info: str
    exchange_order_id: str
    quantity: Shares
    filled_quantity: Shares
    remaining_quantity: Shares
    average_price: Rupees
    average_trade_price: Rupees
    trade_price: Rupees
    order_entry_time: UnixSeconds
    exchange_time: UnixSeconds
    last_activity_reference: Annotated[int, Meta(description="Nanoseconds since 1980 by the clock in India.")]
    rejection_code: int
    rejection_reason: str
    execution_type: Execution
    order_side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    price: Rupees
    trigger_price: Rupees
    disclosed_quantity: Shares
    market_protection_percentage: float
    square_off_value: Rupees
    stop_loss_value: Rupees
    trailing_stop_loss: Rupees
    is_trailing: bool
    target_price_type: str
    client_id: str
    login_id: str
    device: str
    exchange: str
    instrument_token: int
    underlying_token: int
    trading_symbol: str
    symbol: str
    series: str
    isin: str
    lot_size: int
    pro_cli: str
    mode: str
    deposit: float
    order_tag: str
    square_off_asked: bool = field(name="square_off?")
    square_off: bool
    segment: str
    contract_description: dict[str, Any]
    nnf_id: int
    source: str
    spread_token: int
    tags: list[str]
    sl_trigger_price: Rupees
    sl_order_price: Rupees
    sl_order_quantity: Shares


class OrderBookData(Closed, kw_only=True):
    """The rows, oldest first."""

    orders: list[OrderRow]


class OrderBook(Closed, kw_only=True):
    """The order book."""

    data: OrderBookData
    message: str
    status: Literal["success"]


class Document(Closed, kw_only=True):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]
