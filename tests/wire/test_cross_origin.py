"""Cross-origin calls: a page of a named origin may call as the seed page's example does, a page of another may not."""

from typing import Any

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, TOKEN, Answer, Counter

from bracketd.wire import replies
from bracketd.wire.cross_origin import PREFLIGHT_PASSED

DESK = "https://desk.example"
ORIGIN = (b"origin", DESK.encode())
STRANGER = (b"origin", b"https://elsewhere.example")
WANTED = "authorization,content-type,x-authorization-token,x-device-type"


def preflight(method: str = "DELETE", origin: tuple[bytes, bytes] = ORIGIN) -> tuple[tuple[bytes, bytes], ...]:
    """The headers with which a browser asks before the page's own request."""
    return (
        origin,
        (b"access-control-request-method", method.encode()),
        (b"access-control-request-headers", WANTED.encode()),
    )


def cors(answer: Answer) -> dict[str, str]:
    """The reply's headers that tell a browser what it may do."""
    return {
        name.decode(): value.decode()
        for name, value in answer.headers.items()
        if name.startswith(b"access-control-") or name == b"vary"
    }


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST", "GET"])
@pytest.mark.parametrize("target", [f"{KART}/1", "/api/v1/trades", "/nowhere"])
async def test_preflight_is_answered(method: str, target: str) -> None:
    """A browser that asks first learns that every method and every header of the family may be sent, in JSON."""
    counter = Counter(cors=(DESK,))
    answer = await counter.call("OPTIONS", target, b"", *preflight(method), token=None)
    assert (answer.status, answer.body) == (200, PREFLIGHT_PASSED.body)
    told = cors(answer)
    assert told["access-control-allow-origin"] == DESK
    assert method in told["access-control-allow-methods"].split(", ")
    assert told["access-control-allow-headers"] == WANTED
    assert "Origin" in told["vary"]
    assert counter.desk.commands == []


@pytest.mark.parametrize("headers", [preflight(origin=STRANGER), preflight("PATCH")])
async def test_preflight_of_others_is_refused(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """Another origin and a method that no route has are refused in JSON."""
    answer = await Counter(cors=(DESK,)).call("OPTIONS", f"{KART}/1", b"", *headers, token=None)
    assert (answer.status, answer.body) == (400, replies.PREFLIGHT_REFUSED.body)
    if headers[0] == STRANGER:
        assert "access-control-allow-origin" not in cors(answer)


async def test_the_seeds_example() -> None:
    """A page's DELETE with its three headers and a body cancels, and the page may read the reply."""
    counter = Counter(floor=(floor := Floor("A")), cors=(DESK,))
    entry_id = floor.place()
    body = {"client_id": "A", "oms_order_id": entry_id, "execution_type": "BO", "leg_order_indicator": "ENTRY"}
    answer = await counter.call("DELETE", f"{KART}/{entry_id}", body, ORIGIN, (b"x-device-type", b"WEB"))
    assert (answer.status, answer.body) == (200, replies.CANCELLED.body)
    assert cors(answer)["access-control-allow-origin"] == DESK


@pytest.mark.parametrize(
    ("method", "target", "how", "status"),
    [
        ("DELETE", f"{KART}/1", {}, 404),
        ("DELETE", f"{KART}/1", {"token": None}, 401),
        ("DELETE", f"{KART}/1?client_id=B", {}, 403),
        ("DELETE", f"{KART}?a=%FF", {}, 400),
        ("GET", f"{KART}/1", {}, 405),
        ("GET", "/nowhere", {}, 404),
        ("PATCH", "/api/v1/orders", {}, 405),
        ("GET", f"/api/v1/trades?a={'x' * 70_000}", {}, 413),
    ],
)
async def test_refusals_may_be_read(method: str, target: str, how: dict[str, Any], status: int) -> None:
    """A page may read a refusal too, whichever half of the application words it."""
    answer = await Counter(floor=Floor("A"), cors=(DESK,)).call(method, target, b"", ORIGIN, **how)
    assert answer.status == status
    assert cors(answer)["access-control-allow-origin"] == DESK


@pytest.mark.parametrize("target", [f"{KART}/1", "/api/v1/trades"])
async def test_faults_may_be_read(target: str) -> None:
    """A page may read that the server does not serve, and that it failed."""
    counter = Counter(RuntimeError("a fault"), cors=(DESK,))
    counter.desk.state = counter.desk.client_rows = None  # type: ignore[assignment]
    method = "GET" if "trades" in target else "DELETE"
    answer = await counter.call(method, target, b"", ORIGIN)
    assert (answer.status, cors(answer)["access-control-allow-origin"]) == (500, DESK)
    counter.desk.serving = False
    answer = await counter.call(method, target, b"", ORIGIN)
    assert (answer.status, cors(answer)["access-control-allow-origin"]) == (503, DESK)
    assert "Retry-After" in cors(answer)["access-control-expose-headers"]


async def test_another_origin_is_told_nothing() -> None:
    """A page of an origin that is not named gets no leave to read."""
    answer = await Counter(cors=(DESK,)).call("GET", "/healthz", b"", STRANGER)
    assert "access-control-allow-origin" not in cors(answer)


async def test_several_origins() -> None:
    """Each of several origins is told its own name."""
    counter = Counter(cors=(DESK, STRANGER[1].decode()))
    for origin in (ORIGIN, STRANGER):
        answer = await counter.call("GET", "/healthz", b"", origin)
        assert cors(answer)["access-control-allow-origin"] == origin[1].decode()


async def test_without_the_option_nothing_is_said() -> None:
    """A server without named origins has no such header, and OPTIONS is a method like any other."""
    counter = Counter()
    assert cors(await counter.call("GET", "/healthz", b"", ORIGIN)) == {}
    answer = await counter.call("OPTIONS", f"{KART}/1", b"", *preflight(), TOKEN, token=None)
    assert (answer.status, cors(answer)) == (405, {})


async def test_no_credentials_of_the_browsers() -> None:
    """Cookies are never let through: who calls is told by the token."""
    answer = await Counter(cors=(DESK,)).call("OPTIONS", f"{KART}/1", b"", *preflight(), token=None)
    assert "access-control-allow-credentials" not in cors(answer)
