"""Issuing: to clients that are there, for as long as was said, and to nobody's loss."""

import pytest

from bracketd.auth.client_store import ClientStore, UnknownClient
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import ClientDisabled, issue_for
from bracketd.auth.token import login_expiry_ms

MS = 1_000_000
HOUR_NS = 3_600_000 * MS


def test_lifetime_is_taken_as_said(store: ClientStore, key: bytes, now_ns: int) -> None:
    """A lifetime of a month or of a second is given, whatever a login's would be."""
    gate = Gate(store, key)
    for ttl_ns in (30 * 24 * HOUR_NS, 1_000 * MS):
        token = issue_for(store, key, "CLIENT1", ttl_ns, "web", now_ns)
        assert gate.admit(token, now_ns).exp_ms * MS == now_ns + ttl_ns


def test_lifetime_is_rounded_down(store: ClientStore, key: bytes, now_ns: int) -> None:
    """A lifetime that ends within a millisecond ends with the one before: never later than was said."""
    token = issue_for(store, key, "CLIENT1", HOUR_NS + MS - 1, "web", now_ns)
    assert Gate(store, key).admit(token, now_ns).exp_ms * MS == now_ns + HOUR_NS


def test_lifetime_of_a_login(store: ClientStore, key: bytes, now_ns: int) -> None:
    """Without a lifetime the token ends when a login's does."""
    token = issue_for(store, key, "CLIENT1", None, "web", now_ns)
    assert Gate(store, key).admit(token, now_ns).exp_ms == login_expiry_ms(now_ns)


def test_device_is_carried(store: ClientStore, key: bytes, now_ns: int) -> None:
    """The token names the device it was issued for, as it was spelt."""
    token = issue_for(store, key, "CLIENT1", HOUR_NS, "Mobile", now_ns)
    assert Gate(store, key).admit(token, now_ns).device == "Mobile"


def test_issuing_revokes_no_other(store: ClientStore, key: bytes, now_ns: int) -> None:
    """Tokens of one client and device live side by side."""
    gate = Gate(store, key)
    tokens = [issue_for(store, key, "CLIENT1", HOUR_NS, "web", now_ns) for _ in range(3)]
    assert len({gate.admit(token, now_ns).blacklist_key for token in tokens}) == 3


@pytest.mark.parametrize("ttl_ns", [0, -1, 2**63 * MS])
def test_impossible_lifetimes(store: ClientStore, key: bytes, now_ns: int, ttl_ns: int) -> None:
    """A lifetime that is not positive, or ends beyond what exp can say, is refused."""
    with pytest.raises(ValueError):
        issue_for(store, key, "CLIENT1", ttl_ns, "web", now_ns)


def test_nobody_gets_no_token(store: ClientStore, key: bytes, now_ns: int) -> None:
    """No token is issued to a client that is not there or is disabled."""
    with pytest.raises(UnknownClient, match="NOBODY"):
        issue_for(store, key, "NOBODY", None, "web", now_ns)
    store.set_disabled("CLIENT1", True)
    with pytest.raises(ClientDisabled, match="CLIENT1"):
        issue_for(store, key, "CLIENT1", None, "web", now_ns)


def test_issuing_forgets_old_revocations(store: ClientStore, key: bytes, now_ns: int) -> None:
    """Revoked keys whose tokens ended days ago are forgotten when a token is issued; others are kept."""
    store.revoke("CLIENT1:old", now_ns // MS - 2 * 86_400_000)
    store.revoke("CLIENT1:new", now_ns // MS + 1)
    issue_for(store, key, "CLIENT1", None, "web", now_ns)
    assert [store.is_revoked(f"CLIENT1:{age}") for age in ("old", "new")] == [False, True]
