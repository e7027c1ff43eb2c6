"""The cancellation: the fields of a DELETE as the command that the engine judges (bracket.md section 5, from check 4).

What the values mean is the engine's business. Here it is only settled which values there are.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from bracketd.domain.commands import CancelOrder, NamesOrder
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import FieldError

Named = TypeVar("Named", bound=NamesOrder)

_JUDGED = ("execution_type", "exchange_order_id", "leg_order_indicator", "oms_order_id")


def read_cancellation(parameters: Parameters, client_id: str) -> CancelOrder:
    """The command of a cancel request; raises FieldError where no id is given, or where the one that counts is none."""
    return read_naming(CancelOrder, parameters, client_id)


def read_naming(command: Callable[..., Named], parameters: Parameters, client_id: str, **more: Any) -> Named:
    """A command of any verb that names an order, of the fields that name it and `more`; raises as read_cancellation."""
    only = parameters.only
    if only is not None:
        # One source of texts, as almost every request has.
        path_id, sent = parameters.path_id, only.get("oms_order_id")
        if path_id is not None:
            ids: tuple[str, ...] = (path_id, sent) if sent and sent != path_id else (path_id,)
        elif sent:
            ids = (sent,)
        else:
            raise FieldError("oms_order_id", blank=True)
        return command(
            client_id=client_id,
            ids=ids,
            execution_type=only.get("execution_type") or None,
            # "" where it is there and blank, which check 9 tells from absent.
            exchange_order_id=only.get("exchange_order_id"),
            leg=only.get("leg_order_indicator") or None,
            **more,
        )
    ids = parameters.order_ids()
    if parameters.path_id is None and parameters.bad("oms_order_id"):
        raise FieldError("oms_order_id")
    if not ids:
        raise FieldError("oms_order_id", blank=True)
    return command(
        client_id=client_id,
        ids=ids,
        execution_type=parameters.text("execution_type"),
        exchange_order_id=_exchange_order_id(parameters),
        leg=parameters.text("leg_order_indicator"),
        unreadable=frozenset(filter(parameters.bad_anywhere, _JUDGED)),
        conflicting=frozenset(filter(parameters.conflict, _JUDGED)),
        **more,
    )


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
