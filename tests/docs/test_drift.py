"""What the documents list is what there is: commands, options, settings, routes, events, metrics and alerts."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any, get_args

import click
import httpx
import pytest
import yaml
from click.testing import CliRunner
from tests.docs.blocks import ROOT
from tools.reference import PAGES
from tools.reference.command_line import commands
from tools.reference.metrics import scrape
from tools.reference.settings import attribute_texts

from bracketd.cli.main import main
from bracketd.domain.events import AnyEvent
from bracketd.domain.reasons import Reason
from bracketd.runtime.settings import Settings
from bracketd.testing import PaperBroker
from bracketd.wire.schema.document import openapi

README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "ops" / "alerts.yml").read_text(encoding="utf-8"))

WITHOUT_OPTION = {"feed_interval_s", "feed_seed"}
"""Settings for programs that put a server together."""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The generated pages of the reference."""
    return {name: page() for name, page in PAGES.items()}


def alerts() -> Iterator[dict[str, Any]]:
    """The alert rules of ops/."""
    for group in RULES["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def options(command: click.Command) -> set[str]:
    """The long names of a command's options."""
    named = [name for option in command.params for name in (*option.opts, *option.secondary_opts)]
    return {name for name in named if name.startswith("--")}


def table(page: str, head: str) -> list[list[str]]:
    """The cells of the rows below a head; a bar that is escaped is part of its cell."""
    rows = page.partition(f"{head}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_every_alert_has_its_section() -> None:
    """Each alert has a section that says what it means and what to do, a row, and nothing else has."""
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) > 5
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", ALERTS, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(names)
    assert [name for name, text in sections.items() if not ("**It means**" in text and "**What to do**" in text)] == []
    assert sorted(row[0] for row in table(OPERATIONS, "| Alert | When | What to do |")) == sorted(names)


def test_every_alert_leads_to_its_section() -> None:
    """The annotation `runbook` of an alert is the place of its section."""
    led = {rule["alert"]: rule["annotations"].get("runbook") for rule in alerts()}
    assert led == {name: f"docs/alerts.md#{name.lower()}" for name in led}


def test_the_readme_has_the_command_line_as_it_is() -> None:
    """Each command has one row, no row is of a command that there is not, and none has an option that there is not."""
    rows = re.findall(r"^\| `(bracketd(?: [a-z][a-z-]*)+)([^|`]*(?:\\\|[^|`]*)*)` \|", README, re.MULTILINE)
    there = dict(commands(main))
    assert sorted(words for words, _ in rows) == sorted(there)
    invented = {words: set(re.findall(r"--[a-z-]+", rest)) - options(there[words]) for words, rest in rows}
    assert {words: names for words, names in invented.items() if names} == {}


def test_the_readme_has_the_settings_as_they_are() -> None:
    """Each setting has one row with its option and the value that holds without a word, where that is one word."""
    rows = {row[0].strip("`"): row for row in table(README, "| Setting | Option | Without a word | What it means |")}
    settings = {field.name: field for field in fields(Settings)}
    assert sorted(rows) == sorted(settings)
    there = {option.name: option.opts[-1] for option in main.commands["serve"].params}
    for name, (_, option, without, _) in rows.items():
        assert re.findall(r"--[a-z-]+", option)[:1] == ([there[name]] if name in there else [])
        default = settings[name].default
        if isinstance(default, bool):
            assert without == ("on" if default else "off")
        elif isinstance(default, str | int | float) and default is not MISSING:
            assert without.strip("`") == str(default)


def test_serve_and_the_settings_choose_the_same() -> None:
    """Whatever `bracketd serve` takes is a setting, with the same value where neither says anything."""
    serve = main.commands["serve"].make_context("serve", ["--data", "data"]).params
    settings = {field.name: field.default for field in fields(Settings)}
    assert set(settings) - set(serve) == WITHOUT_OPTION
    assert set(serve) - set(settings) == set()
    assert {name: serve[name] for name in serve if name != "data"} == {
        name: settings[name] for name in serve if name != "data"
    }


def test_the_routes_are_those_of_the_description() -> None:
    """The table of routes has the methods that the OpenAPI description has, and no others."""
    told = {row[0].strip("`"): row[1].split(", ") for row in table(API, "| Path | Methods | Page |")}
    there = {
        path: [method.upper() for method in methods]
        for path, methods in openapi(sandbox=True, login=True)["paths"].items()
    }
    assert {path: sorted(methods) for path, methods in told.items()} == {
        path: sorted(methods) for path, methods in there.items()
    }


def test_a_server_describes_itself_as_the_reference_does() -> None:
    """What a running server describes is what stands behind the reference, word by word."""
    with PaperBroker() as paper, httpx.Client(transport=paper.transport(), base_url=paper.url) as client:
        served = client.get("/openapi.json").json()
    behind = openapi(sandbox=True, login=True)
    assert served["info"] == behind["info"]
    assert len(served["paths"]) > 20
    for path, methods in served["paths"].items():
        assert methods == behind["paths"][path]


def test_the_page_of_the_interface_is_whole(made: dict[str, str]) -> None:
    """Each operation with its parameters and replies, each shape and each field is on the generated page."""
    document = openapi(sandbox=True, login=True)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            section = made["api"].partition(f"### `{method.upper()} {path}`\n")[2].partition("\n### ")[0]
            assert operation["summary"] in section
            names = [parameter["name"] for parameter in operation["parameters"]]
            assert re.findall(r"^\| `([\w-]+)` \| (?:query|header|path)", section, re.MULTILINE) == names
            assert re.findall(r"^\| (\d{3}) \|", section, re.MULTILINE) == list(operation["responses"])
    for name, schema in document["components"]["schemas"].items():
        section = made["api"].partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) == list(schema.get("properties", ()))


@pytest.mark.parametrize("words", [words for words, _ in commands(main)])
def test_the_page_of_a_command_is_its_help(words: str, made: dict[str, str]) -> None:
    """What `--help` prints of a command, its options and their texts, is in its section; nothing else is."""
    shown = CliRunner().invoke(main, [*words.split()[1:], "--help"], terminal_width=400, max_content_width=400)
    assert shown.exit_code == 0, shown.output
    section = made["command-line"].partition(f"## `{words}`\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`--?[^|]*) \|.*\| ([^|]*) \|$", section, re.MULTILINE)
    printed = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown.output.partition("Options:")[2]))
    named = {name for names, _ in rows for name in re.findall(r"--[a-z-]+", names)}
    assert named <= printed
    assert set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", shown.output, re.MULTILINE)) <= named
    flat = " ".join(shown.output.split())
    assert [text for _, text in rows if text.replace(" May be given again.", "").replace("\\", "") not in flat] == []


def test_the_page_of_the_settings_is_whole(made: dict[str, str]) -> None:
    """Each setting has a row with its text."""
    assert re.findall(r"^\| `(\w+)` \|", made["settings"], re.MULTILINE) == [field.name for field in fields(Settings)]
    with pytest.raises(ValueError, match=r"A\.b has no text below it"):
        dict(attribute_texts("class A:\n    a: int\n    'text'\n    b: int\n    c: int\n    'text'\n", "A"))


def test_the_page_of_the_reasons_is_whole(made: dict[str, str]) -> None:
    """Each reason has a row."""
    assert re.findall(r"^\| `([A-Z_]+)` \| \d{3} \|", made["reasons"], re.MULTILINE) == list(Reason)


def test_the_page_of_the_events_is_whole(made: dict[str, str]) -> None:
    """Each event has a section under its number, with its fields in the order in which they are written."""
    for kind in get_args(AnyEvent):
        section = (
            made["events"].partition(f"## {kind.__struct_config__.tag} {kind.__name__}\n")[2].partition("\n## ")[0]
        )
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(kind.__struct_fields__)
    assert made["events"].count("\n## ") == len(get_args(AnyEvent))


def test_the_page_of_the_metrics_is_whole(made: dict[str, str]) -> None:
    """Each metric of a scrape has its row, and the handwritten page has the same with the same labels."""
    rows = {row[0]: row[2] for row in table(made["metrics"], "| Metric | Kind | Labels | Text |")}
    served = set(re.findall(r"^# TYPE (bracketd_\w+)", scrape(), re.MULTILINE))
    assert {name.strip("`") for name in rows} == served
    told = {row[0]: row[1] for row in table(OPERATIONS, "| Metric | Labels | What it tells |")}
    assert {name: sorted(re.findall(r"\w+", labels)) for name, labels in told.items()} == {
        name: sorted(re.findall(r"\w+", labels)) for name, labels in rows.items()
    }
