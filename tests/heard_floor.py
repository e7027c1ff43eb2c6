"""The floor in a storm, and a listener of each client who folds what he is pushed and compares it after every step."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tests.listening_post import Folder, HandGate, book_of, settle, trades_of, waiting
from tests.stormy_floor import CLIENTS, StormyFloor
from tests.trading_floor import INSTRUMENTS

from bracketd.domain.events import AnyEvent, DayBegun, decode_step
from bracketd.domain.instrument import Tick
from bracketd.engine.state import State
from bracketd.market.quotes import Quotes
from bracketd.runtime.client_rows import ClientRows
from bracketd.runtime.listener import Listener
from bracketd.runtime.step import Work
from bracketd.runtime.streams import Streams
from bracketd.wire.frames import Rendering


class HeardDesk:
    """What the streams ask of a desk, answered by a floor. The disk takes each step when `land` says so."""

    def __init__(self, floor: "HeardFloor") -> None:
        self._floor = floor
        self._landed = asyncio.Event()
        self.durable_seq = 0
        self.on_step: list[Callable[[int, list[AnyEvent]], None]] = []
        self.on_tick: list[Callable[[Tick], None]] = []

    @property
    def state(self) -> State:
        """The floor's, which a restart replaces."""
        return self._floor.state

    @property
    def client_rows(self) -> ClientRows:
        """An index of the state as it is."""
        return ClientRows(self.state)

    def now_ns(self) -> int:
        """The floor's time."""
        return self._floor.now_ns

    def land(self, seq: int) -> None:
        """Everything up to that step is on disk."""
        self.durable_seq = seq
        self._landed.set()
        self._landed.clear()

    async def durable(self, seq: int) -> None:
        """Wait for the disk."""
        while seq > self.durable_seq:
            await self._landed.wait()


class HeardFloor(StormyFloor):
    """A storm floor with streams: after every step each listener's fold is what REST shows (invariant 19).

    A context: the streams' tasks live on an event loop of the floor's own. `met` is what was pushed, and what the
    state went through: statuses, event kinds, UNPROTECTED.
    """

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.heard: dict[str, tuple[Listener, Folder]] = {}
        self.met: set[str] = set()
        super().__init__(**options)

    def __enter__(self) -> Self:
        """Give the floor."""
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Let the streams' tasks end."""
        self.close()

    def close(self) -> None:
        """Nobody listens any more."""
        if not self.loop.is_closed():
            self.leave()
            self.loop.run_until_complete(settle())
            self.loop.close()

    def restart(self) -> None:
        """A crash: connections are lost, and with them what was not pushed yet; everybody listens anew."""
        self.leave()
        super().restart()

    def listen_anew(self, client: str) -> None:
        """The client's connection is closed and made again, in the middle of whatever goes on."""
        if client in self.heard:
            self.streams.leave(self.heard.pop(client)[0])

        async def join() -> None:
            listener = self.streams.join(client, f"of {client}")
            assert listener is not None
            self.streams.subscribe_updates(listener)
            self.heard[client] = listener, Folder(book_of(self.state, client), trades_of(self.state, client))

        self.loop.run_until_complete(join())

    def leave(self) -> None:
        """Every connection is closed."""
        for listener, _ in self.heard.values():
            self.streams.leave(listener)
        self.heard.clear()

    # Inside

    def _staff(self) -> None:
        super()._staff()
        self.desk = HeardDesk(self)
        self.streams = Streams(
            self.desk,  # type: ignore[arg-type]
            HandGate(),  # type: ignore[arg-type]
            Rendering(INSTRUMENTS),
            Quotes(INSTRUMENTS.values()),
        )
        for client in CLIENTS:
            self.listen_anew(client)

    def _run(self, work: Work, at_ns: int | None = None) -> None:
        before = len(self.steps)
        super()._run(work, at_ns)
        for seq, body in enumerate(self.steps[before:], before + 1):
            self.loop.run_until_complete(self._hear(seq, decode_step(body)))

    async def _hear(self, seq: int, events: list[AnyEvent]) -> None:
        for told in self.desk.on_step:
            told(seq, events)
        await settle()
        for listener, _ in self.heard.values():
            assert waiting(listener) == [], "nothing is pushed before it is on disk"
        self.desk.land(seq)
        await settle()
        self.met |= {type(event).__name__ for event in events}
        self.met |= {"UNPROTECTED" for bracket in self.state.brackets.values() if bracket.unprotected}
        for client, (listener, folder) in self.heard.items():
            assert listener.ended is None, listener.ended
            for frame in waiting(listener):
                folder.take(frame)
            if any(isinstance(event, DayBegun) for event in events):
                folder.begin_day(book_of(self.state, client), trades_of(self.state, client))
            assert folder.book == book_of(self.state, client), "the stream equals the order book (19)"
            assert folder.trades == trades_of(self.state, client), "the stream equals the trade book (19)"
