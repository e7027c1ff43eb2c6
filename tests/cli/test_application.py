"""`bracketd app`: applications registered, listed and removed."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bracketd.auth.applications import Applications
from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.opaque_token import OpaqueTokens, new_token
from bracketd.auth.refusal import Unauthorised
from bracketd.cli.main import main

HERE = "http://127.0.0.1:65010"


def invoke(data: Path, *arguments: str) -> Result:
    """Run `bracketd app` on a folder in this process."""
    return CliRunner().invoke(main, ["app", *arguments, "--data", str(data)])


def add(data: Path, name: str = "My app", *uris: str) -> dict[str, str]:
    """Register an application; returns what is printed, by its first word."""
    options = [part for uri in uris or (HERE,) for part in ("--redirect-uri", uri)]
    result = invoke(data, "add", name, *options)
    assert result.exit_code == 0, result.output
    return dict(line.split(" ", 1) for line in result.stdout.splitlines())


def test_added_application_can_prove_itself(tmp_path: Path) -> None:
    """Id and secret are printed once and belong together; every redirect URI is kept."""
    printed = add(tmp_path, "My app", HERE, "https://app.example/cb")
    with ClientStore(tmp_path) as store:
        found = Applications(store.file).proven(printed["app_id"], printed["app_secret"])
    assert found is not None
    assert (found.name, found.redirect_uris) == ("My app", (HERE, "https://app.example/cb"))
    assert printed["app_secret"] not in invoke(tmp_path, "list").stdout


def test_list(tmp_path: Path) -> None:
    """The list has a line for each application."""
    one, two = add(tmp_path), add(tmp_path, "Other", "https://b.example", HERE)
    assert invoke(tmp_path, "list").stdout.splitlines() == [
        f"{one['app_id']}  My app  {HERE}",
        f"{two['app_id']}  Other  {HERE} https://b.example",
    ]


def test_removed_application_loses_its_tokens(tmp_path: Path) -> None:
    """Removing an application ends the tokens that it holds, and the second time there is none to remove."""
    printed = add(tmp_path)
    token, now_ns = new_token(), time.time_ns()
    with ClientStore(tmp_path) as store:
        client = store.add("A", "a hash", 0, 5, now_ns)
        OpaqueTokens(store).keep(token, "A", client.client_token, printed["app_id"], "orders", now_ns)
        gate = Gate(store, bytes(32))
        gate.admit(token, now_ns)
        assert invoke(tmp_path, "remove", printed["app_id"]).exit_code == 0
        with pytest.raises(Unauthorised):
            gate.admit(token, now_ns)
    result = invoke(tmp_path, "remove", printed["app_id"])
    assert result.exit_code == 1
    assert result.stderr == f"Error: There is no application {printed['app_id']} in {tmp_path}.\n"


@pytest.mark.parametrize(("name", "uri"), [("App", "http://evil.example"), ("App", "javascript:x"), (" ", HERE)])
def test_bad_applications(tmp_path: Path, name: str, uri: str) -> None:
    """What may not be registered is one sentence, and nothing is."""
    result = invoke(tmp_path, "add", name, "--redirect-uri", uri)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Not registered: ")
    assert invoke(tmp_path, "list").stdout == ""


@pytest.mark.parametrize("arguments", [["list"], ["remove", "x"], ["add", "x", "--redirect-uri", HERE]])
def test_folder_that_is_none(tmp_path: Path, arguments: list[str]) -> None:
    """A mistyped folder is an error, and none is made."""
    result = invoke(tmp_path / "none", *arguments)
    assert result.exit_code == 1
    assert "is no data folder" in result.stderr
    assert not (tmp_path / "none").exists()
