"""A server on a clock moved by hand, and a trader who types at it: the console script itself, in a home of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.e2e.process import BRACKETD, HOST, Server

from bracketd.cli.main import main

NOT_INHERITED = ("BRACKETD_", "XDG_", "COLUMNS", "LINES")
"""What a verb looks at, and whoever runs these tests may have set: profiles, and a size that is not the terminal's."""


class Typist:
    """Somebody at a terminal: `bracketd` with a home and an environment of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        self.environment = {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **environment}

    def type(self, *words: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run one verb to its end, with no terminal; a traceback is a fault, whatever the verb."""
        done = subprocess.run(
            [BRACKETD, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            input=stdin,
            env={**self.environment, **environment},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def do(self, *words: str, **options: str) -> str:
        """Run a verb that has to be done; returns what it printed."""
        done = self.type(*words, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def told(self, *words: str) -> Any:
        """What a verb that has to be done tells with --json. It is run in this process: half a second is saved."""
        done = CliRunner().invoke(main, [*words, "--json"], env=self.environment, prog_name="bracketd")
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    def placed(self, *more: str) -> str:
        """Place a bracket of 10 SBIN at 450 that has not filled; returns its order's id."""
        words = ("place", "SBIN", "BUY", "10", "--price", "450", "--target", "4", "--stop", "2", "--yes", *more)
        order_id = self.told(*words)["placed"]["order_id"]
        assert isinstance(order_id, str)
        return order_id


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a file, as other files move its day on: always open, no feed, a virtual clock."""
    folder: Path = tmp_path_factory.mktemp("bracketd")
    server = Server(folder, more=("--clock", "virtual"), token_ttl="365d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def typist(server: Server, tmp_path: Path) -> Typist:
    """A trader whose environment names the server and the token of C1; nothing works, and nobody is displayed."""
    trader = server.caller()
    trader.send("DELETE", "/api/v1/orders?client_id=C1")
    trader.tick(455, 1_000_000)
    trader.tick(460, 1, bids=[], asks=[])
    url = f"http://{HOST}:{server.port}"
    return Typist(tmp_path, BRACKETD_URL=url, BRACKETD_TOKEN=server.tokens["C1"])
