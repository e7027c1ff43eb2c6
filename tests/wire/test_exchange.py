"""Exchanges: what a connection answers by itself is what its application would have answered, to the byte."""

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire.both_ways import KEEP_ALIVE_S, House, houses, pieces, request, settle

from bracketd.domain.order import Status
from bracketd.wire import replies
from bracketd.wire.connection_end import raw_answer
from bracketd.wire.http_protocol import _PLAIN_TARGET
from bracketd.wire.request_id import current_id

KART = "/api/v1/orders/kart"
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
CANCEL = '{"client_id":"A","execution_type":"BO","leg_order_indicator":"ENTRY","status":"CONFIRMED"}'
FORM = "content-type: application/x-www-form-urlencoded"
PREFER = "prefer: return=representation"
ID, OTHER = "20260921-2", "20260921-9"
"""The entry that rests in each house, and an id that no order has."""

PLAIN: dict[str, list[bytes]] = {
    "cancel": [request("DELETE", f"{KART}/{ID}", CANCEL)],
    "cancel with nothing": [request("DELETE", f"{KART}/{ID}")],
    "cancel without a length": [request("DELETE", f"{KART}/{ID}", length=False)],
    "cancel by a form": [request("DELETE", f"{KART}/{ID}", "client_id=A&execution_type=BO", FORM)],
    "cancel by a query": [request("DELETE", f"{KART}/{ID}?client_id=A&execution_type=BO&leg_order_indicator=ENTRY")],
    "cancel by an encoded query": [request("DELETE", f"{KART}/{ID}?%7B%22client_id%22%3A%22A%22%7D")],
    "cancel on an older path": [request("DELETE", f"/api/v1/orders/bracket/{ID}", CANCEL)],
    "cancel on another older path": [request("DELETE", f"/api/v1/order/bracket/{ID}/", CANCEL)],
    "cancel as an order by itself": [request("DELETE", f"/api/v1/orders/{ID}", CANCEL)],
    "cancel by the body": [request("DELETE", f"{KART}/", json.dumps({"oms_order_id": ID, "client_id": "A"}))],
    "cancel without an id": [request("DELETE", KART, CANCEL)],
    "cancel twice": [request("DELETE", f"{KART}/{ID}", CANCEL)] * 2,
    "cancel a leg": [request("DELETE", f"{KART}/{ID}", CANCEL.replace("ENTRY", "TARGET"))],
    "no such order": [request("DELETE", f"{KART}/{OTHER}", CANCEL)],
    "an id of dots": [request("DELETE", f"{KART}/../x", CANCEL)],
    "another client's": [request("DELETE", f"{KART}/{ID}", token="of B")],
    "another client's name": [request("DELETE", f"{KART}/{ID}", CANCEL, token="of B")],
    "no token": [request("DELETE", f"{KART}/{ID}", CANCEL, token=None)],
    "two tokens": [request("DELETE", f"{KART}/{ID}", CANCEL, "x-auth-token: of B")],
    "a bearer": [request("DELETE", f"{KART}/{ID}", CANCEL, "authorization: Bearer of A", token=None)],
    "not JSON": [request("DELETE", f"{KART}/{ID}", '{"client_id":')],
    "not UTF-8": [request("DELETE", f"{KART}/{ID}", b'{"client_id":"\xff"}')],
    "given twice": [request("DELETE", f"{KART}/{ID}", '{"client_id":"A","client_id":"B"}')],
    "an array for a client": [request("DELETE", f"{KART}/{ID}", '{"client_id":[]}')],
    "a wrong execution": [request("DELETE", f"{KART}/{ID}", CANCEL.replace("BO", "CO"))],
    "own id": [request("DELETE", f"{KART}/{ID}", CANCEL, "x-request-id: mine-1")],
    "a forged id": [request("DELETE", f"{KART}/{ID}", CANCEL, "x-request-id: a b")],
    "prefers facts": [request("DELETE", f"{KART}/{ID}", CANCEL, PREFER)],
    "prefers facts of nothing": [request("DELETE", f"{KART}/{OTHER}", CANCEL, PREFER)],
    "ends with this": [request("DELETE", f"{KART}/{ID}", CANCEL, "connection: close")],
    "keeps alive": [request("DELETE", f"{KART}/{ID}", CANCEL, "connection: keep-alive")],
    "place": [request("POST", KART, json.dumps(PLACE))],
    "place again under a key": [request("POST", KART, json.dumps(PLACE), "idempotency-key: k")] * 2,
    "place another under a key": [
        request("POST", KART, json.dumps(PLACE | {"quantity": quantity}), "idempotency-key: k") for quantity in (1, 2)
    ],
    "place with facts": [request("POST", KART, json.dumps(PLACE), PREFER)],
    "place as a new client": [request("POST", KART, json.dumps(PLACE | {"client_id": "B"}), token="of B")],
    "place nothing": [request("POST", KART, "{}")],
    "place a wrong tick": [request("POST", KART, json.dumps(PLACE | {"price": 450.01}))],
    "place what is absent": [request("POST", KART, json.dumps(PLACE | {"execution_type": "ICEBERG"}))],
    "place a cover order": [request("POST", KART, json.dumps(PLACE | {"execution_type": "CO"}))],
    "place on an order's path": [request("POST", f"{KART}/{ID}", json.dumps(PLACE))],
    "modify": [request("PUT", KART, json.dumps({"oms_order_id": ID, "execution_type": "BO", "quantity": 12}))],
    "modify with facts": [request("PUT", KART, json.dumps({"oms_order_id": ID, "price": 449}), PREFER)],
    "modify nothing": [request("PUT", KART, "{}")],
    "modify as an order by itself": [request("PUT", f"/api/v1/orders/{ID}", json.dumps({"price": 449}))],
    "modify on an older path": [request("PUT", f"/api/v1/orders/bracket/{ID}", "{}")],
    "the book": [request("GET", "/api/v1/orders?type=pending&client_id=A")],
    "the book of what is over": [request("GET", "/api/v1/orders/?type=completed")],
    "the book without a type": [request("GET", "/api/v1/orders")],
    "the book of a wrong type": [request("GET", "/api/v1/orders?type=open")],
    "the book with junk": [request("GET", "/api/v1/orders?type=pending&%7B%22client_id%22:%22B%22%7D")],
    "the book with a body": [request("GET", "/api/v1/orders?type=pending", '{"client_id":"B"}')],
    "another client's book": [request("GET", "/api/v1/orders?type=pending&client_id=B")],
    "the book without a token": [request("GET", "/api/v1/orders?type=pending", token=None)],
    "the book by two tokens": [request("GET", "/api/v1/orders?type=pending", b"", "x-auth-token: of B")],
    "the book and own id": [request("GET", "/api/v1/orders?type=pending", b"", "x-request-id: mine-1")],
    "the book and the end": [request("GET", "/api/v1/orders?type=pending", b"", "connection: close")],
    "the book that cannot be read": [request("GET", "/api/v1/orders?type=%FF")],
    "the trades": [request("GET", "/api/v1/trades?client_id=A")],
    "the positions": [request("GET", "/api/v1/positions?type=live")],
    "positions of no type": [request("GET", "/api/v1/positions")],
    "the holdings": [request("GET", "/api/v1/holdings")],
    "the profile": [request("GET", "/api/v1/user/profile")],
    "who it is": [request("GET", "/api/v1/user/trading_info/")],
    "the kinds of funds": [request("GET", "/api/v1/funds/view?type=all")],
    "the funds": [request("GET", "/api/v2/funds/view?type=all")],
    "a search": [request("GET", "/api/v1/search?key=SBIN")],
    "twice": [request("GET", "/api/v1/trades"), request("DELETE", f"{KART}/{ID}", CANCEL)],
}
"""Requests that a connection answers by itself."""

WHOLE = request("DELETE", f"{KART}/{ID}", CANCEL)
HEAD_ENDS = WHOLE.index(b"\r\n\r\n") + 4

UNUSUAL: dict[str, list[bytes]] = {
    "body after the head": list(pieces(WHOLE, HEAD_ENDS)),
    "body in two": list(pieces(WHOLE, HEAD_ENDS + 5)),
    "chunked": [
        request("DELETE", f"{KART}/{ID}", "", "transfer-encoding: chunked", length=False)
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(CANCEL), CANCEL.encode())
    ],
    "waits to be told": [request("DELETE", f"{KART}/{ID}", CANCEL, "expect: 100-continue")],
    "HTTP/1.0": [request("DELETE", f"{KART}/{ID}", CANCEL, version="1.0")],
    "too large": [request("DELETE", f"{KART}/{ID}", b" " * 65_537)],
    "far too large": [request("DELETE", f"{KART}/{ID}", b"", "content-length: 99999999999", length=False)],
    "an upgrade": [request("DELETE", f"{KART}/{ID}", CANCEL, "upgrade: h2c", "connection: upgrade")],
    "an encoded id": [request("DELETE", f"{KART}/{ID[:-1]}%32", CANCEL)],
    "a head": [request("HEAD", "/api/v1/orders?type=pending&client_id=A")],
    "a read over HTTP/1.0": [request("GET", "/api/v1/trades", version="1.0")],
    "a read in chunks": [request("GET", "/api/v1/trades", "", "transfer-encoding: chunked") + b"0\r\n\r\n"],
    "a history": [request("GET", f"/api/v1/order/{ID}/history")],
    "a market": [request("GET", "/api/v1/marketdata/NSE/Capital?token=3045")],
    "a read of no path": [request("GET", "/api/v1/order/kart")],
    "an order-entry path": [request("GET", KART)],
    "an encoded read": [request("GET", "/api/v1/%74rades")],
    "a wrong version": [request("GET", "/api/v2/trades")],
    "everything": [request("DELETE", "/api/v1/orders?client_id=A")],
    "an order by itself": [request("POST", "/api/v1/orders", json.dumps(PLACE | {"execution_type": "REGULAR"}))],
    "no such method here": [request("PATCH", f"{KART}/{ID}", CANCEL)],
    "nowhere": [request("DELETE", "/nowhere")],
    "a page's": [request("DELETE", f"{KART}/{ID}", CANCEL, "origin: https://desk.example")],
}
"""Requests of which the application is asked, wholly or in part."""


async def both(packets: list[bytes], **options: Any) -> tuple[House, House]:
    """Two houses that have both been told the same; every trace of it must be the same."""
    pair = houses(**options)
    said = []
    for house in pair:
        assert await house.place() == ID
        call = house.call()
        said.append((await call.say(*packets), call.wire.closed, call.wire.reading))
    assert_same(pair)
    assert said[0] == said[1]
    assert said[0][0].startswith(b"HTTP/1.1 ")
    return pair


def assert_same(pair: tuple[House, House]) -> None:
    """The two have decided, counted and promised the same."""
    first, second = pair
    assert first.journal.bodies == second.journal.bodies
    assert first.counted == second.counted
    assert first.desk.measures.refusals == second.desk.measures.refusals
    assert first.server_state.total_requests == second.server_state.total_requests
    assert not first.server_state.tasks | second.server_state.tasks


@pytest.mark.parametrize("packets", PLAIN.values(), ids=PLAIN)
async def test_a_plain_request_is_answered_as_the_application_does(packets: list[bytes]) -> None:
    """Reply, headers, events, counts and the end of the connection: the application is not asked, nor missed."""
    first, second = await both(packets)
    assert (first.calls, second.calls) == (0, len(packets))


@pytest.mark.parametrize("packets", UNUSUAL.values(), ids=UNUSUAL)
async def test_an_unusual_request_is_left_to_the_application(packets: list[bytes]) -> None:
    """What is not plain goes the same way as if there were no other."""
    first, second = await both(packets)
    assert first.calls == second.calls == 1


async def test_each_reply_is_one_write() -> None:
    """Head and body leave together: two writes would be two packets and two calls of the kernel."""
    house = House(at_once=True)
    await house.place()
    call = house.call()
    await call.say(*PLAIN["cancel twice"], *PLAIN["the book"])
    assert len(call.wire.pieces) == 3


async def test_requests_one_behind_the_other() -> None:
    """Requests that come in one packet are answered in their order, whichever of them is plain."""
    ping = request("GET", "/healthz")
    for packet, asked in ((WHOLE + WHOLE, 1), (WHOLE + ping, 1), (ping + WHOLE, 2), (WHOLE + ping + WHOLE, 2)):
        first, second = await both([packet])
        assert first.calls == asked
        assert second.calls == packet.count(b"HTTP/1.1")


NO_REQUESTS = {
    "bytes": (b"\x00\x01\r\n\r\n", replies.NOT_HTTP),
    "a method": (b"NOBODY / HTTP/1.1\r\n\r\n", replies.NOT_HTTP),
    "a header": (b"GET /healthz HTTP/1.1\r\nhost x\r\n\r\n", replies.NOT_HTTP),
    "too long a head": (b"GET /healthz HTTP/1.1\r\nx: " + b"x" * 70_000, replies.TOO_LARGE),
    "a body": (
        request("DELETE", f"{KART}/{OTHER}", "", "transfer-encoding: chunked", length=False) + b"no number\r\n",
        replies.NOT_HTTP,
    ),
}
"""What comes behind a request and is none, and what is said to it."""


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize(("behind", "refusal"), NO_REQUESTS.values(), ids=NO_REQUESTS)
async def test_what_is_done_is_told_before_what_is_refused(
    behind: bytes, refusal: replies.Reply, one: bool, at_once: bool
) -> None:
    """A cancel that waits for the disk, and one behind it, get their replies before bytes that are no request."""
    house = House(at_once=at_once)
    entry, other = await house.place(), await house.place()
    house.journal.gate.clear()
    cancels = [request("DELETE", f"{KART}/{each}", CANCEL) for each in ([entry] if one else [entry, other])]
    call = house.call()
    await call.say(b"".join(cancels) + behind)
    assert (call.wire.written, call.wire.closed) == (b"", False)
    await call.say(cancels[0])
    assert call.wire.written == b""
    house.journal.gate.set()
    await settle()
    said = call.wire.written
    assert [status[:3] for status in said.split(b"HTTP/1.1 ")[1:]] == [b"200"] * len(cancels) + [b"%d" % refusal.status]
    assert said.endswith(raw_answer(refusal))
    assert call.wire.closed
    assert house.desk.state.orders[entry].status is Status.CANCELLED
    call.leave()
    await settle()
    assert not house.server_state.tasks


async def test_a_body_that_is_broken_is_refused_at_once() -> None:
    """A request whose own body is no HTTP is the one that is refused, and nothing of it is done."""
    for house in houses():
        entry = await house.place()
        call = house.call()
        await call.say(request("DELETE", f"{KART}/{entry}", "", "transfer-encoding: chunked", length=False) + b"no\r\n")
        assert call.wire.written == raw_answer(replies.NOT_HTTP)
        assert call.wire.closed
        call.leave()
        await settle()
        assert house.desk.state.orders[entry].status is Status.CONFIRMED
        assert not house.server_state.tasks


async def test_rates_hold_on_both_ways() -> None:
    """A client's rate is counted before anything else, and the same for whole and for unusual requests."""
    chunked, bad = UNUSUAL["chunked"][0], PLAIN["not JSON"][0]
    for packets in ([WHOLE] * 4, [bad, chunked, WHOLE, chunked], [chunked, WHOLE, bad, bad], PLAIN["place"] * 4):
        first, _ = await both(list(packets), per_s=2)
        assert first.desk.measures.refusals["RATE_LIMITED"] == 2


async def test_pages_of_other_origins_are_answered_with_their_headers() -> None:
    """Where an origin may call, its requests go through the application, and all others past it as anywhere."""
    origin = "https://desk.example"
    first, second = await both([*UNUSUAL["a page's"], WHOLE, *PLAIN["ends with this"]], cors=[origin])
    assert (first.calls, second.calls) == (1, 3)
    call = first.call()
    assert f"access-control-allow-origin: {origin}\r\n".encode() in await call.say(*UNUSUAL["a page's"])


async def test_a_token_is_looked_at_once_where_nothing_was_waited_for() -> None:
    """The look that counted a plain request lets it in; where a body may have taken its time there is a second one."""
    first, second = await both([WHOLE], per_s=5)
    assert (first.gate.looks, second.gate.looks) == (1, 2)


async def test_nothing_is_told_before_it_is_on_disk() -> None:
    """A reply waits for the watermark; a refusal too, since it shows what was decided before it."""
    for house in houses():
        await house.place()
        house.journal.gate.clear()
        calls = [house.call(), house.call(), house.call()]
        for call, packet in zip(calls, (WHOLE, PLAIN["cancel a leg"][0], PLAIN["the book"][0]), strict=True):
            assert await call.say(packet) == b""
        assert house.desk.state.orders[ID].status is Status.CANCELLED
        assert len(house.server_state.tasks) == 3
        house.journal.gate.set()
        await settle()
        assert calls[2].wire.written.startswith(b"HTTP/1.1 200 ")
        assert calls[0].wire.written.endswith(replies.CANCELLED.body)
        assert b'"status":"' in calls[1].wire.written
        assert not house.server_state.tasks


async def test_a_disk_that_fails_is_503_and_nothing_else() -> None:
    """Who waited for a record that nobody knows of is told that nothing is served, and so is who comes later."""
    pair = houses()
    said = []
    for house in pair:
        await house.place()
        house.journal.gate.clear()
        waiting, later = house.call(), house.call()
        await waiting.say(WHOLE)
        house.journal.broken = True
        house.journal.gate.set()
        await settle()
        said.append((waiting.wire.written, await later.say(WHOLE)))
    assert said[0] == said[1]
    assert all(each.startswith(b"HTTP/1.1 503 ") and each.endswith(replies.NOT_SERVING.body) for each in said[0])
    assert_same(pair)
    assert pair[0].counted == {("cancel", "fault"): 1, ("other", "fault"): 1}


async def test_a_venue_that_is_silent_is_waited_for() -> None:
    """A cancel that the venue answers late is told then, and one that it does not answer is 202 after the wait."""
    pair = houses(slow=True)
    said = []
    for house in pair:
        await house.place()
        answered, unanswered = house.call(), house.call()
        assert await answered.say(WHOLE) == b""
        for report in house.venue.answers():
            house.desk.deliver(report)
        await settle()
        other = await house.place()
        await unanswered.say(WHOLE.replace(ID.encode(), other.encode()))
        for task in tuple(house.server_state.tasks):
            await task
        await settle()
        said.append((answered.wire.written, unanswered.wire.written))
    assert said[0] == said[1]
    assert said[0][0].startswith(b"HTTP/1.1 200 ")
    assert said[0][1].startswith(b"HTTP/1.1 202 ")
    assert_same(pair)
    assert pair[0].calls == 0


async def test_who_has_gone_is_not_written_to() -> None:
    """A peer that leaves while the disk is waited for gets nothing; what it asked for is done, and counted."""
    pair = houses()
    for house in pair:
        await house.place()
        house.journal.gate.clear()
        call = house.call()
        await call.say(WHOLE)
        call.leave()
        house.journal.gate.set()
        await settle()
        assert call.wire.written == b""
        assert house.desk.state.orders[ID].status is Status.CANCELLED
    assert_same(pair)
    assert pair[0].counted == {("cancel", "done"): 1}


async def test_a_stop_answers_what_is_under_way() -> None:
    """A server that stops tells a waiting request how it ended and ends the connection; an idle one ends at once."""
    said = []
    for house in houses():
        await house.place()
        idle, waiting = house.call(), house.call()
        await idle.say(request("DELETE", f"{KART}/{OTHER}"))
        house.journal.gate.clear()
        await waiting.say(WHOLE)
        for call in (idle, waiting):
            call.protocol.shutdown()
        assert (idle.wire.closed, waiting.wire.closed) == (True, False)
        house.journal.gate.set()
        await settle()
        said.append((waiting.wire.written, waiting.wire.closed))
    assert said[0] == said[1]
    assert b"connection: close\r\n" in said[0][0]
    assert said[0][1]


async def test_a_stop_that_waits_no_longer_is_503() -> None:
    """What a server cuts off at its end is 503 on both ways, and never told anything else afterwards."""
    said = []
    for house in houses():
        await house.place()
        house.journal.gate.clear()
        call = house.call()
        await call.say(WHOLE)
        for task in tuple(house.server_state.tasks):
            task.cancel(msg="the server waits no longer")
        await settle()
        house.journal.gate.set()
        await settle()
        said.append((call.wire.written, house.counted))
    assert said[0] == said[1]
    assert said[0][0].endswith(replies.NOT_SERVING.body)


async def test_a_connection_is_kept_as_long_as_it_may_be() -> None:
    """An idle connection ends when its time is over, counted from its last reply, and never in a request."""
    for house in houses():
        await house.place()
        idle = house.call()
        for _ in range(2):
            await idle.say(WHOLE)
            house.loop.move(KEEP_ALIVE_S - 1)
            assert not idle.wire.closed
        house.loop.move(1.001)
        assert idle.wire.closed
        busy = house.call()
        await busy.say(WHOLE)
        house.journal.gate.clear()
        await busy.say(PLAIN["place"][0])
        house.loop.move(3 * KEEP_ALIVE_S)
        assert not busy.wire.closed
        house.journal.gate.set()
        await settle()
        house.loop.move(KEEP_ALIVE_S - 1)
        assert not busy.wire.closed
        house.loop.move(2)
        assert busy.wire.closed


async def test_a_timer_that_comes_a_grain_too_soon_ends_what_is_idle() -> None:
    """A sum of floats that falls short of the time is the time: the timer is not set again for nothing."""
    house = House(at_once=True)
    since_s = house.loop.now_s
    assert since_s + KEEP_ALIVE_S - since_s < KEEP_ALIVE_S
    call = house.call()
    await call.say(WHOLE)
    house.loop.move(KEEP_ALIVE_S)
    assert call.wire.closed


async def test_a_peer_that_reads_nothing_is_left_to_the_application() -> None:
    """Where replies pile up, the application waits before it sends: the connection does not answer by itself."""
    house = House(at_once=True)
    await house.place()
    call = house.call()
    call.protocol.pause_writing()
    assert await call.say(WHOLE) == b""
    assert house.calls == 1
    call.protocol.resume_writing()
    await settle()
    assert call.wire.written.endswith(replies.CANCELLED.body)


async def test_the_log_has_the_request(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal and a fault are logged under the request's id on both ways, and nothing after them is."""
    caplog.set_level(logging.INFO)
    ids: list[tuple[str, str]] = []
    monkeypatch.setattr(logging.Handler, "handle", lambda self, record: ids.append((record.message_id, record.msg)))
    made = logging.getLogRecordFactory()

    def noting(*args: Any, **more: Any) -> logging.LogRecord:
        record = made(*args, **more)
        record.message_id = current_id.get()
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", noting)
    for house in houses():
        await house.place()
        monkeypatch.setattr(house.desk, "undertake", None)
        monkeypatch.setattr(house.desk, "execute", None)
        await house.call().say(request("DELETE", f"{KART}/{ID}", "", "x-request-id: refused", token=None))
        said = await house.call().say(request("DELETE", f"{KART}/{ID}", "", "x-request-id: failed"))
        assert said.endswith(replies.INTERNAL.body)
        assert current_id.get() == ""
        assert {("refused", "request refused: %s"), ("failed", "a request failed")} <= set(ids)
        ids.clear()


WORDS = st.sampled_from(
    ["A", "pending", "live", "B", "BO", "CO", "bo", "ENTRY", "TARGET", ID, OTHER, "", "1e2", "4", "{}", " "]
)
NAMES = st.sampled_from(
    [
        "client_id",
        "type",
        "execution_type",
        "leg_order_indicator",
        "oms_order_id",
        "exchange_order_id",
        "quantity",
        "price",
    ]
)
FIELDS = st.dictionaries(NAMES, WORDS, max_size=4)


@st.composite
def asked(draw: st.DrawFn) -> tuple[bytes, tuple[int, ...]]:
    """Some request, and where its bytes are cut."""
    way = draw(st.sampled_from(["kart", "bracket", ""]))
    target = "/api/v1/orders" + (f"/{way}" if way else "") + draw(st.sampled_from(["", "/", f"/{ID}", f"/{OTHER}/"]))
    target = draw(st.sampled_from([target, target, "/api/v1/trades", "/api/v1/positions"]))
    query = "&".join(f"{name}={text}" for name, text in draw(FIELDS).items() if " " not in text and "{" not in text)
    fields = draw(FIELDS)
    body = draw(st.sampled_from([json.dumps(fields), json.dumps(PLACE | fields), "&".join(fields), "", "[", "{}"]))
    headers = draw(st.lists(st.sampled_from([FORM, PREFER, "connection: close", "x-auth-token: of B"]), max_size=2))
    raw = request(
        draw(st.sampled_from(["DELETE", "POST", "PUT", "GET"])),
        target + (f"?{query}" if query and draw(st.booleans()) else ""),
        body,
        *headers,
        token=draw(st.sampled_from(["of A", "of A", "of B", "of C", None])),
    )
    return raw, tuple(sorted(draw(st.lists(st.integers(0, len(raw)), max_size=2))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(asked(), min_size=1, max_size=4))
async def test_any_requests_are_answered_the_same(told: list[tuple[bytes, tuple[int, ...]]]) -> None:
    """Whatever is asked, however it is cut into packets, both ways say and do the same."""
    pair = houses(per_s=3)
    said = []
    for house in pair:
        await house.place()
        talks = []
        for raw, cuts in told:
            call = house.call()
            talks.append((await call.say(*pieces(raw, *cuts)), call.wire.closed))
        said.append(talks)
    assert said[0] == said[1]
    assert_same(pair)


@pytest.mark.parametrize("line", [packets[0].partition(b" HTTP/")[0] for packets in PLAIN.values()])
async def test_a_plain_target_is_split_as_the_library_splits_it(line: bytes) -> None:
    """Path and query of a plain target are those that httptools finds in it."""
    import httptools

    method, target = line.split(b" ")
    plain = _PLAIN_TARGET.match(target)
    assert plain is not None
    url = httptools.parse_url(target)
    assert (plain[1], plain[2]) == (url.path, url.query)
    assert House(at_once=True).call().protocol._find(method, plain[1]) is not None
