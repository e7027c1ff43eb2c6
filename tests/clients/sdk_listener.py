"""A program that listens with one of the family's published SDKs, unmodified, and prints what the SDK has read.

    python sdk_listener.py SDK HTTP_URL CLIENT TOKEN

Each line on stdin is a JSON list: a method of the SDK's socket object, its arguments, and for a `read_` method the
fields that it must have before it is taken (null: as it is). Each line on stdout is the JSON of what a `read_` method
gave last; the SDK's own prints go to stderr. A process of its own, because an SDK keeps what it reads in its module.

What is set here is where the SDK connects to, as its users do: pyoauthbridge takes the URL, and PocketfulSocket has
the broker's host in its attribute `base_url`. pyoauthbridge looks for flask's command line among the loaded modules,
so that is loaded first.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from typing import Any

TRIES = 200
TRY_S = 0.05


def socket_of(sdk: str, url: str, client: str, token: str) -> Any:
    """The SDK's object that opens the socket and subscribes."""
    if sdk == "pyoauthbridge":
        importlib.import_module("flask.cli")
        connection = importlib.import_module("pyoauthbridge").Connect(client, "", "http://127.0.0.1:65010", url)
        connection.set_access_token(token)
        return connection
    kind = importlib.import_module("pocketful.pocketfulwebsocket").PocketfulSocket
    kind.base_url = url
    return kind(client, token)


def read(method: Any, wanted: dict[str, Any]) -> Any:
    """What the method gives once it has the wanted fields, or at the last try."""
    given = method()
    for _ in range(TRIES):
        if given and wanted.items() <= given.items():
            break
        time.sleep(TRY_S)
        given = method()
    return given


def main() -> None:
    """Connect, then do what each line says; a read is tried until the SDK has something."""
    sdk, url, client, token = sys.argv[1:]
    replies = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        connection = socket_of(sdk, url, client, token)
        print(json.dumps(connection.run_socket()), file=replies, flush=True)
        for line in sys.stdin:
            method, arguments, wanted = json.loads(line)
            if method.startswith("read_"):
                reading = getattr(connection, method)
                given = reading() if wanted is None else read(reading, wanted)
                print(json.dumps(given), file=replies, flush=True)
            else:
                getattr(connection, method)(*arguments)
    # The SDK's heartbeat thread would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
