"""A program that logs in with the published SDK `pocketful`, unmodified but for its base address, a class attribute.

    python pocketful_login.py HTTP_URL

Each line on stdin is a method of the SDK and its arguments, or "=" with an attribute and its value, as users set what
`validate2FA` gave them. Each reply is what came back, and the client and the token that the SDK's object has then.
"""

import sys
from typing import Any

from conversation import Conversation
from pocketful import Pocketful


def main() -> None:
    """Make the SDK's object as somebody does who has no token yet, and do what each line says."""
    conversation = Conversation()
    Pocketful._root_url = sys.argv[1]
    sdk = Pocketful()

    def done(name: str, *arguments: Any) -> list[Any]:
        given = setattr(sdk, *arguments) if name == "=" else getattr(sdk, name)(*arguments)
        return [given, sdk.clientId, sdk.access_token]

    for line in conversation.requests():
        conversation.attempt(done, *line)


if __name__ == "__main__":
    main()
