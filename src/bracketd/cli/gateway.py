"""`bracketd gateway`: one gateway of a cluster, in the foreground."""

import logging
import os
import sys

import click

from bracketd.cli.log import keep_log
from bracketd.cli.page import with_page
from bracketd.runtime.cluster import shown_store
from bracketd.runtime.gateway_server import GatewaySettings, run_gateway
from bracketd.runtime.listening import StartRefused
from bracketd.wire.gateway_app import build_gateway
from bracketd.wire.http_protocol import JsonHttpProtocol
from bracketd.wire.websocket_protocol import FeedProtocol


def run_gateway_verb(settings: GatewaySettings) -> None:
    """Serve until stopped, and leave with exit code 0. Raises click.ClickException where the gateway cannot start."""
    os.umask(0o077)
    keep_log(settings.desk.log)
    # At debug level oauthlib logs every code that it gives out.
    logging.getLogger("oauthlib").setLevel(logging.INFO)

    def say(url: str) -> None:
        click.echo(f"bracketd gateway of {shown_store(settings.journal)} at {url}")

    try:
        build = with_page(build_gateway, asked=settings.desk.blotter)
        code = run_gateway(settings, build, say, JsonHttpProtocol, FeedProtocol)
    except StartRefused as refused:
        raise click.ClickException(f"{refused}.") from refused
    sys.exit(code)
