"""A server that lies, cuts and drags: replies to anything, as an httpx transport."""

from collections.abc import Callable, Iterable, Iterator

import httpx

from bracketd.client import Broker

CANCELLED = b'{"status":"success","message":"Order cancelled successfully"}'
ROW = {
    "oms_order_id": "20260105-2",
    "basket_id": "20260105-1",
    "parent_order_id": "",
    "leg_order_indicator": "ENTRY",
    "order_status": "CONFIRMED",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "quantity": 10,
    "filled_quantity": 0,
    "remaining_quantity": 10,
    "price": 450.05,
    "exchange": "NSE",
    "instrument_token": 3045,
    "last_activity_reference": 1325938440097498600,
    "exchange_order_id": "1100000000006951",
}

Said = httpx.Response | Exception


class Liar(httpx.BaseTransport):
    """Answers each request with what `says` makes of it, and keeps what was asked."""

    def __init__(self, says: Callable[[httpx.Request, int], Said]) -> None:
        self.asked: list[httpx.Request] = []
        self._says = says

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, and one lie."""
        request.read()
        self.asked.append(request)
        said = self._says(request, len(self.asked))
        if isinstance(said, Exception):
            raise said
        return said

    def broker(self, **options: object) -> Broker:
        """A client that believes it; pauses take no time."""
        self.pauses: list[float] = []
        settings: dict[str, object] = {"transport": self, "sleep": self.pauses.append} | options
        return Broker("http://liar.invalid", "t", "A", **settings)  # type: ignore[arg-type]


class Cut(httpx.SyncByteStream):
    """A body whose connection is cut after some of it."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        raise httpx.ReadError("cut")


def said(status: int, body: bytes, **headers: str) -> Callable[[], httpx.Response]:
    """A reply, made anew each time."""
    return lambda: httpx.Response(status, content=body, headers=headers)


def book(*rows: dict[str, object]) -> httpx.Response:
    """An order book."""
    return httpx.Response(200, json={"status": "success", "message": "", "data": {"orders": list(rows)}})
