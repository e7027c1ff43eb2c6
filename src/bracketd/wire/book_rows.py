"""Book rows: the rows of an order book as JSON, at a sixth of what making a dictionary for each would cost.

What a row says is decided in `order_rows`; here is the same to the byte, which a test compares. The encoder writes a
row from a fixed structure, and what many rows have in common is a piece of JSON that was made once: the words of an
order's kind, the amounts, and all that follows from the instrument. A piece stands where one value would, and may go on
behind it with further keys and their values. Nothing is kept for an order by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from bracketd.domain.instrument import Instrument
from bracketd.domain.ist import REFERENCE_OFFSET_NS
from bracketd.domain.order import Leg, Order, Status
from bracketd.engine.state import State
from bracketd.wire.amounts import JSON, rupees
from bracketd.wire.order_rows import contract_fields, kind_fields, rejection_fields, traded_fields, trailing_fields

PIECES_MAX: Final = 16_384
"""So many different amounts, instruments or clients are remembered; with one more all are forgotten."""

_NS_PER_S: Final = 1_000_000_000
# A module's own names are found faster than an enumeration's members.
_ENTRY, _STOPLOSS, _REJECTED = Leg.ENTRY, Leg.STOPLOSS, Status.REJECTED

Piece = msgspec.Raw
Key = TypeVar("Key")


class _Row(msgspec.Struct, gc=False):
    """One row; a piece says all that stands between its own key and the next field's."""

    basket_id: str
    oms_order_id: str
    parent_order_id: str
    leg_order_indicator: str
    user_order_id: str
    order_status: str
    order_status_info: str
    exchange_order_id: str
    quantity: int
    filled_quantity: int
    remaining_quantity: int
    average_price: Piece
    order_entry_time: int
    exchange_time: int
    last_activity_reference: int
    rejection_code: Piece
    execution_type: Piece
    price: Piece
    trigger_price: Piece
    disclosed_quantity: int
    market_protection_percentage: Piece
    square_off_value: Piece
    stop_loss_value: Piece
    trailing_stop_loss: Piece
    device: str
    exchange: Piece


class _Pieces(dict[Key, Piece], Generic[Key]):
    """Pieces by what they are made of, each made when it is first asked for."""

    def __init__(self, make: Callable[[Key], Piece]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> Piece:
        if len(self) >= PIECES_MAX:
            self.clear()
        made = self[key] = self._make(key)
        return made


def _piece(fields: dict[str, object]) -> Piece:
    """The values of some fields, all but the first with their keys."""
    return Piece(JSON.encode(fields).partition(b":")[2][:-1])


_AMOUNTS: Final = _Pieces[int](lambda paise: Piece(JSON.encode(rupees(paise))))
_KINDS: Final = dict[tuple[str, ...], Piece]()
"""By five closed enumerations, so that there are not many."""
_NOTHING: Final = _AMOUNTS[0]
_UNTRADED: Final = _piece({"average_price": 0, "average_trade_price": 0, "trade_price": 0})
_NOT_REJECTED: Final = _piece({"rejection_code": 0, "rejection_reason": "NONE"})


class BookRows:
    """Renders rows of one state, for instruments of one table."""

    def __init__(self, state: State, instruments: Mapping[str, Instrument]) -> None:
        self._state = state
        self._still = _Pieces[str](lambda client_id: _piece(trailing_fields(0, client_id)))
        self._contracts = _Pieces[str](lambda key: _piece(contract_fields(key, instruments.get(key))))

    def encode(self, client_id: str, orders: Sequence[Order]) -> bytes:
        """An array of the rows of some orders, all of that client, in the order given."""
        still = self._still[client_id]
        return JSON.encode([self._row(order, still) for order in orders])

    def _row(self, order: Order, still: Piece) -> _Row:
        """One row; `still` is what an order of this client has whose stop does not trail."""
        leg: str = order.leg
        target = stop = _NOTHING
        trailing = still
        if leg is _ENTRY or leg is _STOPLOSS:
            bracket = self._state.brackets.get(order.basket_id)
            if bracket is not None:
                if bracket.trailing_step_paise:
                    trailing = _piece(trailing_fields(bracket.trailing_step_paise, order.client_id))
                if leg is _ENTRY:
                    target, stop = _AMOUNTS[bracket.target_offset_paise], _AMOUNTS[bracket.stop_offset_paise]
        basket_id = order.basket_id
        placed = order.particulars
        if placed.execution.single:
            basket_id = leg = ""
        kind = placed.execution, order.side, order.order_type, placed.product, placed.validity
        words = _KINDS.get(kind)
        if words is None:
            words = _KINDS[kind] = _piece(kind_fields(order))
        accepted_ns, traded_ns = order.accepted_ns, order.last_trade_ns
        return _Row(
            basket_id,
            order.order_id,
            order.parent_id,
            leg,
            order.user_order_id,
            order.status,
            order.marks.info,
            order.exchange_order_id,
            order.quantity,
            order.filled,
            order.remaining,
            _piece(traded_fields(order)) if order.filled or order.last_trade_paise else _UNTRADED,
            order.placed_ns // _NS_PER_S,
            (accepted_ns if accepted_ns > traded_ns else traded_ns) // _NS_PER_S,
            order.changed_ns + REFERENCE_OFFSET_NS + order.ahead_ns,
            _piece(rejection_fields(order)) if order.status is _REJECTED else _NOT_REJECTED,
            words,
            _AMOUNTS[order.price_paise],
            _AMOUNTS[order.trigger_paise],
            placed.disclosed_quantity,
            _AMOUNTS[placed.protection_bp],
            target,
            stop,
            trailing,
            placed.device or "UNKNOWN",
            self._contracts[order.instrument],
        )
