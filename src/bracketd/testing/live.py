"""A paper broker on a real port, for programs in any language: the same application, clock and script."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import uvicorn

from bracketd.client import Broker
from bracketd.runtime.settings import GRACEFUL_SHUTDOWN_S, WS_MESSAGE_BYTES
from bracketd.testing.paper import PaperBroker
from bracketd.wire.http_protocol import JsonHttpProtocol
from bracketd.wire.websocket_protocol import FeedProtocol

T = TypeVar("T")

IDLE_S = 0.001
"""How long the pump rests between two looks while no request waits for the exchange."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class LiveBroker(PaperBroker):
    """A `PaperBroker` that listens on 127.0.0.1, in a thread of its own until it is closed.

    >>> with LiveBroker() as live, Broker(live.url, live.token("A"), "A") as broker:
    ...     broker.orders()
    []
    """

    def __init__(self, *, port: int = 0, **options: Any) -> None:
        super().__init__(idle_s=IDLE_S, **options)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._clients: list[Broker] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = _Server(
            uvicorn.Config(
                self._front,
                http=JsonHttpProtocol,
                ws=FeedProtocol,
                ws_max_size=WS_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="bracketd live broker", daemon=True)
        self._thread.start()
        # Whoever asks before the loop runs waits for it.
        self._run(asyncio.sleep(0))

    def client(self, client_id: str, **options: Any) -> Broker:
        """A client of this broker over its port; it is closed with the broker.

        >>> with LiveBroker() as live:
        ...     live.client("A").trades()
        []
        """
        client = Broker(self.url, self.token(client_id), client_id, **options)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Stop serving.

        >>> LiveBroker().close()
        """
        for client in self._clients:
            client.close()
        if self._thread.is_alive():
            self._run(self._paper.close())
            self._server.should_exit = True
            self._thread.join()
        self._listener.close()
        if not self._loop.is_closed():
            self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve([self._listener]))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
