"""The gate: a token is good for as long as it is good, and not for the one request more that a cache would give it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bracketd.auth import gate as gate_module
from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims, issue

MS = 1_000_000
HOUR_NS = 3_600_000 * MS


@pytest.fixture
def gate(store: ClientStore, key: bytes) -> Gate:
    """A gate before the store."""
    return Gate(store, key)


@pytest.fixture
def token(store: ClientStore, key: bytes, now_ns: int) -> str:
    """A token of CLIENT1 that is good for an hour."""
    return issue_for(store, key, "CLIENT1", HOUR_NS, "web", now_ns)


@pytest.fixture
def elsewhere(store: ClientStore, tmp_path: Path) -> Iterator[ClientStore]:
    """Another instance on the same file, as another process has."""
    with ClientStore(tmp_path) as other:
        yield other


def headers(token: str) -> list[tuple[bytes, bytes]]:
    """ASGI headers that carry a token."""
    return [(b"host", b"localhost"), (b"x-authorization-token", token.encode())]


def refusal(gate: Gate, token: str, now_ns: int) -> Refusal:
    """Why the gate refuses a token; fails if it lets it in."""
    with pytest.raises(Unauthorised) as caught:
        gate.authenticate(headers(token), now_ns)
    return caught.value.reason


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were verified in full, in order."""
    seen: list[str] = []
    genuine = gate_module.verify

    def watched(key: bytes, token: str, now_ns: int, standing: Gate) -> Claims:
        seen.append(token)
        return genuine(key, token, now_ns, standing)

    monkeypatch.setattr(gate_module, "verify", watched)
    return seen


def test_token_is_let_in(gate: Gate, token: str, now_ns: int) -> None:
    """A token in a header or by itself is let in as its client, the first time and later."""
    for _ in range(3):
        assert gate.authenticate(headers(token), now_ns).client_id == "CLIENT1"
    assert gate.admit(token, now_ns).device == "web"


def test_no_token_is_refused(gate: Gate, now_ns: int) -> None:
    """A request without a token is refused."""
    with pytest.raises(Unauthorised) as caught:
        gate.authenticate([(b"host", b"localhost")], now_ns)
    assert caught.value.reason is Refusal.NO_TOKEN


def test_token_is_verified_once(gate: Gate, token: str, now_ns: int, verifications: list[str]) -> None:
    """A token is verified in full at its first use, and not at later ones or after changes that leave it good."""
    for _ in range(3):
        gate.admit(token, now_ns)
    gate.logout(Claims("CLIENT1:other", "CLIENT1", "x", "web", 10**12))
    gate.admit(token, now_ns)
    assert verifications == [token]


def test_remembered_token_ends_on_time(gate: Gate, token: str, now_ns: int) -> None:
    """A token that is remembered ends to the nanosecond when it would have ended otherwise."""
    for _ in range(2):
        gate.admit(token, now_ns + HOUR_NS - 1)
        assert refusal(gate, token, now_ns + HOUR_NS) is Refusal.EXPIRED
    fresh = Gate(gate._store, gate._key)
    assert refusal(fresh, token, now_ns + HOUR_NS) is Refusal.EXPIRED


def test_logout_ends_one_token(gate: Gate, store: ClientStore, key: bytes, token: str, now_ns: int) -> None:
    """After logout that token is refused, also by a gate that never saw it, and another of the client is not."""
    other = issue_for(store, key, "CLIENT1", HOUR_NS, "web", now_ns)
    gate.admit(other, now_ns)
    gate.logout(gate.admit(token, now_ns))
    assert refusal(gate, token, now_ns) is Refusal.REVOKED
    assert refusal(Gate(store, key), token, now_ns) is Refusal.REVOKED
    assert gate.admit(other, now_ns).client_id == "CLIENT1"


def test_logout_survives_a_restart(tmp_path: Path, key: bytes, now_ns: int) -> None:
    """A token that was logged out is refused after the store was closed and opened, until it has ended anyway."""
    with ClientStore(tmp_path) as store:
        store.add("CLIENT1", "a hash", 0, 5, now_ns)
        token = issue_for(store, key, "CLIENT1", HOUR_NS, "web", now_ns)
        gate = Gate(store, key)
        gate.logout(gate.admit(token, now_ns))
    with ClientStore(tmp_path) as store:
        store.prune(now_ns + HOUR_NS - 1)
        assert refusal(Gate(store, key), token, now_ns + HOUR_NS - 1) is Refusal.REVOKED


def test_logout_counts_seconds_as_seconds(gate: Gate, store: ClientStore, now_ns: int) -> None:
    """A token whose exp was in seconds stays revoked until that second, not until 1970."""
    exp_s = now_ns // 10**9 + 3_600
    gate.logout(Claims("CLIENT1:abc", "CLIENT1", "x", "web", exp_s))
    store.prune(exp_s * 10**9)
    assert store.is_revoked("CLIENT1:abc")


def revoke(store: ClientStore, claims: Claims) -> None:
    """Log the token out."""
    store.revoke(claims.blacklist_key, claims.exp_ms)


def rotate(store: ClientStore, claims: Claims) -> None:
    """Give the client another client_token."""
    store.rotate(claims.client_id)


def disable(store: ClientStore, claims: Claims) -> None:
    """Shut the client out."""
    store.set_disabled(claims.client_id, True)


CHANGES = [
    (revoke, Refusal.REVOKED),
    (rotate, Refusal.CLIENT_TOKEN_ROTATED),
    (disable, Refusal.CLIENT_DISABLED),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_own_change_counts_at_once(
    gate: Gate,
    store: ClientStore,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, Claims], None],
    reason: Refusal,
) -> None:
    """A token that is remembered is refused from the first request after this process changed its standing."""
    change(store, gate.admit(token, now_ns))
    assert [refusal(gate, token, now_ns) for _ in range(2)] == [reason, reason]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_change_elsewhere_counts_at_once(
    gate: Gate,
    elsewhere: ClientStore,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, Claims], None],
    reason: Refusal,
) -> None:
    """A token that is remembered is refused from the first request after another instance changed its standing."""
    change(elsewhere, gate.admit(token, now_ns))
    assert [refusal(gate, token, now_ns) for _ in range(2)] == [reason, reason]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_change_without_memory(
    gate: Gate,
    elsewhere: ClientStore,
    key: bytes,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, Claims], None],
    reason: Refusal,
) -> None:
    """A gate that has never seen the token refuses it for the same reason."""
    change(elsewhere, Gate(elsewhere, key).admit(token, now_ns))
    assert refusal(gate, token, now_ns) is reason


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_recheck_for_open_streams(
    gate: Gate,
    elsewhere: ClientStore,
    token: str,
    now_ns: int,
    change: Callable[[ClientStore, Claims], None],
    reason: Refusal,
) -> None:
    """Claims let in before can be looked at again without their token: good, then not, for whatever reason."""
    claims = gate.admit(token, now_ns)
    gate.recheck(claims, now_ns + HOUR_NS - 1)
    with pytest.raises(Unauthorised) as caught:
        gate.recheck(claims, now_ns + HOUR_NS)
    assert caught.value.reason is Refusal.EXPIRED
    change(elsewhere, claims)
    with pytest.raises(Unauthorised) as caught:
        gate.recheck(claims, now_ns)
    assert caught.value.reason is reason


REVOKER = """
import sys
from pathlib import Path
from bracketd.auth.client_store import ClientStore
with ClientStore(Path(sys.argv[1])) as store:
    store.revoke(sys.argv[2], int(sys.argv[3]))
"""


def test_another_process_revokes(gate: Gate, token: str, tmp_path: Path, now_ns: int) -> None:
    """When a process that revokes a token has ended, this one refuses it, remembered or not."""
    claims = gate.admit(token, now_ns)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", REVOKER, str(tmp_path), claims.blacklist_key, str(claims.exp_ms)]
    subprocess.run(command, env=environment, check=True)
    assert refusal(gate, token, now_ns) is Refusal.REVOKED


def test_change_while_a_token_is_verified(
    gate: Gate, elsewhere: ClientStore, token: str, now_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that falls between reading a token's standing and remembering it is seen at the next request."""
    genuine = gate_module.verify

    def overtaken(key: bytes, token: str, now_ns: int, standing: Gate) -> Claims:
        claims = genuine(key, token, now_ns, standing)
        elsewhere.rotate("CLIENT1")
        return claims

    monkeypatch.setattr(gate_module, "verify", overtaken)
    gate.admit(token, now_ns)
    assert refusal(gate, token, now_ns) is Refusal.CLIENT_TOKEN_ROTATED


def test_enabled_again(gate: Gate, elsewhere: ClientStore, token: str, now_ns: int) -> None:
    """A client that is enabled again has its tokens back."""
    gate.admit(token, now_ns)
    elsewhere.set_disabled("CLIENT1", True)
    assert refusal(gate, token, now_ns) is Refusal.CLIENT_DISABLED
    elsewhere.set_disabled("CLIENT1", False)
    assert gate.admit(token, now_ns).client_id == "CLIENT1"


def test_unknown_client_is_refused(gate: Gate, key: bytes, now_ns: int) -> None:
    """A well-signed token of a client that is not in the store is refused."""
    token = issue(key, "NOBODY", "x", "web", (now_ns + HOUR_NS) // MS)
    assert refusal(gate, token, now_ns) is Refusal.CLIENT_UNKNOWN


def test_token_of_another_folder_is_refused(gate: Gate, store: ClientStore, now_ns: int) -> None:
    """A token that another key signed is refused, everything else in it being right."""
    token = issue_for(store, b"k" * 32, "CLIENT1", HOUR_NS, "web", now_ns)
    assert refusal(gate, token, now_ns) is Refusal.BAD_SIGNATURE


def test_memory_is_by_the_whole_token(gate: Gate, token: str, now_ns: int) -> None:
    """A token that differs from a remembered one in its last character only is refused."""
    gate.admit(token, now_ns)
    last = "A" if token[-1] != "A" else "B"
    assert refusal(gate, token[:-1] + last, now_ns) in {Refusal.BAD_SIGNATURE, Refusal.MALFORMED}


def test_memory_is_bounded(store: ClientStore, key: bytes, now_ns: int, verifications: list[str]) -> None:
    """With room for two tokens, the one used longest ago is forgotten, and only forgotten."""
    gate = Gate(store, key, cache_tokens=2)
    first, second, third = (issue_for(store, key, "CLIENT1", HOUR_NS, "web", now_ns) for _ in range(3))
    for token in (first, second, first, third, first, second):
        gate.admit(token, now_ns)
    assert verifications == [first, second, third, second]


def test_refused_tokens_are_not_remembered(gate: Gate, token: str, now_ns: int) -> None:
    """Nothing of a token that was refused takes room, whether it was good before or never."""
    gate.admit(token, now_ns)
    assert refusal(gate, token, now_ns + HOUR_NS) is Refusal.EXPIRED
    assert refusal(gate, "a.b.c", now_ns) is Refusal.MALFORMED
    assert len(gate._verified) == 0
