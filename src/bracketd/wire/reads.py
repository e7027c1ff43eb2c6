"""Reads: what a client may look at. Each asks for a token, renders the state, and waits until all of it is on disk.

A GET takes its fields from the query alone and ignores a body; a JSON document behind the query is ignored as well
(wire.md 1.3, item 7). What a read shows is rendered in one go, by a page of the application or by a connection that
answers by itself (`exchange`); only what is behind the first piece of a large one is made later.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request

from bracketd.auth.gate import Gate
from bracketd.domain.instrument import Instrument
from bracketd.domain.reasons import Reason
from bracketd.domain.session import Segment
from bracketd.engine.identity import find_order
from bracketd.runtime.desk import Desk
from bracketd.wire import replies, words
from bracketd.wire.contracts import MISSING, contract, enveloped, find_contract, found, listed
from bracketd.wire.conversion import read_conversion
from bracketd.wire.funds import KINDS, funds, require_kind, unrealised_paise
from bracketd.wire.head import Head, read_head
from bracketd.wire.order_book import OrderBook
from bracketd.wire.order_history import history_rows
from bracketd.wire.order_rows import wants_terminal
from bracketd.wire.parameters import Parameters
from bracketd.wire.portfolio import holding_rows, position_rows
from bracketd.wire.profile import profile, trading_info
from bracketd.wire.quotes import SEGMENTS, last_paise, quote_or_part
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import REQUEST_BYTES_MAX, fields_of, read_body, read_fields
from bracketd.wire.slices import Slices
from bracketd.wire.trade_book import TradeBook
from bracketd.wire.turnover import Turnover, turnovers
from bracketd.wire.words import FieldError

Page = Callable[[Request], Awaitable[Reply]]

ORDERS = "/api/v1/orders"

NET_BY_TYPE = {"live": False, "historical": True}
"""The words of the positions' `type`: whether they ask for net positions."""


_NO_PARTS: Mapping[str, str] = {}


class Asked(NamedTuple):
    """What is asked: the client that asks, the fields of its query, and the parts of the path that have names."""

    client_id: str
    parameters: Parameters
    path: Mapping[str, str]


MADE = "bracketd.made"
"""Where a connection leaves in the scope what it has rendered for this request, and does not send itself."""

Render = Callable[[Asked], Reply]
"""What is shown; not durable yet, but for what comes behind the reply's body."""


class Read(NamedTuple):
    """A read that a connection may answer by itself: what it is counted as, and its reply."""

    endpoint: str
    reply: Callable[[Head, bytes], Reply]


class Reads:
    """The pages that change nothing."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self._desk = desk
        self._gate = gate
        slices = Slices(desk)
        self._order_book = OrderBook(desk, slices)
        self._trade_book = TradeBook(desk, slices)
        self._named: dict[str, Render] = {
            "/api/v1/trades": self.trade_book,
            "/api/v1/positions": self.positions,
            "/api/v1/holdings": self.holdings,
            "/api/v1/user/profile": self.profile,
            "/api/v1/user/trading_info": self.trading_info,
            "/api/v1/funds/view": self.funds_kinds,
            "/api/v2/funds/view": self.funds,
            "/api/v1/search": self.search,
        }
        self._with_parts: dict[str, Render] = {
            "/api/v1/order/{oms_order_id}/history": self.order_history,
            "/api/v1/contract/{exchange}": self.contract,
            "/api/v1/marketdata/{exchange}/{segment}": self.market_data,
        }

    def routes(self) -> list[tuple[str, list[str], Page]]:
        """Path, methods and page of each; the order book shares its path with the kill switch and is not here."""
        got = [(path, ["GET"], self._page(render)) for path, render in (self._named | self._with_parts).items()]
        return [*got, ("/api/v1/position/convert", ["POST", "PUT"], self.convert_position)]

    def at_once(self) -> dict[bytes, Read]:
        """Those whose whole path is known, the order book among them, by it."""
        known = {ORDERS: self.order_book} | self._named
        return {path.encode("ascii"): Read(f"GET {path}", self._reply(render)) for path, render in known.items()}

    async def book_page(self, request: Request) -> Reply:
        """The order book as a page."""
        return await self._page(self.order_book)(request)

    def order_book(self, asked: Asked) -> Reply:
        """The client's working or finished orders."""
        return self._order_book.whole(asked.client_id, wants_terminal(asked.parameters))

    def trade_book(self, asked: Asked) -> Reply:
        """The client's fills, under both of the keys that the family's documents use."""
        return self._trade_book.whole(asked.client_id)

    def order_history(self, asked: Asked) -> Reply:
        """What became of one order of the client's."""
        state = self._desk.state
        order = find_order(state, asked.client_id, asked.path["oms_order_id"].strip())
        if order is None:
            return replies.ORDER_NOT_FOUND
        ids = self._desk.client_rows.trades.of(asked.client_id)
        trades = (state.trades[trade_id] for trade_id in ids if trade_id in state.trades)
        rows = history_rows(trades, order, self._desk.instruments.get(order.instrument))
        return replies.success("", {"order history": rows})

    def positions(self, asked: Asked) -> Reply:
        """The client's positions, by the day (`type=live`) or net (`type=historical`)."""
        net = NET_BY_TYPE.get(words.text(asked.parameters, "type").lower())
        if net is None:
            raise FieldError("type")
        client_id = asked.client_id
        rows = position_rows(self._turnovers(client_id), self._desk.instruments, self._last_paise, client_id, net=net)
        return replies.success("", rows)

    def holdings(self, asked: Asked) -> Reply:
        """The shares that the client holds."""
        client_id = asked.client_id
        rows = holding_rows(self._turnovers(client_id), self._desk.instruments, self._last_paise, client_id)
        return replies.success("", {"holdings": rows})

    async def convert_position(self, request: Request) -> Reply:
        """PUT and POST: a change of product."""
        scope = request.scope
        body = await read_body(scope, request.receive)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        parameters = read_fields(scope, body, claims)
        command = read_conversion(parameters, self._desk.instruments, claims.client_id)
        if isinstance(command, Reply):
            return command
        if not await self._desk.ensure_account(claims.client_id):
            # The client was removed after its token was looked at.
            return replies.UNAUTHORISED
        return replies.convert_reply(await self._desk.execute(command))

    def profile(self, asked: Asked) -> Reply:
        """Who the client is."""
        return replies.success("", profile(asked.client_id, self._desk.instruments.values()))

    def trading_info(self, asked: Asked) -> Reply:
        """Which client the token stands for, and what it may trade."""
        return replies.success("", trading_info(asked.client_id, self._desk.instruments.values()))

    def funds_kinds(self, asked: Asked) -> Reply:
        """Version 1: which kinds of funds there are."""
        require_kind(asked.parameters)
        return replies.success("", KINDS)

    def funds(self, asked: Asked) -> Reply:
        """Version 2: what the client has, and what of it is bound."""
        require_kind(asked.parameters)
        account = self._desk.account(asked.client_id)
        if account is None:
            # The client was removed after its token was looked at.
            return replies.UNAUTHORISED
        unrealised = unrealised_paise(
            account, self._turnovers(asked.client_id), self._desk.instruments, self._last_paise
        )
        return replies.success("", funds(account, unrealised))

    def contract(self, asked: Asked) -> Reply:
        """One instrument by its exchange and token, or with `info=download` all of them."""
        info = words.text(asked.parameters, "info", default="scrip").lower()
        if info == "download":
            return enveloped(listed(self._desk.instruments.values()))
        if info != "scrip":
            raise FieldError("info")
        token = words.text(asked.parameters, "token")
        instrument = find_contract(self._desk.instruments, asked.path["exchange"], token)
        return MISSING if instrument is None else enveloped(contract(instrument))

    def search(self, asked: Asked) -> Reply:
        """The instruments that a key fits; none is an empty list."""
        key = words.text(asked.parameters, "key")
        return enveloped(found(self._desk.instruments.values(), key))

    def market_data(self, asked: Asked) -> Reply:
        """The market of one instrument, whole or with `key=` one bare value of it."""
        path = asked.path
        if path["segment"].upper() not in SEGMENTS:
            return replies.RESOURCE_NOT_FOUND
        token = words.text(asked.parameters, "token")
        instrument = find_contract(self._desk.instruments, path["exchange"], token)
        # Shares are all that the instrument file holds.
        if instrument is None or SEGMENTS[path["segment"].upper()] is not Segment.CAPITAL:
            return replies.field_invalid("token", Reason.UNKNOWN_INSTRUMENT)
        shown = self._desk.quote(instrument.key)
        return replies.success("", quote_or_part(instrument, shown, asked.parameters))

    def _page(self, render: Render) -> Page:
        """A page that sends what is rendered once all that it shows is on disk."""

        async def page(request: Request) -> Reply:
            scope = request.scope
            reply: Reply | None = scope.get(MADE)
            if reply is None:
                reply = render(self._asked(read_head(scope["headers"]), scope["query_string"], request.path_params))
            await self._desk.durable()
            return reply

        return page

    def _reply(self, render: Render) -> Callable[[Head, bytes], Reply]:
        """What is rendered for a head and a query, which may be sent once all that it shows is on disk."""
        return lambda head, query_string: render(self._asked(head, query_string, _NO_PARTS))

    def _asked(self, head: Head, query_string: bytes, path: Mapping[str, str]) -> Asked:
        """Who asks for what. Raises what `request.answer` words."""
        if len(query_string) > REQUEST_BYTES_MAX:
            raise EarlyReply(replies.TOO_LARGE)
        client_id = self._gate.admit(head.presented(), self._desk.now_ns()).client_id
        return Asked(client_id, fields_of(client_id, query_string, head.content_type, b""), path)

    def _turnovers(self, client_id: str) -> list[Turnover]:
        return list(turnovers(self._desk.state, self._desk.client_rows, client_id, self._desk.now_ns()))

    def _last_paise(self, instrument: Instrument) -> int:
        return last_paise(instrument, self._desk.quote(instrument.key))
