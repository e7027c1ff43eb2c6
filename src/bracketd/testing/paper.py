"""Paper brokers to test programs against: in memory, with a clock that is moved, and a script of what goes wrong.

`AsyncPaperBroker` lives in the event loop of the test, `PaperBroker` in one of its own that runs while it is called.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from bracketd.client import AsyncBroker, Broker, Price
from bracketd.domain.instrument import Level
from bracketd.testing.front import Front
from bracketd.testing.house import CASH_PAISE, House, paise
from bracketd.testing.inside import AsyncInside, AsyncInsideFeed, Closed, Inside, InsideFeed
from bracketd.testing.scenarios import SCENARIOS
from bracketd.testing.script import Step
from bracketd.testing.timeline import NS_PER_S

T = TypeVar("T")

Depth = Sequence[tuple[Price, int]] | None
"""One side of the market: (price, quantity), best first; empty is nobody, None is stood for by the print."""

URL: Final = "http://paper.invalid"
SETTLED_S: Final = 120
"""So long everything that is under way, scripts included, is given to come to its end."""


class _Paper:
    """What both kinds have in common."""

    def __init__(
        self,
        *,
        clients: Iterable[str] = ("A", "B"),
        cash: Price = CASH_PAISE // 100,
        session: str = "always",
        idle_s: float = 0.0,
    ) -> None:
        self.url = URL
        self._front = Front(House(tuple(clients), paise(cash), session), idle_s=idle_s)

    @property
    def house(self) -> House:
        """What is inside: the desk, its state, the clock."""
        return self._front.house

    @property
    def autojump(self) -> bool:
        """Whether the clock goes on by itself while a request waits for the exchange and nothing else can happen."""
        return self._front.autojump

    @autojump.setter
    def autojump(self, wanted: bool) -> None:
        self._front.autojump = wanted

    @property
    def now_s(self) -> float:
        """The broker's clock, in unix seconds."""
        return self.house.clock.now_ns() / NS_PER_S

    @property
    def log(self) -> list[str]:
        """What of the scripts has happened, each with its unix milliseconds."""
        return self._front.timeline.log

    def token(self, client_id: str) -> str:
        """A new token of a client.

        >>> paper.token("A")
        'paper-A-2'
        """
        if client_id not in self.house.clients:
            raise ValueError(f"no client {client_id!r}, there are {', '.join(self.house.clients)}")
        return self.house.tokens.give(client_id)

    def expire_tokens(self) -> None:
        """No token that was given out is good any more.

        >>> paper.expire_tokens()
        """
        self.house.tokens.expire_all()
        self._front.drop_feeds()

    def position(self, client_id: str, instrument: str = "SBIN") -> int:
        """What the client holds in truth, by the exchange's own trades; negative is sold short.

        >>> paper.position("A")
        0
        """
        return self.house.running(client_id, instrument)[-1]

    def peak(self, client_id: str, instrument: str = "SBIN") -> int:
        """The most that the client ever held, long or short.

        >>> paper.peak("A")
        0
        """
        return max(map(abs, self.house.running(client_id, instrument)))

    def _play(self, steps: Iterable[Step | tuple[Step, ...]]) -> None:
        flat: list[Step] = []
        for step in steps:
            flat.extend((step,) if isinstance(step, Step) else step)
        self._front.timeline.play(tuple(flat))

    def _tick(self, instrument: str, price: Price, quantity: int, bids: Depth, asks: Depth) -> None:
        sides = (_levels(bids), _levels(asks))
        self.house.print_at(self.house.instrument(instrument), paise(price), quantity, *sides)


def _levels(depth: Depth) -> tuple[Level, ...] | None:
    return None if depth is None else tuple(Level(paise(price), quantity) for price, quantity in depth)


class AsyncPaperBroker(_Paper):
    """A paper broker in the event loop of the test.

    >>> async with AsyncPaperBroker() as own:
    ...     await own.client("A").orders()
    []
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def async_transport(self) -> AsyncInside:
        """For httpx.AsyncClient: requests to this broker, whatever their host.

        >>> type(paper.async_transport()).__name__
        'AsyncInside'
        """
        return AsyncInside(self._front)

    def client(self, client_id: str, **options: Any) -> AsyncBroker:
        """A client of this broker, logged in. It waits by this broker's clock.

        >>> await paper.client("B").positions()
        []
        """
        return AsyncBroker(
            self.url,
            self.token(client_id),
            client_id,
            transport=self.async_transport(),
            open_feed=lambda url, timeout_s: AsyncInsideFeed.open(self._front, url),
            sleep=self.sleep,
            **options,
        )

    async def sleep(self, seconds: float) -> None:
        """Let the broker's clock go on.

        >>> await paper.sleep(0.5)
        """
        await self._front.timeline.advance(round(seconds * NS_PER_S))
        await self._front.settle()

    async def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, ms: float = 0) -> None:
        """Let the broker's clock go on, and everything happen that falls due on the way.

        >>> before = paper.now_s
        >>> await paper.advance(minutes=5)
        >>> paper.now_s - before
        300.0
        """
        await self.sleep(hours * 3_600 + minutes * 60 + seconds + ms / 1_000)

    async def tick(
        self, instrument: str, price: Price, *, quantity: int = 0, bids: Depth = None, asks: Depth = None
    ) -> None:
        """A print; quantity 0 is a quote. `bids` and `asks` are who else is there, by default as many at that price.

        >>> await paper.tick("SBIN", "456.95", quantity=100)
        """
        self._tick(instrument, price, quantity, bids, asks)
        await self._front.settle()

    async def script(self, *steps: Step | tuple[Step, ...]) -> None:
        """From now on this happens, besides what was said before. Raises ValueError for a step that makes no sense.

        >>> await paper.script(fill(40), refuse_cancel("not today"))
        """
        self._play(steps)

    async def play(self, scenario: str) -> None:
        """From now on a ready scenario happens.

        >>> await paper.play("filled_during_cancel")
        """
        self._play([SCENARIOS[scenario].steps])

    async def calm(self) -> None:
        """Nothing goes wrong any more: no step is waited for, and the broker is up.

        >>> await paper.calm()
        """
        self._front.timeline.clear()

    async def down(self) -> None:
        """Requests get 503 and feeds are closed.

        >>> await paper.down()
        """
        self._front.timeline.go_down()
        await self._front.settle()

    async def up(self) -> None:
        """Serve again, with everything that had been acknowledged.

        >>> await paper.up()
        """
        self._front.timeline.come_back()

    async def settle(self) -> None:
        """Let everything that is under way come to its end: letters, silences and scripts.

        >>> await paper.settle()
        """
        await self.sleep(SETTLED_S)

    async def close(self) -> None:
        """End it.

        >>> await paper.close()
        """
        await self._front.close()


class PaperBroker(_Paper):
    """A paper broker for tests without asyncio: `AsyncPaperBroker`, each call carried out before it returns.

    >>> with PaperBroker(clients=("C1",), cash="50000") as own:
    ...     own.client("C1").funds().available
    Decimal('50000.00')
    """

    def __init__(self, **options: Any) -> None:
        self._paper = AsyncPaperBroker(**options)
        self._loop = asyncio.new_event_loop()
        self.url = URL
        self._front = self._paper._front

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry it out in the loop of this broker."""
        if self._loop.is_closed():
            work.close()
            raise Closed
        return self._loop.run_until_complete(work)

    def transport(self) -> Inside:
        """For httpx.Client: requests to this broker, whatever their host.

        >>> httpx.Client(transport=paper.transport()).get("http://any.invalid/healthz").status_code
        200
        """
        return Inside(self._front, self._run)

    def client(self, client_id: str, **options: Any) -> Broker:
        """A client of this broker, logged in. It waits by this broker's clock.

        >>> paper.client("B").positions()
        []
        """
        return Broker(
            self.url,
            self.token(client_id),
            client_id,
            transport=self.transport(),
            open_feed=lambda url, timeout_s: InsideFeed(self._run(AsyncInsideFeed.open(self._front, url)), self._run),
            sleep=self.sleep,
            **options,
        )

    def sleep(self, seconds: float) -> None:
        """Let the broker's clock go on.

        >>> paper.sleep(0.5)
        """
        self._run(self._paper.sleep(seconds))

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, ms: float = 0) -> None:
        """Let the broker's clock go on, and everything happen that falls due on the way.

        >>> before = paper.now_s
        >>> paper.advance(minutes=5)
        >>> paper.now_s - before
        300.0
        """
        self._run(self._paper.advance(hours=hours, minutes=minutes, seconds=seconds, ms=ms))

    def tick(self, instrument: str, price: Price, *, quantity: int = 0, bids: Depth = None, asks: Depth = None) -> None:
        """A print; quantity 0 is a quote. `bids` and `asks` are who else is there, by default as many at that price.

        >>> paper.tick("SBIN", "456.95", quantity=100)
        """
        self._run(self._paper.tick(instrument, price, quantity=quantity, bids=bids, asks=asks))

    def script(self, *steps: Step | tuple[Step, ...]) -> None:
        """From now on this happens, besides what was said before. Raises ValueError for a step that makes no sense.

        >>> paper.script(fill(40), refuse_cancel("not today"))
        """
        self._run(self._paper.script(*steps))

    def play(self, scenario: str) -> None:
        """From now on a ready scenario happens.

        >>> paper.play("filled_during_cancel")
        """
        self._run(self._paper.play(scenario))

    def calm(self) -> None:
        """Nothing goes wrong any more: no step is waited for, and the broker is up.

        >>> paper.calm()
        """
        self._run(self._paper.calm())

    def down(self) -> None:
        """Requests get 503 and feeds are closed.

        >>> paper.down()
        """
        self._run(self._paper.down())

    def up(self) -> None:
        """Serve again, with everything that had been acknowledged.

        >>> paper.up()
        """
        self._run(self._paper.up())

    def settle(self) -> None:
        """Let everything that is under way come to its end: letters, silences and scripts.

        >>> paper.settle()
        """
        self._run(self._paper.settle())

    def close(self) -> None:
        """End it.

        >>> paper.close()
        """
        if not self._loop.is_closed():
            self._run(self._paper.close())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
