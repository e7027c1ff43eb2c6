"""Operations: every route of the server with its fields and its replies, as data.

The document (`document`) and the page (`page`) are made of it. A test asks the server itself: a path or a method that
it has and the table has not, or the other way round, is red.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from bracketd.wire.schema import login as logins
from bracketd.wire.schema import market, reads, replies, requests
from bracketd.wire.schema import sandbox as sandbox_routes

Replies = Mapping[int, tuple[type[Struct], ...]]

_PROBLEM = (replies.Problem,)
_ORDERS: Replies = {
    400: _PROBLEM,
    401: _PROBLEM,
    403: _PROBLEM,
    404: (replies.OrderNotFound, replies.Problem),
    409: _PROBLEM,
    413: _PROBLEM,
    429: _PROBLEM,
}
_READ: Replies = {400: _PROBLEM, 401: _PROBLEM, 403: _PROBLEM, 413: _PROBLEM}
_FAULTS: Replies = {500: _PROBLEM, 503: _PROBLEM}

PREFER = "Prefer"
IDEMPOTENCY_KEY = "Idempotency-Key"


class Operation(NamedTuple):
    """One method of one path. `query` and `body` are its fields; a body of orders may also come as the query."""

    method: str
    path: str
    tag: str
    summary: str
    replies: Replies
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    headers: tuple[str, ...] = ()
    secured: bool = True
    media_type: str = "application/json"
    form_only: bool = False

    @property
    def operation_id(self) -> str:
        """A name of its own for every operation."""
        words = self.path.replace("{", "by ").replace("}", "").replace("/", " ").replace(".", " ").replace("_", " ")
        return "_".join([self.method.lower(), *words.split()])


def _read(path: str, tag: str, summary: str, reply: type[Struct], query: type[Struct]) -> Operation:
    """A GET of state."""
    return Operation("GET", path, tag, summary, {200: (reply,), **_READ, **_FAULTS}, query=query)


def _cancel(path: str, summary: str, *done: type[Struct]) -> Operation:
    """A DELETE of one order."""
    outcomes: Replies = {200: (replies.Cancelled, *done), 202: (replies.Pending,), **_ORDERS, **_FAULTS}
    return Operation(
        "DELETE", path, "orders", summary, outcomes, requests.Cancellation, requests.Cancellation, headers=(PREFER,)
    )


def _place(path: str, summary: str, body: type[Struct], done: type[Struct]) -> Operation:
    """A POST of a new order."""
    refusals = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), _PROBLEM)
    outcomes: Replies = {200: (done,), **refusals, **_FAULTS}
    return Operation("POST", path, "orders", summary, outcomes, body=body, headers=(PREFER, IDEMPOTENCY_KEY))


def _modify(path: str, summary: str, *done: type[Struct]) -> Operation:
    """A PUT of one order."""
    outcomes: Replies = {200: (replies.Modified, *done), 202: (replies.Pending,), **_ORDERS, **_FAULTS}
    return Operation("PUT", path, "orders", summary, outcomes, body=requests.Modification, headers=(PREFER,))


def _convert(method: str) -> Operation:
    outcomes: Replies = {200: (replies.Done,), **_READ, 409: _PROBLEM, **_FAULTS}
    summary = "Convert a position to another product; refused for a bracket's, which is MIS for all of it."
    return Operation(method, "/api/v1/position/convert", "portfolio", summary, outcomes, body=requests.Conversion)


_OPERATIONS = (
    _place("/api/v1/orders/kart", "Place a bracket or a cover order.", requests.Placement, replies.Placed),
    _modify("/api/v1/orders/kart", "Modify an entry, a target or a stop-loss."),
    _place("/api/v1/orders", "Place an order by itself.", requests.RegularPlacement, replies.RegularPlaced),
    _modify("/api/v1/orders", "Modify an order by itself.", replies.RegularModified),
    _modify("/api/v1/orders/{oms_order_id}", "Modify, with the id in the path.", replies.RegularModified),
    _cancel("/api/v1/orders/kart/{oms_order_id}", "Cancel an entry, or close a bracket by one of its exit legs."),
    _cancel("/api/v1/orders/kart", "Cancel, with the id in the body or the query."),
    _cancel(
        "/api/v1/orders/{oms_order_id}", "Cancel, as clients of regular orders ask for it.", replies.RegularCancelled
    ),
    _cancel("/api/v1/orders/bracket/{oms_order_id}", "Cancel, on an older path."),
    _cancel("/api/v1/orders/bracket", "Cancel, on an older path with the id in the body or the query."),
    _cancel("/api/v1/order/bracket/{oms_order_id}", "Cancel, on the oldest path."),
    _cancel("/api/v1/order/bracket", "Cancel, on the oldest path with the id in the body or the query."),
    Operation(
        "DELETE",
        "/api/v1/orders",
        "orders",
        "Cancel every order and close every bracket of the client (the kill switch).",
        {
            200: (replies.KillSwitch,),
            202: (replies.KillSwitch,),
            400: _PROBLEM,
            401: _PROBLEM,
            403: _PROBLEM,
            409: (replies.KillSwitch,),
            413: _PROBLEM,
            429: _PROBLEM,
            **_FAULTS,
        },
        query=requests.Everything,
        body=requests.Everything,
    ),
    _read("/api/v1/orders", "orders", "The order book.", replies.OrderBook, requests.OrderBookQuery),
    _read("/api/v1/trades", "orders", "The trade book.", reads.TradeBook, requests.OfClient),
    Operation(
        "GET",
        "/api/v1/order/{oms_order_id}/history",
        "orders",
        "What became of one order.",
        {200: (reads.History,), **_READ, 404: (replies.OrderNotFound,), **_FAULTS},
        query=requests.OfClient,
    ),
    _read("/api/v1/positions", "portfolio", "Positions, by the day or net.", reads.Positions, requests.PositionsQuery),
    _convert("PUT"),
    _convert("POST"),
    _read("/api/v1/holdings", "portfolio", "Holdings.", reads.Holdings, requests.OfClient),
    _read("/api/v1/funds/view", "account", "The kinds of funds.", reads.FundsKinds, requests.FundsQuery),
    _read("/api/v2/funds/view", "account", "The funds.", reads.Funds, requests.FundsQuery),
    _read("/api/v1/user/profile", "account", "The profile.", reads.Profile, requests.OfClient),
    _read("/api/v1/user/trading_info", "account", "The token's client.", reads.TradingInfo, requests.OfClient),
    Operation(
        "POST",
        "/api/v1/user/logout",
        "account",
        "Make the token that asks good for nothing.",
        {200: (replies.Done,), 401: _PROBLEM, **_FAULTS},
    ),
    Operation(
        "GET",
        "/api/v1/contract/{exchange}",
        "market",
        "One instrument, or all of them.",
        {200: (market.Contract,), **_READ, 404: (market.ContractMissing,), **_FAULTS},
        query=requests.ContractQuery,
    ),
    _read("/api/v1/search", "market", "Instruments that a key fits.", market.Search, requests.SearchQuery),
    Operation(
        "GET",
        "/api/v1/marketdata/{exchange}/{segment}",
        "market",
        "The market of one instrument.",
        {200: (market.MarketData,), **_READ, 404: _PROBLEM, **_FAULTS},
        query=requests.MarketDataQuery,
    ),
    Operation("GET", "/healthz", "server", "Whether the process answers.", {200: (replies.Done,)}, secured=False),
    Operation(
        "GET",
        "/readyz",
        "server",
        "Whether orders can be acknowledged.",
        {200: (replies.Done,), 503: _PROBLEM},
        secured=False,
    ),
    Operation(
        "GET",
        "/metrics",
        "server",
        "Metrics as Prometheus reads them; this machine only, unless it was told otherwise.",
        {200: (), 404: _PROBLEM, **_FAULTS},
        secured=False,
        media_type="text/plain",
    ),
    Operation("GET", "/openapi.json", "server", "This document.", {200: (replies.Document,), **_FAULTS}, secured=False),
    Operation(
        "GET", "/docs", "server", "This document to read.", {200: (), **_FAULTS}, secured=False, media_type="text/html"
    ),
)

_LOCAL: Replies = {400: _PROBLEM, 404: _PROBLEM, 413: _PROBLEM, **_FAULTS}
_CLOCK, _PLAN = "/sandbox/v1/clock", "/sandbox/v1/faults"


def _sandboxed(
    method: str, path: str, summary: str, reply: type[Struct], body: type[Struct] | None = None, more: Replies = _LOCAL
) -> Operation:
    """A route for the server's own machine only."""
    return Operation(method, path, "sandbox", summary, {200: (reply,), **more}, body=body, secured=False)


_SANDBOX = (
    _sandboxed(
        "POST",
        "/sandbox/v1/ticks",
        "Push a print by hand; from the server's own machine only.",
        replies.Done,
        requests.PushedTick,
    ),
    _sandboxed(
        "POST",
        "/sandbox/v1/run",
        "Push a run of prints, each at its moment.",
        sandbox_routes.RunReply,
        sandbox_routes.PushedRun,
        {**_LOCAL, 409: _PROBLEM},
    ),
    _sandboxed("GET", _CLOCK, "What time it is.", sandbox_routes.ClockReply),
    _sandboxed(
        "POST",
        _CLOCK,
        "Move a virtual clock on.",
        sandbox_routes.ClockReply,
        sandbox_routes.ClockMove,
        {**_LOCAL, 409: _PROBLEM},
    ),
    _sandboxed("GET", _PLAN, "What goes wrong at the paper exchange.", sandbox_routes.FaultsReply),
    _sandboxed("POST", _PLAN, "Replace the plan of faults.", sandbox_routes.FaultsReply, sandbox_routes.PlannedFaults),
    _sandboxed("DELETE", _PLAN, "Remove all faults.", sandbox_routes.FaultsReply),
)


_STEP: Replies = {400: _PROBLEM, 401: _PROBLEM, 413: _PROBLEM, 429: (logins.TooMany,), **_FAULTS}
_PAGE: Replies = {200: (), 303: (), 400: (), 413: _PROBLEM, **_FAULTS}


def _step(path: str, summary: str, reply: type[Struct], body: type[Struct]) -> Operation:
    """A step of a login."""
    return Operation("POST", path, "login", summary, {200: (reply,), **_STEP}, body=body, secured=False)


_LOGIN = (
    *(
        _step(f"/api/{version}/user/{name}", summary, reply, body)
        for version in ("v3", "v1")
        for name, summary, reply, body in (
            ("login", "Log in: the password.", logins.PasswordTaken, logins.PasswordStep),
            ("twofa", "Log in: the second factor.", logins.LoggedIn, logins.SecondStep),
            ("validatetotp", "Log in: the authenticator's code.", logins.LoggedIn, logins.TotpStep),
        )
    ),
    Operation(
        "GET",
        "/oauth2/auth",
        "login",
        "The page on which a client lets an application in.",
        _PAGE,
        query=logins.AuthorizationQuery,
        secured=False,
        media_type="text/html",
    ),
    Operation(
        "POST",
        "/oauth2/auth",
        "login",
        "The page's form.",
        {**_PAGE, 403: (), 429: ()},
        query=logins.AuthorizationQuery,
        body=logins.LoginForm,
        secured=False,
        media_type="text/html",
        form_only=True,
    ),
    Operation(
        "POST",
        "/oauth2/token",
        "login",
        "An authorization code for a token.",
        {
            200: (logins.AccessToken,),
            400: (logins.OAuthProblem,),
            401: (logins.OAuthProblem,),
            413: _PROBLEM,
            **_FAULTS,
        },
        body=logins.CodeExchange,
        secured=False,
        form_only=True,
    ),
)


def operations(*, sandbox: bool, login: bool = False) -> tuple[Operation, ...]:
    """Every operation of a server, with or without the sandbox, and the routes by which clients log in."""
    return (*_OPERATIONS, *(_LOGIN if login else ()), *(_SANDBOX if sandbox else ()))
