"""`bracketd serve`: one server on one data folder, in the foreground."""

import logging
import os
import sys
from collections.abc import Callable

import click

from bracketd.cli.log import keep_log
from bracketd.cli.page import with_page
from bracketd.runtime.listening import StartRefused
from bracketd.runtime.server import run
from bracketd.runtime.settings import Settings
from bracketd.wire.app import build_app
from bracketd.wire.http_protocol import JsonHttpProtocol
from bracketd.wire.websocket_protocol import FeedProtocol


def run_serve(settings: Settings) -> None:
    """Serve until stopped, and leave with the server's exit code: 0 after a drain, 3 when it stopped itself.

    Raises click.ClickException (exit code 1) where the server cannot start.
    """
    serve_until_stopped(settings, lambda url: click.echo(f"bracketd serves {settings.data} at {url}"))


def serve_until_stopped(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve; `on_ready` is called with the URL once commands to it work. Always ends in an exception or exit."""
    # What the server makes is its owner's alone, also in a folder that others may enter.
    os.umask(0o077)
    keep_log(settings.log)
    # At debug level oauthlib logs every code that it gives out, and a code is as good as a login for a minute.
    logging.getLogger("oauthlib").setLevel(logging.INFO)
    try:
        build = with_page(build_app, asked=settings.blotter)
        code = run(settings, build, on_ready, JsonHttpProtocol, FeedProtocol)
    except StartRefused as refused:
        raise click.ClickException(f"{refused}.") from refused
    sys.exit(code)
