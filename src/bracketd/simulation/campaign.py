"""A campaign: many seeds, one after the other, until one ends in a lie; and what is told of it."""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time

import msgspec

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.simulation.deeds import Story, told
from bracketd.simulation.premises import Account
from bracketd.simulation.shrinking import shrunk
from bracketd.simulation.storyteller import tell
from bracketd.simulation.trial import tried


class Tally(msgspec.Struct):
    """What a campaign came to. `rows` are orders as the order book counts them: entries, legs and rescue orders."""

    seeds: int = 0
    requests: int = 0
    placed: int = 0
    rows: int = 0
    records: int = 0
    lives: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def line(self) -> str:
        """The campaign in one line; the speed is that of this machine."""
        return (
            f"{self.seeds} seeds, {self.requests} requests, {self.placed} brackets placed, {self.rows} orders, "
            f"{self.records} journal records, {self.lives} lives of the server: {self.wall_s:.1f} s, "
            f"{self._each(self.wall_s)} orders/s; {self.cpu_s:.1f} s of one core, {self._each(self.cpu_s)} orders/s"
        )

    def _each(self, spent_s: float) -> int:
        return round(self.rows / spent_s) if spent_s else 0


class Caught(msgspec.Struct, frozen=True):
    """A seed that ended in a lie."""

    seed: int
    minutes: float
    account: Account


def account_of(seed: int, minutes: float = 1.0) -> Account:
    """The account of one seed."""
    with _quiet():
        return tried(tell(seed, minutes))


def campaign(
    seeds: Iterable[int], minutes: float = 1.0, heard: Callable[[int, Account], None] = lambda seed, account: None
) -> tuple[Tally, Caught | None]:
    """Try the seeds until one lies. `heard` is told of each."""
    tally = Tally()
    began, cpu_began = perf_counter(), process_time()
    for seed in seeds:
        account = account_of(seed, minutes)
        tally.seeds += 1
        tally.requests += account.requests
        tally.placed += account.placed
        tally.rows += account.rows
        tally.records += account.records
        tally.lives += account.lives
        tally.wall_s, tally.cpu_s = perf_counter() - began, process_time() - cpu_began
        heard(seed, account)
        if account.lie:
            return tally, Caught(seed, minutes, account)
    return tally, None


def explained(caught: Caught) -> Iterator[str]:
    """What a person needs: the line that does it again, and the shortest story found that still ends so."""
    yield f"bracketd sim --seeds 1 --seed {caught.seed} --minutes {caught.minutes:g}  # {caught.account.lie}"
    story = tell(caught.seed, caught.minutes)

    def try_out(shorter: Story) -> str:
        with _quiet():
            return tried(shorter, rest=caught.account.at_rest).lie

    shortest, lie = shrunk(story, caught.account.lie, try_out)
    yield f"{len(shortest.deeds)} of {len(story.deeds)} deeds are enough for: {lie}"
    yield f"The day begins at {shortest.minute // 60:02d}:{shortest.minute % 60:02d} in India."
    at_us = 0
    for number, deed in enumerate(shortest.deeds, 1):
        at_us += deed.gap_us
        yield f"{number:4}  {at_us * 1_000 / NS_PER_SECOND:10.6f} s  {told(deed)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """A server that dies on purpose, many times a second, need not say so each time."""
    log, uvicorn = logging.getLogger("bracketd"), logging.getLogger("uvicorn.error")
    before = log.level, uvicorn.disabled
    log.setLevel(logging.CRITICAL + 1)
    # Its level is set by each server that is made.
    uvicorn.disabled = True
    try:
        with warnings.catch_warnings():
            # A process that dies leaves coroutines behind that never began.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            yield
    finally:
        log.setLevel(before[0])
        uvicorn.disabled = before[1]
