"""The application: order entry first, then the other routes. Every reply is JSON, whatever was asked.

Trailing slashes are accepted and never redirected: half of the clients' HTTP libraries drop the method, the body or
the token on a redirect (wire.md 1.3).
"""

import functools
from collections.abc import Mapping, Sequence
from time import perf_counter
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bracketd.auth.gate import Gate
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.kill_switch import cancel_everything
from bracketd.runtime.rates import Act, Rates
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.streams import StreamLimits
from bracketd.wire import replies
from bracketd.wire.absent import absent
from bracketd.wire.amounts import JSON
from bracketd.wire.authorize import AuthorizePages
from bracketd.wire.cancellation import require_everything
from bracketd.wire.cross_origin import METHODS, CrossOrigin
from bracketd.wire.exchange import VERBS, AtOnce
from bracketd.wire.feeds import Feeds
from bracketd.wire.head import read_head
from bracketd.wire.known_heads import KnownHeads
from bracketd.wire.login import LoginPages
from bracketd.wire.metrics import Metrics
from bracketd.wire.order_entry import WITHOUT_ID, OrderEntry, find_route
from bracketd.wire.reads import ORDERS, Read, Reads
from bracketd.wire.replies import Reply, outcome_word
from bracketd.wire.request import ClientGone, answer, read_body, read_fields
from bracketd.wire.request_id import HEADER, request_id
from bracketd.wire.responses import REASON, page_route, response
from bracketd.wire.sandbox_pages import sandbox_pages
from bracketd.wire.schema.document import openapi
from bracketd.wire.schema.page import HEADERS as DOCS_HEADERS
from bracketd.wire.schema.page import page
from bracketd.wire.turnstile import Turnstile

LOGGED_OUT = replies.success("Logged out successfully", {})
ALIVE = replies.success("Alive", {})
READY = replies.success("Ready", {})

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is answered even when nothing else is."""


def build_app(
    desk: Desk,
    gate: Gate,
    *,
    sandbox: Sandbox | None,
    cors: Sequence[str] = (),
    stream_limits: StreamLimits | None = None,
    entrance: Entrance | None = None,
    rates: Rates | None = None,
    metrics_open: bool = False,
) -> ASGIApp:
    """The ASGI application over one desk and one gate.

    `sandbox` adds the route by which prints are pushed, `entrance` those by which clients log in. `cors` are the
    origins whose pages may call (see `cross_origin`); without any, no reply says a word of origins. Without `rates`
    nobody sends too many orders.
    """
    reads = Reads(desk, gate)
    turnstile = Turnstile(desk, gate, Rates(0, 0) if rates is None else rates)
    order_entry = OrderEntry(desk, gate, turnstile)
    pages = _Pages(desk, gate, reads, order_entry, turnstile)
    feeds = Feeds(desk, gate, stream_limits)
    metrics = Metrics(desk, lambda: feeds.connections, metrics_open)
    routes = [
        page_route(ORDERS, ["GET", "DELETE", "POST", "PUT"], pages.orders),
        page_route("/api/v1/user/logout", ["POST"], pages.logout),
        page_route("/healthz", ["GET"], pages.alive),
        page_route("/readyz", ["GET"], pages.ready),
        page_route("/metrics", ["GET"], metrics.page),
        *(page_route(path, methods, page) for path, methods, page in reads.routes()),
        *_description(sandbox=sandbox is not None, login=entrance is not None),
    ]
    if entrance is not None:
        routes += LoginPages(desk, entrance).routes() + AuthorizePages(desk, entrance).routes()
    if sandbox is not None:
        routes += [page_route(*page) for page in sandbox_pages(desk, sandbox)]
    router = Starlette(routes=routes, exception_handlers={HTTPException: _no_route, Exception: _fault})
    router.router.redirect_slashes = False
    app = _App(desk, order_entry, reads.at_once(), feeds, router)
    return CrossOrigin(app, cors) if cors else app


class _App:
    """The outermost callable: whether we serve at all, and which half answers."""

    def __init__(
        self, desk: Desk, order_entry: OrderEntry, reads: Mapping[bytes, Read], feeds: Feeds, router: ASGIApp
    ) -> None:
        self._desk = desk
        self._order_entry = order_entry
        self._feeds = feeds
        self._router = router
        # Who answers plain requests where the connection may do so by itself: see `http_protocol`.
        self.at_once = AtOnce(desk, order_entry, reads, KnownHeads())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._feeds.attend(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        began_s = perf_counter()
        sent_id = (HEADER, request_id(scope["headers"]))
        path: str = scope["path"]
        bare = path.rstrip("/")
        if not self._desk.serving and bare not in PROBES:
            await self._finish("other", replies.NOT_SERVING, send, sent_id, began_s)
            return
        raw_path = scope.get("raw_path") or quote(path).encode("ascii")
        route = find_route(raw_path)
        if route is None:
            await self._route(dict(scope, path=bare or "/", raw_path=raw_path), receive, send, sent_id, began_s)
            return
        try:
            reply = await answer(self._order_entry.reply(route, scope, receive))
        except ClientGone:
            return
        await self._finish(VERBS.get(scope["method"], "other"), reply, send, sent_id, began_s)

    async def _finish(
        self, endpoint: str, reply: Reply, send: Send, sent_id: tuple[bytes, bytes], began_s: float
    ) -> None:
        """Send a reply under its request's id, and count it."""
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(reply.body)),
            sent_id,
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        self._desk.measures.answered(endpoint, outcome_word(reply.status), perf_counter() - began_s, reply.reason)

    async def _route(
        self, scope: Scope, receive: Receive, send: Send, sent_id: tuple[bytes, bytes], began_s: float
    ) -> None:
        """Let the router answer, under the request's id, and count what it answered."""
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                kind_and_length, own = message["headers"][:2], message["headers"][2:]
                message["headers"] = [*kind_and_length, sent_id, *own]
            await send(message)

        await self._router(scope, receive, noting)
        # The router notes in the scope which route it took, and a page why it refused.
        route = getattr(scope.get("route"), "path", None)
        endpoint = f"{scope['method']} {route}" if route and scope["method"] in METHODS else "other"
        reason = scope.get(REASON, "")
        self._desk.measures.answered(endpoint, outcome_word(status), perf_counter() - began_s, reason)


class _Pages:
    """The routes that name no order in their path."""

    def __init__(self, desk: Desk, gate: Gate, reads: Reads, order_entry: OrderEntry, turnstile: Turnstile) -> None:
        self._desk = desk
        self._gate = gate
        self._reads = reads
        self._order_entry = order_entry
        self._turnstile = turnstile

    async def orders(self, request: Request) -> Reply:
        """GET and HEAD: the order book; DELETE: the kill switch; POST and PUT: an order by itself."""
        if request.method in ("POST", "PUT"):
            return await self._order_entry.reply(WITHOUT_ID, request.scope, request.receive)
        return await (self.kill_switch(request) if request.method == "DELETE" else self._reads.book_page(request))

    async def kill_switch(self, request: Request) -> Reply:
        """DELETE: everything of the client's, asked for in so many words or not at all. One cancel for its rate."""
        scope = request.scope
        self._turnstile.turn(read_head(scope["headers"]), Act.CANCEL)
        body = await read_body(scope, request.receive)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        require_everything(read_fields(scope, body, claims), path_ends=scope["raw_path"] == ORDERS.encode("ascii"))
        results = await cancel_everything(self._desk, claims.client_id)
        orders = self._desk.state.orders
        reply = replies.cancelled_everything([(key, orders[key].status, outcome) for key, outcome in results])
        await self._desk.durable()
        return reply

    async def logout(self, request: Request) -> Reply:
        """The token that asks is good no more; other tokens of the client are."""
        claims = self._gate.authenticate(request.scope["headers"], self._desk.now_ns())
        self._gate.logout(claims)
        return LOGGED_OUT

    async def alive(self, request: Request) -> Reply:
        """The process answers."""
        return ALIVE

    async def ready(self, request: Request) -> Reply:
        """The journal takes what is decided, so that orders can be acknowledged."""
        return READY if self._desk.serving else replies.NOT_SERVING


@functools.cache
def _described(sandbox: bool, login: bool) -> tuple[Reply, str]:
    """The document and the page. They never differ, and a process that has many applications makes them once."""
    document = openapi(sandbox=sandbox, login=login)
    return Reply(200, JSON.encode(document)), page(document)


def _description(*, sandbox: bool, login: bool) -> list[Route]:
    """The two routes that describe the server, for machines and for people; neither needs a token."""
    described, html = _described(sandbox, login)

    async def json_document(request: Request) -> Reply:
        return described

    async def docs(request: Request) -> Response:
        return HTMLResponse(html, headers=DOCS_HEADERS)

    return [page_route("/openapi.json", ["GET"], json_document), Route("/docs", docs, methods=["GET"])]


async def _no_route(request: Request, error: Exception) -> Response:
    """What the router itself refuses: an unknown path or a method that a path does not have."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return response(replies.method_not_allowed(", ".join(sorted(allowed.split(", ")))))
    return response(absent(request.url.path))


async def _fault(request: Request, error: Exception) -> Response:
    """A fault in the router; Starlette raises it again for the server's log once this is sent."""
    return response(replies.INTERNAL)
