"""The house of an engine: the shards that it holds, the ones that it may take, and the links on which it is asked.

A shard of its own is taken as soon as nobody holds it, a standby shard once somebody held it and does so no more. What
ends a tenure ends that one alone: the shard is taken anew, by whoever is first, from what is durable.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final

from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State
from bracketd.journal.protocol import FolderInUse, JournalDamaged, JournalTooNew, Unknown
from bracketd.journal.shards import Holding, Shards
from bracketd.runtime.engine_call import NoAnswer, engine_at
from bracketd.runtime.link import (
    Answer,
    Call,
    Closed,
    Done,
    Frame,
    Gone,
    HandOver,
    Link,
    Moved,
    Opened,
    Said,
    Take,
    link_key,
)
from bracketd.runtime.link_reply import LinkReply, NotOurs, ReaderGone
from bracketd.runtime.link_scope import Talk, http_scope, websocket_scope
from bracketd.runtime.listener import RESUME, Resumption
from bracketd.runtime.recovery import RecoveryFailed
from bracketd.runtime.settings import GRACEFUL_SHUTDOWN_S
from bracketd.runtime.staffing import Staff
from bracketd.runtime.tenure import NotGranted, Tenure

_log = logging.getLogger(__name__)

LOOKS: Final = 12
"""Within a lease's time it is looked so many times whether a shard has become free."""

LOOK_WAIT_S: Final = 2.0
"""A store that does not answer is given up this long after it was asked, and asked again."""

LOOK_S_MAX: Final = 0.5
"""And never less often than this: a shard that is handed over waits for nobody's lease."""

RETRY_S: Final = 1.0
"""A shard that could not be taken is tried again after this time."""

LINGER_S: Final = 0.5
"""An engine that has given its shards back goes on saying so for this long: gateways have looked again by then."""

TAKE_WAIT_S: Final = 60.0
"""Who was handed a shard has replayed its journal within this time, or its old owner tries to have it back."""

AGAIN_S: Final = 0.02
"""A shard that could not be taken at once is tried again after this time."""

TRY_S: Final = 3.0
"""So long it is tried to take a shard that was just given back."""

STANDBY_GRACE_TTLS: Final = 3.0
"""An engine's standby shards are left to the others for so many leases' times after its start."""


class EngineHouse:
    """All shards of one engine process, on one event loop.

    `staff` makes the desk and the application of a shard that was recovered; `terms` is told what an account opens
    with before each of its requests.
    """

    def __init__(
        self,
        store: Shards,
        key: bytes,
        *,
        address: str,
        ttl_s: float,
        shards: Collection[int],
        standby: Collection[int],
        staff: Callable[[Tenure, State], Staff],
        terms: dict[str, tuple[int, int]],
    ) -> None:
        self.tenures: dict[int, Tenure] = {}
        self._store = store
        self._key = key
        # Before the store is known nobody can prove to have it.
        self._link_key = secrets.token_bytes(32)
        self._address = address
        self._ttl_s = ttl_s
        self._look_s = min(ttl_s / LOOKS, LOOK_S_MAX)
        self._own = set(shards)
        self._standby = set(standby)
        self._given: set[int] = set()
        self._staff = staff
        self._terms = terms
        self._taking: dict[int, asyncio.Task[None]] = {}
        self._not_before_s: dict[int, float] = {}
        self._links: set[Link] = set()
        self._calls: dict[tuple[Link, int], tuple[asyncio.Task[None], Talk | LinkReply, int]] = {}
        self._ends: set[asyncio.Task[None]] = set()
        self._closing = False
        self._standby_from_s = time.monotonic() + STANDBY_GRACE_TTLS * ttl_s

    def accept(self) -> Link:
        """The engine's end of a new link, for asyncio's create_server."""
        link = Link(self._link_key, self.hear, self._lost, accepts=True)
        self._links.add(link)
        return link

    async def keep(self) -> None:
        """Take what is free, again and again; returns only when it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(min(self._ttl_s, LOOK_WAIT_S)):
                    self._link_key = link_key(self._key, await self._store.identity())
                    holdings = await self._store.holdings()
                self.take_free(holdings)
            except (Unknown, TimeoutError) as fault:
                _log.warning("who holds which shard cannot be read: %s", str(fault) or "no answer")
            await asyncio.sleep(self._look_s)

    def take_free(self, holdings: list[Holding]) -> None:
        """Begin to take each shard that is free for this engine."""
        now_s = time.monotonic()
        known = {holding.shard: holding for holding in holdings}
        for shard in self._own | (self._standby if now_s >= self._standby_from_s else set()):
            if shard in self.tenures or shard in self._taking or shard in self._given or self._closing:
                continue
            holding = known.get(shard)
            free = holding is None or not holding.live or holding.owner == self._address
            if free and now_s >= self._not_before_s.get(shard, 0.0):
                self._taking[shard] = asyncio.ensure_future(self._take(shard))

    async def hand_over(self) -> None:
        """Take nothing more, answer what is in flight, give every shard back, and end the links."""
        self._closing = True
        for task in tuple(self._taking.values()):
            task.cancel()
        await asyncio.gather(*self._taking.values(), return_exceptions=True)
        for tenure in self.tenures.values():
            tenure.leaving = True
        await self._answered()
        await asyncio.gather(*(tenure.hand_over() for tenure in tuple(self.tenures.values())))
        for task, *_ in tuple(self._calls.values()):
            task.cancel()
        if self._links:
            # What reaches a link that is closed is lost, and nobody could say that it was not touched.
            await asyncio.sleep(LINGER_S)
        for link in tuple(self._links):
            link.close()

    def drop(self) -> None:
        """End at once, as a process that is killed does: nothing is finished, given back or said."""
        self._closing = True
        for link in tuple(self._links):
            link.abort()
        for task in (*self._taking.values(), *(task for task, *_ in self._calls.values()), *self._ends):
            task.cancel()
        for tenure in self.tenures.values():
            tenure.drop()

    # What is asked on a link

    def hear(self, link: Link, message: Any) -> None:
        """A message of a gateway, or the order of an operator or of another engine."""
        if isinstance(message, Call):
            self._called(link, message)
        elif isinstance(message, Said | Gone):
            _, said, _ = self._calls.get((link, message.number), (None, None, 0))
            if said is not None:
                said.hear(message.text if isinstance(message, Said) else None)
        elif isinstance(message, HandOver | Take):
            self._keep_task(self._ordered(link, message))

    def _called(self, link: Link, call: Call) -> None:
        tenure = self.tenures.get(call.shard)
        if tenure is None or tenure.leaving or not tenure.holds:
            link.send(Moved(call.number, untouched=True))
            return
        speaker = call.speaker
        if speaker.account_id:
            self._terms[speaker.account_id] = (speaker.cash_paise, speaker.leverage)
        if call.method:
            reply = LinkReply(call.number, call.body, link.send, lambda: tenure.holds)
            answering = asyncio.ensure_future(self._answer(link, call, tenure, reply))
            self._calls[link, call.number] = (answering, reply, call.shard)
        else:
            talk = Talk()
            attending = asyncio.ensure_future(self._attend(link, call, tenure, talk))
            self._calls[link, call.number] = (attending, talk, call.shard)

    async def _answer(self, link: Link, call: Call, tenure: Tenure, reply: LinkReply) -> None:
        """One request, answered if the shard is still ours by then."""
        try:
            app = tenure.app
            if app is None:
                link.send(Moved(call.number, untouched=True))
                return
            await app(http_scope(call), reply.receive, reply.send)
        except ReaderGone:
            pass
        except NotOurs:
            link.send(Moved(call.number, untouched=False))
        except Exception:  # noqa: BLE001  The application words its own faults; this one was the link's, and is logged.
            _log.exception("a request on a link failed")
            link.send(Moved(call.number, untouched=False))
        finally:
            self._calls.pop((link, call.number), None)

    async def _attend(self, link: Link, call: Call, tenure: Tenure, talk: Talk) -> None:
        """One websocket, from its handshake to its end or to that of the tenure."""

        async def send(message: Any) -> None:
            if not tenure.holds:
                return
            match message["type"]:
                case "websocket.accept":
                    link.send(Opened(call.number))
                case "websocket.send":
                    link.send(Frame(call.number, message["bytes"]))
                case "websocket.close":
                    link.send(Closed(call.number, message.get("code", 1000), message.get("reason") or ""))
                case "websocket.http.response.start":
                    talk.refusal = (message["status"], tuple(message["headers"]))
                case "websocket.http.response.body":
                    link.send(Answer(call.number, *talk.refusal, message.get("body", b"")))

        app = tenure.app
        scope = websocket_scope(call) | {RESUME: Resumption(call.heard, call.said, tenure.records)}
        attending = asyncio.ensure_future(_attended(app(scope, talk.receive, send))) if app else None
        ending = asyncio.ensure_future(tenure.ended.wait())
        try:
            if attending is not None:
                await asyncio.wait((attending, ending), return_when=asyncio.FIRST_COMPLETED)
            if attending is None or not attending.done():
                link.send(Moved(call.number, untouched=False))
        finally:
            ending.cancel()
            if attending is not None:
                attending.cancel()
                await asyncio.gather(attending, return_exceptions=True)
            self._calls.pop((link, call.number), None)

    def _lost(self, link: Link) -> None:
        """A gateway has gone: its websockets end, its requests are carried out all the same."""
        self._links.discard(link)
        for (of_link, _), (_, said, _) in tuple(self._calls.items()):
            if of_link is link:
                said.hear(None)

    # Taking and losing a shard

    async def _take(self, shard: int) -> None:
        try:
            journal = await self._store.journal(shard)
            tenure = await Tenure.begin(shard, journal, self._address, self._ttl_s, self._staff)
        except NotGranted:
            return
        except FolderInUse as fault:
            _log.debug("shard %d: %s", shard, fault)
            self._not_before_s[shard] = time.monotonic() + self._look_s
            return
        except (RecoveryFailed, JournalDamaged, JournalTooNew, InvariantBroken) as fault:
            _log.critical("shard %d cannot be served: %s", shard, fault)
            self._not_before_s[shard] = time.monotonic() + RETRY_S * 10
            return
        except Exception as fault:  # noqa: BLE001  Whatever it was, other shards go on, and this one is tried again.
            _log.error("shard %d could not be taken: %r", shard, fault)
            self._not_before_s[shard] = time.monotonic() + RETRY_S
            return
        finally:
            self._taking.pop(shard, None)
        self.tenures[shard] = tenure
        self._watch(tenure)

    def _watch(self, tenure: Tenure) -> None:
        self._keep_task(self._see_end(tenure))

    def _keep_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def _see_end(self, tenure: Tenure) -> None:
        await tenure.ended.wait()
        if self.tenures.get(tenure.shard) is tenure:
            del self.tenures[tenure.shard]
        if not self._closing and not tenure.leaving:
            _log.error("shard %d is not served any more: %s", tenure.shard, tenure.why)
            await tenure.close("the tenure ended")

    # Moving a shard

    async def _ordered(self, link: Link, order: HandOver | Take) -> None:
        """Carry an order out, and say what came of it."""
        try:
            if isinstance(order, HandOver):
                why = await self._handed(order.shard, order.to)
            elif await self._taken(order.shard, TRY_S):
                self._own.add(order.shard)
                why = ""
            else:
                why = f"the engine at {self._address} could not take shard {order.shard}"
        except Exception as fault:  # noqa: BLE001  Whatever it was, the one who ordered it is told, and it is logged.
            _log.exception("shard %d: an order was not carried out", order.shard)
            why = f"the engine at {self._address} failed: {fault!r}"
        link.send(Done(order.number, why))

    async def _handed(self, shard: int, to: str) -> str:
        """Let another engine have a shard; returns why it has not got it: then it is served here again if it can be."""
        if to == self._address:
            return f"shard {shard} is at {to} already"
        try:
            # Nothing is given up before the other engine has shown that it is there.
            async with engine_at(self._link_key, to) as ask:
                tenure = self.tenures.get(shard)
                if tenure is None or tenure.leaving or not tenure.holds:
                    return f"the engine at {self._address} does not serve shard {shard}"
                self._given.add(shard)
                try:
                    tenure.leaving = True
                    await self._answered(shard)
                    await tenure.hand_over()
                    why = await ask(Take(0, shard), TAKE_WAIT_S)
                finally:
                    self._given.discard(shard)
        except NoAnswer as fault:
            why = str(fault)
            if shard in self.tenures and not self.tenures[shard].leaving:
                return why
        self._not_before_s.pop(shard, None)
        if why:
            here = await self._taken(shard, TRY_S)
            return f"{why}; shard {shard} is {'served here again' if here else 'not served here any more'}"
        if shard not in self.tenures:
            self._own.discard(shard)
            self._standby.add(shard)
        return ""

    async def _answered(self, shard: int | None = None) -> None:
        """Wait for the requests in flight, of one shard or of all, but for no reader."""
        in_flight = [
            task
            for task, said, of_shard in self._calls.values()
            if isinstance(said, LinkReply) and not said.in_pieces and shard in (None, of_shard)
        ]
        if in_flight:
            await asyncio.wait(in_flight, timeout=GRACEFUL_SHUTDOWN_S)

    async def _taken(self, shard: int, wait_s: float) -> bool:
        """Whether the shard is served here, after it was tried for some seconds to take it."""
        until_s = time.monotonic() + wait_s
        while True:
            tenure = self.tenures.get(shard)
            if tenure is not None and not tenure.leaving:
                return True
            if self._closing or time.monotonic() >= until_s:
                return False
            if shard not in self._taking:
                self._taking[shard] = asyncio.ensure_future(self._take(shard))
            await asyncio.wait((self._taking[shard],))
            if shard not in self.tenures:
                again_s = self._not_before_s.get(shard, 0.0) - time.monotonic()
                await asyncio.sleep(min(max(AGAIN_S, again_s), wait_s))


async def _attended(work: Any) -> None:
    """A websocket's end by a fault of ours is logged, and ends that websocket alone."""
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await work
        except Exception:  # noqa: BLE001
            _log.exception("a websocket on a link failed")
