"""The seed page's request as the page makes it, in each of its languages that Debian 12 has, against a real server."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.programs import LANGUAGES, PROGRAMS, Answer, Built
from tests.e2e.caller import CANCELLED, NOT_FOUND, UNAUTHORISED, Caller, field_fault
from tests.e2e.process import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# The page's own token, put together from its claims. It expired on 29 September 2022.
SEED_CLAIMS = (
    '{"blacklist_key":"CLIENT1:TDf/gTJQCEK+lXbu/mrzqw","client_id":"CLIENT1","client_token":"yJx24tWfQIlJyhRuVmUJyw",'
    '"device":"web","exp":1664439781656}'
)
SEED_SIGNATURE = "LP70t5kXSBtO0iflzG2lo3lvs8wj9_HpHRjOPSHSBpg"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bracketd process on a fresh folder."""
    server = Server(tmp_path_factory.mktemp("bracketd"), clients=("C1",))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module", params=LANGUAGES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """One language's program after the other, compiled where that is needed."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    return Built(request.param, folder)


def seed_token() -> str:
    """The token that the seed page prints."""
    parts = ('{"alg":"HS256","typ":"JWT"}', SEED_CLAIMS)
    return ".".join([*(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts), SEED_SIGNATURE])


def refusal(built: Built, status: int, body: bytes) -> Answer:
    """What the program tells of a refusal: its body too, where the page's way does not throw before reading it."""
    return Answer(status, body if built.language.body_of_refusals else b"")


def url(caller: Caller, order_id: str) -> str:
    """The address of an order."""
    return f"http://{caller.host}:{caller.port}/api/v1/orders/kart/{order_id}"


def test_each_cancels_a_real_order(server: Server, built: Built) -> None:
    """With a real id in place of the placeholder the page's request cancels, with the page's reply to the byte."""
    trader = server.caller()
    placed = trader.place()
    target = url(trader, placed.entry_id)
    answer = built.send(target, trader.token, "C1", placed.exchange_order_id, placed.entry_id)
    assert answer == Answer(200, CANCELLED)
    assert trader.row(placed.entry_id)["order_status"] == "CANCELLED"


def test_the_body_arrives(server: Server, built: Built) -> None:
    """A body that names another order than the path is 400, so the six fields are read as each language sends them."""
    trader = server.caller()
    placed, other = trader.place(), trader.place()
    target = url(trader, placed.entry_id)
    answer = built.send(target, trader.token, "C1", other.exchange_order_id, placed.entry_id)
    assert answer == refusal(built, 400, field_fault("exchange_order_id"))
    assert {trader.row(each.entry_id)["order_status"] for each in (placed, other)} == {"CONFIRMED"}


def test_the_placeholder_is_no_order(server: Server, built: Built) -> None:
    """The page's literal placeholder path is 404 with the page's failed reply, even with a real id in the body."""
    trader = server.caller()
    placed = trader.place()
    target = url(trader, built.language.placeholder)
    answer = built.send(target, trader.token, "C1", placed.exchange_order_id, placed.entry_id)
    assert answer == refusal(built, 404, NOT_FOUND)
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


def test_the_pages_token_is_refused(server: Server, built: Built) -> None:
    """The token that the page prints, expired and signed elsewhere, gets 401."""
    trader = server.caller()
    placed = trader.place()
    answer = built.send(url(trader, placed.entry_id), seed_token(), "CLIENT1", "1100000000006951", placed.entry_id)
    assert answer == refusal(built, 401, UNAUTHORISED)
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


def test_every_program_is_run() -> None:
    """No program lies in its folder without being judged."""
    assert {path.parent.name for path in PROGRAMS.glob("*/[cC]ancel.*")} == set(LANGUAGES)
