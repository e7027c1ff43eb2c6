"""A published SDK in a process and an environment of its own, as a test speaks to it."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.clients.environment import sdk_python, surroundings
from tests.e2e.process import HOST, Server

DRIVERS = Path(__file__).with_name("drivers")
SDKS = ("pyoauthbridge", "pocketful")
END_S = 10.0


class SdkRaised(Exception):
    """The SDK raised; the text is its exception's type and words."""


class Driver:
    """A driver script (its folder says what each does), until the block ends."""

    def __init__(self, script: str, *arguments: str) -> None:
        python = sdk_python()
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [python, str(DRIVERS / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=surroundings(),
        )

    def __enter__(self) -> Self:
        """Give the running driver."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate(timeout=END_S)
        self._log.close()

    def ask(self, *line: object) -> Any:
        """Say a line and give the reply to it; raises SdkRaised."""
        assert self.process.stdin is not None
        print(json.dumps(line), file=self.process.stdin, flush=True)
        return self.reply()

    def reply(self) -> Any:
        """The next reply; raises SdkRaised."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the SDK's process has ended: {self.said()}"
        reply = json.loads(line)
        if "raises" in reply:
            raise SdkRaised(reply["raises"])
        return reply["gives"]

    def said(self) -> str:
        """All that the SDK printed."""
        self._log.seek(0)
        return self._log.read()


class Decoding(Driver):
    """The frame decoders of one SDK."""

    def __init__(self, sdk: str) -> None:
        super().__init__("decoder.py", sdk)

    def read(self, mode: int, frame: bytes) -> Any:
        """What the SDK makes of a frame."""
        return self.ask(mode, frame.hex())


class Listening(Driver):
    """One SDK, connected as a client to a server."""

    def __init__(self, sdk: str, server: Server, client: str, token: str | None = None) -> None:
        token = server.tokens[client] if token is None else token
        super().__init__("listener.py", sdk, f"http://{HOST}:{server.port}", client, token)
        self.connected = self.reply()

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the SDK that gives nothing."""
        self.ask(method, arguments, None)

    def read(self, method: str, **wanted: object) -> Any:
        """What a `read_` method gives, once that has the wanted fields; what it gave last where it never has."""
        return self.ask(method, [], wanted)

    def peek(self, method: str) -> Any:
        """What a `read_` method gives now."""
        return self.ask(method, [], None)


class Calling(Driver):
    """The SDK `pocketful` as a client uses it: `sdk.placeOrder({...})` is what the SDK's own method gives."""

    def __init__(self, server: Server, client: str, token: str) -> None:
        super().__init__("pocketful_calls.py", f"http://{HOST}:{server.port}", client, token)
        self.methods: list[str] = self.reply()

    def __getattr__(self, name: str) -> Any:
        """A method of the SDK's."""
        if name.startswith("_") or name not in self.methods:
            raise AttributeError(name)
        return lambda *arguments: self.ask(name, *arguments)
