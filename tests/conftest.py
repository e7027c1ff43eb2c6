"""What tests of several rooms share: one PostgreSQL server a run, and one of three nodes; and ears for Ctrl-C."""

import signal
from collections.abc import Iterator

import pytest
from tests.postgres_server import PostgresServer, running_server
from tests.trio import Trio, running_trio


def pytest_configure() -> None:
    """A run in the background of a shell ignores SIGINT, and so would every program that it starts and interrupts."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server of the run's own; each test makes its databases in it."""
    yield from running_server()


@pytest.fixture
def postgres_address(postgres_server: PostgresServer) -> str:
    """The address of a new, empty database."""
    return postgres_server.database()


@pytest.fixture(scope="session")
def trio() -> Iterator[Trio]:
    """The run's three replicated nodes; a test that breaks one mends it before it ends."""
    yield from running_trio()
