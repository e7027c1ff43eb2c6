"""The gateway: lets clients in, and has the owner of their shard answer. It keeps nothing of its own.

Whoever is not let in, or asks for what has nothing to do with orders, is answered here by the same application that a
server on one folder has, over a desk without a shard. All else goes to the engine that owns the account, as it came
but for the token: what the gateway found out goes in its place.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from time import perf_counter
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.gate import Gate
from bracketd.auth.headers import TOKEN_HEADERS
from bracketd.auth.refusal import Unauthorised
from bracketd.auth.token import Claims
from bracketd.runtime.desk import Desk
from bracketd.runtime.link import Answer, Call, Headers, Speaker
from bracketd.runtime.routes import NoOwner, OutcomeUnknown, Pieces, Routes
from bracketd.wire import replies
from bracketd.wire.exchange import VERBS
from bracketd.wire.feeds import PATHS as FEED_PATHS
from bracketd.wire.neighbour import is_neighbour
from bracketd.wire.reads import ORDERS
from bracketd.wire.replies import EarlyReply, Reply, outcome_word
from bracketd.wire.request import ClientGone, header, read_body
from bracketd.wire.request_id import HEADER, request_id
from bracketd.wire.responses import in_pieces

_log = logging.getLogger(__name__)

HERE: Final = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/api/v1/user/logout",
        *(f"/api/{version}/user/{page}" for version in ("v1", "v3") for page in ("login", "twofa", "validatetotp")),
        "/oauth2/auth",
        "/oauth2/token",
    }
)
"""What is answered here, whoever asks."""

SANDBOX: Final = "/sandbox/"

ENTRY: Final = ("/api/v1/order/", f"{ORDERS}/")
"""How the paths of order entry begin."""

_NOT_PASSED: Final = frozenset({*TOKEN_HEADERS, HEADER, b"cookie", b"connection", b"content-length"})

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods that may be repeated: a second cancel finds the end state of the first (docs/cancel.md)."""

SpeakerOf = Callable[[Claims], Speaker]
"""Who speaks, as an engine is told. Raises EarlyReply where the client was removed a moment ago."""


class Gateway:
    """The ASGI application of a gateway: `local` answers here, `routes` lead to the owners.

    `attend` takes websockets. `metrics_open`: whether other machines may read metrics.
    """

    def __init__(
        self,
        local: ASGIApp,
        desk: Desk,
        gate: Gate,
        routes: Routes,
        speaker: SpeakerOf,
        attend: Callable[[Scope, Receive, Send], Any],
        *,
        sandbox: bool,
        metrics_open: bool,
    ) -> None:
        self._local = local
        self._desk = desk
        self._gate = gate
        self._routes = routes
        self._speaker = speaker
        self._attend = attend
        self._sandbox = sandbox
        self._metrics_open = metrics_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        bare = scope["path"].rstrip("/")
        if scope["type"] == "websocket" and bare in FEED_PATHS:
            await self._attend(scope, receive, send)
            return
        if bare == "/metrics" and scope["query_string"] and scope["type"] == "http":
            await self._metrics(scope, send)
            return
        if scope["type"] != "http" or bare in HERE:
            if bare == "/readyz" and self._routes.unowned is None:
                await _send(replies.NOT_SERVING, send, (HEADER, request_id(scope["headers"])))
                return
            await self._local(scope, receive, send)
            return
        if self._sandbox and bare.startswith(SANDBOX):
            claims, told = None, is_neighbour(scope)
        else:
            try:
                claims = self._let_in(scope)
            except ClientsUnavailable as fault:
                _log.warning("nobody can be let in: %s", fault)
                await _send(replies.NOT_SERVING, send, (HEADER, request_id(scope["headers"])))
                return
            told = claims is not None
        if not told:
            # The application refuses it in its own words, in the order of its own checks.
            await self._local(scope, receive, send)
            return
        began_s = perf_counter()
        sent_id = (HEADER, request_id(scope["headers"]))
        try:
            answer, rest = await self._pass_on(scope, receive, claims, sent_id)
        except ClientGone:
            return
        except EarlyReply as early:
            await _send(early.reply, send, sent_id)
            status, reason = early.reply.status, early.reply.reason
        else:
            status, reason = answer.status, ""
            if rest is None:
                await send({"type": "http.response.start", "status": status, "headers": list(answer.headers)})
                await send({"type": "http.response.body", "body": answer.body})
            else:
                try:
                    large = Reply(status, answer.body, answer.headers)
                    await (await in_pieces(large, partial(_each, rest), scope))(scope, receive, send)
                finally:
                    rest.close()
        entry = bare.startswith(ENTRY) or bare == ORDERS
        endpoint = VERBS.get(scope["method"], "other") if entry else "other"
        self._desk.measures.answered(endpoint, outcome_word(status), perf_counter() - began_s, reason)

    async def _pass_on(
        self, scope: Scope, receive: Receive, claims: Claims | None, sent_id: tuple[bytes, bytes]
    ) -> tuple[Answer, Pieces | None]:
        """The owner's answer, with the further pieces of a large one. Raises EarlyReply (413, 401, 503), ClientGone."""
        body = await read_body(scope, receive)
        try:
            if claims is None:
                return await self._everywhere(call_of(scope, Speaker(""), 0, sent_id, body)), None
            speaker = self._speaker(claims)
            call = call_of(scope, speaker, await self._routes.shard_of(speaker.account_id), sent_id, body)
            keyed = scope["method"] == "POST" and header(scope["headers"], b"idempotency-key") is not None
            return await self._routes.ask_for_pieces(call, repeatable=keyed or scope["method"] in _SAFE)
        except (NoOwner, OutcomeUnknown, ClientsUnavailable) as fault:
            _log.warning("a request was not answered by an owner: %s", fault)
            raise EarlyReply(replies.NOT_SERVING) from None
        except asyncio.CancelledError:
            # The gateway stops and waits no longer.
            raise EarlyReply(replies.NOT_SERVING) from None

    async def _metrics(self, scope: Scope, send: Send) -> None:
        """The metrics of the shard that the query names, as its owner tells them; 503 where it has none."""
        sent_id = (HEADER, request_id(scope["headers"]))
        name, _, text = scope["query_string"].partition(b"=")
        shard = int(text) if name == b"shard" and text.isdigit() and len(text) < 6 else -1
        count = self._routes.map.count if self._routes.map is not None else 0
        if not (self._metrics_open or is_neighbour(scope)) or (count and not 0 <= shard < count):
            await _send(replies.RESOURCE_NOT_FOUND, send, sent_id)
            return
        asked = dict(scope, query_string=b"", headers=[], client=("127.0.0.1", 0), method="GET")
        try:
            answer = await self._routes.ask(call_of(asked, Speaker(""), max(shard, 0), sent_id, b""), repeatable=True)
        except (NoOwner, OutcomeUnknown):
            await _send(replies.NOT_SERVING, send, sent_id)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})

    async def _everywhere(self, call: Call) -> Answer:
        """The sandbox's pages: what happens to the market happens in every shard. The first refusal is the answer."""
        await self._routes.shard_of("")
        count = self._routes.map.count if self._routes.map is not None else 0
        calls = [msgspec.structs.replace(call, shard=shard) for shard in range(count)]
        answers = await asyncio.gather(*(self._routes.ask(each, repeatable=False) for each in calls))
        return next((answer for answer in answers if answer.status >= 400), answers[0])

    def _let_in(self, scope: Scope) -> Claims | None:
        """The claims of a good token, None where the application will find that there is none.

        Raises ClientsUnavailable.
        """
        try:
            return self._gate.authenticate(scope["headers"], self._desk.now_ns())
        except Unauthorised:
            return None
        except ClientsUnavailable:
            raise
        except Exception:  # noqa: BLE001  The application meets the same fault and words it.
            _log.exception("a token could not be looked at")
            return None


def call_of(scope: Scope, speaker: Speaker, shard: int, sent_id: tuple[bytes, bytes], body: bytes) -> Call:
    """A request as it is passed on; the link gives it its number."""
    headers: Headers = (*(pair for pair in scope["headers"] if pair[0] not in _NOT_PASSED), sent_id)
    peer = scope.get("client")
    return Call(
        number=0,
        shard=shard,
        speaker=speaker,
        method=scope.get("method", ""),
        path=scope["path"],
        raw_path=scope.get("raw_path") or b"",
        query=scope["query_string"],
        headers=tuple((bytes(name), bytes(value)) for name, value in headers),
        body=body,
        peer=peer[0] if peer else "",
    )


async def _each(pieces: Pieces) -> AsyncGenerator[bytes, None]:
    async for piece in pieces:
        yield piece


async def _send(reply: Reply, send: Send, sent_id: tuple[bytes, bytes]) -> None:
    """A reply of the gateway's own."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(reply.body)),
        sent_id,
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
