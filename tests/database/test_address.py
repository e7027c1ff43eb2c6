"""An address of a database is read once, its hosts become addresses of their own, and no password is shown."""

import pytest

from bracketd.database.address import BadAddress, is_address, read_address


def test_hosts_become_addresses_of_their_own() -> None:
    """Each host keeps user, password, database and the query, but for the two parts that are ours."""
    address = read_address(
        "postgres://desk:s%40cret@a:5432,[::1]:5433,c/orders"
        "?sslmode=require&connect_timeout=2.5&target_session_attrs=any"
    )
    assert address.hosts == (
        "postgresql://desk:s%40cret@a:5432/orders?sslmode=require",
        "postgresql://desk:s%40cret@[::1]:5433/orders?sslmode=require",
        "postgresql://desk:s%40cret@c/orders?sslmode=require",
    )
    assert address.connect_timeout_s == 2.5


def test_password_is_not_shown() -> None:
    """Neither the text for people nor the object's own names a password, wherever it was written."""
    address = read_address("postgresql://desk:topsecret@a,b/orders?password=topsecret&sslpassword=topsecret")
    assert address.shown == "postgresql://desk@a,b/orders"
    assert "topsecret" not in repr(address)


def test_local_socket() -> None:
    """No host at all is the local socket, named after the question mark or the default."""
    assert read_address("postgresql:///orders?host=%2Ftmp").hosts == ("postgresql:///orders?host=%2Ftmp",)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://a/b",
        "/a/folder",
        "postgresql:/a",
        "postgresql://a,,b/x",
        "postgresql://a:port/x",
        "postgresql://a/x#secret",
        "postgresql://a/x?connect_timeout=0",
        "postgresql://a/x?connect_timeout=soon",
        "postgresql://a/x?connect_timeout=nan",
        "postgresql://[::1/x",
    ],
)
def test_bad_address(text: str) -> None:
    """What is no address is refused before anything is dialled."""
    with pytest.raises(BadAddress):
        read_address(text)


def test_a_password_is_not_repeated_by_a_refusal() -> None:
    """Neither a fragment that was a password's end nor a bad host brings the password into the error."""
    for text in ("postgresql://u:topsecret#x@a/x", "postgresql://u:topsecret@a,,b/x"):
        with pytest.raises(BadAddress) as refusal:
            read_address(text)
        assert "topsecret" not in str(refusal.value)


@pytest.mark.parametrize(("text", "meant"), [("postgresql://a", True), ("postgres://", True), ("postgresql", False)])
def test_address_or_folder(text: str, meant: bool) -> None:
    """A scheme makes the difference between an address and a folder."""
    assert is_address(text) is meant
