"""Ten scenarios, named after what users of such APIs complain about (bracket.md section 9).

They name no price and no id: they happen to whatever entry a program places last.
"""

from typing import NamedTuple

from bracketd.testing.script import (
    Do,
    Step,
    Steps,
    When,
    acknowledge_after,
    expire_tokens,
    fill,
    fill_during_cancel,
    lose_reply,
    refuse_exit,
)
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point


class Scenario(NamedTuple):
    """A script with a name, and the complaint that it is made of.

    >>> SCENARIOS["filled_during_cancel"].complaint
    'a local "cancelled" while the venue went on to fill'
    """

    name: str
    complaint: str
    steps: Steps


def _cancels(action: Action, delay_ms: int = 0, on: Point = Point.CANCEL) -> Step:
    return Step(do=Do.FAULT, rule=FaultRule(on=on, action=action, delay_ms=delay_ms, times=1))


_ALL = (
    Scenario(
        "still_live_after_cancel",
        "success was answered and the order was still live",
        # The cancel takes five seconds to get there; the order works on meanwhile, and fills.
        (_cancels(Action.DELAY, 5_000), *fill(100, when=When.CANCEL, after_ms=4_000)),
    ),
    Scenario(
        "filled_during_cancel",
        'a local "cancelled" while the venue went on to fill',
        fill_during_cancel(),
    ),
    Scenario(
        "both_exits_printed",
        "both exits filled",
        (
            *fill(100, when=When.AFTER_PLACE),
            Step(do=Do.PRINT_TARGET, when=When.AFTER_PLACE, after_ms=500, percent=50),
            Step(do=Do.PRINT_STOP, when=When.AFTER_PLACE, after_ms=600),
        ),
    ),
    Scenario(
        "partly_filled_then_cancelled",
        "cancelling a partly filled entry stripped its protection",
        fill(40),
    ),
    Scenario(
        "exit_refused_once",
        "nobody could tell how to close a live bracket",
        (*fill(100), *refuse_exit("not now")),
    ),
    Scenario(
        "reply_to_cancel_lost",
        "a second DELETE got a misleading error",
        lose_reply(When.CANCEL),
    ),
    Scenario(
        "cancel_stays_pending",
        "a pending cancel that never ends",
        (_cancels(Action.DELAY, 6_000, Point.CANCEL_ANSWER),),
    ),
    Scenario(
        "not_acknowledged_yet",
        "which id, which leg",
        acknowledge_after(300),
    ),
    Scenario(
        "session_expired",
        "a paper mode without a broker login",
        expire_tokens(When.CANCEL),
    ),
    Scenario(
        "body_of_cancel_dropped",
        "a DELETE body cannot be sent or is dropped on the way",
        (Step(do=Do.DROP_BODY, when=When.CANCEL, times=0),),
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
"""The scenarios by name.

>>> len(SCENARIOS)
10
"""
