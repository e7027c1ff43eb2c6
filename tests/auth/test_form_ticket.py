"""Form tickets: good for one browser, one request and ten minutes."""

import pytest

from bracketd.auth.form_ticket import LIFETIME_S, FormTickets

REQUEST = "client_id=a&state=12345678"


@pytest.fixture
def tickets(key: bytes) -> FormTickets:
    """The tickets of a folder."""
    return FormTickets(key)


def test_ticket_is_good_where_it_was_made(tickets: FormTickets, key: bytes, now_ns: int) -> None:
    """A ticket is good with its browser's value and its request, in another process of the folder as well."""
    nonce = tickets.nonce(None)
    ticket = tickets.make(nonce, REQUEST, now_ns)
    assert tickets.good(ticket, nonce, REQUEST, now_ns)
    assert FormTickets(key).good(ticket, nonce, REQUEST, now_ns)


def test_ticket_is_good_for_ten_minutes(tickets: FormTickets, now_ns: int) -> None:
    """A page that was open for ten minutes is too old."""
    nonce = tickets.nonce(None)
    ticket = tickets.make(nonce, REQUEST, now_ns)
    assert tickets.good(ticket, nonce, REQUEST, now_ns + LIFETIME_S * 10**9 - 1)
    assert not tickets.good(ticket, nonce, REQUEST, now_ns + LIFETIME_S * 10**9)


def test_ticket_of_another_kind(tickets: FormTickets, now_ns: int) -> None:
    """A ticket of another browser, request, folder or hour is refused, and so is whatever is none."""
    nonce, other = tickets.nonce(None), tickets.nonce(None)
    ticket = tickets.make(nonce, REQUEST, now_ns)
    assert nonce != other
    assert not tickets.good(ticket, other, REQUEST, now_ns)
    assert not tickets.good(ticket, None, REQUEST, now_ns)
    assert not tickets.good(ticket, nonce, REQUEST + "0", now_ns)
    assert not FormTickets(b"k" * 32).good(ticket, nonce, REQUEST, now_ns)
    until, seal = ticket.split(".")
    for forged in (f"{int(until) + 1}.{seal}", seal, f"{until}.{seal[:-1]}", "", ".", f"{until}.{'0' * 64}", "\ud800"):
        assert not tickets.good(forged, nonce, REQUEST, now_ns)


def test_browser_keeps_its_value(tickets: FormTickets) -> None:
    """A cookie of ours is kept, so that a second tab does not end the first one's form; anything else is replaced."""
    nonce = tickets.nonce(None)
    assert tickets.nonce(nonce) == nonce
    for cookie in ("", "x", nonce + "0", nonce.upper() + "G", nonce + "\n"):
        assert tickets.nonce(cookie) not in (cookie, nonce)


def test_ticket_holds_no_value_of_the_browsers(tickets: FormTickets, now_ns: int) -> None:
    """Who reads the page does not learn the cookie from it."""
    nonce = tickets.nonce(None)
    assert nonce not in tickets.make(nonce, REQUEST, now_ns)
