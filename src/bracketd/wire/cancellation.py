"""The cancellation: the fields of a DELETE as the command that the engine judges (bracket.md section 5, from check 4).

What the values mean is the engine's business. Here it is only settled which values there are.
"""

from typing import Any

from bracketd.domain.commands import CancelOrder
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

_JUDGED = ("execution_type", "exchange_order_id", "leg_order_indicator", "oms_order_id")
_NO_NAMES: frozenset[str] = frozenset()


def read_cancellation(parameters: Parameters, client_id: str) -> CancelOrder:
    """The command of a cancel request; raises FieldError where no id is given, or where the one that counts is none."""
    return CancelOrder(client_id=client_id, **naming(parameters))


def naming(parameters: Parameters) -> dict[str, Any]:
    """The fields of NamesOrder beside the client, for every verb alike; raises as read_cancellation."""
    ids = parameters.order_ids()
    if parameters.path_id is None and parameters.bad("oms_order_id"):
        raise FieldError("oms_order_id")
    if not ids:
        raise FieldError("oms_order_id", blank=True)
    # One source of readable fields, as almost every request has, can neither conflict nor hold what is no text.
    plain = parameters.plain
    return {
        "ids": ids,
        "execution_type": parameters.text("execution_type"),
        "exchange_order_id": _exchange_order_id(parameters),
        "leg": parameters.text("leg_order_indicator"),
        "unreadable": _NO_NAMES if plain else frozenset(filter(parameters.bad_anywhere, _JUDGED)),
        "conflicting": _NO_NAMES if plain else frozenset(filter(parameters.conflict, _JUDGED)),
    }


def require_everything(parameters: Parameters, path_ends: bool) -> None:
    """Let nothing pass for "cancel everything" that might have been meant for one order (bracket.md section 4).

    `client_id` and no other field, blank ones and a junk tail included, on a path that ends without a slash: a client
    whose order id came out empty sends the slash. Raises FieldError (`oms_order_id` can't be blank).
    """
    if not path_ends or parameters.names() != ("client_id",) or parameters.text("client_id") is None:
        raise FieldError("oms_order_id", blank=True)


def _exchange_order_id(parameters: Parameters) -> str | None:
    """The exchange's number as sent: "" where it is there and blank, which check 9 tells from absent."""
    sent = parameters.text("exchange_order_id")
    return "" if sent is None and parameters.is_blank("exchange_order_id") else sent
