"""A program that calls the published SDK `pocketful`, unmodified but for its base address, an attribute of the class.

    python pocketful_calls.py HTTP_URL CLIENT TOKEN

The first reply is the list of the SDK's public methods. Then each line on stdin is a method and its arguments.
"""

import inspect
import sys

from conversation import Conversation
from pocketful import Pocketful


def main() -> None:
    """Make the SDK's object as its users do, and call it."""
    conversation = Conversation()
    url, client, token = sys.argv[1:]
    Pocketful._root_url = url
    sdk = Pocketful(client, token)
    functions = inspect.getmembers(Pocketful, inspect.isfunction)
    conversation.give([name for name, _ in functions if not name.startswith("_")])
    for name, *arguments in conversation.requests():
        conversation.attempt(getattr(sdk, name), *arguments)


if __name__ == "__main__":
    main()
