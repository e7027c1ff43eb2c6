"""The image of a paper exchange that trades the one share of the tests' floors."""

from typing import Any

from tests.trading_floor import SBIN

from bracketd.simulation.exchange_image import image_of
from bracketd.venue.paper.exchange import PaperExchange


def dumped(venue: PaperExchange) -> dict[str, Any]:
    """Everything by which the paper exchange decides, in a form that two exchanges can be compared by."""
    return image_of(venue, SBIN)
