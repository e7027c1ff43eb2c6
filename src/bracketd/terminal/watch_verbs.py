"""The verb that stays: watch."""

import json
import sys
import threading

import click

from bracketd.terminal.access import Access, speaks


@click.command()
@speaks
def watch(access: Access) -> None:
    """Show the orders live, until q; with --json, or without a terminal, a line for each change until Ctrl-C."""
    from bracketd.client import Trade, Update
    from bracketd.terminal.blotter import line_of
    from bracketd.terminal.book import order_facts, trade_facts
    from bracketd.terminal.watch import Lines, draw, follow

    with access.broker() as broker:
        # Asked before the screen is taken: a server that is down, or a dead token, is said in a sentence.
        broker.orders()
        client_id = broker.client_id
    if sys.stdout.isatty() and not access.as_json:
        draw(access, client_id)
        return

    def told(update: Update) -> None:
        if not access.as_json:
            click.echo(line_of(update))
        elif isinstance(update, Trade):
            click.echo(json.dumps({"trade": trade_facts(update)}))
        else:
            click.echo(json.dumps({"order": order_facts(update)}))

    def lost(why: str) -> None:
        click.echo(f"{why[0].upper()}{why[1:]}.", err=True)

    follow(access, Lines(told, lost), threading.Event())
