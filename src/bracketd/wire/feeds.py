"""The websocket /ws/v1/feeds: quotes, order updates and trade updates (wire.md 1.10).

Who speaks is told by the token, in a header or in the query; `login_id` is a hint that nobody takes. A client that
may not come in gets an HTTP reply as any other request does, and one that may is sent binary frames only: the
family's SDKs lose their reader to a text frame.
"""

import asyncio
import logging
from typing import Final
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.gate import Gate
from bracketd.auth.headers import presented_token
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.market.quotes import Quotes
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.listener import INTERNAL, NOT_SERVING, RESUME, Ending, Listener, Resumption
from bracketd.runtime.streams import StreamLimits, Streams
from bracketd.wire import replies
from bracketd.wire.frames import Rendering, answer
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.subscription import Subscription, read_subscription
from bracketd.wire.words import FieldError

_log = logging.getLogger(__name__)

PATHS: Final = frozenset({"/ws/v1/feeds", "/hydrasocket/v2/websocket"})
"""The family's path, and the one that its older clients call; both take and send the same."""

TOKEN_PARAMETERS: Final = frozenset({"access_token", "acess_token"})
"""The query's names for the token; the second is a typo that clients send."""

QUERY_FIELDS_MAX: Final = 32


class Feeds:
    """The endpoint: lets a client in, listens to what it wants, and sends it what the streams push."""

    def __init__(self, desk: Desk, gate: Gate, limits: StreamLimits | None = None) -> None:
        self._desk = desk
        self._gate = gate
        self._streams = Streams(desk, gate, Rendering(desk.instruments), Quotes(desk.instruments.values()), limits)

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return len(self._streams)

    async def attend(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection from its handshake to its end; a reply instead of a handshake where it may not come in."""
        websocket = WebSocket(scope, receive, send)
        try:
            listener = self._let_in(scope)
        except EarlyReply as early:
            await refuse_handshake(websocket, early.reply)
            return
        try:
            await websocket.accept()
            resumption: Resumption | None = scope.get(RESUME)
            if resumption is not None and resumption.said:
                await self._resume(listener, resumption)
            ending = await self._talk(websocket, listener)
            if ending is not None:
                await websocket.close(ending.code, ending.reason)
        except WebSocketDisconnect:
            # The client was faster.
            return
        finally:
            self._streams.leave(listener)

    def _let_in(self, scope: Scope) -> Listener:
        """A listener for the client that the token names. Raises EarlyReply: 404, 503, 401, 429 or 500."""
        if scope["path"].rstrip("/") not in PATHS:
            raise EarlyReply(replies.RESOURCE_NOT_FOUND)
        if not self._desk.serving:
            raise EarlyReply(replies.NOT_SERVING)
        try:
            token = presented(scope)
            client_id = self._gate.admit(token, self._desk.now_ns()).client_id
        except Unauthorised as refused:
            _log.info("websocket refused: %s", refused)
            raise EarlyReply(replies.UNAUTHORISED) from None
        except ClientsUnavailable as fault:
            _log.warning("nobody can be let in: %s", fault)
            raise EarlyReply(replies.NOT_SERVING) from None
        except Exception:  # noqa: BLE001  As for a request: a fault of ours becomes a reply, and it is logged whole.
            _log.exception("a token could not be looked at")
            raise EarlyReply(replies.INTERNAL) from None
        listener = self._streams.join(client_id, token, numbered=RESUME in scope)
        if listener is None:
            _log.warning("websocket of %s refused: too many connections", client_id)
            raise EarlyReply(replies.TOO_MANY_CONNECTIONS)
        return listener

    async def _talk(self, websocket: WebSocket, listener: Listener) -> Ending | None:
        """Read and write at the same time until one of the two ends; returns why we close, None where the peer did."""
        reading = asyncio.create_task(self._read(websocket, listener))
        writing = asyncio.create_task(_write(websocket, listener))
        ended = asyncio.create_task(listener.wait_ended())
        tasks = (reading, writing, ended)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            # A writer that waits for a slow peer is let go here: only then may the close frame be written.
            read, wrote, ending = await asyncio.gather(*tasks, return_exceptions=True)
        if read is None or isinstance(read, WebSocketDisconnect) or isinstance(wrote, WebSocketDisconnect):
            return None
        for fault in (read, wrote):
            if isinstance(fault, Exception):
                _log.error("a websocket of %s failed", listener.client_id, exc_info=fault)
                return INTERNAL
        return ending if isinstance(ending, Ending) else None

    async def _read(self, websocket: WebSocket, listener: Listener) -> None:
        """Do what each message asks for; returns when the peer has gone."""
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            self._hear(listener, message.get("bytes") or b"" if text is None else text)
            # A peer that sends without a pause must not keep the others waiting.
            await asyncio.sleep(0)

    async def _resume(self, listener: Listener, resumption: Resumption) -> None:
        """Take up what was asked for before, and tell what has happened since. Nothing is answered a second time."""
        listener.quiet, listener.held = True, []
        for text in resumption.said:
            self._hear(listener, text)
        listener.quiet = False
        if listener.updates and resumption.heard >= 0:
            try:
                await self._streams.resume_updates(listener, resumption.heard, resumption.records)
            except NotServing:
                listener.end(NOT_SERVING)
        held, listener.held = listener.held or [], None
        for seq, frames in held:
            listener.push_step(seq, frames)

    def _hear(self, listener: Listener, text: str | bytes) -> None:
        """One message: what becomes of it is answered, unless it is a heartbeat or no JSON."""
        try:
            subscription = read_subscription(text, listener.client_id, self._desk.instruments)
            if subscription is not None:
                self._carry_out(listener, subscription)
        except EarlyReply as early:
            listener.answer(answer(early.reply.body))
        except FieldError as fault:
            listener.answer(answer(replies.field_fault(fault.field, fault.blank).body))

    def _carry_out(self, listener: Listener, subscription: Subscription) -> None:
        """Subscribe or unsubscribe, say so, and send the quotes as they stand. Raises EarlyReply for too many."""
        mode, streams = subscription.mode, self._streams
        message = "Subscribed" if subscription.on else "Unsubscribed"
        agreed = answer(replies.success(message, {"m": subscription.word}).body)
        if mode is None:
            if subscription.on:
                streams.subscribe_updates(listener)
            else:
                streams.unsubscribe_updates(listener)
            listener.answer(agreed)
            return
        keys = tuple((int(mode), instrument) for instrument in subscription.instruments)
        if not subscription.on:
            streams.unsubscribe_quotes(listener, keys)
            listener.answer(agreed)
            return
        if not streams.subscribe_quotes(listener, keys):
            raise EarlyReply(replies.TOO_MANY_SUBSCRIPTIONS)
        listener.answer(agreed)
        streams.push_quotes(listener, dict.fromkeys(keys))


async def _write(websocket: WebSocket, listener: Listener) -> None:
    """Send what is pushed, each frame when the one before has left."""
    while True:
        await websocket.send_bytes(await listener.next_frame())


def presented(scope: Scope) -> str:
    """The one token of headers and query together; raises Unauthorised for none and for two."""
    found = presented_token(scope["headers"])
    try:
        query = parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        raise Unauthorised(Refusal.MALFORMED) from None
    for name, value in query:
        if name in TOKEN_PARAMETERS:
            token = value.strip()
            token = token[7:].lstrip() if token[:7].lower() == "bearer " else token
            if token and token != found:
                if found is not None:
                    raise Unauthorised(Refusal.HEADERS_DIFFER)
                found = token
    if found is None:
        raise Unauthorised(Refusal.NO_TOKEN)
    return found


async def refuse_handshake(websocket: WebSocket, reply: Reply, *, connected: bool = False) -> None:
    """Answer the handshake with an HTTP reply; `connected` says that its first message was taken."""
    response = Response(reply.body, reply.status, media_type="application/json")
    response.raw_headers.extend(reply.headers)
    if not connected:
        await websocket.receive()
    await websocket.send_denial_response(response)
