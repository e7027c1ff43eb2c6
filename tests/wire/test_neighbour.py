"""Who asks from this machine itself: by address, and not for somebody else."""

import pytest
from tests.wire.counter import Counter

from bracketd.wire.neighbour import FORWARDED, is_neighbour

CLOCK, FAULTS, TICKS = "/sandbox/v1/clock", "/sandbox/v1/faults", "/sandbox/v1/ticks"


@pytest.mark.parametrize("header", FORWARDED)
def test_a_proxy_speaks_for_others(header: bytes) -> None:
    """A request from this machine that a proxy passes on is not this machine's own."""
    assert is_neighbour({"client": ("127.0.0.1", 1), "headers": []})
    assert not is_neighbour({"client": ("127.0.0.1", 1), "headers": [(header, b"for=192.0.2.1")]})
    assert not is_neighbour({"client": ("192.0.2.1", 1), "headers": []})


@pytest.mark.parametrize(("method", "path"), [("GET", CLOCK), ("POST", CLOCK), ("POST", FAULTS), ("POST", TICKS)])
async def test_the_sandbox_is_not_behind_a_proxy(method: str, path: str) -> None:
    """The sandbox takes no token, so nothing of it is there for whoever comes through a proxy on the same machine."""
    passed_on = [(b"x-forwarded-for", b"192.0.2.1")]
    counter = Counter(sandbox=True)
    assert (await counter.call(method, path, {"rules": []}, *passed_on)).status == 404
    assert counter.desk.ticks == []
