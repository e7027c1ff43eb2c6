"""A bracket: an entry and, once anything of it is filled, a target and a stop-loss that share one exit budget.

A cover order is a bracket without a target, a regular order one that never gets legs: the same rules hold for all.
"""

from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

import msgspec

from bracketd.domain.order import Execution, Leg, Side, through


class Exit(StrEnum):
    """How far an exit that was asked for (rule X) has come."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    CLOSING = "CLOSING"
    REFUSED = "REFUSED"
    ACCEPTED = "ACCEPTED"


class Turns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What has gone otherwise with few brackets: one object for all with which nothing has.

    A leg that was priced by hand is not re-based any more (2.2); `trailed` says whether the stop has moved yet.

    Of refused legs (2.8): `leg_refused` keeps the entry from filling any more, `closing` is a closing order that the
    venue was asked for and has not answered, `closings` counts those, `denials` those refused in a row, `ungrown` the
    shares by which the stop-loss should have grown and did not, `denied` the totals at which it did not. `late` are
    the entry's shares that never had legs: they came after its end (2.5). `unprotected` is the flag of 2.8 and 2.9.
    `overtaken`: more of the entry filled when the exit in force had reached zero; the stop-loss closes it (2.5).
    """

    exit_refusal: str = ""
    trailed: bool = False
    target_by_hand: bool = False
    stop_by_hand: bool = False
    rescue_ids: tuple[str, ...] = ()
    late: int = 0
    leg_refused: bool = False
    closing: bool = False
    closings: int = 0
    denials: int = 0
    ungrown: int = 0
    denied: tuple[int, ...] = ()
    unprotected: bool = False
    info_before: str = ""
    overtaken: bool = False


STRAIGHT: Turns = Turns()
"""The turns of most brackets: none. Others may be equal to it; that it is this one only says so sooner."""

_DIFFERENT = 8_192
"""As many different ones are remembered."""


def kept_turns(found: Turns) -> Turns:
    """The one object that is equal to this."""
    return STRAIGHT if found == STRAIGHT else _kept(found)


@lru_cache(maxsize=_DIFFERENT)
def _kept(found: Turns) -> Turns:
    return found


class Bracket(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """What a bracket is beyond its orders: the offsets, the exit and the ids of its legs ("" before the first fill).

    `execution` says which legs it gets: both, the stop-loss alone (its `target_id` stays ""), or none.

    The tick and the band are those of the instrument at placement, so that a replay needs no instrument file.
    Prices and offsets are paise. `anchor_paise` is what a print is measured from for trailing (bracket.md 2.6).
    `intended` is what a request asked for that was told 202 before it could be judged: ENTRY rule E, STOPLOSS rule X.

    What few brackets have stands in `turns`, which they share. It is read as the bracket's own; `turn` changes it.
    """

    basket_id: str
    client_id: str
    instrument: str
    side: Side
    entry_id: str
    target_offset_paise: int
    stop_offset_paise: int
    tick_paise: int
    lower_band_paise: int
    upper_band_paise: int
    reference_paise: int
    trailing_step_paise: int = 0
    anchor_paise: int = 0
    stop_id: str = ""
    target_id: str = ""
    exit: Exit = Exit.NONE
    last_exit_id: str = ""
    blocked_paise: int = 0
    realised_paise: int = 0
    intended: Leg = Leg.NONE
    execution: Execution = Execution.BO
    turns: Turns = STRAIGHT

    # To whoever reads they are fields; nobody can write them past the shared object.
    exit_refusal: ClassVar[str] = through("turns.exit_refusal")
    trailed: ClassVar[bool] = through("turns.trailed")
    target_by_hand: ClassVar[bool] = through("turns.target_by_hand")
    stop_by_hand: ClassVar[bool] = through("turns.stop_by_hand")
    rescue_ids: ClassVar[tuple[str, ...]] = through("turns.rescue_ids")
    late: ClassVar[int] = through("turns.late")
    leg_refused: ClassVar[bool] = through("turns.leg_refused")
    closing: ClassVar[bool] = through("turns.closing")
    closings: ClassVar[int] = through("turns.closings")
    denials: ClassVar[int] = through("turns.denials")
    ungrown: ClassVar[int] = through("turns.ungrown")
    denied: ClassVar[tuple[int, ...]] = through("turns.denied")
    unprotected: ClassVar[bool] = through("turns.unprotected")
    info_before: ClassVar[str] = through("turns.info_before")
    overtaken: ClassVar[bool] = through("turns.overtaken")

    def turn(self, **changes: object) -> None:
        """Give some of the turns other values. Raises TypeError for one that there is not."""
        self.turns = kept_turns(msgspec.structs.replace(self.turns, **changes))

    @property
    def exit_accepted(self) -> bool:
        """Whether an exit that somebody asked for was accepted: remembered for good."""
        return self.exit is Exit.ACCEPTED
