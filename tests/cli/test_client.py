"""`bracketd client` and `bracketd token`, on a folder that no server has."""

import base64
import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.password import Passwords
from bracketd.auth.signing_key import load_or_create
from bracketd.cli.main import main


def invoke(*arguments: str, **options: Any) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, arguments, **options)


def add(data: Path, client_id: str = "AB1", *more: str, **options: Any) -> Result:
    """Add a client to the folder."""
    return invoke("client", "add", client_id, "--data", str(data), *more, **options)


def test_added_client_has_a_crore_and_leverage_five(tmp_path: Path) -> None:
    """Without a word on cash an account opens with one crore of rupees and leverage 5."""
    assert add(tmp_path).exit_code == 0
    with ClientStore(tmp_path) as store:
        client = store.get("AB1")
    assert client is not None
    assert (client.cash_paise, client.leverage) == (1_00_00_000_00, 5)


def test_cash_is_in_rupees(tmp_path: Path) -> None:
    """--cash takes rupees and keeps paise."""
    assert add(tmp_path, "AB1", "--cash", "2,50,000.50").exit_code == 0
    with ClientStore(tmp_path) as store:
        client = store.get("AB1")
    assert client is not None
    assert client.cash_paise == 250_000_50


def test_made_password_is_printed_once_and_works(tmp_path: Path) -> None:
    """Without --password-stdin a password is made, printed, and kept only as a hash."""
    result = add(tmp_path)
    (password,) = re.findall(r"^password (\S{16})$", result.stdout, re.MULTILINE)
    with ClientStore(tmp_path) as store:
        client = store.get("AB1")
    assert client is not None
    assert Passwords().verify(client.password_hash, password)
    assert password.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_password_is_read_from_stdin(tmp_path: Path) -> None:
    """With --password-stdin the first line of standard input is the password, and none is printed."""
    result = add(tmp_path, "AB1", "--password-stdin", input="open sesame\n")
    assert result.exit_code == 0
    assert "password" not in result.output
    assert "sesame" not in result.output
    with ClientStore(tmp_path) as store:
        client = store.get("AB1")
    assert client is not None
    assert Passwords().verify(client.password_hash, "open sesame")


def test_empty_password_is_refused(tmp_path: Path) -> None:
    """An empty line on standard input is no password, and no account is opened."""
    result = add(tmp_path, "AB1", "--password-stdin", input="\n")
    assert result.exit_code == 1
    assert "No password" in result.stderr
    with ClientStore(tmp_path) as store:
        assert store.all() == []


def test_taken_client_id_is_refused(tmp_path: Path) -> None:
    """A client is added once; the second time is one clear sentence on stderr and exit code 1."""
    add(tmp_path)
    result = add(tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: Client AB1 exists already")
    assert result.stderr.count("\n") == 1


def test_bad_client_id_is_refused(tmp_path: Path) -> None:
    """A client id that no token could carry is refused with exit code 1."""
    result = add(tmp_path, "A/B")
    assert result.exit_code == 1
    assert "'A/B' is no client id" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["client", "add", "AB1"],
        ["client", "add", "AB1", "--data", "x", "--cash", "much"],
        ["client", "cash", "AB1", "much", "--data", "x"],
        ["client", "rotate", "--data", "x"],
        ["app", "add", "App", "--data", "x"],
        ["serve", "--data", "x", "--tls-cert", __file__],
        ["serve", "--data", "x", "--tls-key", __file__],
        ["token", "AB1", "--data", "x", "--ttl", "soon"],
        ["serve"],
        ["serve", "--data", "x", "--session", "bse"],
        ["serve", "--data", "x", "--port", "65536"],
        ["verify"],
        ["sell"],
    ],
)
def test_wrong_usage_is_exit_code_two(arguments: Iterable[str]) -> None:
    """What the command line cannot read is a usage error, exit code 2, before anything is touched."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert not Path("x").exists()


def test_token_is_printed_alone_and_lets_its_client_in(tmp_path: Path) -> None:
    """`bracketd token` prints one line, and the gate of that folder takes it for that client."""
    add(tmp_path)
    result = invoke("token", "AB1", "--data", str(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    with ClientStore(tmp_path) as store:
        claims = Gate(store, load_or_create(tmp_path)).admit(result.stdout.strip(), time.time_ns())
    assert claims.client_id == "AB1"


@pytest.mark.parametrize(("ttl", "seconds"), [((), 43_200), (("--ttl", "30m"), 1_800), (("--ttl", "90"), 90)])
def test_token_lives_as_long_as_said(tmp_path: Path, ttl: tuple[str, ...], seconds: int) -> None:
    """A token ends --ttl after it was made, 12 hours without the option."""
    add(tmp_path)
    before_ms = time.time_ns() // 1_000_000
    token = invoke("token", "AB1", "--data", str(tmp_path), *ttl).stdout.strip()
    after_ms = time.time_ns() // 1_000_000
    payload = token.split(".")[1]
    exp_ms = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
    assert before_ms <= exp_ms - seconds * 1000 <= after_ms


def test_token_of_an_unknown_client_is_refused(tmp_path: Path) -> None:
    """There is no token for nobody: exit code 1, one sentence, nothing on stdout."""
    add(tmp_path)
    result = invoke("token", "ZZ9", "--data", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: There is no client ZZ9 in {tmp_path}.\n"


def test_token_of_a_disabled_client_is_refused(tmp_path: Path) -> None:
    """There is no token for a client that is disabled."""
    add(tmp_path)
    with ClientStore(tmp_path) as store:
        store.set_disabled("AB1", True)
    result = invoke("token", "AB1", "--data", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "AB1 is disabled" in result.stderr


def test_token_makes_no_folder(tmp_path: Path) -> None:
    """A mistyped folder is an error and is not made."""
    result = invoke("token", "AB1", "--data", str(tmp_path / "typo"))
    assert result.exit_code == 1
    assert "holds no clients" in result.stderr
    assert list(tmp_path.iterdir()) == []
