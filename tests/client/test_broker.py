"""The client's manners: what is sent, what is sent again, and what never is."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from tests.client.lies import CANCELLED, ROW, Liar, book, said
from tests.wire.doorstep import LANDING, PASSWORD, PIN, Doorstep

from bracketd.client import (
    AsyncBroker,
    Bracket,
    Broker,
    BrokerError,
    ConnectionLost,
    Internal,
    MarginShort,
    NotFound,
    Pending,
    Price,
    RateLimited,
    StaleReference,
    TooLate,
    Unauthorised,
    Unknown,
)
from bracketd.client.orders import user_order_id
from bracketd.client.rows import order_of
from bracketd.testing import AsyncPaperBroker, PaperBroker, When, acknowledge_after, lose_reply, refuse_cancel

CUT = httpx.ReadError("cut", request=httpx.Request("DELETE", "http://liar.invalid"))
NEVER_SENT = httpx.ConnectError("refused", request=httpx.Request("DELETE", "http://liar.invalid"))
PLACED = b'{"data":{"data":{"basket_id":"20260105-1","message":"basket Order Placed Successfully"}},"status":"success"}'


def standing(liar: Liar, **options: object) -> Bracket:
    """A bracket that was read before the lies began."""
    return Bracket(liar.broker(**options), [order_of(ROW)])


# --- prices


@pytest.mark.parametrize("field", ["price", "trigger", "target", "stop", "trailing"])
@pytest.mark.parametrize("value", [1.0, True, float("nan"), b"1", [1]])
def test_what_is_no_exact_price_is_a_type_error(broker: PaperBroker, field: str, value: object) -> None:
    """A float, a bool and whatever else is no Decimal, int or str is a TypeError, and nothing is sent."""
    wanted: dict[str, object] = {"price": 450, "target": 2, "stop": 1, field: value}
    trader = broker.client("A")
    with pytest.raises(TypeError, match=field):
        trader.place_bracket("SBIN", "BUY", 1, **wanted)  # type: ignore[arg-type]
    assert trader.orders() == []


@pytest.mark.parametrize("value", ["", "x", "NaN", "Infinity", Decimal("-Infinity")])
def test_what_is_no_number_is_a_value_error(broker: PaperBroker, value: Price) -> None:
    """A text that is no finite number is a ValueError, and nothing is sent."""
    trader = broker.client("A")
    with pytest.raises(ValueError, match="price is no price"):
        trader.place_bracket("SBIN", "BUY", 1, price=value, target=2, stop=1)
    assert trader.orders() == []


@pytest.mark.parametrize("quantity", [1.0, "1", True, Decimal(1)])
def test_a_quantity_is_an_int(broker: PaperBroker, quantity: int) -> None:
    """A quantity of any other type is a TypeError."""
    with pytest.raises(TypeError, match="quantity"):
        broker.client("A").place_bracket("SBIN", "BUY", quantity, price=450, target=2, stop=1)


def test_prices_go_out_and_come_back_exact() -> None:
    """A price is written into the request digit by digit, and read from the reply as the Decimal that it is."""
    price = Decimal("100000000000000.05")
    body = json.dumps({"status": "success", "data": {"orders": [ROW | {"price": "@"}]}}).replace('"@"', str(price))
    liar = Liar(lambda request, number: httpx.Response(200, content=body))
    broker = liar.broker()
    with pytest.raises(BrokerError):
        broker.place_bracket("NSE:3045", "BUY", 1, price=price, target="0.10", stop=1)
    assert b'"price":100000000000000.05,' in liar.asked[0].content
    assert b'"square_off_value":0.10,' in liar.asked[0].content
    assert broker.orders()[0].price == price


# --- asking again


@pytest.mark.parametrize("lost", [CUT, NEVER_SENT])
def test_a_cancel_without_a_reply_is_asked_again(lost: Exception) -> None:
    """Twice is once: a cancel whose reply was lost is sent again, alike, and returns at the success."""
    liar = Liar(lambda request, number: lost if number < 4 else httpx.Response(200, content=CANCELLED))
    standing(liar).cancel()
    assert len({(request.url, request.content) for request in liar.asked}) == 1
    assert len(liar.asked) == 4
    assert liar.pauses == [0.1, 0.2, 0.4]


def test_a_cancel_is_given_up_after_its_attempts() -> None:
    """After `attempts` tries the last outcome is raised; it is not known what became of the cancel."""
    liar = Liar(lambda request, number: CUT)
    with pytest.raises(ConnectionLost) as caught:
        standing(liar, attempts=2).cancel()
    assert len(liar.asked) == 2
    assert caught.value.sent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    """What was refused stays refused: the request is sent once."""
    liar = Liar(lambda request, number: httpx.Response(status, json={"status": "failed", "message": "no"}))
    with pytest.raises(BrokerError):
        standing(liar).cancel()
    assert len(liar.asked) == 1


def test_pending_is_told_at_once() -> None:
    """A 202 is raised without asking again: the caller decides how long to wait."""
    liar = Liar(lambda request, number: httpx.Response(202, json={"status": "pending", "message": "submitted"}))
    with pytest.raises(Pending):
        standing(liar).cancel()
    assert len(liar.asked) == 1


def test_too_many_requests_wait_as_they_are_told() -> None:
    """A 429 is sent again after its Retry-After, whatever was asked: it was not looked at."""
    busy = said(429, b"", **{"retry-after": "3"})
    liar = Liar(lambda request, number: busy() if number == 1 else httpx.Response(200, content=b'{"status":"success"}'))
    standing(liar).modify(price="450.10")
    assert liar.pauses[:1] == [3.0]


def test_a_long_wait_is_the_caller_s() -> None:
    """A Retry-After beyond five seconds is raised at once as RateLimited, with the seconds."""
    liar = Liar(lambda request, number: said(429, b"", **{"retry-after": "60"})())
    with pytest.raises(RateLimited) as caught:
        standing(liar).cancel()
    assert (caught.value.retry_after_s, len(liar.asked), liar.pauses) == (60.0, 1, [])


@pytest.mark.parametrize("outcome", [CUT, 500, 503])
def test_a_modification_is_never_sent_twice(outcome: Exception | int) -> None:
    """A modification that may have been carried out is not sent again; what never left is."""
    liar = Liar(lambda request, number: outcome if isinstance(outcome, Exception) else httpx.Response(outcome))
    with pytest.raises(Unknown):
        standing(liar).modify(price="450.10")
    assert len(liar.asked) == 1
    liar = Liar(lambda request, number: NEVER_SENT)
    with pytest.raises(ConnectionLost):
        standing(liar).modify(price="450.10")
    assert len(liar.asked) == 4


def test_a_placing_is_asked_again_under_one_key(broker: PaperBroker) -> None:
    """A placing whose replies are lost is one bracket, because every try carries the same Idempotency-Key."""
    broker.script(lose_reply(When.PLACE, times=3))
    trader = broker.client("A")
    bracket = trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    assert [order.order_id for order in trader.orders()] == [bracket.order_id]
    assert broker.log == []


def test_every_placing_has_a_key_and_no_two_the_same() -> None:
    """Without a key of the caller's a fresh one is sent, and each placing's `user_order_id` follows from its key."""
    liar = Liar(lambda request, number: httpx.Response(400, json={"status": "error"}))
    broker = liar.broker()
    for key in (None, None, "mine", "mine"):
        with pytest.raises(BrokerError):
            broker.place_bracket("NSE:3045", "BUY", 1, price=450, target=2, stop=1, key=key)
    keys = [request.headers["idempotency-key"] for request in liar.asked]
    numbers = [json.loads(request.content)["user_order_id"] for request in liar.asked]
    assert keys[2:] == ["mine", "mine"]
    assert len(set(keys)) == len(set(numbers)) == 3
    assert numbers[2] == numbers[3]


@pytest.mark.parametrize("key", ["", "x" * 129, "é", "a\nb"])
def test_a_key_is_printable(broker: PaperBroker, key: str) -> None:
    """A key that the server would refuse, or that would break the header, is a ValueError."""
    with pytest.raises(ValueError, match="key"):
        broker.client("A").place_bracket("SBIN", "BUY", 1, price=450, target=2, stop=1, key=key)


def test_without_keys_a_lost_placing_is_looked_for_and_never_sent_twice() -> None:
    """With `idempotent=False` a placing without a reply is found in the book by its number, or is Unknown."""
    number = user_order_id("mine")
    for sent in (number, 10002):

        def says(request: httpx.Request, asked: int, sent: int = sent) -> httpx.Response | Exception:
            return CUT if request.method == "POST" else book(ROW | {"user_order_id": str(sent)})

        liar = Liar(says)
        broker = liar.broker(idempotent=False)
        if sent == number:
            placed = broker.place_bracket("NSE:3045", "BUY", 10, price=450, target=2, stop=1, key="mine")
            assert placed.order_id == "20260105-2"
        else:
            with pytest.raises(ConnectionLost):
                broker.place_bracket("NSE:3045", "BUY", 10, price=450, target=2, stop=1, key="mine")
        assert [request.method for request in liar.asked].count("POST") == 1


def test_a_bracket_that_was_placed_and_cannot_be_read_is_unknown() -> None:
    """A success whose order book cannot be read is Unknown and names the key, never a refusal."""
    liar = Liar(
        lambda request, number: (
            httpx.Response(200, content=PLACED) if request.method == "POST" else httpx.Response(403, json={})
        )
    )
    with pytest.raises(Unknown, match="its key is mine"):
        liar.broker().place_bracket("NSE:3045", "BUY", 10, price=450, target=2, stop=1, key="mine")


# --- what is asked


def test_a_cancel_is_the_family_s() -> None:
    """A cancel is the family's six fields, in body and query alike; the token stands in both of its places."""
    liar = Liar(lambda request, number: httpx.Response(200, content=CANCELLED))
    standing(liar).cancel()
    standing(liar).exit()
    request = liar.asked[0]
    assert (request.method, request.url.path) == ("DELETE", "/api/v1/orders/kart/20260105-2")
    assert json.loads(request.content) == {
        "client_id": "A",
        "execution_type": "BO",
        "exchange_order_id": "1100000000006951",
        "leg_order_indicator": "ENTRY",
        "oms_order_id": "20260105-2",
        "status": "CONFIRMED",
    }
    assert dict(request.url.params) == json.loads(request.content)
    assert request.headers["x-authorization-token"] == "t"
    assert request.headers["authorization"] == "Bearer t"
    assert json.loads(liar.asked[1].content)["leg_order_indicator"] == "STOPLOSS"


def test_an_id_from_a_server_cannot_change_the_path() -> None:
    """An id with slashes and dots in it stays one segment of the path."""
    liar = Liar(lambda request, number: httpx.Response(200, content=CANCELLED))
    Bracket(liar.broker(), [order_of(ROW | {"oms_order_id": "../../x?y=1"})]).cancel()
    assert liar.asked[0].url.raw_path.startswith(b"/api/v1/orders/kart/..%2F..%2Fx%3Fy%3D1?client_id=A&")


def test_no_redirect_is_followed_and_no_token_is_shown() -> None:
    """A redirect is Garbled and its target never asked; neither the broker nor its errors show the token."""
    liar = Liar(lambda request, number: httpx.Response(307, headers={"location": "http://elsewhere.invalid"}))
    broker = liar.broker()
    with pytest.raises(BrokerError) as caught:
        broker.orders()
    assert {request.url.host for request in liar.asked} == {"liar.invalid"}
    assert "t" not in repr(broker).removeprefix("<Broker of")
    assert "authorization" not in str(caught.value)


# --- brackets


def test_a_bracket_lives_and_dies(broker: PaperBroker) -> None:
    """Placed, filled, moved, closed: each reading shows the rows as they are."""
    trader = broker.client("A")
    bracket = trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    assert (bracket.target, bracket.stop, bracket.open_quantity, bracket.closed) == (None, None, 0, False)
    with pytest.raises(ValueError, match="no TARGET yet"):
        bracket.modify_target(460)
    broker.tick("SBIN", "456.95", quantity=10)
    bracket.refresh()
    assert bracket.open_quantity == 10
    assert not bracket.unprotected
    with pytest.raises(TooLate):
        bracket.cancel()
    bracket.modify_stop(trigger="456.00")
    bracket.modify_target("460.00")
    stop, target = bracket.stop, bracket.target
    assert stop is not None
    assert target is not None
    assert (stop.trigger, target.price) == (Decimal(456), Decimal(460))
    broker.tick("SBIN", "460.00", quantity=10)
    assert bracket.refresh().closed
    assert (broker.position("A"), broker.peak("A")) == (0, 10)
    assert trader.brackets()[0].closed


def test_a_change_is_guarded_against_a_lost_update(broker: PaperBroker) -> None:
    """Of two that read the same order and change it, the second is StaleReference until it has read again."""
    trader = broker.client("A")
    first = trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    second = trader.bracket(first.order_id)
    first.modify(price="450.50")
    with pytest.raises(StaleReference):
        second.modify(quantity=20)
    second.refresh().modify(quantity=20)
    assert (second.entry.price, second.entry.quantity) == (Decimal("450.5"), 20)
    first.refresh().modify(target=3, stop=2, trailing=1)
    assert str(first.entry.raw["square_off_value"]) == "3"


@pytest.mark.parametrize("wanted", [{}, {"price": 0}, {"quantity": -1}])
def test_no_change_is_a_value_error(broker: PaperBroker, wanted: dict[str, int]) -> None:
    """A change of nothing, or to 0, which the family reads as "unchanged", is a ValueError."""
    bracket = broker.client("A").place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    with pytest.raises(ValueError, match=r"nothing to modify|no change"):
        bracket.modify(**wanted)


@pytest.mark.parametrize(
    ("given", "order_type"),
    [
        ({"price": 450}, "LIMIT"),
        ({}, "MARKET"),
        ({"trigger": 460}, "SLM"),
        ({"price": 461, "trigger": 460}, "SL"),
    ],
)
def test_the_prices_make_the_order_type(broker: PaperBroker, given: dict[str, Price], order_type: str) -> None:
    """A price makes a LIMIT, a trigger an SL-M, both an SL, none a MARKET."""
    bracket = broker.client("A").place_bracket("SBIN", "BUY", 1, target=2, stop=1, **given)  # type: ignore[arg-type]
    assert bracket.entry.order_type == order_type


def test_reasons_of_a_placing_are_raised(broker: PaperBroker) -> None:
    """What the server refuses with a reason is raised as that reason's class, and no order is made."""
    trader = broker.client("A")
    trader.place_bracket("SBIN", "BUY", 99_999, price=450, target=2, stop=1)
    with pytest.raises(MarginShort):
        trader.place_bracket("SBIN", "BUY", 99_999, price=450, target=2, stop=1)
    assert len(trader.orders()) == 1
    with pytest.raises(NotFound):
        trader.bracket("20260105-77")


def test_a_cancel_before_the_acknowledgement_has_no_exchange_number(broker: PaperBroker) -> None:
    """An order that the exchange has not acknowledged is cancelled without a number, as soon as it may be."""
    broker.script(acknowledge_after(300))
    bracket = broker.client("A").place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    assert bracket.entry.exchange_order_id == ""
    bracket.cancel()
    assert bracket.refresh().entry.status == "CANCELLED"


def test_the_kill_switch_tells_of_each_order(broker: PaperBroker) -> None:
    """What the kill switch could not do is raised with the results of all."""
    trader = broker.client("A")
    for _ in range(3):
        trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    broker.script(refuse_cancel("not today"))
    with pytest.raises(BrokerError) as caught:
        trader.cancel_everything()
    assert (caught.value.reason, len(caught.value.results)) == ("VENUE_REFUSED", 3)
    results = trader.cancel_everything()
    assert {result.status for result in results} == {"CANCELLED"}


def test_expired_tokens_are_unauthorised(broker: PaperBroker) -> None:
    """After the tokens have expired every verb is Unauthorised, and changes nothing."""
    trader = broker.client("A")
    bracket = trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    broker.expire_tokens()
    for verb in (bracket.cancel, bracket.exit, bracket.refresh, trader.orders, trader.cancel_everything):
        with pytest.raises(Unauthorised):
            verb()
    assert broker.client("A").bracket(bracket.order_id).entry.status == "CONFIRMED"


# --- login, asyncio, sockets


async def test_a_login_gives_a_broker(tmp_path: object) -> None:
    """A password and a PIN, or an authenticator's code, give a token that works; a wrong one is Unauthorised."""
    doorstep = Doorstep(tmp_path)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(doorstep.counter.app)
    try:
        with pytest.raises(Unauthorised, match="Login id, password or second factor is wrong"):
            await AsyncBroker.login(LANDING, "A", PASSWORD, pin="0000", transport=transport)
        for factor in ({"pin": PIN}, {"totp": doorstep.code}):
            logged_in = await AsyncBroker.login(LANDING, "A", PASSWORD, transport=transport, **factor)
            assert doorstep.gate.admit(logged_in._token, doorstep.now_ns).client_id == "A"
        with pytest.raises(ValueError, match="either"):
            await AsyncBroker.login(LANDING, "A", PASSWORD, transport=transport)
    finally:
        doorstep.close()


async def test_with_asyncio_it_is_the_same(async_broker: AsyncPaperBroker) -> None:
    """The client with asyncio places, reads, changes, exits and tells of updates as the blocking one does."""
    trader = async_broker.client("A")
    bracket = await trader.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    await async_broker.tick("SBIN", "456.95", quantity=4)
    assert (await bracket.refresh()).open_quantity == 4
    await bracket.cancel()
    await bracket.exit()
    await async_broker.tick("SBIN", "456.95", quantity=10)
    assert (await bracket.refresh()).closed
    assert [trade.quantity for trade in await trader.trades()] == [4, 4]
    assert len([update async for update in trader.updates(quiet_s=0)]) == 5


async def test_a_slow_reply_is_given_up_with_asyncio() -> None:
    """A reply that does not come in `timeout_s` seconds is ConnectionLost, and a cancel of it not a success."""

    class Never(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    broker = AsyncBroker("http://liar.invalid", "t", "A", transport=Never(), timeout_s=0.01, attempts=1)
    with pytest.raises(ConnectionLost, match="no reply in time"):
        await broker.orders()


def test_a_dripping_reply_is_given_up() -> None:
    """A reply that comes byte by byte for longer than `timeout_s` is ConnectionLost."""

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b" "

    liar = Liar(lambda request, number: httpx.Response(200, stream=Drip()))
    with pytest.raises(ConnectionLost, match="does not end"):
        liar.broker(timeout_s=0.05, attempts=1).orders()


def test_nobody_there_is_connection_lost() -> None:
    """A port where nobody listens is ConnectionLost, and nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Broker(f"http://127.0.0.1:{port}", "t", "A", attempts=1) as broker, pytest.raises(ConnectionLost) as caught:
        broker.orders()
    assert not caught.value.sent


def test_a_real_cut_is_connection_lost() -> None:
    """A server that takes the request and hangs up in the middle of its reply is ConnectionLost, on a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + CANCELLED)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with Broker(f"http://127.0.0.1:{listener.getsockname()[1]}", "t", "A", attempts=1) as broker:
            bracket = Bracket(broker, [order_of(ROW)])
            with pytest.raises(ConnectionLost) as caught:
                bracket.cancel()
        thread.join()
    assert caught.value.sent


def test_internal_errors_are_asked_again_where_twice_is_once() -> None:
    """A fault of the server's is asked again for a read, and raised as Internal when it stays."""
    liar = Liar(lambda request, number: httpx.Response(500, json={"status": "error", "reason": "INTERNAL"}))
    with pytest.raises(Internal):
        liar.broker(attempts=3).orders()
    assert len(liar.asked) == 3
