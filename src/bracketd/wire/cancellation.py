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
    only = parameters.only
    if only is not None:
        return _naming_plainly(parameters.path_id, only)
    ids = parameters.order_ids()
    if parameters.path_id is None and parameters.bad("oms_order_id"):
        raise FieldError("oms_order_id")
    if not ids:
        raise FieldError("oms_order_id", blank=True)
    return {
        "ids": ids,
        "execution_type": parameters.text("execution_type"),
        "exchange_order_id": _exchange_order_id(parameters),
        "leg": parameters.text("leg_order_indicator"),
        "unreadable": frozenset(filter(parameters.bad_anywhere, _JUDGED)),
        "conflicting": frozenset(filter(parameters.conflict, _JUDGED)),
    }


def _naming_plainly(path_id: str | None, only: dict[str, str]) -> dict[str, Any]:
    """The same of one source of texts, as almost every request has; raises as read_cancellation."""
    sent = only.get("oms_order_id")
    ids = tuple(filter(None, (path_id, sent if sent != path_id else None)))
    if not ids:
        raise FieldError("oms_order_id", blank=True)
    return {
        "ids": ids,
        "execution_type": only.get("execution_type") or None,
        # "" where it is there and blank, which check 9 tells from absent.
        "exchange_order_id": only.get("exchange_order_id"),
        "leg": only.get("leg_order_indicator") or None,
        "unreadable": _NO_NAMES,
        "conflicting": _NO_NAMES,
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
