"""Follow the price: buy ten SBIN, follow once if they were not to be had, and leave with nothing open.

What a broker says is believed and nothing else is: a cancel counts when the broker said so, what has filled is looked
up before anything is placed again, and an outcome that is not known is asked for again.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from bracketd.client import Bracket, Broker, LegNotActive, TooLate, Unknown, VenueRefused

SYMBOL, QUANTITY = "SBIN", 10
FIRST_PRICE, SECOND_PRICE = "456.00", "456.60"
TARGET, STOP = "4.00", "2.00"
PATIENCE_S, PAUSE_S = 60, 1

Sleep = Callable[[float], None]


def enter(broker: Broker, price: str, quantity: int) -> Bracket:
    """Place a bracket; its target and stop-loss are rupees away from the average fill."""
    return broker.place_bracket(SYMBOL, "BUY", quantity, price=price, target=TARGET, stop=STOP)


def cancel(bracket: Bracket, sleep: Sleep) -> None:
    """Cancel what has not filled, until the broker says that it is so or that there is nothing left of it."""
    while True:
        try:
            return bracket.cancel()
        except TooLate:
            return None
        except (Unknown, VenueRefused):
            sleep(PAUSE_S)  # Twice is once: a cancel may always be asked again.


def follow(broker: Broker, bracket: Bracket, price: str, sleep: Sleep) -> list[Bracket]:
    """Move what has not filled to another price; returns the brackets that there are then."""
    cancel(bracket, sleep)
    missing = QUANTITY - bracket.refresh().entry.filled
    return [bracket, enter(broker, price, missing)] if missing else [bracket]


def leave(bracket: Bracket, sleep: Sleep) -> None:
    """Close a bracket: cancel its entry, then exit what has filled, until nothing is open and nothing works."""
    cancel(bracket, sleep)
    while not bracket.refresh().closed:
        with suppress(Unknown, VenueRefused, TooLate, LegNotActive):
            bracket.exit()
        sleep(PAUSE_S)  # Until then the stop-loss stays in force.


def trade(broker: Broker, sleep: Sleep = time.sleep) -> None:
    """The whole trade. Raises what it cannot mend, such as Unauthorised; the stop-loss goes on working then."""
    brackets = [enter(broker, FIRST_PRICE, QUANTITY)]
    sleep(PATIENCE_S)
    if brackets[0].refresh().entry.remaining:
        brackets = follow(broker, brackets[0], SECOND_PRICE, sleep)
    sleep(PATIENCE_S)
    for bracket in brackets:
        leave(bracket, sleep)
