"""A client of the public wire: each request on a connection of its own, each reply with its bytes."""

import http.client
import itertools
import json
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

TIMEOUT_S = 20.0
CANCELLED = b'{"status":"success","message":"Order cancelled successfully"}'
NOT_FOUND = b'{"status":"failed","message":"Order not found"}'
TOO_LATE = b'{"status":"failed","message":"Order already executed","error_code":45000,"reason":"TOO_LATE","data":{}}'
LEG_NOT_ACTIVE = (
    b'{"status":"failed","message":"Leg is not active","error_code":45000,"reason":"LEG_NOT_ACTIVE","data":{}}'
)
UNAUTHORISED = b'{"status":"error","message":"Request Unauthorised","error_code":40000,"data":{}}'
FORBIDDEN = b'{"status":"error","message":"Request forbidden","error_code":40000,"data":{}}'

_user_order_ids = itertools.count(10_002)

Row = dict[str, Any]


def field_fault(field: str, what: str = "is invalid", reason: str = "") -> bytes:
    """The body of a 400 about one field, as bracket.md section 1 prints it."""
    word = f',"reason":"{reason}"' if reason else ""
    return f'{{"status":"error","message":"`{field}` {what}","error_code":44000{word},"data":{{}}}}'.encode()


class Reply(NamedTuple):
    """Status, headers with names in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded; every reply of this server must be JSON."""
        assert self.headers.get("content-type", "").partition(";")[0] == "application/json", self
        return json.loads(self.body)


class Placed(NamedTuple):
    """A placed bracket: its basket, its entry's id, the exchange's number of it, and the caller's own."""

    basket_id: str
    entry_id: str
    exchange_order_id: str
    user_order_id: str


def bracket_body(client: str, **changes: object) -> dict[str, object]:
    """A bracket as the family's documents place one, resting below the base price; `changes` replace or (None) drop."""
    body: dict[str, object] = {
        "client_id": client,
        "device": "WEB",
        "disclosed_quantity": 0,
        "exchange": "NSE",
        "execution_type": "BO",
        "instrument_token": "3045",
        "is_trailing": False,
        "order_side": "BUY",
        "order_type": "LIMIT",
        "price": 450.0,
        "product": "MIS",
        "quantity": 10,
        "square_off_value": 2,
        "stop_loss_value": 1,
        "trailing_stop_loss": "0",
        "trigger_price": 0,
        "user_order_id": next(_user_order_ids),
        "validity": "DAY",
    }
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


class Caller:
    """One client with its token."""

    def __init__(self, host: str, port: int, client: str, token: str) -> None:
        self.host = host
        self.port = port
        self.client = client
        self.token = token

    @property
    def auth(self) -> dict[str, str]:
        """The header that the family's samples send."""
        return {"x-authorization-token": self.token} if self.token else {}

    def send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request exactly as given, with the token unless `headers` are; an iterable body goes out chunked."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            chunked = body is not None and not isinstance(body, bytes)
            connection.request(method, target, body, self.auth if headers is None else headers, encode_chunked=chunked)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def send_raw(self, request: bytes) -> Reply:
        """Bytes as they are, on a socket; the answer is read to its end. The request should say Connection: close."""
        with socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as stream:
            stream.sendall(request)
            response = http.client.HTTPResponse(stream)
            try:
                response.begin()
                return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
            finally:
                response.close()

    def send_json(self, method: str, target: str, body: object, **headers: str) -> Reply:
        """A JSON body with the token; underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(
            method, target, json.dumps(body).encode(), {"content-type": "application/json"} | self.auth | named
        )

    def get(self, target: str) -> Reply:
        """A GET with the token."""
        return self.send("GET", target)

    def place(self, **changes: object) -> Placed:
        """Place a bracket and find its entry in the order book, where clients of this family must look for it."""
        body = bracket_body(self.client, **changes)
        reply = self.send_json("POST", "/api/v1/orders/kart", body)
        assert reply.status == 200, reply
        basket_id = reply.json["data"]["data"]["basket_id"]
        entry = self.entry(str(body["user_order_id"]))
        return Placed(basket_id, entry["oms_order_id"], entry["exchange_order_id"], str(body["user_order_id"]))

    def book(self, kind: str) -> list[Row]:
        """The rows of the order book, `kind` pending or completed."""
        reply = self.get(f"/api/v1/orders?type={kind}&client_id={self.client}")
        assert reply.status == 200, reply
        orders = reply.json["data"]["orders"]
        assert isinstance(orders, list)
        return orders

    def rows(self) -> list[Row]:
        """Every row of both books."""
        return self.book("pending") + self.book("completed")

    def entry(self, user_order_id: str) -> Row:
        """The entry placed under this number of the caller's own."""
        (row,) = (
            row
            for row in self.rows()
            if row["user_order_id"] == user_order_id and row["leg_order_indicator"] == "ENTRY"
        )
        return row

    def row(self, oms_order_id: str) -> Row:
        """The row of one order; it must be there once, in one of the books."""
        (row,) = (row for row in self.rows() if row["oms_order_id"] == oms_order_id)
        return row

    def legs(self, placed: Placed) -> dict[str, Row]:
        """The bracket's rows by leg."""
        rows = [row for row in self.rows() if row["basket_id"] == placed.basket_id]
        legs = {row["leg_order_indicator"]: row for row in rows}
        assert len(legs) == len(rows), rows
        return legs

    def cancel(self, order_id: str, leg: str | None = "ENTRY", **more: object) -> Reply:
        """Cancel by a JSON body as the seed page has it, without what it could not know."""
        body: dict[str, object] = {"client_id": self.client, "execution_type": "BO", "status": "CONFIRMED"}
        body |= {"oms_order_id": order_id} | ({} if leg is None else {"leg_order_indicator": leg}) | more
        return self.send_json("DELETE", f"/api/v1/orders/kart/{order_id}", body)

    def tick(self, price: float, quantity: int, token: int = 3045, **depth: object) -> None:
        """Push a print through the sandbox; returns when all that it caused is on disk."""
        body = {"exchange": "NSE", "instrument_token": token, "last_price": price, "last_quantity": quantity} | depth
        reply = self.send("POST", "/sandbox/v1/ticks", json.dumps(body).encode(), {"content-type": "application/json"})
        assert reply.status == 200, reply

    def sandbox(self, method: str, route: str, body: object = None) -> Any:
        """What a route of the sandbox answers under `data`; it must succeed."""
        sent = None if body is None else json.dumps(body).encode()
        reply = self.send(method, f"/sandbox/v1/{route}", sent, {"content-type": "application/json"})
        assert (reply.status, reply.json["status"]) == (200, "success"), reply
        return reply.json["data"]

    def advance(self, ms: int) -> None:
        """Move a virtual clock on by so many milliseconds, with all that falls due on the way."""
        self.sandbox("POST", "clock", {"advance_ms": ms})

    def advance_to(self, now_ns: int) -> None:
        """Move a virtual clock to a moment (unix nanoseconds, whole microseconds)."""
        seconds, rest = divmod(now_ns, 10**9)
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)
        self.sandbox("POST", "clock", {"to": moment.isoformat()})

    def faults(self, *rules: dict[str, object]) -> None:
        """Put these rules in the place of all others."""
        self.sandbox("POST", "faults", {"seed": 7, "rules": rules})
