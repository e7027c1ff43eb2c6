"""Request ids: a client's own is echoed, any other reply has one that was drawn."""

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter

from bracketd.wire.request_id import HEADER, current_id, request_id


@pytest.mark.parametrize("own", [b"a", b"4711", b"A-b_c.9", b"x" * 64])
def test_a_valid_id_is_kept(own: bytes) -> None:
    """A client's id of 1 to 64 harmless characters is the request's, and the log's."""
    assert request_id([(HEADER, own)]) == own
    assert current_id.get() == own.decode()


@pytest.mark.parametrize("own", [b"", b"x" * 65, b"a b", b"a\nERROR forged", b'a"', "é".encode(), b"a\n"])
def test_what_could_forge_a_line_is_replaced(own: bytes) -> None:
    """Anything else is not taken over: the server draws 16 hexadecimal digits."""
    made = request_id([(HEADER, own)])
    assert len(made) == 16
    assert int(made, 16) >= 0


@pytest.mark.parametrize("path", [f"{KART}/20260106-2", "/api/v1/orders?type=pending", "/nowhere", "/healthz"])
async def test_every_reply_has_one(path: str) -> None:
    """Order entry, pages and paths that are not there answer under an id, each request under its own."""
    counter = Counter(floor=Floor())
    one, other = [await counter.call("GET", path) for _ in range(2)]
    assert len(one.request_id) == len(other.request_id) == 16
    assert one.request_id != other.request_id
