"""A bracket: an entry and, once anything of it is filled, a target and a stop-loss that share one exit budget."""

from enum import StrEnum

import msgspec

from bracketd.domain.order import Side


class Exit(StrEnum):
    """How far an exit that was asked for (rule X) has come."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    CLOSING = "CLOSING"
    REFUSED = "REFUSED"
    ACCEPTED = "ACCEPTED"


class Bracket(msgspec.Struct, gc=False, kw_only=True):
    """What a bracket is beyond its orders: the offsets, the exit and the ids of its legs ("" before the first fill).

    The tick and the band are those of the instrument at placement, so that a replay needs no instrument file.
    Prices and offsets are paise. `anchor_paise` is what a print is measured from for trailing (bracket.md 2.6);
    `trailed` says whether the stop has moved yet. A leg that was priced by hand is not re-based any more (2.2).
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
    trailed: bool = False
    stop_id: str = ""
    target_id: str = ""
    exit: Exit = Exit.NONE
    exit_refusal: str = ""
    last_exit_id: str = ""
    blocked_paise: int = 0
    realised_paise: int = 0
    target_by_hand: bool = False
    stop_by_hand: bool = False

    @property
    def exit_accepted(self) -> bool:
        """Whether an exit that somebody asked for was accepted: remembered for good."""
        return self.exit is Exit.ACCEPTED
