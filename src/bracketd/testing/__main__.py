"""`python -m bracketd.testing`: a live broker for programs in any language, until Ctrl-C. One JSON line says where."""

import json
import threading

import click

from bracketd.testing import SCENARIOS, LiveBroker


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes a free one")
@click.option("--client", "clients", multiple=True, default=("A", "B"), show_default=True, help="an account")
@click.option("--scenario", type=click.Choice(sorted(SCENARIOS)), help="a ready scenario")
def main(port: int, clients: tuple[str, ...], scenario: str | None) -> None:
    """Serve a paper broker on 127.0.0.1 and print its URL and tokens."""
    with LiveBroker(port=port, clients=clients) as live:
        if scenario is not None:
            live.play(scenario)
        click.echo(json.dumps({"url": live.url, "tokens": {client: live.token(client) for client in clients}}))
        threading.Event().wait()


if __name__ == "__main__":
    main()
