"""The turnstile: a client's rate is the first check of all, and only its own."""

from typing import Any

import pytest
from tests.trading_floor import START_NS
from tests.wire.counter import KART, Counter

from bracketd.domain.outcomes import Cancelled, Placed
from bracketd.runtime.rates import Rates
from bracketd.wire import replies

PLACE = {
    "client_id": "A",
    "exchange": "NSE",
    "execution_type": "BO",
    "instrument_token": "3045",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 450,
    "product": "MIS",
    "quantity": 10,
    "square_off_value": 2,
    "stop_loss_value": 1,
    "validity": "DAY",
}
OTHER = (b"x-authorization-token", b"other")
ORDERS = [("POST", KART), ("PUT", KART), ("POST", "/api/v1/orders"), ("PUT", "/api/v1/orders/")]
CANCELS = [("DELETE", f"{KART}/1"), ("DELETE", "/api/v1/orders/1"), ("DELETE", "/api/v1/orders?client_id=A")]


def counter(orders_per_s: int = 1, cancels_per_s: int = 1) -> Counter:
    """A counter at which the rates hold, whatever becomes of the orders."""
    return Counter(Placed("20260106-1", "20260106-2"), rates=Rates(orders_per_s, cancels_per_s))


async def test_one_order_too_many_is_429() -> None:
    """The order beyond the rate is RATE_LIMITED with Retry-After, reaches no engine, and is let in a second later."""
    at = counter()
    assert (await at.call("POST", KART, PLACE)).status == 200
    refused = await at.call("POST", KART, PLACE)
    assert (refused.status, refused.body) == (429, replies.TOO_MANY.body)
    assert refused.json()["reason"] == "RATE_LIMITED"
    assert refused.headers[b"retry-after"] == b"1"
    assert len(at.desk.commands) == 1
    at.desk.clock.move_to(START_NS + 10**9)
    assert (await at.call("POST", KART, PLACE)).status == 200


@pytest.mark.parametrize(("method", "target"), [*ORDERS, *CANCELS])
async def test_the_rate_comes_before_everything_else(method: str, target: str) -> None:
    """On every route that orders or cancels, what would be 400, 403 or 413 is 429 beyond the rate, its body unread."""
    at = counter()
    await at.call(method, target)
    before = len(at.desk.commands)
    bodies: list[Any] = [b"{", {"client_id": "B"}, b" " * 70_000]
    for body in bodies:
        answer = await at.call(method, target, body)
        assert (answer.status, answer.body) == (429, replies.TOO_MANY.body)
        assert at.chunks_read == 0
    assert len(at.desk.commands) == before


async def test_a_stopped_desk_is_told_before_the_rate() -> None:
    """A server that does not serve says so, also to a client that has used up its rate."""
    at = counter()
    await at.call("POST", KART, PLACE)
    at.desk.serving = False
    assert (await at.call("POST", KART, PLACE)).status == 503


async def test_who_may_not_order_may_cancel() -> None:
    """Orders that are too many leave the cancels, and modifications are on the rate of the placements."""
    at = counter(1, 2)
    assert (await at.call("POST", KART, PLACE)).status == 200
    assert (await at.call("PUT", KART, PLACE)).status == 429
    at.desk.outcome = Cancelled("20260106-2")
    assert [(await at.call("DELETE", f"{KART}/1")).status for _ in range(3)] == [200, 200, 429]


async def test_another_client_is_not_held_up() -> None:
    """What one client used up is not missing to the next."""
    at = counter()
    assert [(await at.call("DELETE", f"{KART}/1")).status for _ in range(2)] == [500, 429]
    assert (await at.call("DELETE", f"{KART}/1", b"", OTHER, token=None)).status == 500


async def test_a_bad_token_uses_up_nobodys_rate() -> None:
    """A thousand requests with a wrong token, or with none, are 401, and the client orders as if they had not come."""
    at = counter()
    wrong = (b"x-authorization-token", b"wrong")
    for token in (wrong, None) * 500:
        assert (await at.call("POST", KART, PLACE, token=token)).status == 401
    assert (await at.call("POST", KART, PLACE)).status == 200


async def test_a_token_that_ends_while_the_body_comes_is_refused() -> None:
    """The token pays before the body and is looked at again after it: a logout in between counts."""
    at = counter()
    gate = at.gate
    known = gate.admit

    def once(token: Any, now_ns: int) -> Any:
        claims = known(token, now_ns)
        gate.logout(claims)
        return claims

    gate.admit = once  # type: ignore[method-assign]
    assert (await at.call("POST", KART, PLACE)).status == 401
    assert at.desk.commands == []


async def test_other_methods_and_reads_have_no_rate() -> None:
    """What neither orders nor cancels is not counted."""
    at = counter()
    for _ in range(5):
        assert (await at.call("PATCH", KART)).status == 405
        assert (await at.call("GET", "/api/v1/user/trading_info")).status == 200
    assert (await at.call("POST", KART, PLACE)).status == 200


async def test_without_rates_nobody_is_held_up() -> None:
    """An application without rates takes whatever comes."""
    at = Counter(Placed("20260106-1", "20260106-2"))
    assert {(await at.call("POST", KART, PLACE)).status for _ in range(200)} == {200}
