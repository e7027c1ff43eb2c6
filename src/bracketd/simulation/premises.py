"""The premises of every trial: the shares, the hours, the clients, the date; and what a trial comes to."""

from functools import lru_cache

import msgspec

from bracketd.domain.instrument import Instrument
from bracketd.market.calendar import SessionTable
from bracketd.market.instruments import load_instruments
from bracketd.simulation.storyteller import CLIENTS

NAMES = tuple(f"C{number}" for number in range(1, CLIENTS + 1))
SHARE_KEYS = ("NSE:3045", "NSE:22")
DATE = "20261123"
MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
CUT_OFF_S = 1.0
"""A websocket whose token has ended is closed within this time (runtime/streams.py)."""


class Account(msgspec.Struct, frozen=True):
    """What a trial came to. `lie` is "" where none was found; `digest` is the hash of all that happened.

    `answers` counts replies by what was asked and their status. `at_rest`: the lie was found after the last deed, when
    everything was brought to its end.
    """

    lie: str
    at_rest: bool
    digest: str
    requests: int
    placed: int
    rows: int
    records: int
    lives: int
    answers: dict[str, int]


@lru_cache(maxsize=1)
def shares() -> dict[str, Instrument]:
    """The two shares that are traded."""
    table = load_instruments()
    return {key: table[key] for key in SHARE_KEYS}


@lru_cache(maxsize=1)
def sessions() -> SessionTable:
    """The package's own session table."""
    return SessionTable.load()
