"""The archive: what was handed to the journal, what the disk must have kept of it, and the state that this gives."""

from collections.abc import Sequence

from bracketd.domain.events import decode_step
from bracketd.engine.evolve import evolve
from bracketd.engine.invariant import invariant
from bracketd.engine.state import State, encode_state


class Archive:
    """What is durable, as records and as a state. `kept_seq` is the last record of which the disk has everything."""

    def __init__(self) -> None:
        self.state = State()
        self.seq = 0
        self._bodies: list[bytes] = []
        self._handed: tuple[int, tuple[bytes, ...]] = (0, ())

    @property
    def kept_seq(self) -> int:
        """The last record that is durable."""
        return len(self._bodies)

    def hand(self, after_seq: int, bodies: Sequence[bytes]) -> None:
        """A batch is about to be written."""
        self._handed = (after_seq, tuple(bodies))

    def keep(self, seq: int) -> None:
        """All up to this record was written and synced."""
        after_seq, bodies = self._handed
        if after_seq == len(self._bodies) and seq == after_seq + len(bodies):
            self._bodies += bodies

    def find(self, bodies: Sequence[bytes]) -> None:
        """What a process that starts finds after `kept_seq`: the whole last batch or nothing of it (20)."""
        after_seq, handed = self._handed
        expected = handed if after_seq == len(self._bodies) else ()
        whole = not bodies or tuple(bodies) == expected
        invariant(whole, "a batch is on disk whole, or not at all (20)", len(bodies), len(expected))
        self._bodies += bodies
        self._handed = (0, ())

    def compare(self, bodies: Sequence[bytes]) -> None:
        """All records, read once more: they are those that were handed in, in their order (25)."""
        invariant(list(bodies) == self._bodies, "the journal holds what was written (25)", len(bodies))

    def catch_up(self) -> State:
        """Fold what has become durable since; returns the state."""
        while self.seq < len(self._bodies):
            for event in decode_step(self._bodies[self.seq]):
                evolve(self.state, event)
            self.seq += 1
        return self.state

    def check_equal(self, state: State, seq: int) -> None:
        """A state at the disk's end is the one that all records give, to the byte (20, 25)."""
        self.catch_up()
        invariant(seq == self.seq, "a restart ends where the disk ends: nothing acknowledged is lost (20)", seq)
        invariant(encode_state(state) == encode_state(self.state), "replay equals live, to the byte (25)")
