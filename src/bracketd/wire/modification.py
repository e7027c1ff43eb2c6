"""The modification: the fields of a PUT as the command that the engine judges (wire.md 1.6, bracket.md section 4).

A field that is absent, blank or 0 leaves the order as it is. One that cannot be read is only noted here: the order's
state and its activity reference are judged first, and only the engine knows them.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bracketd.domain.commands import ModifyOrder
from bracketd.wire import words
from bracketd.wire.cancellation import read_naming
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

T = TypeVar("T")

_NO_AMOUNT = (0, False)


def read_modification(parameters: Parameters, client_id: str) -> ModifyOrder:
    """The command of a modification; raises FieldError where no id is given, or where the one that counts is none."""
    fields = _Reader(parameters)
    reference = fields.read("last_activity_reference", words.reference_of, None)
    disclosed = fields.shares("disclosed_quantity")
    exchange = fields.text("exchange").upper()
    token = fields.token()
    trails = fields.word("is_trailing", words.BOOLEANS) is not False
    side = fields.word("order_side", words.SIDES)
    order_type = fields.word("order_type", words.ORDER_TYPES)
    price = fields.paise("price")
    product = fields.word("product", words.PRODUCTS)
    quantity = fields.shares("quantity")
    target_offset = fields.paise("square_off_value")
    stop_offset = fields.paise("stop_loss_value")
    step = fields.paise("trailing_stop_loss")
    trigger = fields.paise("trigger_price")
    if not trails and step:
        # A step that is not obeyed would be a stop that the trader believes to move.
        fields.finer.add("trailing_stop_loss")
    return read_naming(
        ModifyOrder,
        parameters,
        client_id,
        reference=reference,
        disclosed_quantity=disclosed,
        exchange=exchange,
        instrument_token=token,
        side=side,
        order_type=order_type,
        price_paise=price,
        product=product,
        quantity=quantity,
        target_offset_paise=target_offset,
        stop_offset_paise=stop_offset,
        trailing_step_paise=step,
        trigger_paise=trigger,
        finer=frozenset(fields.finer),
        malformed=tuple(fields.malformed),
    )


class _Reader:
    """The fields of one modification; `finer` and `malformed` are those of ModifyOrder."""

    def __init__(self, parameters: Parameters) -> None:
        self._sent = words.agreed(parameters)
        self.finer: set[str] = set()
        self.malformed: list[str] = []

    def text(self, field: str) -> str:
        """The text of the field, "" where it is absent, and with a note where it cannot be read."""
        try:
            return self._sent(field) or ""
        except FieldError:
            self.malformed.append(field)
            return ""

    def read(self, field: str, reader: Callable[[str, str], T], nothing: T) -> T:
        """What the reader makes of the field's text; `nothing` where it is absent, and a note where it is wrong."""
        try:
            sent = self._sent(field)
            return reader(sent, field) if sent else nothing
        except FieldError:
            self.malformed.append(field)
            return nothing

    def word(self, field: str, stands_for: Mapping[str, T]) -> T | None:
        """What the word of the field stands for, None where it is absent or cannot be read."""
        return self.read(field, lambda sent, name: words.word_of(sent, name, stands_for), None)

    def token(self) -> str:
        """The instrument's token: 3045, "3045" and "03045" are one, and 0 is none."""
        token = self.text("instrument_token")
        try:
            number = shortest_text(token)
        except NotNumeral:
            return token
        return "" if number == "0" else number

    def paise(self, field: str) -> int:
        """An amount in paise, toward zero; 0 where it is absent or cannot be read."""
        paise, finer = self.read(field, words.rupees_of, _NO_AMOUNT)
        if finer:
            self.finer.add(field)
        return paise

    def shares(self, field: str) -> int:
        """A count of shares, 0 where it is absent or cannot be read; one that is not whole is noted as finer."""
        shares = self.read(field, self._counted, 0)
        if field == "disclosed_quantity" and (shares < 0 or field in self.finer):
            self.finer.discard(field)
            self.malformed.append(field)
            return 0
        return shares

    def _counted(self, sent: str, field: str) -> int:
        """The count of shares, with a note where it is not whole."""
        shares = words.quantity_of(sent, field)
        if not shares and shortest_text(sent) != "0":
            self.finer.add(field)
        return shares
