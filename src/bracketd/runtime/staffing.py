"""Staffing: a recovered state gets its desk, its paper exchange, its feed and its sandbox, as the settings say.

A server on one folder does it once, an engine for each shard that it takes.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.engine.numbering import begin_block
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.market.calendar import AlwaysOpen, Sessions, SessionTable
from bracketd.market.instruments import InstrumentTable
from bracketd.market.synthetic import SyntheticFeed
from bracketd.runtime.clock import SystemClock, VirtualClock
from bracketd.runtime.desk import Desk
from bracketd.runtime.feeding import Feeding
from bracketd.runtime.recovery import resume_paper
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.settings import Settings
from bracketd.runtime.venue_view import request_due_ns
from bracketd.venue.paper.faulty import FaultyExchange

_log = logging.getLogger(__name__)

CLOCK_SKEW_S_MAX: Final = 1.0
"""A journal further ahead of the machine's clock than this, as a virtual clock leaves one, is worth a warning."""


class Staff(NamedTuple):
    """A desk and those around it. `feeding` and `sandbox` are None where the settings leave them out."""

    desk: Desk
    feeding: Feeding | None
    sandbox: Sandbox | None


def sessions_of(settings: Settings) -> Sessions:
    """The session table that the settings name; raises SessionFault."""
    return AlwaysOpen() if settings.session == "always" else SessionTable.load()


def staff_desk(
    settings: Settings,
    state: State,
    commit: GroupCommit,
    account_terms: Callable[[str], tuple[int, int] | None],
    instruments: InstrumentTable,
    sessions: Sessions,
    shard: int = 0,
) -> Staff:
    """The desk as the journal left it, its feed, and the sandbox around it. Raises RecoveryFailed.

    `account_terms` is what the desk asks for an account that it does not know yet. All numbers
    are counted in the block of the `shard`.
    """
    begin_block(state, shard)
    paper = resume_paper(state, instruments, shard)
    known = state.orders.values()
    faulty = FaultyExchange(paper, known, partial(request_due_ns, state)) if settings.sandbox else None
    clock = _clock(settings, state.last_event_ns)
    desk = Desk(
        state=state,
        venue=faulty or paper,
        instruments=instruments,
        commit=commit,
        clock=clock,
        sessions=sessions,
        account_terms=account_terms,
    )
    movable = clock if isinstance(clock, VirtualClock) else None
    sandbox = Sandbox(desk, faulty, movable) if faulty is not None else None
    if settings.feed != "synthetic":
        return Staff(desk, None, sandbox)
    feed = SyntheticFeed(instruments.values(), settings.feed_seed)
    feed.resume({instrument: market.print_paise for instrument, market in state.markets.items()})
    feeding = Feeding(
        feed,
        desk,
        phase=sessions.phase,
        last_print=lambda instrument: paper.shown(instrument)[0],
        behind=lambda: commit.full,
    )
    return Staff(desk, feeding, sandbox)


def _clock(settings: Settings, last_event_ns: int) -> SystemClock | VirtualClock:
    """The clock that the settings name; no clock tells a time before what the journal knows of."""
    now_ns = time.time_ns()
    if settings.clock == "virtual":
        return VirtualClock(max(now_ns, last_event_ns))
    ahead_s = (last_event_ns - now_ns) / NS_PER_SECOND
    if ahead_s > CLOCK_SKEW_S_MAX:
        _log.warning("the journal is %.0f s ahead of the machine's clock: time stands still until then", ahead_s)
    return SystemClock(last_event_ns)
