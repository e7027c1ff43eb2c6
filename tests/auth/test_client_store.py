"""The store of clients: durable, shared between processes, and refusing what it does not know."""

import base64
from pathlib import Path

import apsw
import pytest

from bracketd.auth.client_store import BadClientId, ClientExists, ClientRecord, ClientStore, UnknownClient
from bracketd.auth.clients_file import FILE_NAME, LEVERAGE_DEFAULT

MS = 1_000_000
DAY_NS = 86_400_000 * MS


def test_client_is_kept(tmp_path: Path) -> None:
    """A client that was added is read back whole after the store was closed and opened."""
    with ClientStore(tmp_path, random_bytes=lambda count: b"r" * count) as store:
        added = store.add("CLIENT1", "a hash", 12_345, 4, 99)
    with ClientStore(tmp_path) as store:
        token = base64.b64encode(b"r" * 16).decode().rstrip("=")
        assert store.get("CLIENT1") == added == ClientRecord("CLIENT1", "a hash", 12_345, 4, token, 99, False)


def test_unknown_client_is_none(store: ClientStore) -> None:
    """An id that was never added, in another case included, is nobody."""
    assert store.get("CLIENT2") is None
    assert store.get("client1") is None


def test_clients_are_listed_oldest_first(store: ClientStore) -> None:
    """All clients are listed in the order in which they were opened."""
    store.add("B", "a hash", 0, 5, 20)
    store.add("A", "a hash", 0, 5, 20)
    store.add("C", "a hash", 0, 5, 10)
    assert [client.client_id for client in store.all()] == ["C", "A", "B", "CLIENT1"]


def test_client_tokens_differ(store: ClientStore) -> None:
    """Every client gets 16 random bytes of its own, in unpadded base64."""
    tokens = [store.add(name, "a hash", 0, 5, 0).client_token for name in ("A", "B")]
    assert tokens[0] != tokens[1]
    assert [len(base64.b64decode(token + "==")) for token in tokens] == [16, 16]


@pytest.mark.parametrize("client_id", ["A", "a_1", "x" * 32, "_"])
def test_good_client_ids(store: ClientStore, client_id: str) -> None:
    """Letters, digits and underscores of ASCII, up to 32, make an id."""
    assert store.add(client_id, "a hash", 0, 5, 0).client_id == client_id


@pytest.mark.parametrize("client_id", ["", "x" * 33, "A-B", "A:B", "A B", "A\n", "é", "१"])
def test_bad_client_ids(store: ClientStore, client_id: str) -> None:
    """Anything else is refused: a colon would end the prefix of a blacklist_key."""
    with pytest.raises(BadClientId):
        store.add(client_id, "a hash", 0, 5, 0)
    assert len(store.all()) == 1


def test_client_exists_once(store: ClientStore) -> None:
    """A second client of one id is refused and the first stays as it was."""
    before = store.get("CLIENT1")
    with pytest.raises(ClientExists, match="CLIENT1"):
        store.add("CLIENT1", "another hash", 1, 1, 1)
    assert store.get("CLIENT1") == before


@pytest.mark.parametrize(("cash_paise", "leverage"), [(-1, 5), (0, 0), (0, -1)])
def test_cash_and_leverage_make_sense(store: ClientStore, cash_paise: int, leverage: int) -> None:
    """Negative cash and a leverage below one are refused."""
    with pytest.raises(ValueError):
        store.add("A", "a hash", cash_paise, leverage, 0)


def test_leverage_defaults_to_five(store: ClientStore, tmp_path: Path) -> None:
    """The table's own default for leverage is the one that is exported."""
    with apsw.Connection(str(tmp_path / FILE_NAME)) as connection:
        connection.execute(
            "INSERT INTO client (client_id, password_hash, cash_paise, client_token, created_ns) "
            "VALUES ('A', 'a hash', 0, 't', 0)"
        )
    connection.close()
    client = store.get("A")
    assert client is not None
    assert client.leverage == LEVERAGE_DEFAULT == 5


def test_rotation_gives_a_new_token(store: ClientStore) -> None:
    """Rotation changes the client_token, gives the new one, and changes nothing else."""
    store.add("A", "a hash", 0, 5, 0)
    before, other = store.get("CLIENT1"), store.get("A")
    client_token = store.rotate("CLIENT1")
    after = store.get("CLIENT1")
    assert before is not None
    assert after is not None
    assert after.client_token == client_token != before.client_token
    assert (after.password_hash, after.cash_paise) == (before.password_hash, before.cash_paise)
    assert store.get("A") == other


def test_password_hash_is_replaced(store: ClientStore) -> None:
    """Another password hash leaves the sessions alone."""
    before = store.get("CLIENT1")
    store.set_password_hash("CLIENT1", "another hash")
    after = store.get("CLIENT1")
    assert before is not None
    assert after is not None
    assert (after.password_hash, after.client_token) == ("another hash", before.client_token)


def test_client_is_disabled_and_enabled(store: ClientStore) -> None:
    """A client can be shut out and let in again."""
    seen = []
    for disabled in (True, False):
        store.set_disabled("CLIENT1", disabled)
        client = store.get("CLIENT1")
        assert client is not None
        seen.append(client.disabled)
    assert seen == [True, False]


def test_changing_nobody_is_refused(store: ClientStore) -> None:
    """What is done to a client that does not exist raises UnknownClient."""
    with pytest.raises(UnknownClient, match="NOBODY"):
        store.rotate("NOBODY")
    with pytest.raises(UnknownClient):
        store.set_disabled("NOBODY", True)
    with pytest.raises(UnknownClient):
        store.set_password_hash("NOBODY", "a hash")


def test_revocation_is_durable(tmp_path: Path) -> None:
    """A revoked key is revoked after a restart; another is not."""
    with ClientStore(tmp_path) as store:
        store.revoke("CLIENT1:abc", 10**12)
        store.revoke("CLIENT1:abc", 10**12)
    with ClientStore(tmp_path) as store:
        assert store.is_revoked("CLIENT1:abc")
        assert not store.is_revoked("CLIENT1:abd")


def test_revoked_keys_are_forgotten_after_their_end(store: ClientStore) -> None:
    """A revoked key is forgotten a day after its token ended, and the later of two ends counts."""
    exp_ms = 1_700_000_000_000
    store.revoke("CLIENT1:once", exp_ms)
    store.revoke("CLIENT1:twice", exp_ms + 1)
    store.revoke("CLIENT1:twice", exp_ms)
    assert store.prune(exp_ms * MS + DAY_NS) == 0
    assert store.is_revoked("CLIENT1:once")
    assert store.prune((exp_ms + 1) * MS + DAY_NS) == 1
    assert not store.is_revoked("CLIENT1:once")
    assert store.is_revoked("CLIENT1:twice")


def test_version_moves_with_every_change(store: ClientStore, tmp_path: Path) -> None:
    """Every change, own or of another instance, gives a version not seen before; reading gives the same one."""
    with ClientStore(tmp_path) as other:
        seen = [store.version()]
        for changer in (store, other, store, other):
            for change in (
                lambda by: by.rotate("CLIENT1"),
                lambda by: by.set_password_hash("CLIENT1", f"hash {len(seen)}"),
                lambda by: by.revoke(f"CLIENT1:{len(seen)}", 10**12),
                lambda by: by.add(f"A{len(seen)}", "a hash", 0, 5, 0),
            ):
                change(changer)
                seen.append(store.version())
        assert len(set(seen)) == len(seen) == 17
        store.all()
        other.all()
        assert store.version() == seen[-1]
        assert store.prune(0) == 0
        assert store.version() == seen[-1]


def test_instances_see_each_other(store: ClientStore, tmp_path: Path) -> None:
    """What one instance has written, another that was open all along reads at once, even after asking its version."""
    with ClientStore(tmp_path) as other:
        for turn in range(5):
            other.version()
            client_token = store.rotate("CLIENT1")
            client = other.get("CLIENT1")
            assert client is not None
            assert client.client_token == client_token, turn


def test_record_keeps_its_secrets_out_of_logs(store: ClientStore) -> None:
    """The repr of a client shows neither its password hash nor its token."""
    assert repr(store.get("CLIENT1")) == "ClientRecord(client_id='CLIENT1', cash_paise=100000000, disabled=False)"
