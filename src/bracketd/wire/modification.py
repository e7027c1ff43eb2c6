"""The modification: the fields of a PUT as the command that the engine judges (wire.md 1.6, bracket.md section 4).

A field that is absent, blank or 0 leaves the order as it is. One that cannot be read is only noted here: the order's
state and its activity reference are judged first, and only the engine knows them.
"""

from collections.abc import Callable
from typing import TypeVar

from bracketd.domain.commands import ModifyOrder
from bracketd.wire import words
from bracketd.wire.cancellation import naming
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

T = TypeVar("T")

_NO_AMOUNT = (0, False)


def read_modification(parameters: Parameters, client_id: str) -> ModifyOrder:
    """The command of a modification; raises FieldError where no id is given, or where the one that counts is none."""
    named = naming(parameters)
    fields = _Reader(parameters)
    reference = fields.read("last_activity_reference", words.activity_reference, None)
    disclosed = fields.shares("disclosed_quantity")
    exchange = fields.text("exchange").upper()
    token = fields.token()
    trails = fields.read("is_trailing", lambda sent, name: words.boolean(sent, name, default=True), True)
    side = fields.present("order_side", words.side)
    order_type = fields.present("order_type", words.order_type)
    price = fields.paise("price")
    product = fields.present("product", words.product)
    quantity = fields.shares("quantity")
    target_offset = fields.paise("square_off_value")
    stop_offset = fields.paise("stop_loss_value")
    step = fields.paise("trailing_stop_loss")
    trigger = fields.paise("trigger_price")
    if not trails and step:
        # A step that is not obeyed would be a stop that the trader believes to move.
        fields.finer.add("trailing_stop_loss")
    return ModifyOrder(
        client_id=client_id,
        **named,
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
        self._parameters = parameters
        self.finer: set[str] = set()
        self.malformed: list[str] = []

    def read(self, field: str, reader: Callable[[Parameters, str], T], nothing: T) -> T:
        """What the reader makes of the field; `nothing`, and a note, where it cannot be read."""
        try:
            if self._parameters.conflict(field):
                raise FieldError(field)
            return reader(self._parameters, field)
        except FieldError:
            self.malformed.append(field)
            return nothing

    def present(self, field: str, reader: Callable[[Parameters, str], T]) -> T | None:
        """The word of the field, None where it is absent or cannot be read."""
        if self._parameters.text(field) is None and not self._parameters.bad(field):
            return None
        return self.read(field, reader, None)

    def text(self, field: str) -> str:
        """The text of the field, "" where it is absent or cannot be read."""
        return self.read(field, lambda sent, name: words.text(sent, name, default=""), "")

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
        paise, finer = self.read(field, lambda sent, name: words.rupees(sent, name, default=_NO_AMOUNT), _NO_AMOUNT)
        if finer:
            self.finer.add(field)
        return paise

    def shares(self, field: str) -> int:
        """A count of shares, 0 where it is absent or cannot be read; one that is not whole is noted as finer."""
        shares = self.read(field, lambda sent, name: words.quantity(sent, name, default=0), 0)
        sent = self._parameters.text(field)
        if shares == 0 and sent is not None and field not in self.malformed and shortest_text(sent) != "0":
            self.finer.add(field)
        if field == "disclosed_quantity" and (shares < 0 or field in self.finer):
            self.finer.discard(field)
            self.malformed.append(field)
            return 0
        return shares
