"""Timekeeping: what is due happens at its time, also when nobody asks for anything.

Letters arrive, refused orders are tried again each second, brackets are squared off and days turn (bracket.md 2.8 and
2.9). A clock that stands still until somebody moves it makes nothing due, so that this never drives a virtual time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.runtime.desk import NotServing

_log = logging.getLogger(__name__)

NAP_S_MAX: Final = 1.0
"""A machine that was suspended, or whose clock was set, is noticed within this time."""


class TimedDesk(Protocol):
    """What timekeeping needs of a desk."""

    due_sooner: asyncio.Event
    """Set whenever a step made something due before what `keep_time` answered last."""

    def now_ns(self) -> int:
        """The time in unix nanoseconds."""

    def keep_time(self) -> int:
        """Do what is due by now; returns when the next is due. Raises NotServing."""

    def fail(self, why: str) -> None:
        """Stop for good."""


async def nap(woken: asyncio.Event, timeout_s: float) -> None:
    """Wait until the event is set, at most that long (seconds)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await woken.wait()


async def keep_timing(desk: TimedDesk, wait: Callable[[asyncio.Event, float], Awaitable[None]] = nap) -> None:
    """Do what is due, again and again, until the desk stops serving.

    Any fault stops the desk: a square-off that is missed in silence would cost more than a restart.
    """
    while True:
        try:
            due_ns = desk.keep_time()
            desk.due_sooner.clear()
            left_s = (due_ns - desk.now_ns()) / NS_PER_SECOND
        except NotServing:
            return
        except Exception as fault:  # noqa: BLE001  Whatever it is, time is not kept any more, and that must be seen.
            _log.exception("timekeeping failed")
            desk.fail(f"timekeeping failed: {fault!r}")
            return
        await wait(desk.due_sooner, min(max(left_s, 0.0), NAP_S_MAX))
