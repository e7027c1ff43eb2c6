"""Routes: where a gateway finds the owner of each shard, and what becomes of a request when the owner changes.

Who holds a shard is read from the leases, again and again. A request goes to the owner over the one link there is to
that engine. What an engine says it has not touched is asked again elsewhere; where nobody can say what became of it,
only a request that may be repeated is.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Final, Self

import msgspec

from bracketd.domain.slot import SlotMap
from bracketd.journal.protocol import Unknown
from bracketd.journal.shards import Holding, Shards
from bracketd.runtime.link import Answer, Call, Closed, Frame, Gone, Link, Moved, Said, link_key

_log = logging.getLogger(__name__)

LOOK_S: Final = 0.25
"""The leases are looked at this often, and sooner where an owner cannot be found."""

SOONER_S: Final = 0.05
"""Nobody looks more often than this."""

LOOK_WAIT_S: Final = 2.0
"""A store that does not answer is given up this long after it was asked, and asked again."""

LAST_WORD_S: Final = 0.25
"""An owner of before has said this long after the change what became of a request: its word may be on the way."""

DIAL_WAIT_S: Final = 1.0
"""An engine has taken a link this long after it was dialled."""

ROUTE_WAIT_S: Final = 8.0
"""A request waits at most this long for an owner of its shard; after that it is answered 503."""


class NoOwner(Exception):
    """Nobody holds the shard, or its owner cannot be reached: nothing was done."""


class OutcomeUnknown(Exception):
    """The owner was lost after it was asked: whether anything was done, only the journal knows."""


class Dialled:
    """A link to one engine, with the requests that wait on it. Made by `Routes`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.link: Link | None = None
        self.waiting: dict[int, tuple[int, Callable[[Any], None]]] = {}

    @property
    def open(self) -> bool:
        """Whether what is sent has a chance to arrive."""
        return self.link is not None and self.link.open and self.link.proven

    def hear(self, link: Link, message: Any) -> None:
        """A message of the engine, for whoever waits under its number."""
        _, told = self.waiting.get(message.number, (0, None))
        if told is not None:
            told(message)

    def lost(self, link: Link) -> None:
        """The link has ended: nobody knows what became of what waits."""
        self.give_up(tuple(self.waiting))

    def give_up(self, numbers: Collection[int]) -> None:
        """Tell those who still wait under these numbers that nobody can say what became of it."""
        for number in numbers:
            if number in self.waiting:
                self.waiting[number][1](Moved(number, untouched=False))


class Pieces:
    """The further pieces of a large answer, each fetched when the last was taken; `wait_s` is how long one may take.

    They end when the owner says so, and raise OutcomeUnknown where it is lost in the middle.
    """

    def __init__(self, dialled: Dialled, number: int, heard: asyncio.Queue[Any], wait_s: float) -> None:
        self._dialled = dialled
        self._number = number
        self._heard = heard
        self._wait_s = wait_s
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._say(Said(self._number, b""))
        try:
            async with asyncio.timeout(self._wait_s):
                message = await self._heard.get()
        except TimeoutError:
            raise OutcomeUnknown("the owner does not go on") from None
        if isinstance(message, Frame):
            return message.data
        self._ended = True
        if isinstance(message, Closed):
            raise StopAsyncIteration
        raise OutcomeUnknown("the owner was lost")

    def close(self) -> None:
        """Whoever takes no more says so."""
        self._dialled.waiting.pop(self._number, None)
        if not self._ended:
            self._ended = True
            self._say(Gone(self._number))

    def _say(self, message: Said | Gone) -> None:
        if self._dialled.link is not None:
            self._dialled.link.send(message)


class Routes:
    """The owners of all shards, and the links to them, on one event loop. `key` is the cluster's signing key."""

    def __init__(self, store: Shards, key: bytes, *, wait_s: float = ROUTE_WAIT_S) -> None:
        self.wait_s = wait_s
        self.map: SlotMap | None = None
        self.owners: dict[int, Holding] = {}
        self._store = store
        self._key = key
        self._link_key = b""
        self._links: dict[str, Dialled] = {}
        self._dialling: dict[str, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._looked_s = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def keep(self) -> None:
        """Look again and again; returns only when it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Read the map and the leases, unless that is being done or was done a moment ago."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        await asyncio.shield(self._looking)

    async def close(self) -> None:
        """End every link."""
        for task in self._dialling.values():
            task.cancel()
        for dialled in self._links.values():
            if dialled.link is not None:
                dialled.link.close()

    @property
    def unowned(self) -> int | None:
        """How many shards nobody holds; None before the map is known."""
        if self.map is None:
            return None
        return sum(shard not in self.owners for shard in range(self.map.count))

    async def shard_of(self, account_id: str) -> int:
        """The shard of an account. Raises NoOwner where the map cannot be read."""
        until_s = time.monotonic() + self.wait_s
        while self.map is None:
            if time.monotonic() >= until_s:
                raise NoOwner("the slot map cannot be read")
            await self.look()
        return self.map.shard_of(account_id)

    async def ask(self, call: Call, *, repeatable: bool) -> Answer:
        """The owner's answer to a request; its `number` is given here. Raises NoOwner, OutcomeUnknown.

        `repeatable` says that to ask twice does no more than to ask once. Of an answer in pieces the first is dropped.
        """
        answer, rest = await self.ask_for_pieces(call, repeatable=repeatable)
        if rest is not None:
            rest.close()
            raise OutcomeUnknown("the answer is too large")
        return answer

    async def ask_for_pieces(self, call: Call, *, repeatable: bool) -> tuple[Answer, Pieces | None]:
        """The same, with the further pieces of a large answer, which are to be closed."""
        until_s = time.monotonic() + self.wait_s
        while True:
            dialled = await self.reach(call.shard, until_s)
            heard: asyncio.Queue[Any] = asyncio.Queue()
            number = self.begin(dialled, call, heard.put_nowait)
            answer = None
            try:
                async with asyncio.timeout(max(0.0, until_s - time.monotonic()) + self.wait_s):
                    answer = await heard.get()
            except TimeoutError:
                raise OutcomeUnknown("the owner does not answer") from None
            finally:
                if not (isinstance(answer, Answer) and answer.more):
                    self.end(dialled, number)
            if isinstance(answer, Answer):
                return answer, Pieces(dialled, number, heard, self.wait_s) if answer.more else None
            if not answer.untouched and not repeatable:
                raise OutcomeUnknown("the owner was lost")
            if time.monotonic() >= until_s:
                raise NoOwner(f"shard {call.shard} has moved, and nobody says where to")
            await self.look()
            await asyncio.sleep(SOONER_S)

    async def reach(self, shard: int, until_s: float) -> Dialled:
        """The open link to a shard's owner, waited for until then (monotonic seconds). Raises NoOwner."""
        while True:
            owner = self.owners.get(shard)
            if owner is not None:
                dialled = self._links.get(owner.owner)
                if dialled is not None and dialled.open:
                    return dialled
                await self._dial(owner.owner)
                dialled = self._links.get(owner.owner)
                if dialled is not None and dialled.open:
                    return dialled
            if time.monotonic() >= until_s:
                raise NoOwner(f"nobody serves shard {shard}")
            await self.look()
            if shard not in self.owners:
                await asyncio.sleep(SOONER_S)

    def begin(self, dialled: Dialled, call: Call, told: Callable[[Any], None]) -> int:
        """Send a call and have each message about it told; returns its number, to be ended by `end`."""
        number = next(self._numbers)
        dialled.waiting[number] = (call.shard, told)
        if dialled.link is not None:
            dialled.link.send(msgspec.structs.replace(call, number=number))
        return number

    def end(self, dialled: Dialled, number: int) -> None:
        """Hear no more of a call."""
        dialled.waiting.pop(number, None)

    async def _look(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._looked_s + SOONER_S - time.monotonic()))
            async with asyncio.timeout(LOOK_WAIT_S):
                # Before the leases: who is read there is believed only if he has the same store.
                self._link_key = link_key(self._key, await self._store.identity())
                found = await self._store.slot_map()
                holdings = await self._store.holdings()
            if self.map is None or found.version > self.map.version:
                self.map = found
            self._note({holding.shard: holding for holding in holdings if holding.live and holding.owner})
        except (Unknown, TimeoutError) as fault:
            _log.warning("who holds which shard cannot be read: %s", str(fault) or "no answer")
        finally:
            self._looked_s = time.monotonic()
            self._looking = None

    def _note(self, owners: dict[int, Holding]) -> None:
        """Take over who holds what; a request that waits for an owner of before will not be answered any more."""
        before, self.owners = self.owners, owners
        for shard, holding in before.items():
            now = owners.get(shard)
            if now is None or (now.owner, now.epoch) != (holding.owner, holding.epoch):
                dialled = self._links.get(holding.owner)
                if dialled is not None:
                    waiting = [number for number, (of_shard, _) in dialled.waiting.items() if of_shard == shard]
                    asyncio.get_running_loop().call_later(LAST_WORD_S, dialled.give_up, waiting)

    async def _dial(self, address: str) -> None:
        task = self._dialling.get(address)
        if task is None:
            task = self._dialling[address] = asyncio.ensure_future(self._dialled(address))
            task.add_done_callback(lambda _: self._dialling.pop(address, None))
        await asyncio.shield(task)

    async def _dialled(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        dialled = Dialled(address)
        try:
            async with asyncio.timeout(DIAL_WAIT_S):
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: Link(self._link_key, dialled.hear, dialled.lost, accepts=False), host.strip("[]"), int(port)
                )
                dialled.link = link
                await link.ready
        except (OSError, ValueError, TimeoutError) as fault:
            _log.warning("the engine at %s cannot be reached: %s", address, str(fault) or "no answer")
            if dialled.link is not None:
                dialled.link.abort()
            await asyncio.sleep(SOONER_S)
            return
        with contextlib.suppress(KeyError):
            self._links.pop(address)
        self._links[address] = dialled
