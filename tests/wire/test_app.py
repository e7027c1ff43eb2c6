"""The application: every reply is JSON, nothing is redirected, and nothing is said while the desk does not serve."""

import asyncio

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter

from bracketd.wire import replies


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/api/v1/gtt",
        "/api/v2/orders/kart/1",
        "/api/v1/orderskart",
        "/sandbox/v1/ticks",
        "/api/v1/order",
        "//",
        "/%2e",
    ],
)
async def test_unknown_routes(target: str) -> None:
    """A route that does not exist is a JSON 404, the sandbox included where it was not switched on."""
    for method in ("GET", "POST", "DELETE"):
        answer = await Counter().call(method, target)
        assert (answer.status, answer.body) == (404, replies.RESOURCE_NOT_FOUND.body)


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("PATCH", "/api/v1/orders", b"DELETE, GET, HEAD, POST, PUT"),
        ("OPTIONS", "/api/v1/orders/", b"DELETE, GET, HEAD, POST, PUT"),
        ("DELETE", "/api/v1/user/logout", b"POST"),
        ("GET", "/api/v1/user/logout", b"POST"),
        ("HEAD", "/api/v1/user/logout", b"POST"),
        ("POST", "/healthz", b"GET, HEAD"),
    ],
)
async def test_unknown_methods(method: str, target: str, allow: bytes) -> None:
    """A method that a route does not have is a JSON 405 that lists those it has."""
    answer = await Counter().call(method, target)
    assert (answer.status, answer.body) == (405, replies.method_not_allowed("").body)
    assert answer.headers[b"allow"] == allow


@pytest.mark.parametrize("target", ["/api/v1/user/logout", "/api/v1/user/logout/"])
async def test_logout(target: str) -> None:
    """After a logout the token is good for nothing."""
    counter = Counter(floor=Floor("A"))
    assert (await counter.call("POST", target)).status == 200
    answer = await counter.call("DELETE", f"{KART}/1")
    assert (answer.status, answer.body) == (401, replies.UNAUTHORISED.body)
    assert (await counter.call("POST", target)).status == 401


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/healthz/", "/readyz/"])
async def test_probes(target: str) -> None:
    """The probes need no token."""
    answer = await Counter().call("GET", target, token=None)
    assert (answer.status, answer.json()["status"]) == (200, "success")


async def test_not_serving() -> None:
    """A desk that has stopped is alive, not ready, and silent about all else, unknown routes included."""
    counter = Counter(sandbox=True)
    counter.desk.serving = False
    assert (await counter.call("GET", "/healthz")).status == 200
    for target in ("/readyz", "/api/v1/orders?type=pending", "/nowhere", f"{KART}/1", "/sandbox/v1/ticks"):
        answer = await counter.call("GET", target)
        assert (answer.status, answer.body) == (503, replies.NOT_SERVING.body)
        assert answer.headers[b"retry-after"] == b"1"


async def test_desk_that_stops_under_a_read() -> None:
    """Rows whose durability can no longer be promised are not sent."""
    counter = Counter(floor=Floor("A"))

    async def stop(self: object = None) -> None:
        counter.desk.serving = False
        await type(counter.desk).durable(counter.desk)

    counter.desk.durable = stop  # type: ignore[method-assign]
    answer = await counter.call("GET", "/api/v1/orders?type=pending")
    assert (answer.status, answer.body) == (503, replies.NOT_SERVING.body)


async def test_fault_in_a_page(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is a JSON 500 that tells nothing, and a trace in the log."""
    counter = Counter()
    counter.desk.client_rows = None  # type: ignore[assignment]
    answer = await counter.call("GET", "/api/v1/orders?type=pending")
    assert (answer.status, answer.body) == (500, replies.INTERNAL.body)
    assert "AttributeError" in caplog.text


async def test_401_names_the_scheme() -> None:
    """A request without a token learns which kind is wanted."""
    answer = await Counter().call("DELETE", f"{KART}/1", token=None)
    assert answer.headers[b"www-authenticate"] == b"Bearer"


async def test_a_request_that_a_stop_cuts_off_is_not_served() -> None:
    """A server that stops and waits no longer answers 503, in JSON, and never that something was done."""
    counter = Counter(outcome=asyncio.CancelledError())
    answer = await counter.call("DELETE", f"{KART}/1")
    assert (answer.status, answer.body) == (503, replies.NOT_SERVING.body)
