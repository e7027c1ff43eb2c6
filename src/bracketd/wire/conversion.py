"""Position conversion: read as the family's clients ask for it, and worded (wire.md 1.8, samples.md).

A position that brackets made cannot change its product: their exits are MIS orders for all of it. What orders by
themselves have left open can (engine/converting.py).
"""

from collections.abc import Mapping

from bracketd.domain.commands import ConvertPosition
from bracketd.domain.instrument import Instrument
from bracketd.domain.reasons import Reason
from bracketd.wire import replies, words
from bracketd.wire.contracts import find_contract
from bracketd.wire.parameters import Parameters
from bracketd.wire.replies import Reply
from bracketd.wire.words import FieldError

FIELDS = ("exchange", "instrument_token", "order_side", "product", "new_product", "quantity", "validity")
"""The fields in the order in which they are looked at."""


def read_conversion(
    parameters: Parameters, instruments: Mapping[str, Instrument], client_id: str
) -> ConvertPosition | Reply:
    """The command, or 400 for an instrument that is not there; raises FieldError for a field that cannot be read."""
    for field in FIELDS:
        if parameters.conflict(field):
            raise FieldError(field)
    exchange = words.text(parameters, "exchange")
    instrument = find_contract(instruments, exchange, words.text(parameters, "instrument_token"))
    if instrument is None:
        return replies.field_invalid("instrument_token", Reason.UNKNOWN_INSTRUMENT)
    words.side(parameters)
    product = words.product(parameters)
    new_product = words.product(parameters, "new_product")
    quantity = words.quantity(parameters)
    words.text(parameters, "validity", default="DAY")
    if new_product is product:
        raise FieldError("new_product")
    return ConvertPosition(client_id, instrument.key, product, new_product, quantity)
