"""A reader of a page, who does what it says: one shell, one Python namespace, one server and one paper broker."""

import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from tests.cli.conftest import BRACKETD, Running
from tests.client.spoken import Kit
from tests.docs.blocks import ROOT, RUN, Block
from tests.docs.shell import Shell, agrees, commands

from bracketd.client import Broker

DEMO = "bracketd demo --data DIR"
"""The server that a page's commands talk to, unless a comment before a block names another."""

PRINTED_URL = "http://127.0.0.1:8000"
CLIENT = "C1"
_REFUSED = re.compile(r'"status": ?"(?:error|failed)"')
_NEEDS_SERVER = re.compile(r"\$\{?(?:URL|TOKEN)\b|127\.0\.0\.1:8000|\bDIR\b|\btoken\b")


class Untrue(AssertionError):
    """A page says what is not so; the text begins with the place."""


class Reader:
    """Reads one page from top to bottom, in a folder of its own. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._server: Running | None = None
        self._token = ""
        self._shell: Shell | None = None
        self._kit: Kit | None = None
        self._names: dict[str, Any] = {}
        self._module = ""

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        for left in self._names.values():
            if isinstance(left, Broker):
                left.close()
        self._stack.close()

    def read(self, page: list[Block]) -> None:
        """Do all that the blocks of a page say, in their order. Raises Untrue at the first that is not so."""
        for block in page:
            wants = block.language in RUN and not block.excuse and _NEEDS_SERVER.search(block.text)
            if block.server or (wants and self._server is None):
                self._serve(block.server or DEMO)
            if block.first:
                self._module += block.first + "\n"
                exec(compile(block.first, block.place, "exec"), self._names)
            if block.excuse:
                continue
            reader = getattr(self, f"_read_{block.language}", None)
            if reader is not None:
                reader(block)
        if re.search(r"^def test_", self._module, re.MULTILINE):
            self._run_tests(page[0].page)

    def _serve(self, command: str) -> None:
        """Start the server of a comment, on a free port; another one that was there before is ended."""
        words = shlex.split(command)[1:]
        data = str(self._folder / words[words.index("--data") + 1])
        if self._server is not None:
            self._server.close()
        if words[0] == "serve":
            subprocess.run([BRACKETD, "client", "add", CLIENT, "--data", data], check=True, capture_output=True)
        words[words.index("--data") + 1] = data
        ready = "Ctrl-C" if words[0] == "demo" else "bracketd serves"
        self._server = Running([*words, "--port", "0"], ready, self._folder / ".log")
        self._stack.callback(self._server.close)
        client = "DEMO1" if words[0] == "demo" else CLIENT
        lifetime = ["--ttl", "90d"] if "virtual" in words else []
        made = subprocess.run(
            [BRACKETD, "token", client, "--data", data, *lifetime], check=True, capture_output=True, text=True
        )
        self._token = made.stdout.strip()
        if self._shell is not None:
            self._shell.run(f"URL={self._server.url} TOKEN={self._token}", stop=True)

    def _typed(self, text: str) -> str:
        """What a reader types whose server took another port than the page's."""
        return text if self._server is None else text.replace(PRINTED_URL, self._server.url)

    def _in_shell(self) -> Shell:
        if self._shell is None:
            given = {} if self._server is None else {"URL": self._server.url, "TOKEN": self._token}
            self._shell = Shell(self._folder, given)
            self._stack.callback(self._shell.close)
        return self._shell

    def _read_sh(self, block: Block) -> None:
        code, printed = self._in_shell().run(self._typed(block.text), stop=True)
        if code != 0 or _REFUSED.search(printed):
            raise Untrue(f"{block.place}: exit code {code}, printed:\n{printed}")

    def _read_console(self, block: Block) -> None:
        for command, shown in commands(block.text):
            _, printed = self._in_shell().run(self._typed(command), stop=False)
            if self._server is not None:
                printed = printed.replace(self._server.url, PRINTED_URL)
            if not agrees(printed, shown):
                raise Untrue(f"{block.place}: {command}printed:\n{printed}\nshown is:\n{shown}")

    def _read_python(self, block: Block) -> None:
        if block.text.startswith(">>>"):
            if self._kit is None:
                self._kit = self._stack.enter_context(Kit())
            try:
                self._kit.say(block.place, block.text)
            except AssertionError as fault:
                raise Untrue(str(fault)) from fault
            return
        self._module += block.text + "\n"
        self._names.setdefault("token", self._token)
        try:
            exec(compile(self._typed(block.text), block.place, "exec"), self._names)
        except Exception as fault:
            raise Untrue(f"{block.place}: {fault!r}") from fault

    def _run_tests(self, page: str) -> None:
        """Run the tests that a page's Python defines, with pytest, as its reader would."""
        (self._folder / "test_page.py").write_text(self._module, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"]
        done = subprocess.run(
            command, cwd=self._folder, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Untrue(f"{page}: its tests: {done.stdout}{done.stderr}")

    def _read_json(self, block: Block) -> None:
        self._parsed(block, json.loads)

    def _read_yaml(self, block: Block) -> None:
        self._parsed(block, yaml.safe_load)

    def _read_toml(self, block: Block) -> None:
        self._parsed(block, tomllib.loads)

    def _read_ini(self, block: Block) -> None:
        # A unit of systemd may say the same word twice.
        self._parsed(block, configparser.ConfigParser(strict=False, interpolation=None).read_string)

    def _parsed(self, block: Block, parse: Any) -> None:
        try:
            parse(block.text)
        except (ValueError, yaml.YAMLError, configparser.Error) as fault:
            raise Untrue(f"{block.place}: {fault}") from fault
