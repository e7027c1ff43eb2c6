"""Applications: registered by the operator, proven by a secret, and sent codes to the letter of what was registered."""

from pathlib import Path

import pytest

from bracketd.auth.applications import (
    Application,
    Applications,
    BadApplication,
    UnknownApplication,
    check_redirect_uri,
)
from bracketd.auth.client_store import ClientStore

HERE = "http://127.0.0.1:65010"


@pytest.fixture
def applications(store: ClientStore) -> Applications:
    """The applications of a folder, none yet."""
    return Applications(store.file)


def test_application_is_kept(applications: Applications, tmp_path: Path, now_ns: int) -> None:
    """What was registered is read back, by another process too, its redirect URIs to the letter."""
    added, _ = applications.add(" My app ", ["https://b.example/cb?x=1", HERE, HERE], now_ns)
    with ClientStore(tmp_path) as store:
        found = Applications(store.file).get(added.app_id)
    assert found == Application(added.app_id, "My app", (HERE, "https://b.example/cb?x=1"), now_ns)
    assert applications.all() == [found]
    assert applications.get("another") is None


def test_secret_proves_and_is_not_kept(applications: Applications, tmp_path: Path, now_ns: int) -> None:
    """The secret proves its application and no other, nothing else does, and the folder does not hold it."""
    one, secret = applications.add("One", [HERE], now_ns)
    other, other_secret = applications.add("Other", [HERE], now_ns)
    assert applications.proven(one.app_id, secret) == one
    for app_id, wrong in [
        (one.app_id, other_secret),
        (one.app_id, ""),
        (one.app_id, "\ud800"),
        ("", ""),
        ("x", secret),
    ]:
        assert applications.proven(app_id, wrong) is None
    assert other.app_id != one.app_id
    assert secret.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_removed_application(applications: Applications, now_ns: int) -> None:
    """A removed application is gone with its secret; it cannot be removed twice, and the others stay."""
    one, secret = applications.add("One", [HERE], now_ns)
    other, _ = applications.add("Other", [HERE], now_ns)
    applications.remove(one.app_id)
    assert applications.get(one.app_id) is None
    assert applications.proven(one.app_id, secret) is None
    assert applications.all() == [other]
    with pytest.raises(UnknownApplication, match=one.app_id):
        applications.remove(one.app_id)


@pytest.mark.parametrize(
    "uri",
    [
        HERE,
        "http://localhost",
        "http://localhost:80/cb",
        "http://[::1]:8080/",
        "https://app.example/cb?fixed=1",
        "https://app.example:8443",
        "com.example.app:/cb",
    ],
)
def test_uris_that_codes_may_go_to(uri: str) -> None:
    """https, http to this machine, and the own schemes of installed programs are registered."""
    check_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "app.example/cb",
        "http://app.example/cb",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "https://user@app.example",
        "https://",
        "https:///cb",
        "https://app.example/#fragment",
        "https://app.example/ cb",
        "https://app.example/cb;style-src *",
        "https://app.example/cb\r\nx: y",
        "https://app.example:0/",
        "https://app.example:99999/",
        "https://[::1",
        "https://äpp.example/",
        "https://app.example\\@evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///x",
        "myapp://cb",
        "https://app.example/" + "x" * 1_100,
    ],
)
def test_uris_that_codes_may_not_go_to(applications: Applications, uri: str, now_ns: int) -> None:
    """Whatever would carry a code in the clear, to nobody in particular or into a script is not registered."""
    with pytest.raises(BadApplication):
        applications.add("App", [HERE, uri], now_ns)
    assert applications.all() == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "two\nlines", "\x1b[31mred"])
def test_bad_names(applications: Applications, name: str, now_ns: int) -> None:
    """A name is one short printable line, since it is shown to the client."""
    with pytest.raises(BadApplication):
        applications.add(name, [HERE], now_ns)


def test_application_without_a_place(applications: Applications, now_ns: int) -> None:
    """An application that codes can go nowhere to is not registered."""
    with pytest.raises(BadApplication):
        applications.add("App", [], now_ns)
