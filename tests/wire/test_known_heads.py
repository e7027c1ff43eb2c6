"""Headers known again: whoever sends them is answered as by a server that parses every request, to the byte."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire.both_ways import House, pieces, request, settle
from tests.wire.test_exchange import CANCEL, FORM, ID, KART, OTHER, PLACE, PREFER, assert_same

from bracketd.wire.head import read_head
from bracketd.wire.http_protocol import REQUEST_WAIT_S, WATCH_S
from bracketd.wire.known_heads import BLOCK_BYTES_MAX, KnownHeads
from bracketd.wire.order_book import ROWS_AT_ONCE

WHOLE = request("DELETE", f"{KART}/{OTHER}", CANCEL)


class Deaf:
    """A parser that must not be asked."""

    def feed_data(self, data: bytes) -> None:
        """Fail."""
        raise AssertionError("the parser was asked")


def houses(**options: Any) -> tuple[House, House]:
    """One that knows headers again, and one that parses them each time."""
    return House(at_once=True, **options), House(at_once=True, forgetful=True, **options)


async def teach(house: House, packet: bytes) -> None:
    """Let the house parse the packet once, on a connection of its own."""
    assert (await house.call().say(packet)).startswith(b"HTTP/1.1 ")


async def test_known_headers_are_not_parsed() -> None:
    """The second request with the same headers needs no parser, on the same connection and on another's first."""
    house = House(at_once=True)
    await house.place()
    first = house.call()
    said = await first.say(WHOLE)
    for call in (first, house.call()):
        call.wire.pieces.clear()
        call.protocol.parser = Deaf()  # type: ignore[assignment]
        assert await call.say(WHOLE) == said
        assert (await call.say(WHOLE.replace(OTHER.encode(), ID.encode())))[len(said) :].startswith(b"HTTP/1.1 ")
    assert house.calls == 0


async def test_known_headers_of_a_read_are_not_parsed() -> None:
    """A read that comes again needs no parser, and what is too long for one piece is parsed after all."""
    house = House(at_once=True)
    await house.place()
    book, trades = (request("GET", f"/api/v1/{path}") for path in ("orders?type=pending", "trades"))
    call = house.call()
    said = await call.say(book)
    assert said.startswith(b"HTTP/1.1 200 ")
    call.protocol.parser = Deaf()  # type: ignore[assignment]
    assert await call.say(book) == said + said
    assert b'"trades":[]' in await call.say(trades)
    for _ in range(ROWS_AT_ONCE):
        await house.place(quantity=1)
    with pytest.raises(AssertionError, match="the parser was asked"):
        await call.say(book)


@pytest.mark.parametrize(
    "packet",
    [
        WHOLE[:-1],
        WHOLE + b"\r\n",
        WHOLE + b"x",
        WHOLE + WHOLE,
        b"\r\n" + WHOLE,
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE.replace(b"DELETE ", b"DELETE  "),
        WHOLE.replace(b"DELETE", b"PATCH"),
        WHOLE.replace(b"/kart/", b"/kart/%20"),
        WHOLE.replace(b"host: x", b"host: y"),
        WHOLE.replace(b"host: x", b"Host: x"),
        WHOLE.replace(b"of A", b"of B"),
        WHOLE.replace(b"\r\n\r\n", b"\n\n"),
        WHOLE.replace(KART.encode(), KART.encode() + b"/" + b"x" * 5_000),
    ],
)
async def test_whatever_differs_is_parsed(packet: bytes) -> None:
    """Beside known headers, a packet that is more or less than one plain request goes the parser's way."""
    house = House(at_once=True)
    await teach(house, WHOLE)
    call = house.call()
    call.protocol.parser = Deaf()  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="the parser was asked"):
        await call.say(packet)


@pytest.mark.parametrize(
    "packets",
    [
        (WHOLE[:30], WHOLE[30:]),
        (WHOLE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", WHOLE.partition(b"\r\n\r\n")[2]),
        (WHOLE + WHOLE,),
        (WHOLE + WHOLE[:10],),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, token=None),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, token="of nobody"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "x-auth-token: of B"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "connection: close"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "expect: 100-continue"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "origin: https://desk.example"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "x-request-id: mine", "x-request-id: yours"),),
        (request("POST", KART, json.dumps(PLACE), "idempotency-key: k", "Idempotency-Key: l"),),
        (request("POST", KART, json.dumps(PLACE), "idempotency-key: a b"),),
        (request("POST", KART, json.dumps(PLACE), "idempotency-key: " + "k" * 129),),
        (request("POST", KART, json.dumps(PLACE), "idempotency-key: k", "x: y", " folded"),),
        (request("DELETE", f"{KART}/{OTHER}", CANCEL, "x: " + "x" * BLOCK_BYTES_MAX),),
        (b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\n\r\nhost: x\r\n\r\n",),
        (b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\nx: " + WHOLE[:0], WHOLE),
        (request("GET", "/healthz"),),
    ],
)
async def test_nothing_else_is_learnt(packets: tuple[bytes, ...]) -> None:
    """Learnt is what came whole and alone, was let in, keeps the connection, and may come again as it is."""
    house = House(at_once=True)
    call = house.call()
    for packet in packets:
        if not call.wire.closed:
            await call.say(packet)
    assert len(house.at_once.known_heads) == 0


async def test_lines_that_name_one_request_are_taken_out() -> None:
    """A key and an id of the client's own count for their request, and the lines around them are known again."""
    house = House(at_once=True)
    call = house.call()
    said = [await call.say(request("POST", KART, json.dumps(PLACE), "idempotency-key: k1", "x-request-id: r1"))]
    assert len(house.at_once.known_heads) == 1
    call.protocol.parser = Deaf()  # type: ignore[assignment]
    for names in (
        ["Idempotency-Key:k2", "x-request-id: \tr2"],
        ["x-request-id: r3", "idempotency-key: k1"],
        ["idempotency-key: k2 "],
        [],
    ):
        call.wire.pieces.clear()
        said.append(await call.say(request("POST", KART, json.dumps(PLACE), *names)))
    ids = [text.partition(b"x-request-id: ")[2].split(b"\r\n")[0] for text in said]
    assert ids == [b"r1", b"r2", b"r3", b"drawn", b"drawn"]
    baskets = [json.loads(text.partition(b"\r\n\r\n")[2])["data"]["data"]["basket_id"] for text in said]
    assert baskets[0] == baskets[2] != baskets[1] == baskets[3]
    assert baskets[4] not in baskets[:4]
    assert len(house.at_once.known_heads) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["idempotency-key: k", " folded"],
        ["x: y", " folded", "idempotency-key: k"],
        ["x: y", "idempotency-key: k", " folded"],
        ["idempotency-key: k", "idempotency-key: k"],
        ["idempotency-key: a b"],
        ["idempotency-key:"],
        ["idempotency-key: k\x01"],
        ["idempotency-key: k\rx: y"],
        ["idempotency-keys: k"],
    ],
)
async def test_what_is_no_such_line_is_not_taken_out(lines: list[str]) -> None:
    """Beside known headers, a line that may be more than a name of its request is the parser's."""
    house = House(at_once=True)
    await teach(house, request("POST", KART, json.dumps(PLACE)))
    await teach(house, request("POST", KART, json.dumps(PLACE), "x: y"))
    await teach(house, request("POST", KART, json.dumps(PLACE), "x: y", " folded"))
    call = house.call()
    call.protocol.parser = Deaf()  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="the parser was asked"):
        await call.say(request("POST", KART, json.dumps(PLACE), *lines))


async def test_a_body_that_looks_like_a_request_teaches_nothing() -> None:
    """A packet that begins as a request and is the body of the one before is that body."""
    house = House(at_once=True)
    head = request("DELETE", f"{KART}/{OTHER}", "", f"content-length: {len(WHOLE)}", length=False)
    call = house.call()
    await call.say(head, WHOLE)
    assert len(house.at_once.known_heads) == 0


def learnt(table: KnownHeads, block: bytes, body: bytes = b"") -> None:
    """Teach a table the block, as a parser that has read it would."""
    packet = b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\n" + block + b"\r\n\r\n" + body
    table.learn(packet, read_head([(b"x-auth-token", b"of A")]), len(body))


def test_the_table_is_bounded() -> None:
    """However many blocks are learnt, they take no more than they may; the oldest go, and the last is known."""
    table = KnownHeads(100_000)
    for number in range(1_000):
        learnt(table, b"x-auth-token: of A\r\nx: %d" % number)
        assert table.kept_bytes <= 100_000
    assert 50 <= len(table) <= 100
    line = b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\n"
    assert table.whole(line + b"x-auth-token: of A\r\nx: 999\r\n\r\n") is not None
    assert table.whole(line + b"x-auth-token: of A\r\nx: 0\r\n\r\n") is None
    for _ in range(1_000):
        learnt(table, b"x-auth-token: of A\r\nx: 999")
    assert 50 <= len(table) <= 100


@pytest.mark.parametrize("more", [b"x", b"\r\n", WHOLE])
def test_a_packet_with_more_in_it_teaches_nothing(more: bytes) -> None:
    """A block is learnt from a packet that is the request and nothing else."""
    table = KnownHeads()
    packet = request("DELETE", f"{KART}/1", CANCEL)
    table.learn(packet + more, read_head([]), len(CANCEL))
    assert len(table) == 0
    table.learn(packet, read_head([]), len(CANCEL))
    assert len(table) == 1


def test_a_packet_without_a_blank_line_is_no_request() -> None:
    """A head that is cut off where its block would be known is none, whatever length the block declares."""
    table = KnownHeads()
    line, block = b"DELETE /api/v1/orders/kart/1 HTTP/1.1\r\n", b"x-auth-token: of A"
    cut = line + block + b"\r"
    learnt(table, block, b"x" * (len(cut) - 3))
    assert table.whole(line + block + b"\r\n\r\n" + b"x" * (len(cut) - 3)) is not None
    assert table.whole(cut) is None


async def test_a_token_that_ends_ends_here_too() -> None:
    """What is known of headers says nothing of the token's standing: it is asked each time."""
    house = House(at_once=True)
    await teach(house, WHOLE)
    house.gate.shut = True
    assert (await house.call().say(WHOLE)).startswith(b"HTTP/1.1 401 ")


async def test_a_request_behind_one_under_way_waits_for_it() -> None:
    """What comes while another waits for the disk is answered after it, known or not."""
    said = []
    for house in houses():
        await house.place()
        await teach(house, WHOLE)
        house.journal.gate.clear()
        call = house.call()
        await call.say(WHOLE.replace(OTHER.encode(), ID.encode()), WHOLE)
        assert call.wire.written == b""
        house.journal.gate.set()
        await settle()
        said.append(call.wire.written)
    assert said[0] == said[1]
    assert [status[:3] for status in said[0].split(b"HTTP/1.1 ")[1:]] == [b"200", b"404"]


async def test_time_goes_on_as_it_does_for_others() -> None:
    """Known headers satisfy the wait for a connection's first request, and the parser's next one has its own."""
    for house in houses():
        await teach(house, WHOLE)
        call = house.call()
        await call.say(WHOLE)
        house.loop.move(REQUEST_WAIT_S + WATCH_S)
        assert not call.wire.closed
        await call.say(WHOLE[:20])
        house.loop.move(REQUEST_WAIT_S + WATCH_S)
        assert call.wire.closed


BLOCKS = st.permutations(
    ["host: x", "content-type: application/json", "x-authorization-token: of A", "accept: */*"]
).flatmap(
    lambda lines: st.lists(
        st.sampled_from(
            [
                "Host: x",
                FORM,
                PREFER,
                "connection: close",
                "connection: keep-alive",
                "x-auth-token: of B",
                "X-AUTH-TOKEN: of A",
                "x-request-id: mine",
                "x-request-id: a b",
                "idempotency-key: k",
                "Idempotency-Key: l",
                "content-length: 3",
                "Content-Length: 0",
                "transfer-encoding: chunked",
                "expect: 100-continue",
                " folded",
                "broken",
            ]
        ),
        max_size=3,
    ).map(lambda more: lines[:2] + more + lines[2:3])
)
BODIES = st.sampled_from(
    [CANCEL, CANCEL.replace("ENTRY", "TARGET"), json.dumps(PLACE), "{}", "", "a=b", "[", "\r\n\r\n"]
)


@st.composite
def packets(draw: st.DrawFn) -> list[bytes]:
    """Requests under few kinds of headers, one behind the other, cut somewhere."""
    blocks = draw(st.lists(BLOCKS, min_size=1, max_size=2))
    raw: list[bytes] = []
    for _ in range(draw(st.integers(1, 5))):
        body = draw(BODIES).encode()
        declared = max(0, len(body) + draw(st.sampled_from([0, 0, 0, 0, -1, 1])))
        lines = [*draw(st.sampled_from(blocks))]
        if draw(st.integers(0, 5)):
            lines.append(f"content-length: {declared}")
        target = KART + draw(st.sampled_from(["", f"/{ID}", f"/{OTHER}", "/x?leg_order_indicator=ENTRY", "//"]))
        line = draw(st.sampled_from(["DELETE", "DELETE", "POST", "PUT", "GET"])) + f" {target} HTTP/1.1"
        raw.append("\r\n".join([line, *lines, "", ""]).encode() + body + draw(st.sampled_from([b"", b"", b"\r\n"])))
    if draw(st.booleans()):
        return raw
    stream = b"".join(raw)
    return list(pieces(stream, *sorted(draw(st.lists(st.integers(0, len(stream)), max_size=3)))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(packets(), min_size=1, max_size=3))
async def test_any_packets_are_answered_the_same(told: list[list[bytes]]) -> None:
    """Whatever bytes come, and come again, a server that knows headers says and does what one does that parses them."""
    pair = houses(per_s=20)
    said = []
    for house in pair:
        await house.place()
        talks = []
        for packets_ in told * 2:
            call = house.call()
            for packet in packets_:
                if not call.wire.closed:
                    await call.say(packet)
            talks.append((call.wire.written, call.wire.closed, call.wire.reading))
            call.leave()
            await settle()
        said.append(talks)
    assert said[0] == said[1]
    assert_same(pair)
