"""A real server for each module of these tests, and the clients who speak to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.caller import Caller
from tests.e2e.process import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bracketd process on a free port and a fresh folder, always open, with no feed but what is pushed."""
    folder: Path = tmp_path_factory.mktemp("bracketd")
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def trader(server: Server) -> Caller:
    """Client C1, whom most tests are about."""
    return server.caller("C1")


@pytest.fixture
def stranger(server: Server) -> Caller:
    """Client C2, from whom nothing of C1 may be seen or changed."""
    return server.caller("C2")
