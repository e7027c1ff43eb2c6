"""Order entry: the routes on which orders are placed, modified and cancelled, as plain ASGI in front of the router.

They are the ones a fast market waits for. Routes are told apart by the raw path, percent-decoded once and only for the
id in it, so that no encoded slash can make one path look like another (wire.md 1.3).
"""

from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope

from bracketd.auth.gate import Gate
from bracketd.domain.outcomes import Cancelled, Modified, Placed
from bracketd.runtime.desk import Desk
from bracketd.runtime.rates import Act
from bracketd.wire import replies
from bracketd.wire.absent import absent_execution
from bracketd.wire.cancellation import read_cancellation
from bracketd.wire.modification import read_modification
from bracketd.wire.placement import KART_WORDS, REGULAR_WORDS, read_key, read_placement
from bracketd.wire.replies import Reply
from bracketd.wire.representation import (
    APPLIED,
    cancelled_with_facts,
    facts_of,
    modified_with_facts,
    placed_with_facts,
    wants_representation,
)
from bracketd.wire.request import header, read_body, read_fields
from bracketd.wire.turnstile import Turnstile

_KART = b"/api/v1/orders/kart"
_OLDER = (b"/api/v1/orders/bracket", b"/api/v1/order/bracket")
_ORDERS = b"/api/v1/orders"


class Way(Enum):
    """The three families of paths: that of the brackets, its older names, and that of orders by themselves."""

    KART = "kart"
    OLDER = "older"
    ORDERS = "orders"


class Route(NamedTuple):
    """Where a path leads: the id in it, None where it has none, and whose path it is."""

    path_id: str | None
    way: Way

    @property
    def methods(self) -> str:
        """What can be asked for here, as an Allow header says it."""
        if self.way is Way.KART:
            return "DELETE, POST, PUT" if self.path_id is None else "DELETE"
        return "DELETE, PUT" if self.way is Way.ORDERS else "DELETE"


WITHOUT_ID = Route(None, Way.ORDERS)
"""Where an order by itself is placed, or modified with its id in the body; the router leads here, since the order book
and the kill switch share the path."""


def find_route(raw_path: bytes) -> Route | None:
    """The order-entry route of a raw path, None where it is none. Trailing slashes do not matter.

    Everything behind the route is the id, slashes and dots included: what is no id names no order, and says so.
    """
    for prefix, way in ((_KART, Way.KART), *((older, Way.OLDER) for older in _OLDER)):
        if raw_path.startswith(prefix):
            rest = raw_path[len(prefix) :]
            if not rest.strip(b"/"):
                return Route(None, way)
            if rest[:1] == b"/":
                return Route(_decoded(rest[1:]), way)
    if raw_path.startswith(_ORDERS) and raw_path[len(_ORDERS) :][:1] == b"/":
        rest = raw_path[len(_ORDERS) + 1 :]
        if rest.strip(b"/"):
            return Route(_decoded(rest), Way.ORDERS)
    return None


def _decoded(segment: bytes) -> str:
    """An id as the path carries it, decoded once; bytes that are no UTF-8 make it one that no order has."""
    segment = segment.rstrip(b"/")
    if b"%" in segment:
        segment = unquote_to_bytes(segment)
    return segment.decode("utf-8", "replace")


class OrderEntry:
    """Answers the order-entry routes: the checks of bracket.md section 5 in their order, then the engine."""

    def __init__(self, desk: Desk, gate: Gate, turnstile: Turnstile) -> None:
        self._desk = desk
        self._gate = gate
        self._turnstile = turnstile

    async def reply(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        """The reply to a request on a route. Raises what `request.answer` words."""
        method = scope["method"]
        if method == "DELETE":
            self._turnstile.turn(scope["headers"], Act.CANCEL)
            return await self._cancel(route, scope, receive)
        if method == "POST" and route.path_id is None and route.way is not Way.OLDER:
            self._turnstile.turn(scope["headers"], Act.ORDER)
            return await self._place(route, scope, receive)
        if method == "PUT" and "PUT" in route.methods:
            self._turnstile.turn(scope["headers"], Act.ORDER)
            return await self._modify(route, scope, receive)
        return replies.method_not_allowed(route.methods)

    async def _cancel(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        body = await read_body(scope, receive)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        parameters = read_fields(scope, body, claims, route.path_id)
        outcome = await self._desk.execute(read_cancellation(parameters, claims.client_id))
        if not isinstance(outcome, Cancelled):
            return replies.cancel_reply(outcome)
        single = self._in_regular_words(route, outcome.order_id)
        facts = await self._facts(scope, outcome.order_id, single)
        if single:
            return _with_word(replies.regular_cancelled(outcome.order_id, facts), facts)
        return _with_word(cancelled_with_facts(facts), facts) if facts else replies.cancel_reply(outcome)

    async def _modify(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        body = await read_body(scope, receive)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        parameters = read_fields(scope, body, claims, route.path_id)
        absent = absent_execution(parameters)
        if absent is not None:
            return absent
        outcome = await self._desk.execute(read_modification(parameters, claims.client_id))
        if not isinstance(outcome, Modified):
            return replies.modify_reply(outcome)
        single = self._in_regular_words(route, outcome.order_id)
        facts = await self._facts(scope, outcome.order_id, single)
        if single:
            return _with_word(replies.regular_modified(outcome.order_id, facts), facts)
        return _with_word(modified_with_facts(facts), facts) if facts else replies.modify_reply(outcome)

    async def _place(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        body = await read_body(scope, receive)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        parameters = read_fields(scope, body, claims)
        absent = absent_execution(parameters)
        if absent is not None:
            return absent
        key = read_key(header(scope["headers"], b"idempotency-key"))
        executions = KART_WORDS if route.way is Way.KART else REGULAR_WORDS
        command = read_placement(parameters, claims.client_id, key, executions)
        if not await self._desk.ensure_account(claims.client_id):
            # The client was removed after its token was looked at.
            return replies.UNAUTHORISED
        outcome = await self._desk.execute(command)
        if not isinstance(outcome, Placed):
            return replies.place_reply(outcome)
        facts = await self._facts(scope, outcome.order_id, command.execution.single)
        if command.execution.single:
            return _with_word(replies.regular_placed(outcome.order_id, command, facts), facts)
        return _with_word(placed_with_facts(outcome.basket_id, facts), facts) if facts else replies.place_reply(outcome)

    def _in_regular_words(self, route: Route, order_id: str) -> bool:
        """Whether a success is told as the family tells that of a regular order: on that path, of such an order."""
        order = self._desk.state.orders.get(order_id)
        return route.way is Way.ORDERS and order is not None and order.execution.single

    async def _facts(self, scope: Scope, order_id: str, single: bool) -> dict[str, object]:
        """What the client would have to read otherwise, once it is on disk; nothing where nobody prefers it.

        A `single` order is told without the basket that it alone is.
        """
        if not wants_representation(scope["headers"]):
            return {}
        state = self._desk.state
        basket: dict[str, object] = {} if single else {"basket_id": state.orders[order_id].basket_id}
        facts = basket | facts_of(state, order_id)
        await self._desk.durable()
        return facts


def _with_word(reply: Reply, facts: dict[str, object]) -> Reply:
    """A reply that says so where it has the facts that were preferred (RFC 7240)."""
    return reply._replace(headers=APPLIED) if facts else reply
