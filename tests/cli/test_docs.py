"""The documents say what the code does: commands run as printed, tables and lists complete."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from tests.clients.driver import SDKS
from tests.clients.programs import LANGUAGES

from bracketd.auth.authorization_code import LIFETIME_NS as CODE_NS
from bracketd.auth.lockout import FAILURES_MAX, LOCK_NS
from bracketd.auth.login import PENDING_NS
from bracketd.auth.opaque_token import LIFETIME_S
from bracketd.cli.main import main
from bracketd.domain.reasons import STATE_REASONS
from bracketd.runtime.entrance import HASHES_AT_ONCE, WAITING_MAX
from bracketd.runtime.settings import Settings
from bracketd.terminal.access import option_names
from bracketd.terminal.verbs import VERBS
from bracketd.terminal.verdict import (
    DONE,
    INTERRUPTED,
    NO_LOGIN,
    NOT_KNOWN,
    REFUSED,
    TOO_LATE,
    UNREACHABLE,
    USAGE,
)
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point
from bracketd.wire.absent import EXECUTIONS, FEATURES
from bracketd.wire.fault_rules import RULE_FIELDS
from bracketd.wire.replies import CANCELLED, LOGIN_FAILED
from bracketd.wire.schema.operations import operations

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CANCEL = (ROOT / "docs" / "cancel.md").read_text(encoding="utf-8")
SANDBOX = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
LOGIN = (ROOT / "docs" / "login.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TERMINAL = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def verbs(group: click.Group, path: str = "bracketd") -> Iterator[tuple[str, click.Command]]:
    """Every command of the command line with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from verbs(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_readme_leads_with_the_two_commands() -> None:
    """The first block of the README is how to try and how to test, by verbs that the Makefile has."""
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first is not None
    called = re.findall(r"^make (\S+)", first[1], re.MULTILINE)
    assert called == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{verb}:", makefile, re.MULTILINE) for verb in called)


def test_readme_commands_run_as_printed(start: Callable[..., Any], shell: Callable[..., Any]) -> None:
    """The README's three curl lines place, show and cancel a bracket, each in a new shell."""
    place, book, cancel = re.findall(r"^curl .*$", README, re.MULTILINE)
    demo = start("demo")
    (token,) = (line.split()[1] for line in demo.lines if line.startswith("token "))
    given = {"URL": demo.url, "TOKEN": token}
    basket_id = shell(place, **given)["data"]["data"]["basket_id"]
    assert [row["basket_id"] for row in shell(book, **given)["data"]["orders"]] == [basket_id]
    assert shell(cancel, **given) == json.loads(CANCELLED.body)
    assert CANCELLED.body.decode() in README


def test_readme_names_every_verb_and_option() -> None:
    """The README's contract of the command line has each verb with each of its options."""
    rows = {row[1]: row[0] for row in re.findall(r"^(\| `(bracketd(?: [a-z][a-z-]*)+).*)$", README, re.MULTILINE)}
    for words, command in verbs(main):
        names = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
        # What every verb of a trader takes is said once, above their rows.
        common = set(option_names()) if set(option_names()) <= names else set()
        assert sorted(name for name in names - common if name not in rows[words]) == []
    assert [words for words in rows if words not in dict(verbs(main))] == []


def test_common_options_of_a_trader_are_documented() -> None:
    """The README and the terminal's page name each option that every verb of a trader takes."""
    assert option_names() == ["--client", "--json", "--profile", "--token", "--url"]
    sentence = README.partition("Every verb of a trader takes")[2].partition(":")[0]
    for name in option_names():
        assert f"`{name}`" in sentence
        assert f"\n| `{name}` |" in TERMINAL


def test_terminal_page_names_every_verb_with_its_options() -> None:
    """Each verb of the terminal has its row on its page, and what asks first or is long names its options there."""
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", TERMINAL, re.MULTILINE))
    assert [word for word in VERBS if word not in rows] == []
    said = TERMINAL + README
    for word, command in VERBS.items():
        names = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
        assert sorted(name for name in names if f"`{name}" not in said and f"[{name}" not in said) == [], word


def test_terminal_page_has_every_exit_code() -> None:
    """The page and the README have a row for each way in which a verb can end."""
    codes = {DONE, REFUSED, USAGE, UNREACHABLE, TOO_LATE, NOT_KNOWN, NO_LOGIN, INTERRUPTED}
    for page in (TERMINAL, README):
        table = page.partition("| Exit code |")[2].partition("\n\n")[0]
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_readme_names_every_setting(setting: str) -> None:
    """Each setting of a server has its row in the README."""
    assert f"\n| `{setting}` |" in README


@pytest.mark.parametrize("reason", sorted(STATE_REASONS))
def test_every_reason_of_a_refusal_is_documented(reason: str) -> None:
    """Each reason that lies in the state of things has its row."""
    assert f"\n| {reason} |" in CANCEL


def test_login_page_states_the_numbers() -> None:
    """What the document promises of locks, codes and tokens is what the code has."""
    assert (FAILURES_MAX, LOCK_NS // 60 // 10**9, PENDING_NS // 60 // 10**9) == (5, 15, 5)
    assert f"A code is good for {CODE_NS // 10**9} seconds" in LOGIN
    assert f'"expires_in":{LIFETIME_S}' in LOGIN
    assert f"{HASHES_AT_ONCE} logins".replace("2", "Two") in LOGIN
    assert f"{WAITING_MAX} may wait" in LOGIN


def test_login_page_words_the_refusal() -> None:
    """The documented text of a failed login is the one that is sent."""
    assert f"{LOGIN_FAILED.status} `{json.loads(LOGIN_FAILED.body)['message']}`" in LOGIN


@pytest.mark.parametrize("path", sorted({operation.path for operation in operations(sandbox=True)}))
def test_every_route_is_documented(path: str) -> None:
    """Each path of the server is on the page about the API."""
    assert re.search(rf"[ `]{re.escape(path)}[`?]", API)


def test_every_login_route_is_documented() -> None:
    """Each path by which clients log in is on its page; of the older version's it says where they are."""
    known = {operation.path for operation in operations(sandbox=True)}
    added = {operation.path for operation in operations(sandbox=True, login=True)} - known
    assert len(added) == 8
    missing = [path for path in added if not re.search(rf" {re.escape(path)}`", LOGIN)]
    assert sorted(missing) == [f"/api/v1/user/{name}" for name in ("login", "twofa", "validatetotp")]
    assert "`/api/v1/user`" in LOGIN


@pytest.mark.parametrize("feature", sorted({*FEATURES.values(), *EXECUTIONS.values()}))
def test_every_absent_feature_is_documented(feature: str) -> None:
    """Each feature that is refused by name is on the page about the API."""
    assert feature.removesuffix(" orders") in API


def test_architecture_names_files_that_exist() -> None:
    """Every file that the walk through the code names is there."""
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", ARCHITECTURE))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / "src" / "bracketd" / name).is_file()] == []


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in PAGES)])
def test_documents_link_to_files_that_exist(page: str) -> None:
    """A relative link or picture of a document leads somewhere."""
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).is_file()] == []


def test_the_front_door_leads_to_every_page() -> None:
    """The README links to the index of docs/, and the navigation there has a place for each page."""
    assert "docs/index.md" in re.findall(r"\]\(([^)#:]+)\)", README)
    docs = ROOT / "docs"
    placed = set()
    for home in (docs / "index.md", docs / "decisions" / "index.md"):
        places = re.findall(r"^([\w./*-]+)$", home.read_text(encoding="utf-8"), re.MULTILINE)
        placed |= {page for place in places for page in home.parent.glob(f"{place}.md")}
    pages = {path for path in docs.rglob("*.md") if path.parent.name not in {"reference", "project"}}
    homeless = {page.relative_to(docs).as_posix() for page in pages - placed}
    assert homeless == {"index.md"}, "give it its place in docs/index.md"


def test_sandbox_example_runs_as_printed(
    start: Callable[..., Any], bracketd: Callable[..., Any], shell: Callable[..., Any], tmp_path: Path
) -> None:
    """The sandbox's example leaves a bracket UNPROTECTED, and protected again, by the curl lines of its page."""
    data = str(tmp_path / "data")
    assert bracketd("client", "add", "C1", "--data", data).returncode == 0
    options = re.search(r"started with `([^`]+)`", SANDBOX)
    assert options is not None
    server = start("serve", "--data", data, *options[1].split())
    given = {"URL": server.url, "TOKEN": bracketd("token", "C1", "--data", data).stdout.strip()}
    answers = [shell(line, **given) for line in re.findall(r"^curl .*$", SANDBOX, re.MULTILINE)]
    assert [answer["status"] for answer in answers] == ["success"] * 8
    entry, target = sorted(answers[4]["data"]["orders"], key=lambda row: len(row["leg_order_indicator"]))
    assert (entry["order_status_info"], target["order_status_info"]) == ("UNPROTECTED", "OCO")
    (stop,) = answers[7]["data"]["orders"]
    assert (stop["leg_order_indicator"], stop["order_status_info"]) == ("STOPLOSS", "CLOSING")
    completed = 'curl -sS "$URL/api/v1/orders?type=completed&client_id=C1" -H "x-authorization-token: $TOKEN"'
    assert {row["order_status_info"] for row in shell(completed, **given)["data"]["orders"]} == {"", "OCO"}


def test_sandbox_page_names_every_field_of_a_rule() -> None:
    """The fields of a fault rule stand in its table, all of them, in the order in which they are checked."""
    table = SANDBOX.partition("| Field of a rule |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == RULE_FIELDS
    assert set(RULE_FIELDS) == set(FaultRule.__struct_fields__)


def test_sandbox_page_names_every_point_with_its_actions() -> None:
    """Each point has its row with just the actions that a rule may have there, and each action has its own row."""
    rows = re.findall(r"^\| `(\w+)` \| [^|`]+ \| ([^|]+) \|$", SANDBOX, re.MULTILINE)
    told = {point: set(re.findall(r"`(\w+)`", actions)) for point, actions in rows if point in set(Point)}
    assert told == {
        str(point): {str(action) for action in Action if not FaultRule(on=point, action=action, delay_ms=1).fault()}
        for point in Point
    }
    assert [action for action in Action if f"\n| `{action}` | " not in SANDBOX] == []


def test_clients_page_names_every_language_with_its_packages() -> None:
    """The table of languages has each program that is run, and the packages are those that are installed for them."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", CLIENTS, re.MULTILINE)
    assert [name for name, _ in rows] == list(LANGUAGES)
    named = {package for _, packages in rows for package in packages.split(", ")} - {"none"}
    installed = (ROOT / "tests" / "clients" / "packages.txt").read_text(encoding="utf-8").split()
    assert (installed, sorted(named)) == (sorted(installed), installed)
    assert ".ci/run" in CLIENTS
    assert "tests/clients/packages.txt" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_clients_page_names_the_sdks_that_are_run() -> None:
    """The versions of the SDKs on the page are the pinned ones."""
    pinned = (ROOT / "tests" / "clients" / "requirements.txt").read_text(encoding="utf-8")
    named = re.findall(r"^\| (\w+) (\d+\.\d+\.\d+) \| Here \|$", CLIENTS, re.MULTILINE)
    assert sorted(name for name, _ in named) == sorted(SDKS)
    assert [name for name, version in named if f"\n{name}=={version} " not in pinned] == []
