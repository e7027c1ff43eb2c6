"""The websocket endpoint on a real socket, in the event loop of the test, over a listening post's desk."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from tests.listening_post import Post
from websockets.asyncio.client import ClientConnection, connect

from bracketd.runtime.streams import StreamLimits
from bracketd.wire.app import build_app
from bracketd.wire.websocket_protocol import FeedProtocol

SUBSCRIBE_UPDATES = {"a": "subscribe", "v": ["A", "web"], "m": "updates"}


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class FeedServer:
    """A post that is served: its URL, and the connections that uvicorn holds."""

    def __init__(self, post: Post, server: uvicorn.Server, port: int) -> None:
        self.post = post
        self.server = server
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/ws/v1/feeds"

    @property
    def connections(self) -> int:
        """How many connections are open on the server's side."""
        return len(self.server.server_state.connections)

    def connect(self, client: str = "A", **options: Any) -> connect:
        """A connection of that client, to be entered."""
        return connect(f"{self.url}?login_id={client}&access_token=of {client}".replace(" ", "%20"), **options)


@contextlib.asynccontextmanager
async def serving(
    post: Post | None = None, limits: StreamLimits | None = None, **options: Any
) -> AsyncIterator[FeedServer]:
    """Serve a post until the body ends; `options` are uvicorn's."""
    post = post or Post()
    listener = socket.create_server(("127.0.0.1", 0))
    # What a connection inherits: the kernel takes little, so that a peer that does not read is soon noticed.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    settings: dict[str, Any] = {"ws_max_size": 65_536, "ws_ping_interval": 20.0, "ws_ping_timeout": 30.0} | options
    server = _Server(
        uvicorn.Config(
            build_app(post.desk, post.gate, sandbox=False, stream_limits=limits),  # type: ignore[arg-type]
            ws=FeedProtocol,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=2,
            **settings,
        )
    )
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield FeedServer(post, server, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


async def say(connection: ClientConnection, message: object) -> None:
    """Send a message: text and bytes as they are, anything else as JSON."""
    await connection.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def hear(connection: ClientConnection) -> bytes:
    """The next frame, which must be binary."""
    async with asyncio.timeout(10):
        frame = await connection.recv()
    assert isinstance(frame, bytes)
    return frame


async def hear_answer(connection: ClientConnection) -> dict[str, Any]:
    """The next frame, which must be an answer."""
    frame = await hear(connection)
    assert frame[:5] == b"\x63\x00\x00\x00\x00"
    fields: dict[str, Any] = json.loads(frame[5:])
    return fields


async def until_quiet(connection: ClientConnection) -> list[bytes]:
    """All frames up to the answer to one more message, which is asked for now."""
    await say(connection, {"a": "unsubscribe", "v": [[1, 3045]], "m": "tbt_full_snapquote"})
    frames = []
    while (frame := await hear(connection))[0] != 99:
        frames.append(frame)
    return frames
