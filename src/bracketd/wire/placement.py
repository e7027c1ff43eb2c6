"""The placement: the fields of a POST as the command that the engine judges (wire.md 1.6, 1.7, bracket.md 3 and 6).

The fields are looked at in the order of the family's sample, and the first that fails answers: amo (of an order by
itself), device, disclosed_quantity, exchange, execution_type, instrument_token, is_trailing,
market_protection_percentage, order_side, order_type, price, product, quantity, square_off_value, stop_loss_value,
trailing_stop_loss, trigger_price, user_order_id, validity. What the words and numbers come to (ticks, lots, the band)
is the engine's business.
"""

from collections.abc import Mapping

from bracketd.domain.commands import PlaceBracket
from bracketd.domain.order import Execution, OrderType, Validity
from bracketd.wire import words
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

TEXT_CHARS_MAX = 128
"""The longest `user_order_id`, `device` and `Idempotency-Key`: they are kept with every order."""

PROTECTION_BP_MAX = 10_000
"""A protection of more than 100 percent bounds nothing."""

PRICED = frozenset({OrderType.LIMIT, OrderType.SL})
STOPS = frozenset({OrderType.SL, OrderType.SLM})

KART_WORDS = {"BO": Execution.BO, "CO": Execution.CO}
"""What can be placed on the path of the brackets, by its execution type."""

REGULAR_WORDS = {"REGULAR": Execution.REGULAR, "AMO": Execution.AMO}
"""What can be placed on the path of the orders by themselves."""

# A module's own names are found faster than an enumeration's members; these are asked for at every placement.
_BO, _AMO, _DAY, _IOC = Execution.BO, Execution.AMO, Validity.DAY, Validity.IOC


def read_key(sent: bytes | None) -> str:
    """The Idempotency-Key header as sent, "" where there is none. Raises FieldError for one that is not kept."""
    if not sent:
        return ""
    key = sent.strip()
    if len(key) > TEXT_CHARS_MAX or not (key.isascii() and key.decode("ascii").isprintable()):
        raise FieldError("Idempotency-Key")
    return key.decode("ascii")


def read_placement(
    parameters: Parameters, client_id: str, key: str = "", executions: Mapping[str, Execution] = KART_WORDS
) -> PlaceBracket:
    """The command of a placement. Raises FieldError for the first field that is wrong or missing.

    `executions` are the execution types that can be placed on the path, by their words. An offset is needed where the
    order gets a leg by it; one that is sent all the same is the engine's to refuse.

    A trailing step that `is_trailing: false` contradicts is marked for the engine to refuse: one that is not obeyed
    would be a stop that the trader believes to move, one that is, a stop that he believes to stand.
    """
    fields = _Reader(parameters)
    regular = executions is REGULAR_WORDS
    sent = fields.sent
    amo = words.word_of(sent("amo"), "amo", words.BOOLEANS, default=False) if regular else False
    device = fields.short_text("device")
    disclosed = fields.disclosed_quantity()
    exchange = words.text_of(sent("exchange"), "exchange").upper()
    execution = fields.execution(executions, amo=amo)
    token = fields.token()
    # Absent it says nothing: it is the step that makes a stop trail (bracket.md 2.6).
    trails = words.word_of(sent("is_trailing"), "is_trailing", words.BOOLEANS, default=True)
    protection_bp = fields.protection_bp()
    side = words.word_of(sent("order_side"), "order_side", words.SIDES)
    order_type = words.word_of(sent("order_type"), "order_type", words.ORDER_TYPES)
    price_paise = fields.paise("price") if order_type in PRICED else 0
    product = words.word_of(sent("product"), "product", words.PRODUCTS)
    quantity = words.quantity_of(sent("quantity"), "quantity")
    target_offset_paise = fields.offset("square_off_value", needed=execution is _BO)
    stop_offset_paise = fields.offset("stop_loss_value", needed=not execution.single)
    step_paise = fields.optional_paise("trailing_stop_loss")
    trigger_paise = fields.paise("trigger_price") if order_type in STOPS else 0
    user_order_id = fields.short_text("user_order_id")
    validity = words.word_of(sent("validity"), "validity", words.VALIDITIES, default=_DAY)
    if validity is _IOC and order_type in STOPS:
        raise FieldError("validity")
    if not trails and step_paise:
        fields.finer.add("trailing_stop_loss")
    return PlaceBracket(
        client_id=client_id,
        instrument=f"{exchange}:{token}",
        side=side,
        order_type=order_type,
        product=product,
        validity=validity,
        quantity=quantity,
        price_paise=price_paise,
        trigger_paise=trigger_paise,
        target_offset_paise=target_offset_paise,
        stop_offset_paise=stop_offset_paise,
        trailing_step_paise=step_paise,
        disclosed_quantity=disclosed,
        protection_bp=protection_bp,
        user_order_id=user_order_id,
        device=device,
        execution=execution,
        finer=frozenset(fields.finer),
        idempotency_key=key,
    )


class _Reader:
    """The fields of one placement; `finer` gathers the prices that the engine has to refuse (see PlaceBracket).

    `sent` is `words.agreed`.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self.sent = words.agreed(parameters)
        self.finer: set[str] = set()

    def paise(self, field: str) -> int:
        """A needed amount in paise, toward zero."""
        paise, finer = words.rupees_of(self.sent(field), field)
        if finer:
            self.finer.add(field)
        return paise

    def optional_paise(self, field: str) -> int:
        """An amount in paise, toward zero; 0 where it is absent."""
        sent = self.sent(field)
        if not sent:
            return 0
        paise, finer = words.rupees_of(sent, field)
        if finer:
            self.finer.add(field)
        return paise

    def short_text(self, field: str) -> str:
        """A text that is kept with the order, "" where it is absent."""
        text = self.sent(field) or ""
        if len(text) > TEXT_CHARS_MAX:
            raise FieldError(field)
        return text

    def disclosed_quantity(self) -> int:
        """How much the client would show; 0, all of it, where it is absent."""
        sent = self.sent("disclosed_quantity")
        shares = words.quantity_of(sent, "disclosed_quantity") if sent else 0
        if shares < 0:
            raise FieldError("disclosed_quantity")
        return shares

    def offset(self, field: str, *, needed: bool) -> int:
        """An offset in paise, toward zero; where no leg needs it, it may be absent."""
        return self.paise(field) if needed else self.optional_paise(field)

    def execution(self, executions: Mapping[str, Execution], *, amo: bool) -> Execution:
        """What is placed. On the regular path it may be absent; `amo` beside another word than AMO makes it one.

        `amo: false` beside AMO says two things: whether the order waits for the session must not be guessed.
        """
        regular = executions is REGULAR_WORDS
        sent = words.text_of(self.sent("execution_type"), "execution_type", "REGULAR" if regular else None)
        execution = executions.get(words.execution_type(sent))
        if execution is None:
            raise FieldError("execution_type")
        if execution is _AMO and not amo and self._parameters.text("amo") is not None:
            raise FieldError("amo")
        return _AMO if amo else execution

    def token(self) -> str:
        """The instrument's token: 3045, "3045" and "03045" are one. A text that is no number is on no instrument."""
        token = words.text_of(self.sent("instrument_token"), "instrument_token")
        try:
            return shortest_text(token)
        except NotNumeral:
            return token

    def protection_bp(self) -> int:
        """The order's own market protection in hundredths of a percent, 0 for the venue's."""
        field = "market_protection_percentage"
        sent = self.sent(field)
        if not sent:
            return 0
        hundredths, finer = words.rupees_of(sent, field)
        if finer or not 0 <= hundredths <= PROTECTION_BP_MAX:
            raise FieldError(field)
        return hundredths
