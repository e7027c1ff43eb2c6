"""A program that listens with one of the family's published SDKs, unmodified, and tells what the SDK has read.

    python listener.py SDK HTTP_URL CLIENT TOKEN

The first reply is what the SDK says of its connection. Then each line on stdin is a method of the SDK's socket object,
its arguments, and for a `read_` method the fields that it must have before it is taken (null: as it is). A process of
its own for each connection, because an SDK keeps what it reads in its module.

What is set here is where the SDK connects to, as its users do: pyoauthbridge takes the URL, and PocketfulSocket has
the broker's host in its attribute `base_url`. pyoauthbridge looks for flask's command line among the loaded modules,
so that is loaded first.
"""

import importlib
import os
import sys
import time
from typing import Any

from conversation import Conversation

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
    conversation = Conversation()
    connection = socket_of(*sys.argv[1:])
    conversation.attempt(connection.run_socket)
    for method, arguments, wanted in conversation.requests():
        call = getattr(connection, method)
        if wanted is None:
            conversation.attempt(call, *arguments)
        else:
            conversation.attempt(read, call, wanted)
    # The SDK's heartbeat thread would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
