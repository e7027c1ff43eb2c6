"""An SDK that listens in a process of its own, as a test speaks to it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.e2e.process import HOST, Server

LISTENER = Path(__file__).with_name("sdk_listener.py")
END_S = 10.0


class Listening:
    """One SDK, connected as a client to a server, until the block ends."""

    def __init__(self, sdk: str, server: Server, client: str, token: str | None = None) -> None:
        token = server.tokens[client] if token is None else token
        command = [sys.executable, str(LISTENER), sdk, f"http://{HOST}:{server.port}", client, token]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.connected = self._reply()

    def __enter__(self) -> Self:
        """Give the connected SDK."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate(timeout=END_S)

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the SDK that gives nothing."""
        self._say([method, arguments, {}])

    def read(self, method: str, **wanted: object) -> Any:
        """What a `read_` method gives, once that has the wanted fields; what it gave last where it never has."""
        self._say([method, [], wanted])
        return self._reply()

    def peek(self, method: str) -> Any:
        """What a `read_` method gives now."""
        self._say([method, [], None])
        return self._reply()

    def _say(self, line: object) -> None:
        assert self._process.stdin is not None
        print(json.dumps(line), file=self._process.stdin, flush=True)

    def _reply(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the SDK's process has ended"
        return json.loads(line)
