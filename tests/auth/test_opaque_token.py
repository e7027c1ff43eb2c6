"""Opaque tokens at the gate: let in like signed ones, and shut out like them, at once and everywhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bracketd.auth.applications import Applications
from bracketd.auth.client_store import REVOKED_KEPT_MS, ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.opaque_token import LIFETIME_S, OpaqueTokens, digest, is_opaque, new_token
from bracketd.auth.refusal import Refusal, Unauthorised

MS = 1_000_000
LIFETIME_NS = LIFETIME_S * 1_000 * MS


@pytest.fixture
def gate(store: ClientStore, key: bytes) -> Gate:
    """The gate of this process."""
    return Gate(store, key)


@pytest.fixture
def elsewhere(tmp_path: Path, store: ClientStore) -> Iterator[ClientStore]:
    """The same store as another process has it."""
    with ClientStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def app_id(store: ClientStore, now_ns: int) -> str:
    """A registered application."""
    return Applications(store.file).add("App", ["http://127.0.0.1:65010"], now_ns)[0].app_id


@pytest.fixture
def token(store: ClientStore, app_id: str, now_ns: int) -> str:
    """A token of CLIENT1's for that application."""
    return keep(store, app_id, now_ns)


def keep(store: ClientStore, app_id: str, now_ns: int) -> str:
    """Give out another token for CLIENT1."""
    client = store.get("CLIENT1")
    assert client is not None
    made = new_token()
    OpaqueTokens(store).keep(made, "CLIENT1", client.client_token, app_id, "orders", now_ns)
    return made


def refusal(gate: Gate, token: str, now_ns: int) -> Refusal:
    """Why the gate does not let a token in."""
    with pytest.raises(Unauthorised) as caught:
        gate.admit(token, now_ns)
    return caught.value.reason


def test_shape(store: ClientStore, token: str, key: bytes, now_ns: int) -> None:
    """A token is two random parts, as the family prints them, and a signed token is never taken for one."""
    assert is_opaque(token)
    assert len(set(token.split("."))) == 2
    assert not is_opaque(issue_for(store, key, "CLIENT1", None, "web", now_ns))
    for other in (token + "\n", token[:-1], token.replace(".", "-"), token + ".x", ""):
        assert not is_opaque(other)


def test_token_lets_its_client_in(gate: Gate, token: str, now_ns: int) -> None:
    """In whichever header it comes, it speaks for the client who allowed it."""
    for name, value in [(b"authorization", b"Bearer " + token.encode()), (b"x-authorization-token", token.encode())]:
        claims = gate.authenticate([(name, value)], now_ns)
        assert (claims.client_id, claims.device) == ("CLIENT1", "oauth")


def test_token_lives_43199_seconds(gate: Gate, token: str, now_ns: int) -> None:
    """It is good to the last millisecond of its life and not longer, remembered or not."""
    end_ns = now_ns // MS * MS + LIFETIME_NS
    assert LIFETIME_S == 43_199
    gate.admit(token, end_ns - 1)
    assert refusal(gate, token, end_ns) is Refusal.EXPIRED
    assert refusal(gate, token, end_ns) is Refusal.EXPIRED


def test_token_outlives_a_restart(tmp_path: Path, token: str, key: bytes, now_ns: int) -> None:
    """Another process lets it in."""
    with ClientStore(tmp_path) as store:
        assert Gate(store, key).admit(token, now_ns).client_id == "CLIENT1"


def test_token_is_not_kept(token: str, tmp_path: Path) -> None:
    """Who reads the folder's files finds no token in them, and no half of one."""
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert digest(token) in kept
    assert not any(part.encode() in kept for part in token.split("."))


def test_token_that_nobody_gave_out(gate: Gate, token: str, now_ns: int) -> None:
    """A token of the right shape that is not in the books is refused."""
    assert refusal(gate, new_token(), now_ns) is Refusal.UNKNOWN_TOKEN
    last = "A" if token[-1] != "A" else "B"
    assert refusal(gate, token[:-1] + last, now_ns) is Refusal.UNKNOWN_TOKEN


CHANGES: list[tuple[Callable[[ClientStore, str, str], object], Refusal]] = [
    (lambda store, app_id, token: store.rotate("CLIENT1"), Refusal.CLIENT_TOKEN_ROTATED),
    (lambda store, app_id, token: store.set_disabled("CLIENT1", True), Refusal.CLIENT_DISABLED),
    (lambda store, app_id, token: OpaqueTokens(store).revoke_digest(digest(token)), Refusal.REVOKED),
    (lambda store, app_id, token: Applications(store.file).remove(app_id), Refusal.REVOKED),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_change_elsewhere_counts_at_once(
    gate: Gate,
    elsewhere: ClientStore,
    app_id: str,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, str, str], object],
    reason: Refusal,
) -> None:
    """A remembered token is refused from the first request after another process changed its standing."""
    gate.admit(token, now_ns)
    change(elsewhere, app_id, token)
    assert refusal(gate, token, now_ns) is reason


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_change_without_memory(
    gate: Gate,
    store: ClientStore,
    app_id: str,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, str, str], object],
    reason: Refusal,
) -> None:
    """A gate that has never seen the token refuses it too."""
    change(store, app_id, token)
    refusal(gate, token, now_ns)


def test_rotation_kills_both_kinds(gate: Gate, store: ClientStore, token: str, key: bytes, now_ns: int) -> None:
    """One rotation ends the opaque and the signed tokens of a client, and new ones of both kinds are let in."""
    signed = issue_for(store, key, "CLIENT1", None, "web", now_ns)
    for each in (token, signed):
        gate.admit(each, now_ns)
    store.rotate("CLIENT1")
    for each in (token, signed):
        assert refusal(gate, each, now_ns) is Refusal.CLIENT_TOKEN_ROTATED
    gate.admit(keep(store, "app", now_ns), now_ns)
    gate.admit(issue_for(store, key, "CLIENT1", None, "web", now_ns), now_ns)


def test_logout_ends_one_token(gate: Gate, store: ClientStore, app_id: str, token: str, now_ns: int) -> None:
    """Logging out with one token ends it, also for an open stream, and leaves the client's others."""
    other = keep(store, app_id, now_ns)
    claims = gate.admit(token, now_ns)
    gate.logout(claims)
    assert refusal(gate, token, now_ns) is Refusal.REVOKED
    with pytest.raises(Unauthorised):
        gate.recheck(claims, now_ns)
    gate.admit(other, now_ns)


def test_removing_an_application_leaves_the_others(gate: Gate, store: ClientStore, token: str, now_ns: int) -> None:
    """Only the removed application's tokens end."""
    applications = Applications(store.file)
    other, _ = applications.add("Other", ["http://127.0.0.1:65010"], now_ns)
    applications.remove(other.app_id)
    gate.admit(token, now_ns)


def test_ended_tokens_are_forgotten(store: ClientStore, app_id: str, token: str, now_ns: int) -> None:
    """Giving out a token forgets those that ended, so that the file does not grow for ever; so do revocations."""
    Applications(store.file).remove(app_id)
    keep(store, app_id, now_ns)
    later_ns = now_ns + LIFETIME_NS
    keep(store, app_id, later_ns)
    assert store.file.read("SELECT count(*) FROM opaque_token") == [(1,)]
    assert store.prune(later_ns + (REVOKED_KEPT_MS + 1) * MS) == 1
