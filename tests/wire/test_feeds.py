"""The websocket over a real socket: who comes in, what is answered, what is pushed, and how it ends."""

import asyncio
import base64
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.listening_post import Folder, Post, settle
from tests.trading_floor import SBIN
from tests.wire.feed_server import SUBSCRIBE_UPDATES, FeedServer, hear, hear_answer, say, serving, until_quiet
from tests.wire.test_subscription import MALFORMED
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.domain.instrument import Tick
from bracketd.runtime.streams import StreamLimits
from bracketd.wire import replies, websocket_protocol
from bracketd.wire.feeds import Feeds
from bracketd.wire.replies import Reply

QUOTES = {"a": "subscribe", "v": [[1, 3045]], "m": "marketdata"}


LoopFactory = Callable[[], asyncio.AbstractEventLoop]
ON_BOTH_LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
"""What depends on buffers is tried on the standard library's loop and on the one that the server runs."""


def run_on(loop_factory: LoopFactory, work: Coroutine[None, None, None]) -> None:
    """Run a test's body on a loop of its own."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(work)


async def refused(url: str, reply: Reply, headers: dict[str, str] | None = None) -> dict[str, str]:
    """Assert that the handshake is answered with that reply; returns its headers."""
    with pytest.raises(InvalidStatus) as failed:
        async with connect(url, additional_headers=headers):
            pytest.fail("let in")
    response = failed.value.response
    assert (response.status_code, response.body) == (reply.status, reply.body)
    assert response.headers["content-type"] == "application/json"
    return dict(response.headers.raw_items())


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """(code, reason) with which the server closes the connection; frames before that are passed over."""
    try:
        async with asyncio.timeout(10):
            while True:
                await connection.recv()
    except ConnectionClosed:
        return connection.close_code or 0, connection.close_reason or ""


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("?login_id=A&access_token=of%20A", {}),
        ("/?login_id=A&access_token=of%20A", {}),
        ("//?access_token=of+A", {}),
        ("?login_id=B&access_token=of%20A", {}),
        ("?acess_token=of%20A", {}),
        ("?access_token=Bearer%20of%20A", {}),
        ("?access_token=", {"x-authorization-token": "of A"}),
        ("", {"Authorization": "Bearer of A"}),
        ("/", {"x-auth-token": "of A"}),
        ("?access_token=of%20A", {"Authorization": "Bearer of A"}),
        ("?access_token=of%20A", {"Origin": "https://elsewhere.example"}),
    ],
)
async def test_token_decides_wherever_it_stands(target: str, headers: dict[str, str]) -> None:
    """With and without a slash, token in the query or in a header, the token says who it is, whatever login_id says."""
    async with serving() as server, connect(server.url + target, additional_headers=headers) as connection:
        await say(connection, SUBSCRIBE_UPDATES)
        assert (await hear_answer(connection))["status"] == "success"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("", {}),
        ("?login_id=A", {}),
        ("?access_token=wrong", {}),
        ("?access_token=of%20A&access_token=of%20B", {}),
        ("?access_token=of%20A", {"Authorization": "Bearer of B"}),
        ("?" + "x=1&" * 40 + "access_token=of%20A", {}),
    ],
)
async def test_without_a_good_token_the_handshake_is_401(target: str, headers: dict[str, str]) -> None:
    """No token, a wrong one and two different ones are the same JSON 401 that every request gets."""
    async with serving() as server:
        await refused(server.url + target, replies.UNAUTHORISED, headers)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", ["access_token", "acess_token"])
@pytest.mark.parametrize("hint", ["", "login_id=A&", "login_id=B&", "login_id=&"])
@pytest.mark.parametrize("path", ["/ws/v1/feeds", "/hydrasocket/v2/websocket"])
async def test_every_spelling_that_clients_are_seen_to_send(path: str, hint: str, name: str, slash: str) -> None:
    """wire.md 1.10: either path, with and without a slash, either spelling, the hint or none: the token's updates."""
    async with serving() as server:
        url = f"ws://127.0.0.1:{server.port}{path}{slash}?{hint}{name}=of%20A"
        async with connect(url) as connection:
            await say(connection, {"a": "subscribe", "v": ["A", "web"], "m": "updates"})
            assert (await hear_answer(connection))["status"] == "success"
            await server.post.place("B")
            await server.post.place("A")
            assert [frame[0] for frame in await until_quiet(connection)] == [50]
        await refused(url.replace("of%20A", "of%20C"), replies.UNAUTHORISED)


async def test_other_paths_and_a_stopped_desk_are_told_so() -> None:
    """A websocket elsewhere is 404; a desk that has stopped lets nobody in; a fault of ours is 500."""
    async with serving() as server:
        await refused(f"ws://127.0.0.1:{server.port}/ws/v2/feeds?access_token=of%20A", replies.RESOURCE_NOT_FOUND)
        server.post.gate.fault = ArithmeticError("planted")
        await refused(server.url + "?access_token=of%20A", replies.INTERNAL)
        server.post.gate.fault = ClientsUnavailable("planted")
        await refused(server.url + "?access_token=of%20A", replies.NOT_SERVING)
        server.post.desk.fail("told to")
        await refused(server.url + "?access_token=of%20A", replies.NOT_SERVING)


async def test_one_connection_too_many_is_429() -> None:
    """A client has its bound, and a place that is given up is free again."""
    async with serving(limits=StreamLimits(connections_per_client=1)) as server:
        async with server.connect():
            headers = await refused(server.url + "?access_token=of%20A", replies.TOO_MANY_CONNECTIONS)
            assert headers["retry-after"] == "1"
            async with server.connect("B"):
                pass
        async with asyncio.timeout(5), server.connect():
            pass


async def test_subscription_is_answered_then_shown_then_followed() -> None:
    """A subscription is answered, the present quote follows at once, then each tick, until it is given up."""
    async with serving() as server, server.connect() as connection:
        await say(connection, QUOTES)
        assert await hear_answer(connection) == {
            "status": "success",
            "message": "Subscribed",
            "data": {"m": "marketdata"},
        }
        assert (await hear(connection))[:10].hex() == "010100000be50000b27f"
        server.post.desk.feed_tick(Tick(SBIN, 45_700, 5))
        server.post.desk.feed_tick(Tick(SBIN, 45_705, 5))
        assert [(await hear(connection))[6:10].hex() for _ in range(2)] == ["0000b284", "0000b289"]
        await say(connection, QUOTES | {"a": "unsubscribe"})
        assert (await hear_answer(connection))["message"] == "Unsubscribed"
        server.post.desk.feed_tick(Tick(SBIN, 45_710, 5))
        assert await until_quiet(connection) == []


async def test_updates_fold_to_the_order_book() -> None:
    """What a client is pushed between its subscription and now gives the order book and the trades of REST."""
    async with serving() as server, server.connect() as connection:
        post = server.post
        folder = Folder(post.book("A"), post.trades("A"))
        await say(connection, SUBSCRIBE_UPDATES)
        await hear_answer(connection)
        entry = await post.place()
        await post.print(45_695, 4)
        await post.cancel(entry, "STOPLOSS")
        await post.place("B")
        await settle()
        for frame in await until_quiet(connection):
            folder.take(frame)
        assert len(folder.trades) > 0
        assert (folder.book, folder.trades) == (post.book("A"), post.trades("A"))


async def test_nothing_is_sent_while_the_disk_waits() -> None:
    """Over the socket too: no frame of a step leaves before the gate of the disk opens."""
    async with serving() as server, server.connect() as connection:
        await say(connection, SUBSCRIBE_UPDATES)
        await hear_answer(connection)
        await server.post.desk.ensure_account("A")
        server.post.journal.gate.clear()
        placed = asyncio.create_task(server.post.place())
        await settle()
        assert len(server.post.desk.state.orders) == 1
        assert await until_quiet(connection) == []
        server.post.journal.gate.set()
        assert (await hear(connection))[0] == 50
        await placed


async def test_nobody_gets_anothers_updates() -> None:
    """Another client's updates are refused, and what another client does is not sent."""
    async with serving() as server, server.connect("B") as connection:
        await say(connection, SUBSCRIBE_UPDATES)
        assert (await hear(connection))[5:] == replies.FORBIDDEN.body
        await say(connection, {"a": "subscribe", "m": "updates"})
        await hear_answer(connection)
        await server.post.place("A")
        assert await until_quiet(connection) == []


async def test_no_message_closes_a_connection() -> None:
    """Malformed JSON of every kind is passed over; the connection answers the next message as if nothing was sent."""
    async with serving() as server, server.connect() as connection:
        for text in MALFORMED:
            await say(connection, text)
        await say(connection, {"a": "h", "v": [], "m": ""})
        assert await until_quiet(connection) == []
        await say(connection, {"a": "subscribe", "m": "futures"})
        assert (await hear(connection))[5:] == replies.field_invalid("m").body


async def test_too_many_subscriptions_are_refused() -> None:
    """A subscription beyond the bound is refused with its reason and changes nothing."""
    async with serving(limits=StreamLimits(subscriptions=1)) as server, server.connect() as connection:
        await say(connection, QUOTES)
        await hear_answer(connection)
        await hear(connection)
        await say(connection, QUOTES | {"m": "compact_marketdata"})
        assert (await hear(connection))[5:] == replies.TOO_MANY_SUBSCRIPTIONS.body
        server.post.desk.feed_tick(Tick(SBIN, 45_700, 5))
        assert [frame[0] for frame in await until_quiet(connection)] == [1]


async def test_message_that_is_too_large_closes_its_connection() -> None:
    """A message beyond the bound is closed with 1009."""
    async with serving() as server, server.connect() as connection:
        await connection.send(" " * 65_537)
        assert (await closed(connection))[0] == 1009


async def test_revoked_token_closes_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is good no more closes its connection with 1008 and says why; the other client stays."""
    monkeypatch.setattr("bracketd.runtime.streams.TOKEN_CHECK_S", 0.01)
    async with serving() as server, server.connect() as connection, server.connect("B") as other:
        del server.post.gate.clients["of A"]
        assert await closed(connection) == (1008, "Request Unauthorised")
        assert await until_quiet(other) == []


async def test_stop_closes_with_service_restart() -> None:
    """A server that stops closes each websocket with 1012, and does not wait for those who are idle."""
    async with serving() as server, server.connect() as connection:
        server.server.should_exit = True
        assert (await closed(connection))[0] == 1012


async def test_fault_of_ours_closes_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault while a message is read closes that connection with 1011, and the log has it whole."""

    def broken(*_: object) -> None:
        raise ArithmeticError("planted")

    monkeypatch.setattr("bracketd.wire.feeds.read_subscription", broken)
    async with serving() as server, server.connect() as connection:
        await say(connection, QUOTES)
        assert await closed(connection) == (1011, "Something went wrong")
    assert "planted" in caplog.text


async def test_log_has_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """The token stands in the query, and neither the handshake's log nor a refusal's has it."""
    caplog.set_level(logging.INFO, "bracketd")
    async with serving() as server:
        async with server.connect():
            pass
        await refused(server.url + "?access_token=secret", replies.UNAUTHORISED)
    assert "websocket refused" in caplog.text
    assert [word for word in ("secret", "of A", "of%20A") if word in caplog.text] == []


async def raw_connection(server: FeedServer) -> socket.socket:
    """A websocket of client A as a bare socket, with a small buffer, its handshake done."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        "GET /ws/v1/feeds?access_token=of%20A HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await loop.sock_sendall(raw, head.encode())
    answered = b""
    while b"\r\n\r\n" not in answered:
        answered += await loop.sock_recv(raw, 4_096)
    assert answered.startswith(b"HTTP/1.1 101 ")
    return raw


def client_frame(opcode: int, payload: bytes) -> bytes:
    """One small frame as a client sends it, masked with zeros."""
    return struct.pack(">BBI", 0x80 | opcode, 0x80 | len(payload), 0) + payload


async def gone(server: FeedServer, left: int) -> None:
    """Wait until the server holds no more than so many connections."""
    for _ in range(1_000):
        if server.connections <= left:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{server.connections} connections are still open")


@ON_BOTH_LOOPS
def test_reader_that_never_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch, loop_factory: LoopFactory) -> None:
    """A peer that reads nothing is cut off, while another connection gets every frame in its order."""
    monkeypatch.setattr(websocket_protocol, "CLOSE_WAIT_S", 0.05)
    run_on(loop_factory, _never_read())


async def _never_read() -> None:
    async with serving(limits=StreamLimits(backlog_bytes=100_000)) as server, server.connect() as quick:
        raw = await raw_connection(server)
        subscribed = b'{"a":"subscribe","v":[[1,3045]],"m":"full_snapquote"}'
        await asyncio.get_running_loop().sock_sendall(raw, client_frame(1, subscribed))
        await say(quick, QUOTES)
        await hear_answer(quick)
        await hear(quick)
        sent, heard = [], []
        while server.connections > 1 and len(sent) < 100_000:
            for _ in range(50):
                sent.append(45_000 + 5 * (len(sent) % 100))
                server.post.desk.feed_tick(Tick(SBIN, sent[-1], 5))
            while len(heard) < len(sent):
                heard.append(int.from_bytes((await hear(quick))[6:10], "big"))
        assert server.connections == 1
        assert heard == sent
        raw.close()


async def test_slow_reader_is_told_why() -> None:
    """A reader that falls behind and then reads on finds what had left, and then close code 1013 and the reason."""
    async with serving(limits=StreamLimits(backlog_bytes=20_000)) as server, server.connect(max_queue=1) as slow:
        await say(slow, QUOTES)
        for _ in range(2_000):
            for _ in range(50):
                server.post.desk.feed_tick(Tick(SBIN, 45_700, 5))
            await asyncio.sleep(0)
            if _dropped(server):
                break
        assert _dropped(server), "the close frame does not wait for room"
        assert await closed(slow) == (1013, "Too slow: frames wait that are not read")


def _dropped(server: FeedServer) -> bool:
    """Whether the one connection has sent its close frame."""
    (connection,) = server.server.server_state.connections
    return bool(connection.close_sent)  # type: ignore[union-attr]


@ON_BOTH_LOOPS
def test_pings_without_reading_are_cut_off(loop_factory: LoopFactory) -> None:
    """A peer that sends pings and never reads the pongs is cut before it costs memory."""
    run_on(loop_factory, _ping_only())


async def _ping_only() -> None:
    async with serving() as server:
        raw = await raw_connection(server)
        pings = client_frame(9, b"x" * 125) * 100
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                await loop.sock_sendall(raw, pings)
        await gone(server, 0)
        raw.close()


@ON_BOTH_LOOPS
def test_peer_that_answers_no_ping_is_closed(monkeypatch: pytest.MonkeyPatch, loop_factory: LoopFactory) -> None:
    """A peer that is silent even to pings is closed by the server, cut if it does not answer that either."""
    monkeypatch.setattr(websocket_protocol, "CLOSE_WAIT_S", 0.05)
    run_on(loop_factory, _silent())


async def _silent() -> None:
    async with serving(ws_ping_interval=0.02, ws_ping_timeout=0.02) as server:
        raw = await raw_connection(server)
        await gone(server, 0)
        raw.close()
        async with server.connect() as answering:
            await asyncio.sleep(0.2)
            assert await until_quiet(answering) == []


async def stuffed(server: FeedServer) -> socket.socket:
    """A connection that has read nothing for so long that the server cannot write to it any more."""
    raw = await raw_connection(server)
    subscribed = b'{"a":"subscribe","v":[[1,3045]],"m":"full_snapquote"}'
    await asyncio.get_running_loop().sock_sendall(raw, client_frame(1, subscribed))
    (connection,) = server.server.server_state.connections
    for _ in range(2_000):
        if not connection.writable.is_set():  # type: ignore[union-attr]
            return raw
        for _ in range(50):
            server.post.desk.feed_tick(Tick(SBIN, 45_700, 5))
        await asyncio.sleep(0)
    raise AssertionError("the server can still write")


async def _stuffed_and_silent() -> None:
    async with serving() as server:
        raw = await stuffed(server)
        (connection,) = server.server.server_state.connections
        connection.ping_timeout = 0.02  # type: ignore[union-attr]
        # What its timer would do in twenty seconds.
        connection.send_keepalive_ping()  # type: ignore[union-attr]
        await gone(server, 0)
        raw.close()


async def _stuffed_and_broken() -> None:
    async with serving() as server:
        raw = await stuffed(server)
        await asyncio.get_running_loop().sock_sendall(raw, client_frame(7, b""))
        await gone(server, 0)
        raw.close()


async def _stuffed_and_revoked() -> None:
    async with serving() as server:
        raw = await stuffed(server)
        server.post.gate.clients.clear()
        await gone(server, 0)
        raw.close()


async def _stuffed_at_the_end() -> None:
    async with serving() as server:
        raw = await stuffed(server)
        server.server.should_exit = True
        await gone(server, 0)
        raw.close()


@ON_BOTH_LOOPS
@pytest.mark.parametrize("work", [_stuffed_and_silent, _stuffed_and_broken, _stuffed_and_revoked, _stuffed_at_the_end])
def test_full_buffer_keeps_no_connection_open(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    loop_factory: LoopFactory,
    work: Callable[[], Coroutine[None, None, None]],
) -> None:
    """However a connection ends, one whose peer reads nothing is cut, and nothing of it is an error of ours."""
    for name in ("CLOSE_WAIT_S", "STOP_WAIT_S"):
        monkeypatch.setattr(websocket_protocol, name, 0.05)
    monkeypatch.setattr("bracketd.runtime.streams.TOKEN_CHECK_S", 0.05)
    run_on(loop_factory, work())
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_peer_that_vanishes_is_forgotten() -> None:
    """A connection that breaks without a close frame gives its place back."""
    async with serving(limits=StreamLimits(connections_per_client=1)) as server:
        raw = await raw_connection(server)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        await gone(server, 0)
        async with asyncio.timeout(5), server.connect() as connection:
            assert await until_quiet(connection) == []


async def test_post_restarted_is_listened_to_anew() -> None:
    """After a restart a client that reads the order book and subscribes again folds to the same book."""
    async with serving() as server, server.connect() as connection:
        await say(connection, SUBSCRIBE_UPDATES)
        await hear_answer(connection)
        await server.post.place()
        await hear(connection)
        bodies = server.post.journal.bodies
    async with serving(Post(bodies)) as server, server.connect() as connection:
        post = server.post
        await say(connection, SUBSCRIBE_UPDATES)
        await hear_answer(connection)
        folder = Folder(post.book("A"), post.trades("A"))
        await post.print(45_695)
        await settle()
        for frame in await until_quiet(connection):
            folder.take(frame)
        assert [mode for mode, _ in folder.frames] == [51, 50, 50, 50]
        assert (folder.book, folder.trades) == (post.book("A"), post.trades("A"))


SCOPE = {"type": "websocket", "path": "/ws/v1/feeds", "query_string": b"access_token=of+A", "headers": []}


async def test_peer_that_is_gone_is_not_closed(caplog: pytest.LogCaptureFixture) -> None:
    """When the peer goes in the moment in which we would close, nothing is left to do and nothing is a fault."""
    post = Post()
    feeds = Feeds(post.desk, post.gate)  # type: ignore[arg-type]
    messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": '{"a":"subscribe","m":"updates"}'}]

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            post.gate.clients.clear()
            feeds._streams.check_tokens()
            raise OSError("the peer has gone")

    async with asyncio.timeout(5):
        await feeds.attend(SCOPE, receive, send)
    assert caplog.records == []


async def test_peer_that_never_pauses_keeps_nobody_waiting() -> None:
    """Between two messages of one connection everybody else has a turn, however many have come at once."""
    post = Post()
    feeds = Feeds(post.desk, post.gate)  # type: ignore[arg-type]
    messages = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": "x"} for _ in range(500))]
    messages.append({"type": "websocket.disconnect", "code": 1000})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    attending = asyncio.create_task(feeds.attend(SCOPE, receive, send))
    turns = 0
    while not attending.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 500
    assert [message["type"] for message in sent] == ["websocket.accept"]
