"""Position conversion: asked for as the family's clients do, and refused by name (wire.md 1.8, samples.md).

A position that brackets made cannot change its product: their exits are MIS orders for all of it. Positions of other
orders cannot be converted here either. Nothing is changed by asking, whatever the answer.
"""

from collections.abc import Mapping

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Product
from bracketd.domain.reasons import Reason
from bracketd.engine.state import State
from bracketd.wire import replies, words
from bracketd.wire.contracts import find_contract
from bracketd.wire.parameters import Parameters
from bracketd.wire.replies import Reply
from bracketd.wire.words import FieldError

FIELDS = ("exchange", "instrument_token", "order_side", "product", "new_product", "quantity", "validity")
"""The fields in the order in which they are looked at."""


def refuse_conversion(
    parameters: Parameters, state: State, instruments: Mapping[str, Instrument], client_id: str
) -> Reply:
    """400 that names the field at fault; raises FieldError for one that cannot be read or is missing.

    A quantity that is not open is BAD_LOT, the product of a bracket's position PRODUCT_NOT_ALLOWED, and so is any new
    product for another position.
    """
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
    position = state.positions.get(f"{client_id} {instrument.key} {product}")
    if position is None or not 0 < quantity <= abs(position.net):
        return replies.field_invalid("quantity", Reason.BAD_LOT)
    return replies.field_invalid("product" if product is Product.MIS else "new_product", Reason.PRODUCT_NOT_ALLOWED)
