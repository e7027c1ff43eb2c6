"""Order entry: the routes on which orders are placed, modified and cancelled, as plain ASGI in front of the router.

They are the ones a fast market waits for. Routes are told apart by the raw path, percent-decoded once and only for the
id in it, so that no encoded slash can make one path look like another (wire.md 1.3).
"""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import Receive, Scope

from bracketd.auth.gate import Gate
from bracketd.auth.token import Claims
from bracketd.domain.commands import CancelOrder, ModifyOrder, PlaceBracket
from bracketd.domain.outcomes import Cancelled, Modified, Outcome, Placed
from bracketd.runtime.desk import Desk, Waiting
from bracketd.runtime.rates import Act
from bracketd.wire import replies
from bracketd.wire.absent import absent_execution
from bracketd.wire.cancellation import read_cancellation
from bracketd.wire.head import Head, read_head
from bracketd.wire.modification import read_modification
from bracketd.wire.parameters import recall_parameters
from bracketd.wire.placement import KART_WORDS, REGULAR_WORDS, read_key, read_placement
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.representation import (
    APPLIED,
    cancelled_with_facts,
    facts_of,
    modified_with_facts,
    placed_with_facts,
)
from bracketd.wire.request import fields_of, read_body
from bracketd.wire.turnstile import Turnstile

Facts = dict[str, object]
Working = Coroutine[Any, Any, Reply]
"""A reply that somebody has to be waited for."""


class Way(Enum):
    """The three families of paths: that of the brackets, its older names, and that of orders by themselves."""

    KART = "kart"
    OLDER = "older"
    ORDERS = "orders"


# A module's own names are found faster than an enumeration's members; these are asked for at every request.
_KART_WAY, _ORDERS_WAY = Way.KART, Way.ORDERS
_CANCEL_ACT, _ORDER_ACT = Act.CANCEL, Act.ORDER


class Route(msgspec.Struct, frozen=True, gc=False):
    """Where a path leads: the id in it, None where it has none, whose path it is, and what can be asked for there."""

    path_id: str | None
    way: Way
    methods: tuple[str, ...]

    @property
    def allow(self) -> str:
        """The methods as an Allow header says them."""
        return ", ".join(self.methods)


WITHOUT_ID = Route(None, Way.ORDERS, ("POST", "PUT"))
"""Where an order by itself is placed, or modified with its id in the body; the router leads here, since the order book
and the kill switch share the path."""

_SLASH = ord("/")
_FAMILIES: tuple[tuple[bytes, Route | None, Way, tuple[str, ...]], ...] = (
    (b"/api/v1/orders/kart", Route(None, Way.KART, ("DELETE", "POST", "PUT")), Way.KART, ("DELETE",)),
    (b"/api/v1/orders/bracket", Route(None, Way.OLDER, ("DELETE",)), Way.OLDER, ("DELETE",)),
    (b"/api/v1/order/bracket", Route(None, Way.OLDER, ("DELETE",)), Way.OLDER, ("DELETE",)),
    (b"/api/v1/orders", None, Way.ORDERS, ("DELETE", "PUT")),
)
"""What paths begin with, where they lead without an id, and with one: whose they are, and what can be asked for."""


def find_route(raw_path: bytes) -> Route | None:
    """The order-entry route of a raw path, None where it is none. Trailing slashes do not matter.

    Everything behind the route is the id, slashes and dots included: what is no id names no order, and says so.
    """
    for prefix, bare, way, methods in _FAMILIES:
        if raw_path.startswith(prefix):
            rest = raw_path[len(prefix) :].rstrip(b"/")
            if not rest:
                return bare
            if rest[0] == _SLASH:
                return Route(_decoded(rest[1:]) if b"%" in rest else rest[1:].decode("utf-8", "replace"), way, methods)
    return None


def _decoded(segment: bytes) -> str:
    """An id as the path carries it, decoded once; bytes that are no UTF-8 make it one that no order has."""
    return unquote_to_bytes(segment).decode("utf-8", "replace")


class Ordered(msgspec.Struct, frozen=True, gc=False):
    """What a request asks of the engine, and how its outcome is worded with the facts that were preferred."""

    command: CancelOrder | ModifyOrder | PlaceBracket
    word: Callable[[Route, Any, Outcome, Facts], Reply]
    done: type[Cancelled] | type[Modified] | type[Placed]


class OrderEntry:
    """Answers the order-entry routes: the checks of bracket.md section 5 in their order, then the engine."""

    def __init__(self, desk: Desk, gate: Gate, turnstile: Turnstile) -> None:
        self._desk = desk
        self._gate = gate
        self._turnstile = turnstile

    async def reply(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        """The reply to a request on a route. Raises what `request.answer` words."""
        method, head = scope["method"], read_head(scope["headers"])
        self._count(route, method, head)
        ordered = self._read(route, method, head, scope["query_string"], await read_body(scope, receive), None)
        return ordered if isinstance(ordered, Reply) else await self._order(route, head, ordered)

    def begin(self, route: Route, method: str, head: Head, query_string: bytes, body: bytes) -> Reply | Working:
        """The same for a request whose body is there and is not too large, as far as it goes without waiting.

        A reply may be sent as soon as all that was decided until now is on disk (`Desk.when_durable`).
        """
        ordered = self._read(route, method, head, query_string, body, self._count(route, method, head))
        if isinstance(ordered, Reply):
            return ordered
        command = ordered.command
        # What must be waited for before the outcome, or between the outcome and its words.
        if command.client_id not in self._desk.state.accounts or head.prefers:
            return self._order(route, head, ordered)
        outcome = self._desk.undertake(command)
        if isinstance(outcome, Waiting):
            return self._told(route, ordered, outcome)
        return ordered.word(route, command, outcome, {})

    def _count(self, route: Route, method: str, head: Head) -> Claims | None:
        """Let the request through the turnstile; raises EarlyReply, 405 for what the route does not have."""
        if method not in route.methods:
            raise EarlyReply(replies.method_not_allowed(route.allow))
        return self._turnstile.turn(head, _CANCEL_ACT if method == "DELETE" else _ORDER_ACT)

    def _read(
        self, route: Route, method: str, head: Head, query_string: bytes, body: bytes, claims: Claims | None
    ) -> Ordered | Reply:
        """The checks that come before the engine's, in their order; with the claims where the token was just let in."""
        if claims is None:
            claims = self._gate.admit(head.presented(), self._desk.now_ns())
        client_id = claims.client_id
        if method == "DELETE":
            parameters = fields_of(client_id, query_string, head.content_type, body, route.path_id, recall_parameters)
            return Ordered(read_cancellation(parameters, client_id), self._word_cancel, Cancelled)
        path_id = None if method == "POST" else route.path_id
        parameters = fields_of(client_id, query_string, head.content_type, body, path_id)
        absent = absent_execution(parameters)
        if absent is not None:
            return absent
        if method == "PUT":
            return Ordered(read_modification(parameters, client_id), self._word_modify, Modified)
        key = read_key(head.key)
        executions = KART_WORDS if route.way is _KART_WAY else REGULAR_WORDS
        return Ordered(read_placement(parameters, client_id, key, executions), self._word_place, Placed)

    async def _order(self, route: Route, head: Head, ordered: Ordered) -> Reply:
        """Carry the command out and word what came of it."""
        command = ordered.command
        if isinstance(command, PlaceBracket) and not await self._desk.ensure_account(command.client_id):
            # The client was removed after its token was looked at.
            return replies.UNAUTHORISED
        outcome = await self._desk.execute(command)
        facts: Facts = {}
        if isinstance(outcome, ordered.done) and head.prefers:
            facts = await self._facts(outcome.order_id, self._single(route, command, outcome.order_id))
        return ordered.word(route, command, outcome, facts)

    async def _told(self, route: Route, ordered: Ordered, waiting: Waiting) -> Reply:
        """Word what comes of a command that is under way."""
        return ordered.word(route, ordered.command, await self._desk.see_through(waiting), {})

    def _word_cancel(self, route: Route, command: CancelOrder, outcome: Outcome, facts: Facts) -> Reply:
        if not isinstance(outcome, Cancelled):
            return replies.cancel_reply(outcome)
        if self._single(route, command, outcome.order_id):
            return _with_word(replies.regular_cancelled(outcome.order_id, facts), facts)
        return _with_word(cancelled_with_facts(facts), facts) if facts else replies.cancel_reply(outcome)

    def _word_modify(self, route: Route, command: ModifyOrder, outcome: Outcome, facts: Facts) -> Reply:
        if not isinstance(outcome, Modified):
            return replies.modify_reply(outcome)
        if self._single(route, command, outcome.order_id):
            return _with_word(replies.regular_modified(outcome.order_id, facts), facts)
        return _with_word(modified_with_facts(facts), facts) if facts else replies.modify_reply(outcome)

    def _word_place(self, route: Route, command: PlaceBracket, outcome: Outcome, facts: Facts) -> Reply:
        if not isinstance(outcome, Placed):
            return replies.place_reply(outcome)
        if command.execution.single:
            return _with_word(replies.regular_placed(outcome.order_id, command, facts), facts)
        return _with_word(placed_with_facts(outcome.basket_id, facts), facts) if facts else replies.place_reply(outcome)

    def _single(self, route: Route, command: CancelOrder | ModifyOrder | PlaceBracket, order_id: str) -> bool:
        """Whether a success is told as the family tells that of a regular order.

        Placed, it is one; later it is told so on that path only.
        """
        if isinstance(command, PlaceBracket):
            return command.execution.single
        if route.way is not _ORDERS_WAY:
            return False
        order = self._desk.state.orders.get(order_id)
        return order is not None and order.particulars.execution.single

    async def _facts(self, order_id: str, single: bool) -> Facts:
        """What the client would have to read otherwise, once it is on disk.

        A `single` order is told without the basket that it alone is.
        """
        state = self._desk.state
        basket: Facts = {} if single else {"basket_id": state.orders[order_id].basket_id}
        facts = basket | facts_of(state, order_id)
        await self._desk.durable()
        return facts


def _with_word(reply: Reply, facts: Facts) -> Reply:
    """A reply that says so where it has the facts that were preferred (RFC 7240)."""
    return reply._replace(headers=APPLIED) if facts else reply
