"""Reads: what a client may look at. Each asks for a token, renders the state, and waits until all of it is on disk.

A GET takes its fields from the query alone and ignores a body; a JSON document behind the query is ignored as well
(wire.md 1.3, item 7).
"""

from collections.abc import Awaitable, Callable

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
from bracketd.wire.order_book import OrderBook
from bracketd.wire.order_history import history_rows
from bracketd.wire.order_rows import wants_terminal
from bracketd.wire.parameters import Parameters
from bracketd.wire.portfolio import holding_rows, position_rows
from bracketd.wire.profile import profile, trading_info
from bracketd.wire.quotes import SEGMENTS, last_paise, quote_or_part
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import REQUEST_BYTES_MAX, read_body, read_fields
from bracketd.wire.trade_book import trade_rows
from bracketd.wire.turnover import Turnover, turnovers
from bracketd.wire.words import FieldError

Page = Callable[[Request], Awaitable[Reply]]

NET_BY_TYPE = {"live": False, "historical": True}
"""The words of the positions' `type`: whether they ask for net positions."""


class Reads:
    """The pages that change nothing."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self._desk = desk
        self._gate = gate
        self._order_book = OrderBook(desk)

    def routes(self) -> list[tuple[str, list[str], Page]]:
        """Path, methods and page of each; the order book shares its path with the kill switch and is not here."""
        reads: dict[str, Page] = {
            "/api/v1/trades": self.trade_book,
            "/api/v1/order/{oms_order_id}/history": self.order_history,
            "/api/v1/positions": self.positions,
            "/api/v1/holdings": self.holdings,
            "/api/v1/user/profile": self.profile,
            "/api/v1/user/trading_info": self.trading_info,
            "/api/v1/funds/view": self.funds_kinds,
            "/api/v2/funds/view": self.funds,
            "/api/v1/contract/{exchange}": self.contract,
            "/api/v1/search": self.search,
            "/api/v1/marketdata/{exchange}/{segment}": self.market_data,
        }
        got = [(path, ["GET"], page) for path, page in reads.items()]
        return [*got, ("/api/v1/position/convert", ["POST", "PUT"], self.convert_position)]

    async def order_book(self, request: Request) -> Reply:
        """The client's working or finished orders."""
        client_id, parameters = self._asked(request)
        return await self._shown(self._order_book.whole(client_id, wants_terminal(parameters)))

    async def trade_book(self, request: Request) -> Reply:
        """The client's fills, under both of the keys that the family's documents use."""
        client_id, _ = self._asked(request)
        rows = trade_rows(self._desk.state, self._desk.instruments, client_id)
        return await self._shown(replies.success("", {"trades": rows, "orders": rows}))

    async def order_history(self, request: Request) -> Reply:
        """What became of one order of the client's."""
        client_id, _ = self._asked(request)
        order = find_order(self._desk.state, client_id, request.path_params["oms_order_id"].strip())
        if order is None:
            return await self._shown(replies.ORDER_NOT_FOUND)
        rows = history_rows(self._desk.state, order, self._desk.instruments.get(order.instrument))
        return await self._shown(replies.success("", {"order history": rows}))

    async def positions(self, request: Request) -> Reply:
        """The client's positions, by the day (`type=live`) or net (`type=historical`)."""
        client_id, parameters = self._asked(request)
        net = NET_BY_TYPE.get(words.text(parameters, "type").lower())
        if net is None:
            raise FieldError("type")
        rows = position_rows(self._turnovers(client_id), self._desk.instruments, self._last_paise, client_id, net=net)
        return await self._shown(replies.success("", rows))

    async def holdings(self, request: Request) -> Reply:
        """The shares that the client holds."""
        client_id, _ = self._asked(request)
        rows = holding_rows(self._turnovers(client_id), self._desk.instruments, self._last_paise, client_id)
        return await self._shown(replies.success("", {"holdings": rows}))

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

    async def profile(self, request: Request) -> Reply:
        """Who the client is."""
        client_id, _ = self._asked(request)
        return await self._shown(replies.success("", profile(client_id, self._desk.instruments.values())))

    async def trading_info(self, request: Request) -> Reply:
        """Which client the token stands for, and what it may trade."""
        client_id, _ = self._asked(request)
        return await self._shown(replies.success("", trading_info(client_id, self._desk.instruments.values())))

    async def funds_kinds(self, request: Request) -> Reply:
        """Version 1: which kinds of funds there are."""
        _, parameters = self._asked(request)
        require_kind(parameters)
        return await self._shown(replies.success("", KINDS))

    async def funds(self, request: Request) -> Reply:
        """Version 2: what the client has, and what of it is bound."""
        client_id, parameters = self._asked(request)
        require_kind(parameters)
        account = self._desk.account(client_id)
        if account is None:
            # The client was removed after its token was looked at.
            return replies.UNAUTHORISED
        unrealised = unrealised_paise(account, self._turnovers(client_id), self._desk.instruments, self._last_paise)
        return await self._shown(replies.success("", funds(account, unrealised)))

    async def contract(self, request: Request) -> Reply:
        """One instrument by its exchange and token, or with `info=download` all of them."""
        _, parameters = self._asked(request)
        info = words.text(parameters, "info", default="scrip").lower()
        if info == "download":
            return await self._shown(enveloped(listed(self._desk.instruments.values())))
        if info != "scrip":
            raise FieldError("info")
        token = words.text(parameters, "token")
        instrument = find_contract(self._desk.instruments, request.path_params["exchange"], token)
        return await self._shown(MISSING if instrument is None else enveloped(contract(instrument)))

    async def search(self, request: Request) -> Reply:
        """The instruments that a key fits; none is an empty list."""
        _, parameters = self._asked(request)
        key = words.text(parameters, "key")
        return await self._shown(enveloped(found(self._desk.instruments.values(), key)))

    async def market_data(self, request: Request) -> Reply:
        """The market of one instrument, whole or with `key=` one bare value of it."""
        _, parameters = self._asked(request)
        path = request.path_params
        if path["segment"].upper() not in SEGMENTS:
            return replies.RESOURCE_NOT_FOUND
        token = words.text(parameters, "token")
        instrument = find_contract(self._desk.instruments, path["exchange"], token)
        # Shares are all that the instrument file holds.
        if instrument is None or SEGMENTS[path["segment"].upper()] is not Segment.CAPITAL:
            return replies.field_invalid("token", Reason.UNKNOWN_INSTRUMENT)
        shown = self._desk.quote(instrument.key)
        return await self._shown(replies.success("", quote_or_part(instrument, shown, parameters)))

    def _asked(self, request: Request) -> tuple[str, Parameters]:
        """The client that asks, and the fields of its query. Raises what `request.answer` words."""
        scope = request.scope
        if len(scope["query_string"]) > REQUEST_BYTES_MAX:
            raise EarlyReply(replies.TOO_LARGE)
        claims = self._gate.authenticate(scope["headers"], self._desk.now_ns())
        return claims.client_id, read_fields(scope, b"", claims)

    async def _shown(self, reply: Reply) -> Reply:
        """The reply, once all that it shows is on disk."""
        await self._desk.durable()
        return reply

    def _turnovers(self, client_id: str) -> list[Turnover]:
        return list(turnovers(self._desk.state, client_id, self._desk.now_ns()))

    def _last_paise(self, instrument: Instrument) -> int:
        return last_paise(instrument, self._desk.quote(instrument.key))
