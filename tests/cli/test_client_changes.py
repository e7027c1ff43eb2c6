"""`bracketd client` after the account is there: secrets, sessions, cash and the list."""

import asyncio
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner, Result
from tests.auth.cheap_passwords import CHEAP

from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.client_tables import Statement
from bracketd.auth.clients_file import ClientsFile
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.lockout import FAILURES_MAX, Lockout
from bracketd.auth.refusal import Unauthorised
from bracketd.auth.second_factor import SecondFactor, SecondFactors, code_timecode
from bracketd.auth.signing_key import load_or_create
from bracketd.cli.main import main
from bracketd.domain.events import AccountOpened, encode_step
from bracketd.runtime.data_folder import open_journal


def invoke(data: Path, *arguments: str, **options: Any) -> Result:
    """Run `bracketd client` on a folder in this process."""
    return CliRunner().invoke(main, ["client", *arguments, "--data", str(data)], **options)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the least costs, so that the tests are quick; what is hashed and kept is the same."""
    monkeypatch.setattr("bracketd.cli.client.Passwords", lambda: CHEAP)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the client AB1."""
    assert invoke(tmp_path, "add", "AB1", "--password-stdin", "--pin-stdin", input="first\n1234\n").exit_code == 0
    return tmp_path


def kept(data: Path, client_id: str = "AB1") -> tuple[ClientRecord, SecondFactor]:
    """What the folder holds of a client."""
    with ClientStore(data) as store:
        client = store.get(client_id)
        assert client is not None
        return client, SecondFactors(store.file).get(client_id)


def new_token(data: Path) -> str:
    """A token of AB1."""
    with ClientStore(data) as store:
        return issue_for(store, load_or_create(data), "AB1", None, "web", time.time_ns())


def is_let_in(data: Path, token: str) -> bool:
    """Whether the folder's gate takes a token."""
    with ClientStore(data) as store:
        try:
            Gate(store, load_or_create(data)).admit(token, time.time_ns())
        except Unauthorised:
            return False
    return True


def verified(hashed: str | None, secret: str) -> bool:
    """Whether a hash is a secret's."""
    return CHEAP.verify(hashed, secret)


def test_secrets_are_read_in_order(data: Path) -> None:
    """The first line is the password, the second the PIN; both are kept as hashes, and neither is printed."""
    client, factor = kept(data)
    assert verified(client.password_hash, "first")
    assert verified(factor.pin_hash, "1234")


def test_what_is_made_is_printed_once_and_works(tmp_path: Path) -> None:
    """Without options password and PIN are made; they and the authenticator's secret are printed and right."""
    printed = invoke(tmp_path, "add", "AB1").stdout
    words = dict(line.split(" ", 1) for line in printed.splitlines()[1:])
    client, factor = kept(tmp_path)
    assert verified(client.password_hash, words["password"])
    assert re.fullmatch("[0-9]{6}", words["pin"])
    assert verified(factor.pin_hash, words["pin"])
    authenticator = pyotp.parse_uri(words["totp"])
    assert isinstance(authenticator, pyotp.TOTP)
    assert code_timecode(factor.totp_secret or "", authenticator.at(60), 60 * 10**9) == 2
    assert "totp" not in invoke(tmp_path, "list").stdout.replace("pin+totp", "")


def test_read_pin_is_not_printed(tmp_path: Path) -> None:
    """A PIN from standard input is not shown; the password that was made is."""
    result = invoke(tmp_path, "add", "AB1", "--pin-stdin", input="97531\n")
    assert "97531" not in result.output
    assert re.search(r"^password \S{16}$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("pw\n", "No PIN"),
        ("pw\n123\n", "A PIN is 4 to 12 digits"),
        ("pw\nabcd\n", "A PIN is 4 to 12 digits"),
        (" pw\n1234\n", "neither begins nor ends with a blank"),
        ("pw\t\n1234\n", "neither begins nor ends with a blank"),
    ],
)
def test_bad_secrets_change_nothing(data: Path, typed: str, said: str) -> None:
    """A password or PIN that could not be logged in with is refused, at adding and at changing."""
    before = kept(data)
    for arguments in (["add", "AB2"], ["passwd", "AB1"]):
        result = invoke(data, *arguments, "--password-stdin", "--pin-stdin", input=typed)
        assert result.exit_code == 1
        assert said in result.stderr
    assert kept(data) == before
    with ClientStore(data) as store:
        assert store.get("AB2") is None


def test_passwd_ends_sessions_and_the_lockout(data: Path) -> None:
    """A new password leaves PIN and authenticator, ends every token, and lets a locked-out client try again."""
    _, factor = kept(data)
    token = new_token(data)
    with ClientStore(data) as store:
        for _ in range(FAILURES_MAX):
            Lockout(store.file).attempt("AB1", time.time_ns())
    result = invoke(data, "passwd", "AB1", "--password-stdin", input="second\n")
    after, same_factor = kept(data)
    assert result.stdout == "client AB1 has a new password; its tokens are no longer good\n"
    assert verified(after.password_hash, "second")
    assert not verified(after.password_hash, "first")
    assert same_factor == factor
    assert not is_let_in(data, token)
    with ClientStore(data) as store:
        Lockout(store.file).attempt("AB1", time.time_ns())


def test_passwd_makes_what_is_asked_for_or_missing(data: Path) -> None:
    """Another PIN and another secret when asked for, and both for a client that has none, as one of an older folder."""
    _, before = kept(data)
    result = invoke(data, "passwd", "AB1", "--pin-stdin", "--new-totp", input="9876\n")
    _, after = kept(data)
    assert verified(after.pin_hash, "9876")
    assert after.totp_secret != before.totp_secret
    assert (after.totp_secret or "") in result.stdout
    with ClientStore(data) as store:
        store.add("OLD", "a hash", 0, 5, 0)
    words = dict(line.split(" ", 1) for line in invoke(data, "passwd", "OLD").stdout.splitlines()[1:])
    assert sorted(words) == ["password", "pin", "totp"]
    assert verified(kept(data, "OLD")[1].pin_hash, words["pin"])


def test_rotate_ends_every_session(data: Path) -> None:
    """After a rotation no token is good; a new one is."""
    token = new_token(data)
    assert invoke(data, "rotate", "AB1").exit_code == 0
    assert not is_let_in(data, token)
    assert is_let_in(data, new_token(data))


def test_disable_and_enable(data: Path) -> None:
    """A disabled client's tokens are dead and stay so when it is enabled again; it can get new ones then."""
    token = new_token(data)
    assert invoke(data, "disable", "AB1").stdout == "client AB1 disabled\n"
    assert kept(data)[0].disabled
    assert not is_let_in(data, token)
    assert invoke(data, "enable", "AB1").stdout == "client AB1 enabled\n"
    assert not is_let_in(data, token)
    assert is_let_in(data, new_token(data))


def test_list(data: Path) -> None:
    """The list has a line for each client with cash, leverage, factors and state, and no secret."""
    invoke(data, "add", "AB2", "--cash", "12.50")
    invoke(data, "disable", "AB2")
    with ClientStore(data) as store:
        store.add("OLD", "a hash", 0, 4, time.time_ns())
    lines = [line.split() for line in invoke(data, "list").stdout.splitlines()]
    day = lines[0].pop()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert lines[0] == ["AB1", "10000000.00", "5", "pin+totp", "enabled"]
    assert lines[1][:5] == ["AB2", "12.50", "5", "pin+totp", "disabled"]
    assert lines[2][:5] == ["OLD", "0.00", "4", "none", "enabled"]


def open_account(data: Path, client_id: str, cash_paise: int) -> None:
    """Let the journal say that the engine has opened an account."""

    async def write() -> None:
        async with open_journal(data) as opened:
            opened.commit.submit(encode_step([AccountOpened(1, client_id, cash_paise, 5)]))

    asyncio.run(write())


def test_cash_before_the_first_order(data: Path) -> None:
    """Until the engine has opened the account its opening cash can be set, whoever else has traded."""
    assert invoke(data, "cash", "AB1", "500.25").stdout == "client AB1 opens with 500.25 rupees\n"
    open_account(data, "AB2", 7)
    assert invoke(data, "cash", "AB1", "600").exit_code == 0
    assert kept(data)[0].cash_paise == 600_00


def test_cash_after_the_first_order(data: Path) -> None:
    """Once the account is open the cash is the journal's, and the refusal says so."""
    open_account(data, "AB1", 1_234_50)
    before = kept(data)
    result = invoke(data, "cash", "AB1", "500")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "was opened with 1234.50 rupees" in result.stderr
    assert kept(data) == before


def test_cash_while_the_account_is_being_opened(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that a server opens in the middle keeps its cash, and the client's record goes back to it."""
    answers: list[int | None] = [None, 1_00_00_000_00, 1_00_00_000_00]
    monkeypatch.setattr("bracketd.cli.client.opened_cash_paise", lambda data, client_id: answers.pop(0))
    assert invoke(data, "cash", "AB1", "500").exit_code == 1
    assert kept(data)[0].cash_paise == 1_00_00_000_00
    assert answers == []


def test_damaged_journal_is_one_sentence(data: Path) -> None:
    """Cash is not set on the word of a journal that cannot be read."""
    (data / "journal.db").write_bytes(b"no database " * 100)
    result = invoke(data, "cash", "AB1", "500")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Cannot read the journal")


CHANGES = [["passwd", "X"], ["cash", "X", "5"], ["rotate", "X"], ["disable", "X"], ["enable", "X"]]


@pytest.mark.parametrize("arguments", CHANGES)
def test_unknown_client(data: Path, arguments: list[str]) -> None:
    """A client that is not there is one sentence and exit code 1."""
    result = invoke(data, *arguments)
    assert (result.exit_code, result.stderr) == (1, f"Error: There is no client X in {data}.\n")


@pytest.mark.parametrize("arguments", [*CHANGES, ["list"]])
def test_folder_without_clients(tmp_path: Path, arguments: list[str]) -> None:
    """A mistyped folder is an error, and none is made."""
    result = invoke(tmp_path / "none", *arguments)
    assert result.exit_code == 1
    assert "holds no clients" in result.stderr
    assert not (tmp_path / "none").exists()


def test_file_that_is_none(tmp_path: Path) -> None:
    """A clients file that is no database is one sentence for every verb."""
    (tmp_path / "clients.db").write_bytes(b"no database " * 100)
    for arguments in [*CHANGES, ["list"], ["add", "X"]]:
        assert "is no SQLite database" in invoke(tmp_path, *arguments).stderr


@pytest.mark.parametrize(
    ("arguments", "typed"), [(("passwd", "--password-stdin", "--new-totp"), "second\n"), (("disable",), "")]
)
def test_a_disk_that_refuses_changes_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], typed: str
) -> None:
    """Password, authenticator and sessions change together: where that fails all are as they were, and exit code 1."""
    before, token = kept(data), new_token(data)
    write_all = ClientsFile.write_all

    def refuse(self: ClientsFile, statements: Iterable[Statement]) -> None:
        write_all(self, [*statements, ("INSERT INTO revoked VALUES (NULL, NULL)", ())])

    monkeypatch.setattr(ClientsFile, "write_all", refuse)
    monkeypatch.setattr(ClientsFile, "write", lambda *_: pytest.fail("a change by itself"))
    failed = invoke(data, arguments[0], "AB1", *arguments[1:], input=typed)
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: Cannot use the clients of")
    monkeypatch.undo()
    assert kept(data) == before
    assert is_let_in(data, token)
