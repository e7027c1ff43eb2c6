"""The sandbox: a pushed print reaches the desk exactly as it was written, and only from this machine."""

from typing import Any

import pytest
from tests.trading_floor import SBIN
from tests.wire.counter import Counter

from bracketd.domain.instrument import Level, Tick
from bracketd.wire import replies

TICKS = "/sandbox/v1/ticks"
TICK: dict[str, Any] = {"exchange": "NSE", "instrument_token": 3045, "last_price": 456.95, "last_quantity": 100}


@pytest.mark.parametrize(
    ("changes", "tick"),
    [
        ({}, Tick(SBIN, 45_695, 100)),
        ({"instrument_token": "3045", "last_price": "456.95", "last_quantity": "100"}, Tick(SBIN, 45_695, 100)),
        ({"last_quantity": 0}, Tick(SBIN, 45_695, 0)),
        ({"bids": None, "asks": []}, Tick(SBIN, 45_695, 100, None, ())),
        ({"bids": [[456.9, 5], ["456.85", "7"]]}, Tick(SBIN, 45_695, 100, (Level(45_690, 5), Level(45_685, 7)))),
        ({"asks": [{"price": 457, "quantity": 3}]}, Tick(SBIN, 45_695, 100, None, (Level(45_700, 3),))),
    ],
)
async def test_ticks_reach_the_desk(changes: dict[str, Any], tick: Tick) -> None:
    """A tick is pushed without a token, with or without depth; an absent side is not an empty one."""
    counter = Counter(sandbox=True)
    answer = await counter.call("POST", TICKS, TICK | changes, token=None)
    assert (answer.status, counter.desk.ticks) == (200, [tick])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last_price": 456.96}, "last_price"),
        ({"last_price": "456.951"}, "last_price"),
        ({"last_price": 1}, "last_price"),
        ({"last_price": "NaN"}, "last_price"),
        ({"last_quantity": -1}, "last_quantity"),
        ({"last_quantity": 0.5}, "last_quantity"),
        ({"bids": {}}, "bids"),
        ({"bids": [[456.9]]}, "bids"),
        ({"bids": [[456.9, True]]}, "bids"),
        ({"bids": [[456.85, 1], [456.9, 1]]}, "bids"),
        ({"asks": [{"price": 457}]}, "asks"),
        ({"asks": [[457.001, 1]]}, "asks"),
    ],
)
async def test_wrong_fields_are_named(changes: dict[str, Any], field: str) -> None:
    """A tick that cannot be is refused with the name of its first wrong field, and moves nothing."""
    counter = Counter(sandbox=True)
    answer = await counter.call("POST", TICKS, TICK | changes)
    assert (answer.status, answer.body, counter.desk.ticks) == (400, replies.field_invalid(field).body, [])


@pytest.mark.parametrize("field", TICK)
async def test_needed_fields(field: str) -> None:
    """Each of the four fields is needed."""
    counter = Counter(sandbox=True)
    answer = await counter.call("POST", TICKS, {name: value for name, value in TICK.items() if name != field})
    assert (answer.status, answer.body) == (400, replies.field_blank(field).body)


async def test_unknown_instrument() -> None:
    """A tick of an instrument that is not there is refused with the reason."""
    answer = await Counter(sandbox=True).call("POST", TICKS, TICK | {"instrument_token": 1})
    assert (answer.status, answer.json()["reason"]) == (400, "UNKNOWN_INSTRUMENT")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"last_price":1,"last_price":2}', b'{"a":' * 60])
async def test_bodies_that_cannot_be_read(body: bytes) -> None:
    """What is no JSON object is refused."""
    counter = Counter(sandbox=True)
    answer = await counter.call("POST", TICKS, body)
    assert (answer.status, counter.desk.ticks) == (400, [])


@pytest.mark.parametrize("peer", [("192.168.1.7", 1), ("::ffff:192.168.1.7", 1), ("", 1), ("not an address", 1), None])
async def test_other_machines_find_nothing(peer: tuple[str, int] | None) -> None:
    """For every peer but this machine the route does not exist."""
    counter = Counter(sandbox=True)
    answer = await counter.call("POST", TICKS, TICK, peer=peer)
    assert (answer.status, answer.body, counter.desk.ticks) == (404, replies.RESOURCE_NOT_FOUND.body, [])


@pytest.mark.parametrize("peer", [("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)])
async def test_this_machine_in_every_spelling(peer: tuple[str, int]) -> None:
    """Loopback is loopback in both families of addresses."""
    assert (await Counter(sandbox=True).call("POST", f"{TICKS}/", TICK, peer=peer)).status == 200


async def test_size() -> None:
    """A tick over 64 KiB is too large."""
    assert (await Counter(sandbox=True).call("POST", TICKS, b" " * 65_537)).status == 413
