"""One client, CLIENT1, in a store of its own, at ten in the morning in India."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bracketd.auth.client_store import ClientStore

NOW_NS = 1_700_022_600 * 1_000_000_000  # 2023-11-15 10:00:00 IST


@pytest.fixture
def now_ns() -> int:
    """A fixed moment, far from six in the morning."""
    return NOW_NS


@pytest.fixture
def key() -> bytes:
    """A signing key of the tests' own."""
    return bytes(range(32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ClientStore]:
    """An open store in which CLIENT1 has an account."""
    with ClientStore(tmp_path) as opened:
        opened.add("CLIENT1", "a hash", 1_000_000_00, 5, NOW_NS)
        yield opened
