"""The simulated clients write requests in every way that the tests over the wire know."""

from tests.e2e.test_encodings import AUTH, WAYS

from bracketd.simulation.encodings import AUTHS, CANCEL_WAYS

SAID_OTHERWISE = {
    "path only": "cancel_written, where nothing but the id is said",
    "path only, slash": "cancel_written",
    "query without the id, JSON type, empty body": "query without the id, JSON type",
    "id alone in the query": "id only in the query",
    "orders with execution_type": "orders",
    "orders without execution_type": "orders",
    "basket id in the path": "the ids of simulated cancels are orders'",
    "exchange's number in the path": "the ids of simulated cancels are orders'",
    "basket id beside the entry's": "the ids of simulated cancels are orders'",
    "a typo beside the right key": "two values of one field are no encoding",
    "lower case and blanks": "words are drawn in lower case by the storyteller",
    "numbers for texts": "ids with a hyphen are no numbers",
    "null leg": "an absent leg is",
}
"""Ways of the tests over the wire that have another name here, or none, and why."""

HEADERS_SAID_OTHERWISE = {
    "X-Authorization-Token",
    "authorization: bearer",
    "the seed's table",
    "a client_id header too",
}
"""Header forms that differ by case, which no ASGI application sees, or by headers that nobody reads."""


def test_every_way_of_a_cancel_is_there() -> None:
    """Each way of writing a cancel is drawn by the simulator, or listed here with a reason."""
    assert set(WAYS) - set(SAID_OTHERWISE) <= set(CANCEL_WAYS)
    assert set(SAID_OTHERWISE) <= set(WAYS)


def test_every_header_is_there() -> None:
    """Each form of the token header is drawn by the simulator, or listed here."""
    assert set(AUTH) - HEADERS_SAID_OTHERWISE <= set(AUTHS)
