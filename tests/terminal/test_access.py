"""Which server is spoken to, as whom, and what is said where none answers."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from tests.e2e.process import HOST, Server, command
from tests.terminal.conftest import Typist

pytestmark = pytest.mark.slow

VERBS = (
    ("orders",),
    ("show", "1"),
    ("positions",),
    ("funds",),
    ("cancel", "1"),
    ("exit", "1"),
    ("modify", "1", "--price", "1"),
    ("cancel-all", "--yes"),
    ("watch",),
    ("export", "orders", "orders.csv"),
    ("place", "SBIN", "BUY", "1", "--target", "1", "--stop", "1", "--yes"),
)


@pytest.fixture
def closed_url() -> str:
    """An address at which nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        return f"http://{HOST}:{held.getsockname()[1]}"


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_a_server_that_is_down(words: tuple[str, ...], closed_url: str, tmp_path: Path) -> None:
    """Every verb says in one sentence that the server cannot be reached, with an exit code of its own."""
    typist = Typist(tmp_path, BRACKETD_URL=closed_url, BRACKETD_TOKEN="x", BRACKETD_CLIENT="C1")
    done = typist.type(*words, "--json")
    sentence = f"The server at {closed_url} cannot be reached; nothing was sent."
    assert (done.returncode, done.stderr) == (3, f"Error: {sentence}\n")
    error = json.loads(done.stdout)["error"]
    assert (error["exit_code"], error["kind"], error["message"]) == (3, "ConnectionLost", sentence)


def test_a_login_at_a_server_that_is_down(closed_url: str, tmp_path: Path) -> None:
    """A login that nobody answers keeps nothing."""
    typist = Typist(tmp_path)
    done = typist.type("login", closed_url, "C1", "--password-stdin", stdin="a\nb\n")
    assert done.returncode == 3
    assert typist.do("profile", "list") == "No profiles.\n"


def test_nobody_is_named(tmp_path: Path) -> None:
    """Without a server and a token the sentence says how to name them."""
    done = Typist(tmp_path).type("orders")
    assert (done.returncode, "bracketd login" in done.stderr) == (6, True)


def test_a_token_that_is_no_good(typist: Typist) -> None:
    """A dead token has its own exit code."""
    assert typist.type("orders", "--token", "x").returncode == 6


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:99999", "http://u:p@x"])
def test_what_is_no_address(typist: Typist, url: str) -> None:
    """A URL that is none is wrong usage, and nothing is sent."""
    assert typist.type("orders", "--url", url).returncode == 2


def test_login_keeps_a_profile_that_nobody_else_reads(server: Server, tmp_path: Path) -> None:
    """A login by password and PIN is kept with mode 0600, used from then on, and never printed; logout ends it."""
    secrets = ("--password-stdin", "--pin-stdin")
    command("client", "add", "C3", "--data", str(server.data), *secrets, stdin="secret9\n4711\n")
    typist = Typist(tmp_path)
    url = f"http://{HOST}:{server.port}"
    done = typist.type("login", url, "C3", "--password-stdin", stdin="secret9\n0000\n")
    assert (done.returncode, "Refused: " in done.stderr) == (6, True)
    assert typist.do("profile", "list") == "No profiles.\n"
    said = typist.do("login", url, "C3", "--password-stdin", stdin="secret9\n4711\n")
    file = tmp_path / "config" / "bracketd" / "profiles.json"
    token = json.loads(file.read_text())["profiles"]["default"]["token"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert typist.told("orders") == {"brackets": []}
    listed = typist.do("profile", "list")
    assert listed == f"* default  C3  {url}\n"
    assert token not in said + listed + typist.do("profile", "list", "--json")
    typist.do("logout")
    assert typist.type("orders", "--url", url, "--token", token).returncode == 6
    assert typist.do("profile", "list") == "No profiles.\n"


def test_profiles_are_saved_used_and_removed(server: Server, tmp_path: Path) -> None:
    """Two profiles, one in use; a profile's token goes to its own server only."""
    typist = Typist(tmp_path)
    url = f"http://{HOST}:{server.port}"
    for client in ("C1", "C2"):
        typist.do("profile", "save", client.lower(), "--url", url, "--client", client, stdin=server.tokens[client])
    assert [row["current"] for row in typist.told("profile", "list")["profiles"]] == [False, True]
    typist.do("profile", "use", "c1")
    assert typist.told("orders", "--profile", "c2") is not None
    assert typist.type("orders", "--client", "C2").returncode == 1
    done = typist.type("orders", "--url", "http://127.0.0.1:1")
    assert (done.returncode, "is for" in done.stderr) == (6, True)
    typist.do("profile", "remove", "c1")
    assert typist.type("orders").returncode == 6
    assert typist.type("profile", "use", "c1").returncode == 1


def test_profiles_that_others_may_read_are_not_used(server: Server, typist: Typist) -> None:
    """A file that is open, or is none, is refused with the way to mend it."""
    typist.do("profile", "save", "x", "--client", "C1")
    file = typist.home / "config" / "bracketd" / "profiles.json"
    file.chmod(0o644)
    done = typist.type("profile", "list")
    assert (done.returncode, f"chmod 600 {file}" in done.stderr) == (1, True)
    file.chmod(0o600)
    for text in ("{", "[]", '{"current": "x"}', '{"current": "x", "profiles": {"x": {"url": 1}}}'):
        file.write_text(text)
        assert typist.type("profile", "list").returncode == 1


def test_a_missing_package_says_what_to_install(typist: Typist, tmp_path: Path) -> None:
    """Without the extra a verb says what to install; what needs none of it works."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nreal = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('httpx', 'rich', 'pyarrow') else real(name, *a)\n"
    )
    done = typist.type("orders", PYTHONPATH=str(hidden))
    assert (done.returncode, done.stderr) == (
        1,
        "Error: This needs httpx and rich: pip install 'bracketd[terminal]'.\n",
    )
    assert typist.type("profile", "list", PYTHONPATH=str(hidden)).returncode == 0


def test_what_serves_imports_nothing_of_the_terminal(tmp_path: Path) -> None:
    """The command line itself, and so a server, is imported without rich, pyarrow and httpx."""
    program = "import sys, bracketd.cli.main; print(sorted({'rich', 'pyarrow', 'httpx'} & set(sys.modules)))"
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(typist: Typist, shell: str) -> None:
    """Each shell gets its function, and a word that was begun is completed."""
    assert "_BRACKETD_COMPLETE" in typist.do("completion", shell)
    # Fish tells the word that was begun, the other two its number.
    begun = "can" if shell == "fish" else "1"
    asked = {"_BRACKETD_COMPLETE": f"{shell}_complete", "COMP_WORDS": "bracketd can", "COMP_CWORD": begun}
    assert {"cancel", "cancel-all"} <= set(typist.type(**asked).stdout.replace(",", "\n").split())
