"""A test kit for programs that trade: a whole paper broker in memory, and a script of what goes wrong.

With `bracketd[testing]` pytest has the fixtures `broker`, `async_broker` and `live_broker`. See docs/testing.md.
"""

from bracketd.testing.live import LiveBroker
from bracketd.testing.paper import AsyncPaperBroker, PaperBroker
from bracketd.testing.scenarios import SCENARIOS, Scenario
from bracketd.testing.script import (
    Do,
    Step,
    When,
    acknowledge_after,
    down,
    drop_feeds,
    expire_tokens,
    fill,
    fill_during_cancel,
    fill_then_silence,
    lose_reply,
    refuse_cancel,
    refuse_exit,
)

__all__ = [
    "SCENARIOS",
    "AsyncPaperBroker",
    "Do",
    "LiveBroker",
    "PaperBroker",
    "Scenario",
    "Step",
    "When",
    "acknowledge_after",
    "down",
    "drop_feeds",
    "expire_tokens",
    "fill",
    "fill_during_cancel",
    "fill_then_silence",
    "lose_reply",
    "refuse_cancel",
    "refuse_exit",
]
