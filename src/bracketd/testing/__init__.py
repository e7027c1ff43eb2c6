"""A test kit for programs that trade: a whole paper broker in memory, and a script of what goes wrong.

With `bracketd[testing]` pytest has the fixtures `broker`, `async_broker` and `live_broker`. See docs/testing.md.

Names are imported when they are asked for: pytest loads this package for its plugin, in every run, and a run that uses
none of it must not load httpx and a server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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

_ELSEWHERE: Final = {
    "SCENARIOS": "scenarios",
    "Scenario": "scenarios",
    "AsyncPaperBroker": "paper",
    "PaperBroker": "paper",
    "LiveBroker": "live",
}


def __getattr__(name: str) -> object:
    """A public name, imported now."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'script')}"), name)
