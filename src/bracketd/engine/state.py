"""The engine's whole state: what the fold of all events is. Only evolve changes it."""

import msgspec

from bracketd.domain.account import Account, Position, Stake
from bracketd.domain.bracket import Bracket, kept_turns
from bracketd.domain.instructions import Letter
from bracketd.domain.instrument import Level
from bracketd.domain.order import Order, Terms, Trade, kept_marks, kept_particulars
from bracketd.domain.session import Stage
from bracketd.engine.sharing import shared, shared_number


class Market(msgspec.Struct):
    """What was last relied on of one instrument's market; `name` is its sender's for the tick that showed it so.

    `taken` holds for each account how many displayed shares its arrivals used up since: [of the asks, of the bids].
    Displayed quantity is used best level first, so that two numbers say it all.
    """

    print_paise: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    taken: dict[str, list[int]]
    name: str = ""


class Placement(msgspec.Struct, frozen=True, gc=False):
    """An accepted placement that carried an idempotency key: what was asked for, and what it became."""

    digest: bytes
    basket_id: str
    entry_id: str


class UnderWay(msgspec.Struct, frozen=True, gc=False):
    """A letter between us and the paper exchange, and when it arrives (unix nanoseconds).

    `copy`: it was told before. `superseded`: prices that it says the exchange has were changed there since.
    """

    due_ns: int
    letter: Letter
    copy: bool
    superseded: bool = False


class State(msgspec.Struct):
    """Everything the engine knows. The counters hold the last number given out of each kind.

    `day` is the trading day (YYYYMMDD, "" before the first), `stage` how far it has come, `ends` whether it has an end.
    `post` holds the letters under way, by number: what the paper exchange and the engine know differently.

    `placements` holds the keyed placements of one IST date, by client and key.
    `trailing` holds, for each instrument, the baskets whose waiting stop trails; `terms`, for each order with a
    modify in flight, what it is to be. `stakes` are what orders by themselves have made of the positions, by the same
    keys as those.
    """

    accounts: dict[str, Account] = {}
    orders: dict[str, Order] = {}
    brackets: dict[str, Bracket] = {}
    exchange_ids: dict[str, str] = {}
    trades: dict[str, Trade] = {}
    positions: dict[str, Position] = {}
    markets: dict[str, Market] = {}
    trailing: dict[str, dict[str, bool]] = {}
    placements: dict[str, dict[str, Placement]] = {}
    placements_date: str = ""
    id_date: str = ""
    id_last: int = 0
    acknowledged: int = 0
    last_priority: int = 0
    last_event_ns: int = 0
    terms: dict[str, Terms] = {}
    post: dict[int, UnderWay] = {}
    letters: int = 0
    traded: int = 0
    day: str = ""
    stage: Stage = Stage.TRADING
    ends: bool = False
    stakes: dict[str, Stake] = {}

    def bracket_of(self, order_id: str) -> Bracket:
        """The bracket that an order belongs to."""
        return self.brackets[self.orders[order_id].basket_id]

    def rows_of(self, bracket: Bracket) -> list[Order]:
        """The bracket's rows, entry first, then the legs in the order of their making."""
        ids = (bracket.entry_id, bracket.stop_id, bracket.target_id, *bracket.rescue_ids)
        return [self.orders[order_id] for order_id in ids if order_id]

    def target_of(self, bracket: Bracket) -> Order | None:
        """The bracket's target, None before it exists; a cover order never has one."""
        return self.orders[bracket.target_id] if bracket.target_id else None

    def rescues_of(self, bracket: Bracket) -> list[Order]:
        """The bracket's rescue orders, oldest first."""
        return [self.orders[order_id] for order_id in bracket.rescue_ids]

    def legged_quantity(self, bracket: Bracket) -> int:
        """Entry shares that the legs are for: all that filled but those that came after the entry's end.

        An order by itself gets no legs, whatever it fills.
        """
        if bracket.execution.single:
            return 0
        return self.orders[bracket.entry_id].filled - bracket.late

    def legs_open(self, bracket: Bracket) -> int:
        """What the legs still have to close: their exit budget."""
        quantity = self.legged_quantity(bracket)
        for leg_id in (bracket.stop_id, bracket.target_id):
            if leg_id:
                quantity -= self.orders[leg_id].filled
        return quantity

    def open_quantity(self, bracket: Bracket) -> int:
        """Shares bought and not sold again (sell mirrored): entry less target, stop and rescue (bracket.md 2.10)."""
        quantity = self.legs_open(bracket) + bracket.late
        for order_id in bracket.rescue_ids:
            quantity -= self.orders[order_id].filled
        return quantity


_encoder = msgspec.msgpack.Encoder()


def encode_state(state: State) -> bytes:
    """A snapshot of the whole state."""
    return _encoder.encode(state)


class _Packed(State):
    """A snapshot whose rows are still bytes."""

    orders: dict[str, msgspec.Raw] = {}  # type: ignore[assignment]
    brackets: dict[str, msgspec.Raw] = {}  # type: ignore[assignment]


_decoder = msgspec.msgpack.Decoder(_Packed)
_order_decoder = msgspec.msgpack.Decoder(Order)
_bracket_decoder = msgspec.msgpack.Decoder(Bracket)


def decode_state(blob: bytes) -> State:
    """The state of a snapshot; raises msgspec.DecodeError or KeyError where the bytes are none.

    Decoding makes every text and number anew. What the state that was encoded had once is one again, row by row, so
    that the next row takes the room of what the last had twice: less than half of the memory of what rests.
    """
    packed = _decoder.decode(blob)
    state = State(**{name: getattr(packed, name) for name in State.__struct_fields__})
    state.orders, state.brackets = {}, {}
    for order_id, raw in packed.orders.items():
        order = state.orders[order_id] = _order_decoder.decode(raw)
        order.order_id = order_id
        _share_texts(order)
    for basket_id, raw in packed.brackets.items():
        bracket = state.brackets[basket_id] = _bracket_decoder.decode(raw)
        _share_with_entry(state, basket_id, bracket)
    for instrument, baskets in state.trailing.items():
        state.trailing[instrument] = {state.brackets[each].basket_id: True for each in baskets}
    for exchange_id, order_id in state.exchange_ids.items():
        order = state.orders[order_id]
        order.exchange_order_id, state.exchange_ids[exchange_id] = exchange_id, order.order_id
    for trade_id, trade in state.trades.items():
        msgspec.structs.force_setattr(trade, "trade_id", trade_id)
        msgspec.structs.force_setattr(trade, "order_id", state.orders[trade.order_id].order_id)
    return state


def _share_texts(order: Order) -> None:
    """A row's words are those of many rows, and nothing has happened to most rows since they were placed."""
    order.client_id, order.instrument = shared(order.client_id), shared(order.instrument)
    order.user_order_id = shared(order.user_order_id)
    order.particulars, order.marks = kept_particulars(order.particulars), kept_marks(order.marks)
    order.price_paise, order.trigger_paise = shared_number(order.price_paise), shared_number(order.trigger_paise)
    if order.changed_ns == order.placed_ns:
        order.changed_ns = order.placed_ns
    if order.accepted_ns == order.changed_ns:
        order.accepted_ns = order.changed_ns


def _share_with_entry(state: State, basket_id: str, bracket: Bracket) -> None:
    """A bracket's ids are its rows', its prices those of its instrument."""
    rows = state.rows_of(bracket)
    entry = rows[0]
    bracket.basket_id, bracket.entry_id = basket_id, entry.order_id
    bracket.turns = kept_turns(bracket.turns)
    bracket.client_id, bracket.instrument = entry.client_id, entry.instrument
    bracket.lower_band_paise = shared_number(bracket.lower_band_paise)
    bracket.upper_band_paise = shared_number(bracket.upper_band_paise)
    bracket.reference_paise = shared_number(bracket.reference_paise)
    bracket.target_offset_paise = shared_number(bracket.target_offset_paise)
    bracket.stop_offset_paise = shared_number(bracket.stop_offset_paise)
    bracket.anchor_paise = shared_number(bracket.anchor_paise)
    for row in rows:
        row.basket_id = basket_id
        if row.parent_id == entry.order_id:
            row.parent_id = entry.order_id
        if row.order_id == bracket.stop_id:
            bracket.stop_id = row.order_id
        elif row.order_id == bracket.target_id:
            bracket.target_id = row.order_id
