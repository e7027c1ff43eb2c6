"""A program that logs in and trades with the vendor's SDK `pyoauthbridge`, unmodified, exactly as its sample does.

    python pyoauthbridge_calls.py APP_ID SECRET REDIRECT_URL HTTP_URL

It serves the redirect until Ctrl-C: the hook by which the SDK's web server would stop itself went away in Werkzeug 2.1.
Then the first reply is the token that it has, and each line on stdin is a method and its arguments.
"""

import importlib
import sys

from conversation import Conversation


def main() -> None:
    """Log in, then call."""
    conversation = Conversation()
    # The SDK looks for flask's command line among the loaded modules, and its own server is what loads flask.
    connection = importlib.import_module("pyoauthbridge").Connect(*sys.argv[1:])
    connection.get_access_token()
    conversation.give(connection.print_access_token())
    for name, *arguments in conversation.requests():
        conversation.attempt(getattr(connection, name), *arguments)


if __name__ == "__main__":
    main()
