"""Against a server that lies: every outcome is typed, and nothing is cancelled unless the server said so."""

from collections.abc import Callable

import httpx
import pytest
from tests.client.lies import CANCELLED, ROW, Cut, Liar, book, said

from bracketd import client
from bracketd.client import Bracket, BrokerError
from bracketd.client.rows import order_of

REQUEST = httpx.Request("DELETE", "http://liar.invalid")
DEEP = b"[" * 100_000

LIES: list[tuple[str, Callable[[], httpx.Response | Exception], str]] = [
    ("no body", said(200, b""), "Garbled"),
    ("no JSON", said(200, b"cancelled"), "Garbled"),
    ("half of the JSON", said(200, CANCELLED[:-2]), "Garbled"),
    ("a page", said(200, b"<html>Order cancelled successfully</html>"), "Garbled"),
    ("a list", said(200, b"[" + CANCELLED + b"]"), "Garbled"),
    ("a text", said(200, b'"success"'), "Garbled"),
    ("null", said(200, b"null"), "Garbled"),
    ("too deep", said(200, DEEP), "Garbled"),
    ("no UTF-8", said(200, b'{"status":"success\xff"}'), "Garbled"),
    ("no status", said(200, b'{"message":"Order cancelled successfully"}'), "Garbled"),
    ("a status that is true", said(200, b'{"status":true}'), "Garbled"),
    ("another word", said(200, b'{"status":"ok"}'), "Garbled"),
    ("success with an error code", said(200, b'{"status":"success","error_code":45000}'), "Garbled"),
    ("success with a reason", said(200, b'{"status":"success","reason":"TOO_LATE"}'), "Garbled"),
    ("success at 201", said(201, CANCELLED), "Garbled"),
    ("success at 400", said(400, CANCELLED), "Garbled"),
    ("success at 404", said(404, CANCELLED), "Garbled"),
    ("success at 500", said(500, CANCELLED), "Garbled"),
    ("success at 202", said(202, CANCELLED), "Pending"),
    ("pending at 202", said(202, b'{"status":"pending","message":"submitted"}'), "Pending"),
    ("pending at 200", said(200, b'{"status":"pending"}'), "Pending"),
    ("202 and no body", said(202, b""), "Pending"),
    ("failed at 200", said(200, b'{"status":"failed","message":"Order not found"}'), "NotFound"),
    ("failed at 200, too late", said(200, b'{"status":"failed","message":"Order already executed"}'), "TooLate"),
    ("failed at 200, no text", said(200, b'{"status":"failed"}'), "Refused"),
    ("error at 200", said(200, b'{"status":"error","message":"`product` is invalid"}'), "InvalidField"),
    (
        "a backend's error",
        said(200, b'{"status":"error","message":"Error from backend","error_code":45000}'),
        "Refused",
    ),
    ("FAILED in capitals", said(200, b'{"status":"FAILED"}'), "Refused"),
    ("an unknown reason", said(409, b'{"status":"failed","reason":"NEW"}'), "Refused"),
    ("a reason that is a list", said(409, b'{"status":"failed","reason":["TOO_LATE"]}'), "Refused"),
    ("500 and a page", said(500, b"<html>"), "Internal"),
    ("500 and JSON", said(500, b'{"status":"error"}'), "Internal"),
    ("502 and a page", said(502, b"<html>"), "NotServing"),
    ("503", said(503, b""), "NotServing"),
    ("504", said(504, b"upstream"), "NotServing"),
    ("429 for an hour", said(429, b"", **{"retry-after": "3600"}), "RateLimited"),
    ("429 until a date", said(429, b"", **{"retry-after": "Mon, 05 Jan 2026 10:00:00 GMT"}), "RateLimited"),
    ("401 and a page", said(401, b"<html>"), "Unauthorised"),
    ("403", said(403, b'{"status":"error","message":"Request forbidden"}'), "Forbidden"),
    ("404 and a page", said(404, b"<html>not here</html>"), "Garbled"),
    ("a redirect", said(302, b"", location="http://elsewhere.invalid/"), "Garbled"),
    ("304", said(304, b""), "Garbled"),
    ("bad gzip", said(200, b"no gzip", **{"content-encoding": "gzip"}), "ConnectionLost"),
    ("no connection", lambda: httpx.ConnectError("refused", request=REQUEST), "ConnectionLost"),
    ("cut before the reply", lambda: httpx.ReadError("cut", request=REQUEST), "ConnectionLost"),
    ("cut in the reply", lambda: httpx.Response(200, stream=Cut([CANCELLED])), "ConnectionLost"),
    ("slow", lambda: httpx.ReadTimeout("slow", request=REQUEST), "ConnectionLost"),
    ("no HTTP", lambda: httpx.RemoteProtocolError("what", request=REQUEST), "ConnectionLost"),
]

VERBS: list[tuple[str, Callable[[Bracket], object]]] = [
    ("cancel", lambda bracket: bracket.cancel()),
    ("exit", lambda bracket: bracket.exit()),
    ("modify", lambda bracket: bracket.modify(price="450.10")),
    ("kill switch", lambda bracket: bracket._broker.cancel_everything()),
    ("place", lambda bracket: bracket._broker.place_bracket("NSE:3045", "BUY", 1, price=450, target=2, stop=1)),
    ("orders", lambda bracket: bracket._broker.orders()),
    ("funds", lambda bracket: bracket._broker.funds()),
]


@pytest.mark.parametrize("verb", [verb for _, verb in VERBS], ids=[name for name, _ in VERBS])
@pytest.mark.parametrize(("lie", "expected"), [(lie, kind) for _, lie, kind in LIES], ids=[name for name, *_ in LIES])
def test_a_lie_is_typed_and_never_a_success(
    lie: Callable[[], httpx.Response | Exception], expected: str, verb: Callable[[Bracket], object]
) -> None:
    """Whatever a server says but a success, every verb raises the class of it; none returns."""
    liar = Liar(lambda request, number: lie())
    bracket = Bracket(liar.broker(), [order_of(ROW)])
    with pytest.raises(BrokerError) as caught:
        verb(bracket)
    assert type(caught.value) is getattr(client, expected)


@pytest.mark.parametrize(
    "body",
    [
        CANCELLED,
        b'{"data":{"basket_id":"","message":"Order Cancelled Successfully"},"message":"","status":"success"}',
        b'{"status":"SUCCESS"}',
    ],
)
def test_each_success_of_the_family_is_one(body: bytes) -> None:
    """The three forms in which brokers of the family say that an order is cancelled are read as that."""
    liar = Liar(lambda request, number: httpx.Response(200, content=body))
    Bracket(liar.broker(), [order_of(ROW)]).cancel()
    assert len(liar.asked) == 1


@pytest.mark.parametrize("verb", [Bracket.cancel, Bracket.exit])
def test_an_acknowledgement_is_no_cancel(verb: Callable[[Bracket], None]) -> None:
    """The family's "request submitted" is Pending, though it calls itself a success."""
    text = b'{"status":"success","message":"Order cancellation request submitted for OMS Order: 1","data":{}}'
    liar = Liar(lambda request, number: httpx.Response(200, content=text))
    with pytest.raises(client.Pending):
        verb(Bracket(liar.broker(), [order_of(ROW)]))


@pytest.mark.parametrize(
    "rows",
    [
        b'{"status":"success"}',
        b'{"status":"success","data":[]}',
        b'{"status":"success","data":{"orders":{}}}',
        b'{"status":"success","data":{"orders":[1]}}',
        b'{"status":"success","data":{"orders":[{}]}}',
        b'{"status":"success","data":{"orders":[{"oms_order_id":"1"}]}}',
        b'{"status":"success","data":{"orders":[{"oms_order_id":"1","order_status":"X","quantity":1.5,"filled_quantity":0}]}}',
        b'{"status":"success","data":{"orders":[{"oms_order_id":"1","order_status":"X","quantity":NaN,"filled_quantity":0}]}}',
        b'{"status":"success","data":{"orders":[{"oms_order_id":"1","order_status":"X","quantity":1,"filled_quantity":"?"}]}}',
        b'{"status":"success","data":{"orders":[{"oms_order_id":"1","order_status":"X","quantity":1e99,"filled_quantity":0}]}}',
    ],
)
def test_a_book_that_makes_no_sense_is_garbled(rows: bytes) -> None:
    """A book without rows, or with a row that lacks an id, a status or whole quantities, is Garbled as a whole."""
    liar = Liar(lambda request, number: httpx.Response(200, content=rows))
    with pytest.raises(client.Garbled):
        liar.broker().orders()


def test_rows_of_other_brokers_are_read() -> None:
    """Prices as texts, "NA", "--", null and {} for what is empty, SECOND for a leg: all of it is read."""
    odd = ROW | {
        "price": "450.05",
        "average_price": {},
        "exchange_order_id": "NA",
        "rejection_reason": "--",
        "leg_order_indicator": "Second",
        "trigger_price": None,
        "instrument_token": "3045",
    }
    liar = Liar(lambda request, number: book(odd))
    (order,) = liar.broker().orders()
    assert (str(order.price), order.average_price, order.exchange_order_id) == ("450.05", 0, "")
    assert (order.rejection, order.leg, order.trigger, order.token) == ("", "TARGET", 0, "3045")
