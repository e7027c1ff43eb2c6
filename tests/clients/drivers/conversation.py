"""How a driver speaks with its test: a JSON list on each line of stdin, one JSON object back on a line of stdout.

The object is `{"gives": value}`, or `{"raises": text}` where the SDK raised. What the SDK prints goes to stderr, and
whatever it would connect to beside this machine is refused: one of them asks a public service for its own address.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

HERE = ("127.0.0.1", "localhost", None)


class Conversation:
    """The driver's end, for as long as the process lives."""

    def __init__(self) -> None:
        self._replies = sys.stdout
        sys.stdout = sys.stderr
        sys.addaudithook(_stay_here)

    def requests(self) -> Iterator[list[Any]]:
        """Each line of the test's, until it closes its end."""
        for line in sys.stdin:
            yield json.loads(line)

    def give(self, value: object) -> None:
        """One reply."""
        self._say({"gives": value})

    def attempt(self, function: Callable[..., Any], *arguments: Any) -> None:
        """One reply: what the SDK's function gives, or what it raises."""
        try:
            value = function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises is what the test wants to know
            self._say({"raises": f"{type(error).__name__}: {error}"})
        else:
            self.give(value)

    def _say(self, reply: dict[str, object]) -> None:
        print(json.dumps(reply), file=self._replies, flush=True)


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to look up or to connect to another machine."""
    if event == "socket.connect" and arguments[1][0] not in HERE:
        raise PermissionError(f"not to {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in HERE:
        raise PermissionError(f"not to {arguments[0]}")
