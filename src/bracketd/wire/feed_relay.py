"""The relay: a client's websocket at a gateway, and the one behind it at whichever engine owns the account.

The client keeps its connection while the owner changes. The relay remembers what was asked for and the last record
that was told; the new owner tells from its journal what happened since. A step's frames arrive in one piece, so that
none is told twice or left out.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised
from bracketd.runtime.desk import Desk
from bracketd.runtime.link import Answer, Call, Closed, Frame, Gone, Moved, Opened, Said
from bracketd.runtime.listener import INTERNAL, NOT_SERVING, STEP_MARK, TOO_SLOW, UNAUTHORISED, Ending, read_step
from bracketd.runtime.routes import NoOwner, Routes
from bracketd.runtime.streams import TOKEN_CHECK_S, StreamLimits
from bracketd.wire import replies
from bracketd.wire.feeds import presented, refuse_handshake
from bracketd.wire.gateway import SpeakerOf, call_of
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request_id import HEADER, request_id

_log = logging.getLogger(__name__)

RESUME_WAIT_S: Final = 60.0
"""A client's connection is kept this long while nobody owns its shard; it hears nothing meanwhile."""

DOUBT_S: Final = 30.0
"""While the clients' database is away a connection is kept this long: as long as another primary takes to be found."""

SAID_MAX: Final = 1_000
"""So many messages of a client are remembered for a new owner; who sends more is closed when the owner changes."""


class FeedRelay:
    """Websockets of a gateway. `local` refuses those who may not come in, in the application's words."""

    def __init__(self, local: ASGIApp, desk: Desk, gate: Gate, routes: Routes, speaker: SpeakerOf) -> None:
        self._local = local
        self._desk = desk
        self._gate = gate
        self._routes = routes
        self._speaker = speaker
        self._open = 0

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return self._open

    async def attend(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection from its handshake to its end."""
        try:
            token = presented(scope)
            claims = self._gate.admit(token, self._desk.now_ns())
        except Unauthorised:
            await self._local(scope, receive, send)
            return
        except ClientsUnavailable:
            await refuse_handshake(WebSocket(scope, receive, send), replies.NOT_SERVING)
            return
        websocket = WebSocket(scope, receive, send)
        sent_id = (HEADER, request_id(scope["headers"]))
        try:
            speaker = self._speaker(claims)
            shard = await self._routes.shard_of(claims.client_id)
        except EarlyReply as early:
            await refuse_handshake(websocket, early.reply)
            return
        except (NoOwner, ClientsUnavailable):
            await refuse_handshake(websocket, replies.NOT_SERVING)
            return
        # The token was taken out of headers and query: the engine is told who speaks.
        call = call_of(dict(scope, query_string=b"", method=""), speaker, shard, sent_id, b"")
        talk = _Talk(websocket, self._routes, call)
        self._open += 1
        try:
            await talk.run(lambda: self._standing(token))
        finally:
            self._open -= 1

    def _standing(self, token: str) -> bool | None:
        """Whether the token is still good, None where nobody can say."""
        try:
            self._gate.admit(token, self._desk.now_ns())
        except Unauthorised:
            return False
        except ClientsUnavailable:
            return None
        return True


class _Talk:
    """One connection: what its client said, what it was told, and the call behind it at the present owner."""

    def __init__(self, websocket: WebSocket, routes: Routes, call: Call) -> None:
        self._websocket = websocket
        self._routes = routes
        self._call = call
        self._said: list[bytes] = []
        self._too_much = False
        self._heard = -1
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting_bytes = 0
        self._bytes_max = StreamLimits().backlog_bytes
        self._at: tuple[Any, int] | None = None
        self._ending: asyncio.Future[Ending | Reply | None] = asyncio.get_running_loop().create_future()

    async def run(self, good: Any) -> None:
        """Relay until one of the three ends it: the client, the engine, or its token."""
        handshake = await self._websocket.receive()
        if handshake["type"] != "websocket.connect":
            return
        work = [asyncio.ensure_future(self._relay()), asyncio.ensure_future(self._check(good))]
        try:
            ending = await self._ending
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._leave()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if isinstance(ending, Reply):
                await refuse_handshake(self._websocket, ending, connected=True)
            elif isinstance(ending, Ending):
                await self._websocket.close(ending.code, ending.reason)

    def _end(self, ending: Ending | Reply | None) -> None:
        if not self._ending.done():
            self._ending.set_result(ending)

    async def _relay(self) -> None:
        """Stay with the owner, whoever it is."""
        reading: asyncio.Future[None] | None = None
        try:
            while True:
                wait_s = self._routes.wait_s if reading is None else RESUME_WAIT_S
                dialled = await self._routes.reach(self._call.shard, time.monotonic() + wait_s)
                self._leave()
                call = msgspec.structs.replace(self._call, heard=self._heard, said=tuple(self._said))
                self._at = (dialled, self._routes.begin(dialled, call, self._hear))
                moved = False
                while not moved:
                    message = await self._told.get()
                    if isinstance(message, Opened) and reading is None:
                        await self._websocket.accept()
                        reading = asyncio.ensure_future(self._read())
                    moved = await self._pass(message)
                if self._too_much:
                    self._end(NOT_SERVING)
                    return
                await asyncio.sleep(0.05)
        except NoOwner:
            self._end(replies.NOT_SERVING if reading is None else NOT_SERVING)
        except WebSocketDisconnect:
            self._end(None)
        except Exception:  # noqa: BLE001  A fault of ours ends this connection, and is logged whole.
            _log.exception("a websocket could not be relayed")
            self._end(INTERNAL)
        finally:
            if reading is not None:
                reading.cancel()

    def _hear(self, message: Any) -> None:
        """What the engine says, until there is too much of it that the client has not read."""
        number = self._at[1] if self._at is not None else None
        if number is not None and message.number != number:
            return
        if isinstance(message, Frame):
            self._waiting_bytes += len(message.data)
            if self._waiting_bytes > self._bytes_max:
                self._end(TOO_SLOW)
                return
        self._told.put_nowait(message)

    async def _pass(self, message: Any) -> bool:
        """One message of the engine's for the client; returns whether the owner is lost."""
        if isinstance(message, Frame):
            self._waiting_bytes -= len(message.data)
            frames = [message.data]
            if message.data[:1] == STEP_MARK:
                seq, frames = read_step(message.data)
                self._heard = max(self._heard, seq)
            for frame in frames:
                await self._websocket.send_bytes(frame)
        elif isinstance(message, Closed):
            self._end(Ending(message.code, message.reason))
        elif isinstance(message, Answer):
            accepted = self._websocket.application_state is WebSocketState.CONNECTED
            headers = tuple(pair for pair in message.headers if pair[0] not in (b"content-type", b"content-length"))
            self._end(NOT_SERVING if accepted else Reply(message.status, message.body, headers))
        return isinstance(message, Moved)

    async def _read(self) -> None:
        """Pass on what the client says, and remember it for the next owner."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._end(None)
                return
            text = message.get("text")
            said: bytes = message.get("bytes") or b"" if text is None else text.encode()
            if len(self._said) < SAID_MAX:
                self._said.append(said)
            else:
                self._too_much = True
            if self._at is not None:
                dialled, number = self._at
                if dialled.link is not None:
                    dialled.link.send(Said(number, said))

    async def _check(self, good: Any) -> None:
        """Look at the token again and again; one that nobody can say anything of is good for a while."""
        known_s = time.monotonic()
        while (standing := good()) is not False:
            if standing:
                known_s = time.monotonic()
            elif time.monotonic() - known_s > DOUBT_S:
                self._end(NOT_SERVING)
                return
            await asyncio.sleep(TOKEN_CHECK_S)
        self._end(UNAUTHORISED)

    def _leave(self) -> None:
        """Let go of the call at the owner of before, and of what it said."""
        if self._at is None:
            return
        dialled, number = self._at
        self._at = None
        self._routes.end(dialled, number)
        if dialled.link is not None:
            dialled.link.send(Gone(number))
        while not self._told.empty():
            self._told.get_nowait()
        self._waiting_bytes = 0
