"""The archive: the state that the disk would give, folded record by record as they come on it."""

from bracketd.domain.events import decode_step
from bracketd.engine.evolve import evolve
from bracketd.engine.invariant import invariant
from bracketd.engine.state import State, encode_state
from bracketd.simulation.disk_journal import Platter


class Archive:
    """What is durable, as a state."""

    def __init__(self, platter: Platter) -> None:
        self.state = State()
        self.seq = 0
        self._platter = platter

    def catch_up(self) -> State:
        """Fold what has come on disk since; returns the state."""
        records = self._platter.parsed
        while self.seq < len(records):
            for event in decode_step(records[self.seq].body):
                evolve(self.state, event)
            self.seq += 1
        return self.state

    def check_equal(self, state: State, seq: int) -> None:
        """A state at the disk's end is the one that all records give, to the byte (20, 25)."""
        self.catch_up()
        invariant(seq == self.seq, "a restart ends where the disk ends: nothing acknowledged is lost (20)", seq)
        invariant(encode_state(state) == encode_state(self.state), "replay equals live, to the byte (25)")
