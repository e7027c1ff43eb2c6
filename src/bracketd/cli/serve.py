"""`bracketd serve`: one server on one data folder, in the foreground."""

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from bracketd.auth.gate import Gate
from bracketd.blotter.files import PageFiles, PartsMissing, load_page_files
from bracketd.blotter.pages import Blotter
from bracketd.cli.log import keep_log
from bracketd.runtime.desk import Desk
from bracketd.runtime.http_server import App
from bracketd.runtime.listening import StartRefused
from bracketd.runtime.server import BuildApp, run
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
        build = _with_blotter(build_app, load_page_files()) if settings.blotter else build_app
        code = run(settings, build, on_ready, JsonHttpProtocol, FeedProtocol)
    except PartsMissing as missing:
        raise click.ClickException(f"Cannot show the page: {missing}.") from missing
    except StartRefused as refused:
        raise click.ClickException(f"{refused}.") from refused
    sys.exit(code)


def _with_blotter(build: BuildApp, files: PageFiles) -> BuildApp:
    """How an application is made that has the page in front of it; the wire knows nothing of the page."""

    @functools.wraps(build)
    def made(desk: Desk, gate: Gate, **parts: Any) -> App:
        return Blotter(build(desk, gate, **parts), files)

    return made
