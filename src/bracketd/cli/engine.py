"""`bracketd engine`: one engine of a cluster, in the foreground."""

import os
import sys

import click

from bracketd.cli.log import keep_log
from bracketd.runtime.cluster import shown_store
from bracketd.runtime.engine_server import EngineSettings, run_engine
from bracketd.runtime.listening import StartRefused
from bracketd.wire.app import build_app


def run_engine_verb(settings: EngineSettings) -> None:
    """Serve until stopped, and leave with exit code 0. Raises click.ClickException where the engine cannot start."""
    os.umask(0o077)
    keep_log(settings.desk.log)

    def say(address: str) -> None:
        click.echo(f"bracketd engine serves shards of {shown_store(settings.journal)} at {address}")

    try:
        code = run_engine(settings, build_app, say)
    except StartRefused as refused:
        raise click.ClickException(f"{refused}.") from refused
    sys.exit(code)
