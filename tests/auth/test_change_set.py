"""Changes that belong together are made together, or not at all."""

import pytest

from bracketd.auth.change_set import ChangeSet
from bracketd.auth.client_store import ClientStore
from bracketd.auth.second_factor import SecondFactor, SecondFactors


def test_nothing_is_changed_until_all_is_kept(store: ClientStore) -> None:
    """What is gathered is seen when it is kept, in one piece, and a later keeping does not repeat it."""
    before = store.get("CLIENT1")
    changes = ChangeSet(store.file)
    gathered = ClientStore(changes)
    gathered.set_password_hash("CLIENT1", "another hash")
    client_token = gathered.rotate("CLIENT1")
    SecondFactors(changes).set_pin_hash("CLIENT1", "a pin")
    changes.write_all([("DELETE FROM failed_login WHERE login_id = ?", ("CLIENT1",))])
    version = changes.version()
    assert gathered.get("CLIENT1") == before
    changes.keep()
    after = store.get("CLIENT1")
    assert after is not None
    assert (after.password_hash, after.client_token) == ("another hash", client_token)
    assert SecondFactors(store.file).get("CLIENT1") == SecondFactor("a pin", None)
    assert changes.version() != version
    store.set_password_hash("CLIENT1", "a third")
    changes.keep()
    assert store.get("CLIENT1") != after


def test_what_is_refused_changes_nothing(store: ClientStore) -> None:
    """One statement that the tables refuse takes the others with it; what is forgotten is not made later."""
    before = store.get("CLIENT1")
    changes = ChangeSet(store.file)
    ClientStore(changes).rotate("CLIENT1")
    changes.write("UPDATE client SET disabled = 2 WHERE client_id = ?", ("CLIENT1",))
    with pytest.raises(Exception, match="constraint"):
        changes.keep()
    assert store.get("CLIENT1") == before
    ClientStore(changes).rotate("CLIENT1")
    changes.close()
    changes.keep()
    assert store.get("CLIENT1") == before
