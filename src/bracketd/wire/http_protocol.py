"""The HTTP server's own answers, in the dialect, and an end for peers that keep a connection and give nothing.

The parser refuses bytes that are no HTTP, methods it does not know and request heads that are too large before any
route is looked at. Clients of this family decode every body as JSON, so these answers are JSON too.

uvicorn waits as long as a peer likes: for the first byte, for the rest of a request, and for a reply to be read. Here
each of these has its time, and all that a connection can make grow has its bound.

A plain order-entry request or read, as almost every one is, is answered from here (`exchange`); every other request
goes to the application as uvicorn does it. Plain is HTTP/1.1, one of four methods, a path and a query without rare
characters, a body of a declared length that came with its head, and nothing else under way on the connection. Where its
headers are the very bytes of some that were parsed before, they are not parsed again (`known_heads`).
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bracketd.wire import replies
from bracketd.wire.connection_end import owes_replies, raw_answer
from bracketd.wire.envelope import Envelope
from bracketd.wire.exchange import AtOnce, Exchange, TooLarge
from bracketd.wire.head import Head, read_head
from bracketd.wire.known_heads import METHODS, TARGET
from bracketd.wire.order_entry import Route, find_route
from bracketd.wire.reads import MADE, Read
from bracketd.wire.replies import Reply
from bracketd.wire.request import REQUEST_BYTES_MAX

WATCH_S: Final = 5.0
"""Every connection is looked at this often."""

REQUEST_WAIT_S: Final = 30.0
"""A request has arrived whole, its body too, this long after its first byte, and the first after the connection."""

STALLED_S: Final = 30.0
"""A peer that reads nothing for this long, although something waits for it, is cut off."""

TIMER_GRAIN_S: Final = 0.001
"""So much sooner than asked a timer may come: none is set for the rest of a sum of floats."""

AROUND_BODY_BYTES_MAX: Final = 512 * 1024
"""All of one request that is no body: its head, the framing of chunks down to single bytes, and what trails them."""

_FIELD_BYTES: Final = 4
"""What stands around a header's name and value, so that many tiny headers count as well."""

_PLAIN_TARGET: Final = re.compile(TARGET + rb"\Z", re.ASCII)
_METHODS: Final = {method.encode("ascii"): method for method in METHODS}
_TELLING: Final = frozenset({b"content-length", b"expect", b"origin", b"transfer-encoding", b"upgrade"})
"""Headers by which a request may be no plain one."""

_LENGTH_DIGITS_MAX: Final = 5


class HeadTooLarge(Exception):
    """Request line and headers together are larger than a request may be."""


class JsonHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with refusals as JSON, a bound on the request's head, and a watch on the peer.

    uvicorn's `limit_concurrency` is the number of connections; one more is answered 429 at once and closed.
    """

    _head_bytes = 0
    _around_bytes = 0
    _waiting_since_s: float | None = None
    _unread_bytes = 0
    _unread_since_s = 0.0
    _watch: asyncio.TimerHandle | None = None
    _idle_since_s: float | None = None
    _route: Route | Read | None = None
    _between = False
    """Whether the parser is known to stand before a message: a new one does, and one that has read a plain request."""
    _last_read: tuple[Head, int] | None = None
    """Head and body's length of the last message in the packet in hand, where it was a plain one that was let in."""
    _method = ""
    _query_string = b""
    _body = b""
    _unusual = False
    _made: Reply | None = None
    """What was made for the request in hand and does not go into one piece: the application sends it."""
    _unfinished: RequestResponseCycle | None = None
    """What the application has begun of the message whose body is still coming."""
    _refusal: Reply | None = None
    """What is said of bytes that are no request, behind requests that are under way: after their replies."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **options)
        behind: AtOnce | None = getattr(self.app, "at_once", None)
        self._exchange = None if behind is None else Exchange(behind.desk, behind.order_entry, self)
        self._reads: Mapping[bytes, Read] = {} if behind is None else behind.reads
        self._known_heads = None if behind is None else behind.known_heads
        self._between = True
        self._envelope = Envelope(() if behind is None else behind.headers)
        # uvicorn's own answer to one too many is text, and comes with the request only.
        self._connections_max, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer has come."""
        full = self._connections_max is not None and len(self.connections) >= self._connections_max
        super().connection_made(transport)
        self._waiting_since_s = self.loop.time()
        self._watch = self.loop.call_later(WATCH_S, self._look)
        if full:
            self._refuse(replies.TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone."""
        self._unwatch()
        super().connection_lost(exc)
        self._idle_since_s = None
        super()._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self.transport.is_closing() or self._refusal is not None:
            return
        begins_message = self._between
        if begins_message and self._answer_known(data):
            return
        self._around_bytes += len(data)
        self._last_read = None
        super().data_received(data)
        if self._route is not None:
            self._leave_to_application()
        if begins_message:
            self._learn(data)
        # The parser keeps an unfinished header to itself, however long it becomes.
        if self._waiting_since_s is not None and self._around_bytes > AROUND_BODY_BYTES_MAX:
            self._refuse(replies.TOO_LARGE)

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._between = False
        self._last_read = None
        self._head_bytes = 0
        self._around_bytes = 0
        self._waiting_since_s = self.loop.time()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._unusual = False

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._head_bytes += len(url)
        if self._head_bytes > REQUEST_BYTES_MAX:
            raise HeadTooLarge
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_bytes += len(name) + len(value) + _FIELD_BYTES
        if self._head_bytes > REQUEST_BYTES_MAX:
            raise HeadTooLarge
        name = name.lower()
        if name in _TELLING:
            self._told(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there: whether the request is a plain one is decided by it, and by whether its body is too."""
        self._route = self._plain_route()
        if self._route is None:
            self._leave_to_application()

    def on_body(self, body: bytes) -> None:
        """Part of the body, which the application bounds, or the head has."""
        self._around_bytes -= len(body)
        if self._route is not None:
            self._body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived whole."""
        self._waiting_since_s = self._unfinished = None
        route, exchange = self._route, self._exchange
        if route is None or exchange is None:
            super().on_message_complete()
            return
        body, self._route, self._body = self._body, None, b""
        # uvicorn looks here for what is under way.
        self.cycle = exchange  # type: ignore[assignment]
        head, keep_alive = read_head(self.headers), self.parser.should_keep_alive()
        try:
            let_in = exchange.begin(route, self._method, head, self._query_string, body, keep_alive=keep_alive)
        except TooLarge as large:
            self._made = large.reply
            self._leave_to_application()
            self._unfinished = None
            super().on_message_complete()
            return
        self._between = keep_alive
        if keep_alive and let_in:
            self._last_read = head, len(body)

    def answer(self, reply: Reply, sent_id: bytes) -> None:
        """Send the reply of the exchange as uvicorn would send it, but in one piece, and go on as uvicorn does."""
        exchange, transport = self._exchange, self.transport
        if exchange is None or exchange.disconnected:
            return
        if not transport.is_closing():
            defaults = self.server_state.default_headers
            transport.write(self._envelope.around(reply, sent_id, defaults, keep_alive=exchange.keep_alive))
            if not exchange.keep_alive:
                transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """A reply has been sent: the next request's turn, or the connection is idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            if self.flow.read_paused and self._refusal is None:
                self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())
            return
        if self._refusal is not None:
            self._end_with(self._refusal)
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        # The connection is idle from now on.
        self._idle_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wake_in(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """See whether the connection has been idle for as long as it may."""
        self.timeout_keep_alive_task = None
        if self._idle_since_s is None:
            return
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > TIMER_GRAIN_S:
            self._wake_in(left_s)
        else:
            super().timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        """The connection becomes a websocket, which has a watch of its own."""
        self._unwatch()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed, and end the connection: where the next request begins is not known."""
        self._refuse(replies.TOO_LARGE if self._head_bytes > REQUEST_BYTES_MAX else replies.NOT_HTTP)

    def _unset_keepalive_if_required(self) -> None:
        """Something has come. The timer goes on: to look at the time is cheaper than to set another each time."""
        self._idle_since_s = None

    def _wake_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _answer_known(self, packet: bytes) -> bool:
        """Answer a packet that is one whole plain request with headers that are known; False where it is none."""
        under_way: RequestResponseCycle | None = self.cycle
        exchange, known_heads = self._exchange, self._known_heads
        if exchange is None or known_heads is None or not (under_way is None or under_way.response_complete):
            return False
        whole = None if self.flow.write_paused else known_heads.whole(packet)
        if whole is None:
            return False
        method, path, query_string, head, body = whole
        route = self._find(method, path)
        if route is None:
            return False
        self._idle_since_s = self._waiting_since_s = None
        self.cycle = exchange  # type: ignore[assignment]
        try:
            exchange.begin(route, _METHODS[method], head, query_string, body, keep_alive=True)
        except TooLarge as large:
            self._made = large.reply
            return False
        return True

    def _find(self, method: bytes, path: bytes) -> Route | Read | None:
        """Where a plain request leads that is answered here; None where it is the application's."""
        return self._reads.get(path.rstrip(b"/")) if method == b"GET" else find_route(path)

    def _learn(self, packet: bytes) -> None:
        """Know the headers again of a packet that stood between two messages and was one itself."""
        last, known_heads = self._last_read, self._known_heads
        if last is not None and known_heads is not None and self._between:
            known_heads.learn(packet, *last)

    def _plain_route(self) -> Route | Read | None:
        """Where a request leads whose head is a plain one's, and what of its line is read there."""
        under_way: RequestResponseCycle | None = self.cycle
        if (
            self._unusual
            or self._made is not None
            or self._exchange is None
            or not (under_way is None or under_way.response_complete)
        ):
            return None
        parser = self.parser
        sent = parser.get_method()
        method = _METHODS.get(sent)
        target = _PLAIN_TARGET.match(self.url)
        if method is None or target is None or parser.get_http_version() != "1.1" or self.flow.write_paused:
            return None
        self._method, self._query_string = method, target[2] or b""
        return self._find(sent, target[1])

    def _leave_to_application(self) -> None:
        """Go on with the request whose head is there as uvicorn does, with what has come of its body."""
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        body, self._route, self._body = self._body, None, b""
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expected
        self.scope["headers"] = headers
        made, self._made = self._made, None
        if made is not None:
            self.scope[MADE] = made  # type: ignore[literal-required]
        super().on_headers_complete()
        self._unfinished = self.cycle
        if body:
            super().on_body(body)

    def _refuse(self, reply: Reply) -> None:
        """End the connection with a refusal, behind the replies to what came whole before.

        A client takes the first reply for that to its first request, which may have done what it asks for.
        """
        if self.transport.is_closing() or self._refusal is not None:
            return
        if not owes_replies(self.cycle, self.pipeline, self._unfinished):
            self._end_with(reply)
            return
        self._refusal, self._waiting_since_s = reply, None
        self.flow.pause_reading()

    def _end_with(self, reply: Reply) -> None:
        self.transport.write(raw_answer(reply))
        self.transport.close()

    def _told(self, name: bytes, value: bytes) -> None:
        """Take note of a header of `_TELLING`."""
        if name != b"content-length":
            self._unusual = True
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
        elif len(value) > _LENGTH_DIGITS_MAX or not value.isdigit() or int(value) > REQUEST_BYTES_MAX:
            self._unusual = True

    def _look(self) -> None:
        """Whether the peer still does its part: sends what it has begun, reads what waits for it."""
        now_s = self.loop.time()
        unread_bytes = self.transport.get_write_buffer_size()
        if not unread_bytes or unread_bytes < self._unread_bytes:
            self._unread_since_s = now_s
        self._unread_bytes = unread_bytes
        stalled = unread_bytes > 0 and now_s - self._unread_since_s >= STALLED_S
        late = self._waiting_since_s is not None and now_s - self._waiting_since_s >= REQUEST_WAIT_S
        if stalled or late:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(WATCH_S, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
