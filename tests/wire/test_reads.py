"""Reads: each asks for a token first, ignores a body, takes a slash, and sends nothing that is not on disk."""

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import Counter

from bracketd.domain.order import Side
from bracketd.wire import replies

READS = [
    "/api/v1/orders?type=pending",
    "/api/v1/trades?client_id=A",
    "/api/v1/positions?type=live",
    "/api/v1/positions?type=historical",
    "/api/v1/holdings?client_id=A",
    "/api/v1/user/profile?client_id=A",
    "/api/v1/user/trading_info?client_id=A",
    "/api/v1/funds/view?type=all",
    "/api/v2/funds/view?type=all",
    "/api/v1/contract/NSE?info=scrip&token=3045",
    "/api/v1/search?key=SBIN",
    "/api/v1/marketdata/NSE/Capital?token=3045",
]


def slashed(target: str) -> str:
    """The same request line with a slash behind the path."""
    path, _, query = target.partition("?")
    return f"{path}/?{query}"


@pytest.mark.parametrize("target", READS)
async def test_slash_body_and_junk_change_nothing(target: str) -> None:
    """A trailing slash, a body on the GET and a JSON document behind the query are as if they were not there."""
    counter = Counter(floor=(floor := Floor("A")))
    floor.place()
    plain = await counter.call("GET", target)
    assert plain.status == 200
    for variant in (slashed(target), f"{target}&%7B%22client_id%22:%20%22B%22%7D"):
        answer = await counter.call("GET", variant, {"client_id": "B", "type": "other"})
        assert (answer.status, answer.body) == (200, plain.body)


@pytest.mark.parametrize("target", READS)
async def test_order_of_the_checks(target: str) -> None:
    """A read asks for a token, then for a query that can be read, then for that token's client."""
    counter = Counter(floor=Floor("A"))
    path = target.partition("?")[0]
    assert (await counter.call("GET", f"{path}?a=%FF", token=None)).status == 401
    assert (await counter.call("GET", f"{path}?a=%FF&client_id=B")).status == 400
    assert (await counter.call("GET", f"{path}?client_id=B&token=none")).status == 403


@pytest.mark.parametrize("target", READS)
async def test_nothing_leaves_before_it_is_on_disk(target: str) -> None:
    """Each read waits for the disk once, and a desk that stops meanwhile shows nothing."""
    counter = Counter(floor=Floor("A"))
    await counter.call("GET", target)
    assert counter.desk.waits == 1

    async def stop() -> None:
        counter.desk.serving = False
        await type(counter.desk).durable(counter.desk)

    counter.desk.durable = stop  # type: ignore[method-assign]
    assert (await counter.call("GET", target)).body == replies.NOT_SERVING.body


@pytest.mark.parametrize("target", READS)
async def test_reads_change_nothing(target: str) -> None:
    """A read gives no command; it does not even open the client's account."""
    counter = Counter()
    assert (await counter.call("GET", target)).status == 200
    assert counter.desk.commands == []
    assert counter.desk.state.accounts == {}


async def test_nothing_of_another_client() -> None:
    """Client B sees no order, trade, history or position of client A."""
    counter = Counter(floor=(floor := Floor("A", "B")))
    entry_id = floor.place("A", Side.BUY, 10, price=457.0)
    floor.tick(456.9, 100)
    other = (b"x-authorization-token", b"other")
    for target in READS[:4]:
        mine = await counter.call("GET", target)
        theirs = await counter.call("GET", target.replace("client_id=A", "client_id=B"), token=other)
        assert entry_id.encode() in mine.body or b'"net_quantity":10' in mine.body
        assert entry_id.encode() not in theirs.body
        assert b"net_quantity" not in theirs.body
    answer = await counter.call("GET", f"/api/v1/order/{entry_id}/history", token=other)
    assert (answer.status, answer.body) == (404, replies.ORDER_NOT_FOUND.body)


async def test_funds_of_a_client_that_is_gone() -> None:
    """A client that was removed after its token was looked at has no funds to show."""
    counter = Counter()
    counter.desk.known = False
    answer = await counter.call("GET", "/api/v2/funds/view?type=all")
    assert (answer.status, answer.body) == (401, replies.UNAUTHORISED.body)
