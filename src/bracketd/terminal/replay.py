"""A replay: a recording pushed through the paper exchange, print by print, at a speed that is asked for."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from bracketd.client.orders import Instrument
from bracketd.terminal.exchange import LEAP_NS_MAX, Clock, PaperExchange, PrintRefused, Pushed
from bracketd.terminal.recording import Print, Recording, shift_ns
from bracketd.terminal.screen import date_text
from bracketd.terminal.verdict import REFUSED, Verdict

NAME_LENGTH_MAX: Final = 64
"""Characters of a tick's name at the sandbox."""

RUN_PRINTS: Final = 200
"""At most so many prints are pushed at once, so that the bar of progress moves."""

RUN_BYTES: Final = 60_000
"""And no more than a request may hold: PRINT_BYTES for each, and LEVEL_BYTES for each level of its depth."""

PRINT_BYTES: Final = 300
LEVEL_BYTES: Final = 40

Progress = Callable[[int, int, int], None]
"""Told after each run: how many are pushed, of how many, and at which moment the recording is."""


@dataclass
class Replay:
    """One replay. `speed` is how many times as fast as recorded, 0 for as fast as it goes.

    With a virtual clock at the server the clock is moved to each print's moment, shifted by whole days so that it lies
    ahead; otherwise the prints come at the machine's own time, as far apart as they were, divided by the speed.

    `pushed` of `total` prints have been; `rows` are the first and the last row of the file that are pushed right now.
    """

    recording: Recording
    exchange: PaperExchange
    speed: float
    day: date | None = None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    pushed: int = 0
    total: int = 0
    first_ns: int = 0
    last_ns: int = 0
    shifted_ns: int = 0
    virtual: bool = False
    rows: tuple[int, int] = (0, 0)
    _instruments: dict[str, Instrument] = field(default_factory=dict)

    def run(self, progress: Progress) -> None:
        """Check the whole file, then push all of it. Raises Verdict (nothing was pushed) and BrokerError."""
        self.total, self.first_ns, self.last_ns, names = self.recording.check()
        for name in sorted(names):
            self._instruments[name] = self.exchange.find(name)
        clock = self.exchange.clock()
        self.virtual = clock.virtual
        if self.virtual:
            self.shifted_ns = shift_ns(self.first_ns, clock.now_ns, self.day)
            self._begin(clock)
        began_s = self.monotonic()
        for run in self._runs(clock.now_ns):
            if self.speed:
                due_s = began_s + (run[0].what.at_ns - self.first_ns) / 1e9 / self.speed
                self.sleep(max(0.0, due_s - self.monotonic()))
            self._push(run)
            progress(self.pushed, self.total, run[-1].what.at_ns + self.shifted_ns)

    def _runs(self, now_ns: int) -> Iterator[list[Pushed]]:
        """The prints in runs that are pushed at once: with a speed one by one, each at its time."""
        run: list[Pushed] = []
        room = RUN_BYTES
        for each in self.recording.prints():
            if self.virtual:
                now_ns = max(now_ns, each.at_ns + self.shifted_ns)
            made = Pushed(
                each, self._instruments[each.instrument], self.tick_id(each), now_ns if self.virtual else None
            )
            size = PRINT_BYTES + LEVEL_BYTES * (len(each.bids or ()) + len(each.asks or ()))
            if run and (self.speed or len(run) == RUN_PRINTS or size > room):
                yield run
                run, room = [], RUN_BYTES
            run.append(made)
            room -= size
        if run:
            yield run

    def _push(self, run: list[Pushed]) -> None:
        """Push a run; where one of its prints is refused, those before it. Raises BrokerError, `rows` says of what."""
        while run:
            self.rows = run[0].what.row, run[-1].what.row
            try:
                pushed = self.exchange.push(run)
            except PrintRefused as fault:
                self._push(run[: fault.place])
                self.rows = (run[fault.place].what.row,) * 2
                raise fault.refused from fault
            self.pushed += pushed
            run = run[pushed:]

    def tick_id(self, each: Print) -> str:
        """What a print is called at the exchange, and in the trade book: the file, the row, and a candle's part."""
        place = f":{each.row}" + (f":{each.part}" if each.part else "")
        name = "".join(char if char.isprintable() else "?" for char in self.recording.file.name)
        return name[: NAME_LENGTH_MAX - len(place)] + place

    def _begin(self, clock: Clock) -> None:
        """Move the clock to the first print; the session has to trade there."""
        start_ns = self.first_ns + self.shifted_ns
        if start_ns < clock.now_ns:
            raise Verdict(
                f"The server's clock is at {date_text(clock.now_ns)}, past the recording's first moment "
                f"{date_text(start_ns)}: name a later day with --on. Nothing was replayed.",
                REFUSED,
                kind="ClockPast",
            )
        now_ns = clock.now_ns
        while start_ns - now_ns > LEAP_NS_MAX:
            now_ns += LEAP_NS_MAX
            self.exchange.move_to(now_ns)
        there = self.exchange.move_to(start_ns)
        if there.stage in ("BEFORE", "ENDED"):
            raise Verdict(
                f"At {date_text(start_ns)} the server's market does not trade ({there.stage}): name another day with "
                "--on, or serve with --session always. Nothing was replayed.",
                REFUSED,
                kind="MarketClosed",
            )
