"""The profile: the client of the token, and the exchanges of the instrument file."""

import msgspec
from tests.trading_floor import INSTRUMENTS, SBIN

from bracketd.wire.profile import profile, trading_info


def test_the_client_and_its_exchanges() -> None:
    """The client is called by its id, and each exchange of the file is named once."""
    there = msgspec.structs.replace(INSTRUMENTS[SBIN], exchange="BSE", token=500_112)
    shown = trading_info("A", [INSTRUMENTS[SBIN], INSTRUMENTS[SBIN], there])
    assert (shown["client_id"], shown["name"], shown["exchanges_subscribed"]) == ("A", "A", ["NSE", "BSE"])


def test_words_for_a_client_that_is_let_in() -> None:
    """Each route has its own word for a client that may trade, as the documents print it."""
    assert (profile("A", [])["status"], trading_info("A", [])["status"]) == ("active", "Activated")
