"""The pytest plugin: the fixtures `broker`, `async_broker` and `live_broker`. Installed with `bracketd[testing]`.

What it needs is imported when a fixture is asked for, so that a pytest without httpx is not troubled by it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bracketd.testing import AsyncPaperBroker, LiveBroker, PaperBroker


@pytest.fixture
def broker() -> Iterator[PaperBroker]:
    """A paper broker in this process, without a port, its clock standing at ten in the morning."""
    from bracketd.testing import PaperBroker

    with PaperBroker() as paper:
        yield paper


@pytest.fixture
async def async_broker() -> AsyncIterator[AsyncPaperBroker]:
    """The same in the event loop of the test; wants pytest-asyncio in its automatic mode."""
    from bracketd.testing import AsyncPaperBroker

    async with AsyncPaperBroker() as paper:
        yield paper


@pytest.fixture
def live_broker() -> Iterator[LiveBroker]:
    """A paper broker on a port of 127.0.0.1, for programs in any language: `live_broker.url`."""
    from bracketd.testing import LiveBroker

    with LiveBroker() as live:
        yield live
