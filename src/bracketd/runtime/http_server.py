"""The HTTP server around an application: uvicorn, with signals on the event loop and bounds on what peers may do."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import uvicorn

from bracketd.runtime.descriptors import connections_max
from bracketd.runtime.settings import (
    BACKLOG,
    GRACEFUL_SHUTDOWN_S,
    KEEP_ALIVE_S,
    WS_MESSAGE_BYTES,
    WS_PING_INTERVAL_S,
    WS_PING_TIMEOUT_S,
)

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
"""An ASGI application."""


class HttpServer(uvicorn.Server):
    """uvicorn's server, with signals on the event loop and word given when connections are accepted."""

    def __init__(
        self,
        app: App,
        on_listening: Callable[[], None],
        http: type[asyncio.Protocol],
        ws: type[asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http,
                ws=ws,
                ws_max_size=WS_MESSAGE_BYTES,
                ws_ping_interval=WS_PING_INTERVAL_S,
                ws_ping_timeout=WS_PING_TIMEOUT_S,
                # Frames are small and many: to compress them costs more than it saves.
                ws_per_message_deflate=False,
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                # Who speaks is told by the token; an address in a header would be anybody's word.
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=connections_max(),  # http_protocol answers one too many
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
                ssl_context_factory=None if tls is None else lambda config, default: tls,
            )
        )
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first SIGTERM or SIGINT drains, the second stops waiting for connections.

        uvicorn's own way raises the signal again at the end, and a clean stop would look like a death.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


@contextlib.asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run something beside the body, and end it with the body."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
