"""The moment at which a command is judged: what the engine cannot know by itself, handed in."""

import msgspec

from bracketd.domain.session import SessionPhase


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When a command is judged: unix nanoseconds, the session's phase, and the last print it may rely on.

    `print_paise` is that of the command's instrument, 0 where nothing has printed yet. It is handed in, so that a
    placement that is refused leaves no trace of the market it was judged by.
    """

    at_ns: int
    phase: SessionPhase
    print_paise: int = 0
