"""A program that logs in with the published SDK `pocketful`, unmodified but for its base address, a class attribute.

    python pocketful_login.py HTTP_URL

Each line on stdin is a JSON list, a method of the SDK and its arguments, or "=" with an attribute and its value, as
users set what `validate2FA` gave them. Each line on stdout is the JSON of what came back; the SDK's own prints go to
stderr. Whatever it would connect to beside this machine is refused: its constructor asks a public service for its own
address, and takes a refusal for an answer.
"""

import contextlib
import json
import sys
from typing import Any

HERE = ("127.0.0.1", None)


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to look up or to connect to another machine."""
    if event == "socket.connect" and arguments[1][0] not in HERE:
        raise PermissionError(f"not to {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in HERE:
        raise PermissionError(f"not to {arguments[0]}")


def main() -> None:
    """Make the SDK's object as somebody does who has no token yet, and do what each line says."""
    replies = sys.stdout
    sys.addaudithook(stay_here)
    with contextlib.redirect_stdout(sys.stderr):
        from pocketful import Pocketful

        Pocketful._root_url = sys.argv[1]
        sdk = Pocketful()
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            given = setattr(sdk, *arguments) if name == "=" else getattr(sdk, name)(*arguments)
            print(json.dumps([given, sdk.clientId, sdk.access_token]), file=replies, flush=True)


if __name__ == "__main__":
    main()
