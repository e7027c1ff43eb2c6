"""The rules of the house, checked on the files themselves rather than believed."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "bracketd"

LINES_MAX = 400
LONG_FILES: dict[str, str] = {}
"""Files under src that may be longer than LINES_MAX: the path from the root, and why splitting would make it worse."""

CODE_SUFFIXES = {".py", ".js", ".css", ".html"}
NAMES_THAT_SAY_NOTHING = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

# Put together here, so that this file does not itself hold what it looks for.
UNSPEAKABLE = {
    "a package index": ["pypi" + ".org", "python" + "hosted", "npm" + "js"],
    "a machine's path": ["/" + "work/", "/" + "root/"],
    "what lies beside the repository": [".." + "/shared"],
}

LOCKS = ["requirements.lock", "tests/clients/requirements.txt"]
STRANGERS = {"pocketful", "pyoauthbridge"}
"""The published SDKs, whose environment is made from the second lock."""

IMPURE_MODULES = {
    "apsw",
    "asyncio",
    "datetime",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "starlette",
    "threading",
    "time",
    "uuid",
    "uvicorn",
}
IMPURE_BUILTINS = {"__import__", "breakpoint", "input", "open", "print"}


def listed_files() -> list[Path]:
    """Every file that git tracks or would track; skips the test where there is no git or no checkout."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    command = [git, "ls-files", "-co", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:
        pytest.skip("the tree is no git checkout")
    paths = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    # A file deleted but not yet committed is still listed.
    return sorted(path for path in paths if path.is_file())


def pyproject() -> dict[str, Any]:
    """The repository's pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def impurities(source: str) -> Iterator[str]:
    """What a module takes from outside its arguments: forbidden modules imported, forbidden builtins named."""
    for node in ast.walk(ast.parse(source)):
        imported: list[str] = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported = [node.module or ""]
        elif isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS:
            yield node.id
        for name in imported:
            if name.partition(".")[0] in IMPURE_MODULES:
                yield name


def line_count(path: Path) -> int:
    """The number of lines of a text file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def canonical(requirement: str) -> str:
    """The name of a requirement as an index spells it: lower case, runs of -_. one hyphen."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def locked_names(lock: str = "requirements.lock") -> set[str]:
    """The packages that a lock pins to one version."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def asked_names() -> set[str]:
    """The packages that pyproject asks for: to run, to develop or to build."""
    config = pyproject()
    asked = config["project"]["dependencies"], config["dependency-groups"]["dev"], config["build-system"]["requires"]
    return {canonical(requirement) for requirements in asked for requirement in requirements}


def imported(source: str) -> set[str]:
    """The packages that a module imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {name.partition(".")[0] for name in names}


def test_no_file_of_the_package_is_long() -> None:
    """A file under src has at most 400 lines, unless the list says why not."""
    code = [path for path in listed_files() if PACKAGE in path.parents and path.suffix in CODE_SUFFIXES]
    assert code
    long = {path.relative_to(ROOT).as_posix(): line_count(path) for path in code if line_count(path) > LINES_MAX}
    assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}
    assert set(LONG_FILES) <= set(long), "an exception that is no longer needed"


def test_no_module_is_named_for_nothing() -> None:
    """A module is named for a noun of the trade, never for being useful."""
    modules = [path for path in listed_files() if PACKAGE in path.parents and path.suffix == ".py"]
    assert modules
    names = {name: path for path in modules for name in (path.stem, path.parent.name)}
    assert {name: names[name] for name in names.keys() & NAMES_THAT_SAY_NOTHING} == {}


def test_no_file_names_a_machine_or_an_index() -> None:
    """No file of the repository names a package index, a path of one machine or what lies beside the checkout."""
    found = []
    for path in listed_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [
            f"{path.relative_to(ROOT)} names {kind}: {word}"
            for kind, words in UNSPEAKABLE.items()
            for word in words
            if word in text
        ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host_and_no_path(lock: str) -> None:
    """A lock is good on any machine and with any index."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"(?m)^.*(?:://|file:| /|^--|\s--(?!hash=)).*$", text) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_by_hash(lock: str) -> None:
    """Every package in a lock has one version and at least one hash."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[^\s#])", re.sub(r"\A(?:#.*\n)+", "", text))
    assert len(entries) == len(locked_names(lock)) > 0
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_lock_holds_every_dependency() -> None:
    """Whatever pyproject asks for, to run, to develop or to build, the lock pins; so does that of the clients."""
    assert asked_names() - locked_names() == set()
    lines = (ROOT / "tests/clients/requirements.in").read_text(encoding="utf-8").splitlines()
    asked = {canonical(line) for line in lines if line and not line.startswith("#")}
    assert asked >= STRANGERS
    assert asked - locked_names("tests/clients/requirements.txt") == set()


def test_strangers_live_by_themselves() -> None:
    """The published SDKs are neither asked for by pyproject, nor in its lock, nor imported but by their own drivers."""
    assert (asked_names() | locked_names()) & STRANGERS == set()
    drivers = ROOT / "tests" / "clients" / "drivers"
    modules = {path for path in listed_files() if path.suffix == ".py"}
    guests = {path for path in modules if imported(path.read_text(encoding="utf-8")) & STRANGERS}
    assert guests
    assert {path.parent for path in guests} == {drivers}


@pytest.mark.parametrize("room", ["domain", "engine"])
def test_pure_rooms_touch_nothing_outside(room: str) -> None:
    """Engine and domain import no clock, chance, log, thread or file, and call no builtin that does I/O."""
    modules = sorted((PACKAGE / room).rglob("*.py"))
    assert modules
    found = {
        path.relative_to(ROOT).as_posix(): outside
        for path in modules
        if (outside := sorted(set(impurities(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "outside"),
    [
        ("import time", ["time"]),
        ("from datetime import datetime", ["datetime"]),
        ("def f():\n    import os.path as p", ["os.path"]),
        ("with open('x') as f: pass", ["open"]),
        ("from bracketd.domain.time import Day", []),
        ("import timeit_free_name, enum", []),
    ],
)
def test_impurity_is_seen(source: str, outside: list[str]) -> None:
    """The search for impure imports sees each way of writing one, and takes no namesake for one."""
    assert list(impurities(source)) == outside


def test_contract_forbids_what_these_tests_forbid() -> None:
    """The import contract that `make check` holds is at least as strict as the tests here."""
    contracts = {contract["id"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]}
    assert set(contracts["pure"]["source_modules"]) == {"bracketd.domain", "bracketd.engine"}
    assert set(contracts["pure"]["forbidden_modules"]) >= IMPURE_MODULES
