"""The dialogue: what is said to a broker for each verb, and what its replies come to. No I/O here.

Twice is once: reads, cancels, exits and the kill switch are asked again when a reply is lost. A placing is asked again
under its Idempotency-Key. A modification is not, since its own first copy would make its reference stale.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote

from bracketd.client.errors import (
    BrokerError,
    ConnectionLost,
    Garbled,
    NotFound,
    Pending,
    Unknown,
    UnknownInstrument,
)
from bracketd.client.orders import BracketOrder, Instrument, cancel_body, modify_body, user_order_id
from bracketd.client.replies import as_mapping, as_rows, judge_result
from bracketd.client.rows import (
    Funds,
    Moment,
    Order,
    Position,
    Result,
    Trade,
    funds_of,
    moment_of,
    order_of,
    position_of,
    result_of,
    trade_of,
)
from bracketd.client.talk import Again, Call, NoAnswer, Talk, ask

T = TypeVar("T")

KART = "/api/v1/orders/kart"
ORDERS = "/api/v1/orders"
PENDING, COMPLETED = "pending", "completed"
BOOK_READS = 3


class Dialogue:
    """One client's dialogue with one broker.

    `attempts` bounds how often anything is asked. `idempotent` says whether the broker keeps Idempotency-Keys, as
    bracketd does; where it does not, a placing without a reply is looked for in the order book and never sent twice.
    """

    def __init__(self, client_id: str, attempts: int, idempotent: bool) -> None:
        if attempts < 1:
            raise ValueError("attempts is at least 1")
        self.client_id = client_id
        self._attempts = attempts
        self._idempotent = idempotent
        self._instruments: dict[str, Instrument] = {}

    # --- what stands

    def orders(self, kinds: Iterable[str] = (PENDING, COMPLETED)) -> Talk[list[Order]]:
        """The order book. What works is read before what is over, so that a row that ends meanwhile is not missed."""
        found: dict[str, Order] = {}
        for kind in kinds:
            body = yield from self._read(ORDERS, type=kind)
            rows = as_mapping(body.get("data"), "data of the order book").get("orders")
            for order in map(order_of, as_rows(rows, "the order book")):
                known = found.get(order.order_id)
                if known is None or known.reference <= order.reference:
                    found[order.order_id] = order
        return list(found.values())

    def trades(self) -> Talk[list[Trade]]:
        """Every fill of the day."""
        body = yield from self._read("/api/v1/trades")
        data = as_mapping(body.get("data"), "data of the trade book")
        return [trade_of(row) for row in as_rows(data.get("trades", data.get("orders")), "the trade book")]

    def positions(self) -> Talk[list[Position]]:
        """The positions of the day."""
        body = yield from self._read("/api/v1/positions", type="live")
        data = body.get("data")
        return [position_of(row) for row in as_rows(data.get("positions") if isinstance(data, dict) else data, "data")]

    def funds(self) -> Talk[Funds]:
        """The purse."""
        body = yield from self._read("/api/v2/funds/view", type="all")
        return funds_of(as_rows(as_mapping(body.get("data"), "data of the funds").get("values"), "values"))

    def history(self, order_id: str) -> Talk[list[Moment]]:
        """What became of one order, oldest first. Raises NotFound."""
        body = yield from self._read(f"/api/v1/order/{quote(order_id, safe='')}/history")
        data = as_mapping(body.get("data"), "data of a history")
        return [moment_of(row) for row in as_rows(data.get("order history", data.get("order_history")), "a history")]

    def whose(self) -> Talk[str]:
        """The client that the token stands for."""
        body = yield from ask(Call("GET", "/api/v1/user/trading_info"), Again.SAFE, self._attempts)
        client_id = as_mapping(body.get("data"), "data of a profile").get("client_id")
        if not isinstance(client_id, str) or not client_id:
            raise Garbled("a profile without a client_id", status=200)
        return client_id

    def find(self, name: str) -> Talk[Instrument]:
        """An instrument by "NSE:3045", or by its symbol. Raises UnknownInstrument."""
        exchange, colon, token = name.partition(":")
        if colon and exchange and token.isascii() and token.isdigit():
            return Instrument(exchange.upper(), token)
        if name not in self._instruments:
            self._instruments[name] = yield from self._search(name)
        return self._instruments[name]

    def bracket(self, order_id: str) -> Talk[list[Order]]:
        """The rows of the bracket that an id (a row's or the basket's) belongs to, entry first. Raises NotFound."""
        rows: list[Order] = []
        for _ in range(BOOK_READS):
            rows = rows_of(order_id, (yield from self.orders()))
            # Legs are made between two reads as well: an entry that has filled has legs.
            if len(rows) > 1 or not rows or not rows[0].filled:
                break
        if not rows:
            raise NotFound("Order not found")
        return rows

    def brackets(self) -> Talk[list[list[Order]]]:
        """The rows of each bracket in the book."""
        orders = yield from self.orders()
        entries = [order for order in orders if order.leg == "ENTRY"]
        return [rows_of(entry.order_id, orders) for entry in entries]

    # --- what is to be done

    def place(self, name: str, wanted: BracketOrder, key: str) -> Talk[list[Order]]:
        """Place a bracket under a key; returns its rows."""
        if not key or len(key) > 128 or not (key.isascii() and key.isprintable()):
            raise ValueError("a key is 1 to 128 printable characters of ASCII")
        instrument = yield from self.find(name)
        call = Call("POST", KART, body=wanted.body(self.client_id, instrument, key), headers={"idempotency-key": key})
        try:
            body = yield from ask(call, Again.SAFE if self._idempotent else Again.UNSENT, self._attempts)
        except Unknown as unknown:
            if self._idempotent or not getattr(unknown, "sent", True):
                raise
            return (yield from self._placed(lambda row: row.user_order_id == str(user_order_id(key)), unknown))
        data = as_mapping(body.get("data"), "data of a placement")
        basket_id = as_mapping(data.get("data", data), "data of a placement").get("basket_id")
        return (
            yield from self._placed(
                lambda row: (
                    (bool(basket_id) and row.basket_id == basket_id) or row.user_order_id == str(user_order_id(key))
                ),
                Unknown(f"placed as basket {basket_id}, which the order book does not show; its key is {key}"),
            )
        )

    def cancel(self, order: Order, leg: str) -> Talk[None]:
        """Cancel; returns only when the broker said success."""
        fields = cancel_body(self.client_id, order, leg)
        # In body and query: some proxies drop the body of a DELETE, and without its leg an exit would be a cancel.
        call = Call("DELETE", f"{KART}/{quote(order.order_id, safe='')}", query=fields, body=fields)
        body = yield from ask(call, Again.SAFE, self._attempts)
        message = str(body.get("message") or "")
        if "submitted" in message.lower():
            # The family's acknowledgement for other orders: taken, which is not done (wire.md 1.7).
            raise Pending(message, status=200)

    def cancel_everything(self) -> Talk[list[Result]]:
        """The kill switch; returns when everything is cancelled or closing."""
        call = Call("DELETE", ORDERS, query={"client_id": self.client_id})
        body = yield from ask(call, Again.SAFE, self._attempts)
        results = as_mapping(body.get("data"), "data of the kill switch").get("results")
        if not isinstance(results, list):
            raise Garbled("a kill switch without results", status=200)
        return [result_of(row) for row in results]

    def modify(self, order: Order, changes: Mapping[str, Decimal | int | None], guarded: bool) -> Talk[None]:
        """Modify one order; None is no change. Raises ValueError where nothing changes."""
        told = {name: value for name, value in changes.items() if value is not None}
        if not told:
            raise ValueError("nothing to modify")
        for name, value in told.items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: 0 would be no change to the broker")
        body = modify_body(self.client_id, order, told, guarded and order.reference > 0)
        yield from ask(Call("PUT", KART, body=body), Again.UNSENT, self._attempts)

    def logout(self) -> Talk[None]:
        """End the token."""
        yield from ask(Call("POST", "/api/v1/user/logout"), Again.UNSENT, self._attempts)

    # --- inside

    def _read(self, path: str, **query: str) -> Talk[dict[str, object]]:
        return ask(Call("GET", path, {**query, "client_id": self.client_id}), Again.SAFE, self._attempts)

    def _search(self, symbol: str) -> Talk[Instrument]:
        heard = None
        for _ in range(self._attempts):
            heard = yield Call("GET", "/api/v1/search", {"key": symbol})
            if not isinstance(heard, NoAnswer):
                break
        if heard is None or isinstance(heard, NoAnswer):
            raise ConnectionLost(heard.why if heard else "no reply", sent=heard is not None and heard.sent)
        found = judge_result(heard.status, heard.headers, heard.body)
        for row in as_rows(found or [], "the result of a search"):
            names = {str(row.get("symbol")).upper(), str(row.get("trading_symbol")).upper()}
            if symbol.upper() in names and row.get("token") and row.get("exchange"):
                return Instrument(str(row["exchange"]), str(row["token"]), str(row.get("trading_symbol") or ""))
        raise UnknownInstrument(f"no instrument is called {symbol}", field="instrument_token")

    def _placed(self, ours: Callable[[Order], bool], otherwise: BrokerError) -> Talk[list[Order]]:
        """The rows of a bracket that was placed; raises `otherwise` where the book does not show it."""
        try:
            orders = yield from self.orders()
        except BrokerError as fault:
            raise otherwise from fault
        for order in orders:
            if order.leg in ("ENTRY", "") and ours(order):
                return rows_of(order.order_id, orders)
        raise otherwise


def rows_of(order_id: str, orders: Iterable[Order]) -> list[Order]:
    """The rows of one bracket, entry first: those of one basket, or those whose parent the entry is."""
    book = list(orders)
    named = next((row for row in book if order_id in (row.order_id, row.basket_id)), None)
    if named is None:
        return []
    basket_id = named.basket_id
    root = named.parent_id or named.order_id
    rows = [row for row in book if row is named or _belongs(row, basket_id, root)]
    return sorted(rows, key=lambda row: row.leg != "ENTRY")


def _belongs(row: Order, basket_id: str, root: str) -> bool:
    if basket_id and row.basket_id:
        return row.basket_id == basket_id
    return root in (row.order_id, row.parent_id)
