"""A browser and a server for each module of these tests, and windows that are looked at when they close."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from tests.blotter.window import Window, new_context, running_browser
from tests.e2e.caller import Caller
from tests.e2e.process import HOST, Server

from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_file import LEVERAGE_DEFAULT
from bracketd.cli.token import new_token

CASH_PAISE = 1_000_000_000
TOKEN_NS = 12 * 3_600 * 10**9

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module; it ends with it, because while it runs no event loop but its own may."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is always open, with the page, the sandbox, and no feed but what is pushed."""
    folder: Path = tmp_path_factory.mktemp("blotter")
    server = Server(folder, clients=(), more=("--blotter",))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def trader(server: Server) -> Iterator[Caller]:
    """A client whom nobody has seen before, whose password nobody knows; the market is at 460, with nobody in it."""
    name = f"W{next(_numbers)}"
    with ClientStore(server.data) as store:
        store.add(name, "no password", CASH_PAISE, LEVERAGE_DEFAULT, time.time_ns())
    server.tokens[name] = new_token(server.data, name, TOKEN_NS)
    trader = server.caller(name)
    trader.tick(460, 1, bids=[], asks=[])
    yield trader
    trader.sandbox("DELETE", "faults")
    trader.send("DELETE", f"/api/v1/orders?client_id={name}")


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """The profile that windows share unless they ask for something of their own: it keeps the page's files."""
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def open_window(browser: Browser, profile: BrowserContext, server: Server) -> Iterator[Callable[..., Window]]:
    """Opens windows; each is closed with the test, which fails where something in it went wrong."""
    windows: list[Window] = []
    contexts: list[BrowserContext] = []

    def opened(host: str = HOST, **options: Any) -> Window:
        if options:
            contexts.append(new_context(browser, **options))
        windows.append(Window(contexts[-1] if options else profile, f"http://{host}:{server.port}"))
        return windows[-1]

    yield opened
    try:
        for window in windows:
            window.close()
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def window(open_window: Callable[..., Window], trader: Caller) -> Window:
    """A window in which the trader is logged in."""
    return open_window().enter(trader.token)
