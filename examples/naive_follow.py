"""Not like this: cancel, assume that it worked, enter again. It passes on a good day; see docs/tutorial.md."""

import contextlib
import time

from bracketd.client import Broker, BrokerError
from examples.follow import FIRST_PRICE, PATIENCE_S, QUANTITY, SECOND_PRICE, Sleep, enter


def trade(broker: Broker, sleep: Sleep = time.sleep) -> None:
    """The trade of follow.py, by one who does not listen."""
    first = enter(broker, FIRST_PRICE, QUANTITY)
    sleep(PATIENCE_S)
    with contextlib.suppress(BrokerError):
        first.cancel()
    second = enter(broker, SECOND_PRICE, QUANTITY)
    sleep(PATIENCE_S)
    for bracket in (first, second):
        with contextlib.suppress(BrokerError):
            bracket.exit()
    sleep(PATIENCE_S)
