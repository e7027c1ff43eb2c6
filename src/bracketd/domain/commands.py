"""Commands: what somebody asks of the engine. They carry texts and numbers already read, never bytes."""

import hashlib

import msgspec

from bracketd.domain.order import Execution, OrderType, Product, Side, Validity


class OpenAccount(msgspec.Struct, frozen=True, gc=False):
    """Make an account known to the engine; asking again changes nothing."""

    client_id: str
    cash_paise: int
    leverage: int


class PlaceBracket(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Place a bracket, or what `execution` says instead. Prices and offsets are paise, quantities shares.

    `finer` names the price fields whose text was finer than a paisa, so that they cannot be on any tick, and the
    trailing step where the request says both that and `is_trailing: false`. `protection_bp` is
    the order's own market protection in hundredths of a percent, 0 for the venue's.
    """

    client_id: str
    instrument: str
    side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    quantity: int
    price_paise: int
    trigger_paise: int
    target_offset_paise: int
    stop_offset_paise: int
    trailing_step_paise: int = 0
    disclosed_quantity: int = 0
    protection_bp: int = 0
    user_order_id: str = ""
    device: str = ""
    execution: Execution = Execution.BO
    finer: frozenset[str] = frozenset()
    idempotency_key: str = ""

    def digest(self) -> bytes:
        """What was asked for, apart from the key, in 16 bytes: by it a repeated request knows itself again.

        A bracket's is the one that it had before there were other executions.
        """
        kind = () if self.execution is Execution.BO else (self.execution,)
        terms = (*msgspec.structs.astuple(self)[:-3], sorted(self.finer), *kind)
        return hashlib.blake2b(msgspec.msgpack.encode(terms), digest_size=16).digest()


class NamesOrder(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What names an order that exists: the fields of the request as texts (bracket.md section 5).

    `ids` holds the id that names the order (the path's, else the body's, else the query's) and then every other id
    that body and query carry. A field that is absent is None; `exchange_order_id` may be "" where it was sent blank.
    `unreadable` names fields whose value is an object or array, `conflicting` those that body and query disagree on.
    """

    client_id: str
    ids: tuple[str, ...]
    execution_type: str | None = None
    exchange_order_id: str | None = None
    leg: str | None = None
    unreadable: frozenset[str] = frozenset()
    conflicting: frozenset[str] = frozenset()


class CancelOrder(NamesOrder, frozen=True, gc=False, kw_only=True):
    """Cancel an order or close a bracket."""


class ModifyOrder(NamesOrder, frozen=True, gc=False, kw_only=True):
    """Modify an order. Prices, offsets and the step are paise, quantities shares; 0, None and "" leave as it is.

    `finer` is that of PlaceBracket, with "quantity" for one that is not whole. `malformed` names the fields that could
    not be read, in the order in which they are judged. `reference` is the activity reference to compare, if any.
    """

    reference: float | None = None
    disclosed_quantity: int = 0
    exchange: str = ""
    instrument_token: str = ""
    side: Side | None = None
    order_type: OrderType | None = None
    price_paise: int = 0
    product: Product | None = None
    quantity: int = 0
    target_offset_paise: int = 0
    stop_offset_paise: int = 0
    trailing_step_paise: int = 0
    trigger_paise: int = 0
    finer: frozenset[str] = frozenset()
    malformed: tuple[str, ...] = ()


class ConvertPosition(msgspec.Struct, frozen=True, gc=False):
    """Make some of what orders by themselves have left open a position of another product; quantity in shares."""

    client_id: str
    instrument: str
    product: Product
    new_product: Product
    quantity: int


Command = OpenAccount | PlaceBracket | CancelOrder | ModifyOrder | ConvertPosition
