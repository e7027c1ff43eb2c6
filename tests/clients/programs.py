"""The seed page's request in each language of its that Debian 12 has: where the program is and how it is made to run.

Every program takes the address, the token and the three fields that vary, and writes the status and then the body.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.clients.environment import missing, program, surroundings

PROGRAMS = Path(__file__).parent
JARS = "/usr/share/java/okhttp.jar:/usr/share/java/okio.jar"
HTTP_DLL = "System.Net.Http.dll"
BUILD_S = 240.0
RUN_S = 60.0
RAW, ENCODED = "<oms_order_id>", "%3Coms_order_id%3E"


class Language(NamedTuple):
    """A client program: its file, the words that build and run it, and a test of what it needs besides programs.

    In the words `{source}` is the copied file and `{out}` the folder where it lies. `probe` ends with 0 where the
    library is there. `placeholder` is what the page has in the place of an id. `body_of_refusals` is false where the
    page's way throws before a refusal's body is read.
    """

    source: str
    run: tuple[str, ...]
    build: tuple[str, ...] = ()
    probe: tuple[str, ...] = ()
    placeholder: str = RAW
    body_of_refusals: bool = True


LANGUAGES = {
    "python": Language("cancel.py", (sys.executable, "{source}")),
    "fetch": Language("cancel.js", ("node", "{source}")),
    "node": Language("cancel.js", ("node", "{source}"), probe=("node", "-e", "require('follow-redirects')")),
    "curl": Language("cancel.sh", ("sh", "{source}"), probe=("curl", "--version")),
    "http": Language("cancel.sh", ("bash", "{source}")),
    "go": Language(
        "cancel.go", ("{out}/cancel",), ("go", "build", "-o", "{out}/cancel", "{source}"), placeholder=ENCODED
    ),
    "java": Language(
        "Cancel.java",
        ("java", "-cp", f"{JARS}:{{out}}", "Cancel"),
        ("javac", "-cp", JARS, "-d", "{out}", "{source}"),
        probe=("javap", "-cp", JARS, "okhttp3.OkHttpClient", "okio.Buffer"),
    ),
    "c": Language(
        "cancel.c",
        ("{out}/cancel",),
        ("gcc", "-Wall", "-Werror", "-o", "{out}/cancel", "{source}", "-lcurl"),
        probe=("curl-config", "--version"),
        placeholder=ENCODED,
    ),
    "csharp": Language(
        "Cancel.cs",
        ("mono", "{out}/cancel.exe"),
        ("mcs", f"-r:{HTTP_DLL}", "-out:{out}/cancel.exe", "{source}"),
        body_of_refusals=False,
    ),
    "php": Language(
        "cancel.php",
        ("php", "{source}"),
        probe=("php", "-r", "exit((int) !extension_loaded('curl'));"),
        placeholder=ENCODED,
    ),
    # The page has the raw placeholder, but Ruby takes no such address (docs/clients.md).
    "ruby": Language("cancel.rb", ("ruby", "{source}"), placeholder=ENCODED),
    "r": Language("cancel.R", ("Rscript", "{source}"), probe=("Rscript", "-e", "library(httr)")),
    "ocaml": Language(
        "cancel.ml",
        ("{out}/cancel",),
        (
            "ocamlfind",
            "ocamlopt",
            "-thread",
            "-package",
            "cohttp-lwt-unix",
            "-linkpkg",
            "-o",
            "{out}/cancel",
            "{source}",
        ),
        probe=("ocamlfind", "query", "cohttp-lwt-unix"),
        placeholder=ENCODED,
    ),
    "httpie": Language("cancel.sh", ("sh", "{source}"), probe=("http", "--version")),
}


class Answer(NamedTuple):
    """What a program wrote: the status, and the body if there was one to read."""

    status: int
    body: bytes


class Built:
    """A program that is ready to run in a folder; what it lacks on this machine skips the test, or fails it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.language = LANGUAGES[name]
        self._folder = folder
        # A compiler's cache is no business of the machine's, and R and mono want a home.
        self._environment = surroundings() | {
            "HOME": str(folder),
            "GOCACHE": str(folder / "go-cache"),
            "GO111MODULE": "off",
            "CGO_ENABLED": "0",
            "NODE_PATH": "/usr/share/nodejs",
        }
        shutil.copy(PROGRAMS / name / self.language.source, folder)
        for words in (self.language.probe, self.language.build, self.language.run):
            if words and not words[0].startswith("{out}"):
                program(words[0])
        if self.language.probe and self._call(self.language.probe, BUILD_S).returncode:
            missing(f"the library that {name}/{self.language.source} uses is not installed")
        if self.language.build:
            made = self._call(self.language.build, BUILD_S)
            assert made.returncode == 0, (made.stdout + made.stderr).decode()

    def send(self, url: str, token: str, client: str, exchange_order_id: str, oms_order_id: str) -> Answer:
        """Make the page's request."""
        done = self._call((*self.language.run, url, token, client, exchange_order_id, oms_order_id), RUN_S)
        status, _, body = done.stdout.partition(b"\n")
        assert status.strip().isdigit(), (done.stdout + done.stderr).decode()
        return Answer(int(status), body.strip())

    def _call(self, words: tuple[str, ...], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
        source = str(self._folder / self.language.source)
        filled = [word.replace("{source}", source).replace("{out}", str(self._folder)) for word in words]
        return subprocess.run(
            filled,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=self._environment,
            timeout=timeout_s,
        )
