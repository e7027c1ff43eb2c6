"""One client, CLIENT1, in a store of its own, at ten in the morning in India; in a file, and in a database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres_server import PostgresServer

from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientTables
from bracketd.auth.clients_database import TABLES, ClientsDatabase

NOW_NS = 1_700_022_600 * 1_000_000_000  # 2023-11-15 10:00:00 IST


@pytest.fixture
def now_ns() -> int:
    """A fixed moment, far from six in the morning."""
    return NOW_NS


@pytest.fixture
def key() -> bytes:
    """A signing key of the tests' own."""
    return bytes(range(32))


@pytest.fixture(scope="session")
def clients_address(postgres_server: PostgresServer) -> str:
    """The one database that the tests of clients share."""
    return postgres_server.database()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever needs a store is tried on both; what opens the folder's file once more, on that alone."""
    if "place" in metafunc.fixturenames:
        arguments = set(metafunc.function.__code__.co_varnames[: metafunc.function.__code__.co_argcount])
        kinds = ["folder"] if arguments & {"tmp_path", "elsewhere"} else ["folder", "database"]
        metafunc.parametrize("place", kinds, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | ClientTables:
    """Where clients are kept: in a new folder, or in a database whose tables are empty."""
    if request.param == "folder":
        return tmp_path
    tables = ClientsDatabase(request.getfixturevalue("clients_address"))
    tables.write_all([(f"DELETE FROM {table}", ()) for table in TABLES])
    return tables


@pytest.fixture
def store(place: Path | ClientTables) -> Iterator[ClientStore]:
    """An open store in which CLIENT1 has an account."""
    with ClientStore(place) as opened:
        opened.add("CLIENT1", "a hash", 1_000_000_00, 5, NOW_NS)
        yield opened
