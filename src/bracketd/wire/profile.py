"""The profile: what a client may trade, as the family's two routes tell it (wire.md 1.8, samples.md)."""

from collections.abc import Iterable

from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Product

PRODUCTS_ENABLED = (Product.NRML, Product.CNC, Product.MIS)
"""What an order may be placed with; a bracket and a cover order are MIS. The order is that of the documents."""


def trading_info(client_id: str, instruments: Iterable[Instrument]) -> dict[str, object]:
    """The short form, from which clients learn the id that their token stands for. No address is kept here."""
    return {
        "client_id": client_id,
        "email_id": "",
        "exchanges_subscribed": list(dict.fromkeys(each.exchange for each in instruments)),
        "name": client_id,
        "products_enabled": list(PRODUCTS_ENABLED),
        "status": "Activated",
    }


def profile(client_id: str, instruments: Iterable[Instrument]) -> dict[str, object]:
    """The long form: the same, with the depository's fields. Who is let in is active."""
    return trading_info(client_id, instruments) | {
        "bo_id": [],
        "ddpi": False,
        "poa_enabled": False,
        "status": "active",
    }
