"""Real replies are what the document promises: every status described, every body of the shape, no key besides."""

from typing import Any

import pytest
from tests.trading_floor import SBIN, Floor
from tests.wire.counter import KART, Answer, Counter
from tests.wire.schema.described import DOCUMENT, faults, operation_of

from bracketd.domain.account import Position
from bracketd.domain.outcomes import Cancelled, Outcome, Refused, Unknown
from bracketd.domain.reasons import Reason

PREFER = (b"prefer", b"return=representation")
PLACE: dict[str, Any] = {
    "client_id": "A",
    "exchange": "NSE",
    "execution_type": "BO",
    "instrument_token": "3045",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "price": 450,
    "product": "MIS",
    "quantity": 1,
    "square_off_value": 1,
    "stop_loss_value": 1,
    "trailing_stop_loss": "0.05",
    "user_order_id": 10002,
}
CONVERT = {
    "client_id": "A",
    "exchange": "NSE",
    "instrument_token": 3045,
    "order_side": "SELL",
    "product": "MIS",
    "new_product": "CNC",
    "quantity": 1,
    "validity": "DAY",
}


def busy_floor() -> Floor:
    """A floor on which A has a bracket that is done, one that is open, one that works and one that was cancelled."""
    floor = Floor("A", "B")
    floor.place(price=457.0)
    floor.tick(456.95, 10)
    floor.tick(459.0, 100)
    floor.place(price=457.0)
    floor.tick(456.9, 4)
    floor.cancel(floor.place(price=440.0))
    floor.place(price=441.0, step=0.05)
    return floor


async def conforming(counter: Counter, method: str, target: str, *sent: Any, **how: Any) -> Answer:
    """The reply to a request, once it is known to be one that the document promises."""
    answer = await counter.call(method, target, *sent, **how)
    assert faults(method, target, answer) == [], (method, target, answer.status)
    return answer


READS = {
    "/api/v1/orders?type=pending": 200,
    "/api/v1/orders?type=completed": 200,
    "/api/v1/orders?type=other": 400,
    "/api/v1/trades": 200,
    "/api/v1/positions?type=live": 200,
    "/api/v1/positions?type=historical": 200,
    "/api/v1/positions": 400,
    "/api/v1/holdings": 200,
    "/api/v1/user/profile": 200,
    "/api/v1/user/trading_info": 200,
    "/api/v1/funds/view?type=all": 200,
    "/api/v1/funds/view?type=some": 400,
    "/api/v2/funds/view?type=all": 200,
    "/api/v1/contract/NSE?info=scrip&token=3045": 200,
    "/api/v1/contract/Compact?info=download": 200,
    "/api/v1/contract/NSE?info=scrip&token=1": 404,
    "/api/v1/search?key=sbin": 200,
    "/api/v1/search?key=nothing": 200,
    "/api/v1/search": 400,
    "/api/v1/marketdata/NSE/Capital?token=3045": 200,
    "/api/v1/marketdata/NSE/Capital?token=3045&key=last_trade_price": 200,
    "/api/v1/marketdata/NSE/Capital?token=3045&key=bids": 200,
    "/api/v1/marketdata/NSE/Capital?token=3045&key=exchange": 200,
    "/api/v1/marketdata/NSE/FutOpt?token=3045": 400,
    "/api/v1/marketdata/NSE/Nowhere?token=3045": 404,
    "/healthz": 200,
    "/readyz": 200,
    "/openapi.json": 200,
}


@pytest.mark.parametrize("target", READS)
async def test_reads(target: str) -> None:
    """Every read answers as the document says, with rows and without."""
    floor = busy_floor()
    floor.state.positions[f"A {SBIN} CNC"] = Position(bought=5, bought_value_paise=5 * 45_000)
    for counter in (Counter(floor=floor), Counter(floor=Floor("A"))):
        assert (await conforming(counter, "GET", target)).status == READS[target]


@pytest.mark.parametrize(
    "target", [target for target in READS if operation_of("GET", target)["security"]], ids=lambda target: target
)
async def test_reads_that_are_refused(target: str) -> None:
    """A read without a token, of another client, and too large is refused as the document says."""
    counter = Counter(floor=Floor("A"))
    assert (await conforming(counter, "GET", target, token=None)).status == 401
    sep = "&" if "?" in target else "?"
    assert (await conforming(counter, "GET", f"{target}{sep}client_id=B")).status == 403
    assert (await conforming(counter, "GET", f"{target}{sep}a={'x' * 70_000}")).status == 413


async def test_histories() -> None:
    """The history of every row is described, whatever became of it, and so is that of no order."""
    counter = Counter(floor=busy_floor())
    for order_id in counter.desk.state.orders:
        assert (await conforming(counter, "GET", f"/api/v1/order/{order_id}/history")).status == 200
    assert (await conforming(counter, "GET", "/api/v1/order/1/history")).status == 404


@pytest.mark.parametrize("headers", [(), (PREFER,)])
async def test_the_life_of_an_order(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """Placing, modifying, cancelling and closing answer as described, with and without the representation."""
    floor = busy_floor()
    counter = Counter(floor=floor)
    placed = await conforming(counter, "POST", KART, PLACE, *headers)
    assert placed.status == 200
    entry_id = floor.state.brackets[placed.json()["data"]["data"]["basket_id"]].entry_id
    change = {"client_id": "A", "oms_order_id": entry_id, "price": 449}
    assert (await conforming(counter, "PUT", KART, change, *headers)).status == 200
    for target in (f"{KART}/{entry_id}", f"/api/v1/orders/{entry_id}", f"{KART}?oms_order_id={entry_id}"):
        assert (await conforming(counter, "DELETE", target, b"", *headers)).status == 200
    assert (await conforming(counter, "PUT", KART, change | {"price": 448})).status == 409
    assert (await conforming(counter, "DELETE", "/api/v1/orders?client_id=A")).status == 200


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", KART, PLACE | {"product": "CNC"}, 400),
        ("POST", KART, PLACE | {"price": ""}, 400),
        ("POST", KART, PLACE | {"execution_type": "SPD"}, 404),
        ("POST", KART, PLACE | {"client_id": "B"}, 403),
        ("POST", KART, b" " * 70_000, 413),
        ("PUT", KART, {"oms_order_id": "1"}, 404),
        ("PUT", KART, {}, 400),
        ("DELETE", f"{KART}/1", {}, 404),
        ("DELETE", "/api/v1/orders/bracket", {}, 400),
        ("DELETE", "/api/v1/order/bracket/1", {}, 404),
        ("DELETE", "/api/v1/orders", {}, 400),
        ("PUT", "/api/v1/position/convert", CONVERT, 400),
        ("POST", "/api/v1/position/convert", CONVERT | {"quantity": None}, 400),
        ("POST", "/api/v1/user/logout", {}, 200),
        ("POST", "/sandbox/v1/ticks", {}, 400),
        ("POST", "/sandbox/v1/run", {"prints": []}, 200),
        ("POST", "/sandbox/v1/run", {"prints": [{}]}, 400),
        ("GET", "/sandbox/v1/clock", b"", 200),
        ("POST", "/sandbox/v1/clock", {"advance_ms": 5}, 200),
        ("POST", "/sandbox/v1/clock", {"to": "yesterday"}, 400),
        ("GET", "/sandbox/v1/faults", b"", 200),
        ("POST", "/sandbox/v1/faults", {"rules": [{"on": "cancel", "action": "refuse", "leg": "ENTRY"}]}, 200),
        ("POST", "/sandbox/v1/faults", {"rules": [{}]}, 400),
        ("DELETE", "/sandbox/v1/faults", b"", 200),
        (
            "POST",
            "/sandbox/v1/ticks",
            {"exchange": "NSE", "instrument_token": 3045, "last_price": 456, "last_quantity": 1},
            200,
        ),
    ],
)
async def test_refusals_and_other_replies(method: str, target: str, body: Any, status: int) -> None:
    """What is refused, and what has little to say, is described as well."""
    counter = Counter(floor=busy_floor(), sandbox=True)
    assert (await conforming(counter, method, target, body)).status == status


OUTCOMES: list[tuple[Outcome | BaseException, int]] = [
    (Unknown("20260106-2"), 202),
    *((Refused(reason, "price", "busy"), 0) for reason in Reason),
    (RuntimeError("a fault"), 500),
]


@pytest.mark.parametrize(("outcome", "status"), OUTCOMES, ids=lambda each: str(each))
async def test_every_outcome(outcome: Outcome | BaseException, status: int) -> None:
    """Whatever the engine answers to a cancel, a modification or a placement is described, every reason included."""
    counter = Counter(outcome)
    calls: list[tuple[str, str, Any]] = [("DELETE", f"{KART}/1", b""), ("PUT", KART, {"oms_order_id": "1"})]
    if not isinstance(outcome, Unknown):
        calls.append(("POST", KART, PLACE))
    key_reused = isinstance(outcome, Refused) and outcome.reason is Reason.IDEMPOTENCY_KEY_REUSED
    for method, target, body in calls[2:] if key_reused else calls:
        answer = await conforming(counter, method, target, body)
        assert status in (0, answer.status)


async def test_not_serving() -> None:
    """A desk that has stopped answers 503 on every route but the two for operators, as described."""
    counter = Counter(sandbox=True)
    counter.desk.serving = False
    for path, methods in DOCUMENT["paths"].items():
        if path == "/metrics":
            # Its reply is no JSON; tests/wire/test_metrics.py reads it.
            continue
        for method in methods:
            target = path.replace("{oms_order_id}", "1").replace("{exchange}", "NSE").replace("{segment}", "Capital")
            if path == "/metrics":
                # Whoever watches is told in numbers that it does not serve; tests/wire/test_metrics.py reads them.
                continue
            answer = await conforming(counter, method.upper(), target)
            assert answer.status == (200 if path == "/healthz" else 503)


@pytest.mark.parametrize("outcome", [Cancelled("1"), Refused(Reason.VENUE_REFUSED, text="busy"), Unknown("1")])
async def test_kill_switch(outcome: Outcome) -> None:
    """The kill switch is described in its three outcomes."""
    floor = Floor("A")
    floor.place()
    counter = Counter(floor=floor)

    async def answer(command: object, deadline: float) -> Outcome:
        return outcome

    counter.desk.carry_out = answer  # type: ignore[method-assign, assignment]
    expected = {Cancelled: 200, Refused: 409, Unknown: 202}[type(outcome)]
    assert (await conforming(counter, "DELETE", "/api/v1/orders?client_id=A")).status == expected


def test_faults_are_seen() -> None:
    """The judge of these tests sees a status that is not described, a missing key, another type and a key too many."""
    good = b'{"data":{},"message":"Alive","status":"success"}'

    def judged(status: int, body: bytes) -> int:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        return len(faults("GET", "/healthz", Answer(status, headers, body)))

    assert judged(200, good) == 0
    assert judged(404, good) == 1
    assert judged(200, good.replace(b'"data":{},', b"")) == 1
    assert judged(200, good.replace(b'"Alive"', b"1")) == 1
    assert judged(200, good.replace(b"{", b'{"more":1,', 1)) == 1
