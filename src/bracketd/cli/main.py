"""The entry point `bracketd` and its verbs: demo, serve, client, app, token, verify, backup, sim, and the terminal's.

What a verb needs is imported when it runs: `bracketd token` does not wait for the server's imports.
"""

from pathlib import Path
from typing import Any

import click

from bracketd import __version__
from bracketd.cli.cluster_options import ShardList
from bracketd.cli.cluster_verbs import cluster
from bracketd.cli.lifetime import Lifetime
from bracketd.cli.origin import Origin
from bracketd.cli.place import Place, place_options
from bracketd.cli.rupees import Rupees
from bracketd.cli.shard_verbs import shards
from bracketd.terminal.verbs import VERBS

CORS_HELP = "Let pages of this origin call, such as https://desk.example; may be given again."
DATA = click.Path(file_okay=False, path_type=Path)
PEM = click.Path(exists=True, dir_okay=False, path_type=Path)
CASH_DEFAULT = "10000000"
TOKEN_LIFETIME_DEFAULT = "12h"
ORDER_RATE = click.option(
    "--order-rate",
    type=click.IntRange(0),
    help="Orders a second that one client may place or modify, 0 for any number; 10, with a sandbox 0, if not named.",
)
BLOTTER = click.option("--blotter", is_flag=True, help="Show the page at /: a client's book in the browser.")
CANCEL_RATE = click.option(
    "--cancel-rate",
    type=click.IntRange(0),
    help="Cancels a second that one client may send, 0 for any number; 50, with a sandbox 0, if not named.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bracketd")
def main() -> None:
    """An order management system whose word is true, with a paper exchange inside."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--data", type=DATA, help="Data folder; a fresh temporary one if not named.")
@ORDER_RATE
@CANCEL_RATE
@click.option("--cors", metavar="ORIGIN", multiple=True, type=Origin(), help=CORS_HELP)
def demo(
    host: str, port: int, data: Path | None, order_rate: int | None, cancel_rate: int | None, cors: tuple[str, ...]
) -> None:
    """Serve a paper exchange that is always open, with an account and three commands to try."""
    from bracketd.cli.demo import run_demo

    run_demo(host, port, data, cors, order_rate=order_rate, cancel_rate=cancel_rate)


@main.command()
@click.option("--data", type=DATA, required=True, help="Data folder, made if it is not there.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--session", type=click.Choice(["nse", "always"]), default="nse", show_default=True, help="Market hours.")
@click.option(
    "--feed", type=click.Choice(["synthetic", "manual"]), default="synthetic", show_default=True, help="What prints."
)
@click.option("--sandbox", is_flag=True, help="Let this machine push prints and plan the paper exchange's faults.")
@BLOTTER
@click.option(
    "--clock",
    type=click.Choice(["system", "virtual"]),
    default="system",
    show_default=True,
    help="A virtual clock goes on only when the sandbox moves it.",
)
@click.option(
    "--instruments",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instrument file; the one inside the package if not named.",
)
@ORDER_RATE
@CANCEL_RATE
@click.option("--cors", metavar="ORIGIN", multiple=True, type=Origin(), help=CORS_HELP)
@click.option("--tls-cert", type=PEM, help="Certificate chain in PEM: speak HTTPS.")
@click.option("--tls-key", type=PEM, help="Its key in PEM, not encrypted.")
@click.option("--metrics-open", is_flag=True, help="Let other machines read /metrics too.")
@click.option(
    "--log", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of log lines."
)
@click.option("--insecure", is_flag=True, help="Allow plain HTTP on an address that other machines reach.")
@click.option(
    "--snapshot-every",
    metavar="RECORDS",
    type=click.IntRange(min=0),
    default=200_000,
    show_default=True,
    help="Make a snapshot after so many records; 0 for none while serving.",
)
def serve(tls_cert: Path | None, tls_key: Path | None, sandbox: bool, clock: str, **chosen: Any) -> None:
    """Serve one data folder until SIGTERM or SIGINT."""
    if clock == "virtual" and not sandbox:
        raise click.UsageError("--clock virtual needs --sandbox, which moves the clock.")
    from bracketd.cli.serve import run_serve
    from bracketd.runtime.settings import Settings

    if (tls_cert is None) is not (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    run_serve(Settings(tls_cert=tls_cert, tls_key=tls_key, sandbox=sandbox, clock=clock, **chosen))


JOURNAL = click.option("--journal", required=True, help="postgresql://… or the folder of the shards.")
SHARD_COUNT = click.option(
    "--count", type=click.IntRange(1, 4096), default=1, show_default=True, help="How many shards a new store gets."
)


@main.command()
@JOURNAL
@click.option("--shards", type=ShardList(), help="Shards to take when they are free, such as 0-3,7; all if not named.")
@click.option("--standby", type=ShardList(), default=frozenset(), help="Shards to take when their owner is lost.")
@SHARD_COUNT
@click.option("--listen", default="127.0.0.1:0", show_default=True, help="Address and port for gateways.")
@click.option("--advertise", default="", help="The address under which gateways reach it, where it is another.")
@click.option("--ttl", type=click.FloatRange(0.5, 60), default=2.0, show_default=True, help="Seconds of a lease.")
@click.option(
    "--snapshot-every",
    type=click.IntRange(0),
    default=50_000,
    show_default=True,
    help="Keep a shard's state after so many records, 0 for never.",
)
@click.option("--session", type=click.Choice(["nse", "always"]), default="nse", show_default=True, help="Market hours.")
@click.option(
    "--feed", type=click.Choice(["synthetic", "manual"]), default="synthetic", show_default=True, help="What prints."
)
@click.option("--sandbox", is_flag=True, help="Take prints and faults that a gateway's sandbox is sent.")
@click.option(
    "--instruments",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instrument file; the one inside the package if not named.",
)
@ORDER_RATE
@CANCEL_RATE
@click.option(
    "--log", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of log lines."
)
def engine(
    journal: str,
    shards: frozenset[int] | None,
    standby: frozenset[int],
    count: int,
    listen: str,
    advertise: str,
    ttl: float,
    snapshot_every: int,
    **chosen: Any,
) -> None:
    """Own shards of a cluster and serve them to its gateways, until SIGTERM or SIGINT."""
    from bracketd.cli.engine import run_engine_verb
    from bracketd.runtime.cluster import folder_of
    from bracketd.runtime.engine_server import EngineSettings
    from bracketd.runtime.settings import Settings

    run_engine_verb(
        EngineSettings(
            journal=journal,
            desk=Settings(data=folder_of(journal), **chosen),
            shards=shards,
            standby=standby,
            count=count,
            listen=listen,
            advertise=advertise,
            ttl_s=ttl,
            snapshot_every=snapshot_every,
        )
    )


@main.command()
@JOURNAL
@SHARD_COUNT
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--sandbox", is_flag=True, help="Pass prints and faults from this machine on to every shard.")
@BLOTTER
@click.option("--cors", metavar="ORIGIN", multiple=True, type=Origin(), help=CORS_HELP)
@click.option("--tls-cert", type=PEM, help="Certificate chain in PEM: speak HTTPS.")
@click.option("--tls-key", type=PEM, help="Its key in PEM, not encrypted.")
@click.option("--metrics-open", is_flag=True, help="Let other machines read /metrics too.")
@click.option(
    "--log", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of log lines."
)
@click.option("--insecure", is_flag=True, help="Allow plain HTTP on an address that other machines reach.")
def gateway(journal: str, count: int, tls_cert: Path | None, tls_key: Path | None, **chosen: Any) -> None:
    """Let clients in and pass their requests on to the engines, until SIGTERM or SIGINT."""
    if (tls_cert is None) is not (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    from bracketd.cli.gateway import run_gateway_verb
    from bracketd.runtime.cluster import folder_of
    from bracketd.runtime.gateway_server import GatewaySettings
    from bracketd.runtime.settings import Settings

    desk = Settings(data=folder_of(journal), tls_cert=tls_cert, tls_key=tls_key, feed="manual", **chosen)
    run_gateway_verb(GatewaySettings(journal=journal, desk=desk, count=count))


@main.group()
def client() -> None:
    """The clients of a data folder or a cluster."""


@client.command("add")
@click.argument("client_id", metavar="CLIENT")
@place_options("Data folder, made if it is not there.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@click.option("--pin-stdin", is_flag=True, help="Read the PIN from standard input, after the password.")
@click.option("--cash", type=Rupees(), default=CASH_DEFAULT, show_default=True, help="Opening cash in rupees.")
def client_add(client_id: str, data: Place, password_stdin: bool, pin_stdin: bool, cash: int) -> None:
    """Open an account; works while a server runs there and while none does."""
    from bracketd.cli.client import add_client

    add_client(data, client_id, cash_paise=cash, password_stdin=password_stdin, pin_stdin=pin_stdin)


@client.command("list")
@place_options()
def client_list(data: Place) -> None:
    """List the clients: id, opening cash, leverage, second factors, state, day added."""
    from bracketd.cli.client import list_clients

    list_clients(data)


@client.command("passwd")
@click.argument("client_id", metavar="CLIENT")
@place_options()
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@click.option("--pin-stdin", is_flag=True, help="Read another PIN from standard input, after the password.")
@click.option("--new-totp", is_flag=True, help="Make another secret for the authenticator.")
def client_passwd(client_id: str, data: Place, password_stdin: bool, pin_stdin: bool, new_totp: bool) -> None:
    """Give a client another password; its sessions and its lockout end."""
    from bracketd.cli.client import change_password

    change_password(data, client_id, password_stdin=password_stdin, pin_stdin=pin_stdin, new_totp=new_totp)


@client.command("cash")
@click.argument("client_id", metavar="CLIENT")
@click.argument("cash", metavar="RUPEES", type=Rupees())
@place_options()
def client_cash(client_id: str, cash: int, data: Place) -> None:
    """Set the opening cash of a client that has not traded yet."""
    from bracketd.cli.client import set_cash

    set_cash(data, client_id, cash_paise=cash)


@client.command("rotate")
@click.argument("client_id", metavar="CLIENT")
@place_options()
def client_rotate(client_id: str, data: Place) -> None:
    """End every session of a client at once."""
    from bracketd.cli.client import rotate_client

    rotate_client(data, client_id)


@client.command("disable")
@click.argument("client_id", metavar="CLIENT")
@place_options()
def client_disable(client_id: str, data: Place) -> None:
    """Shut a client out: no login, and its tokens are no longer good."""
    from bracketd.cli.client import disable_client

    disable_client(data, client_id, disabled=True)


@client.command("enable")
@click.argument("client_id", metavar="CLIENT")
@place_options()
def client_enable(client_id: str, data: Place) -> None:
    """Let a disabled client log in again."""
    from bracketd.cli.client import disable_client

    disable_client(data, client_id, disabled=False)


@main.group()
def app() -> None:
    """The applications that clients may log in to by OAuth2."""


@app.command("add")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True, help="Where codes may go; repeatable.")
@place_options()
def app_add(name: str, redirect_uris: tuple[str, ...], data: Place) -> None:
    """Register an application; prints its id and its secret, once."""
    from bracketd.cli.application import add_application

    add_application(data, name, redirect_uris)


@app.command("list")
@place_options()
def app_list(data: Place) -> None:
    """List the applications: id, name, redirect URIs."""
    from bracketd.cli.application import list_applications

    list_applications(data)


@app.command("remove")
@click.argument("app_id", metavar="APP_ID")
@place_options()
def app_remove(app_id: str, data: Place) -> None:
    """Forget an application; its tokens are no longer good."""
    from bracketd.cli.application import remove_application

    remove_application(data, app_id)


@main.command()
@click.argument("client_id", metavar="CLIENT")
@place_options()
@click.option(
    "--ttl", type=Lifetime(), default=TOKEN_LIFETIME_DEFAULT, show_default=True, help="30m, 12h, 7d, or seconds."
)
def token(client_id: str, data: Place, ttl: int) -> None:
    """Print a new token for a client, and nothing else."""
    from bracketd.cli.token import print_token

    print_token(data, client_id, ttl_ns=ttl)


@main.command()
@place_options()
def verify(data: Place) -> None:
    """Replay the journal and check it and the state it leads to; works beside a running server."""
    from bracketd.cli.verify import verify_place

    verify_place(data)


@main.command()
@click.option("--data", type=DATA, required=True, help="Data folder.")
@click.option("--to", "file", type=click.Path(path_type=Path), required=True, help="The tar file to make.")
def backup(data: Path, file: Path) -> None:
    """Copy journal, clients and signing key into one new file; works beside a running server."""
    from bracketd.cli.backup import back_up_folder

    back_up_folder(data, file)


@main.command()
@click.option("--from", "folder", type=DATA, required=True, help="The data folder; no server may run on it.")
@click.option("--to", metavar="ADDRESS", required=True, help="The empty database: postgresql://…")
@SHARD_COUNT
def migrate(folder: Path, to: str, count: int) -> None:
    """Move a data folder into a database, checked by replay on both sides; may be tried again."""
    from bracketd.cli.migrate import move_folder

    move_folder(folder, to, count)


main.add_command(cluster)
main.add_command(shards)


@main.command()
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="How many seeds to try.")
@click.option("--seed", type=click.IntRange(min=0), help="The first seed; a random one, printed, if not named.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, max=600, min_open=True),
    default=1.0,
    show_default=True,
    help="How long each story lasts, in simulated minutes.",
)
def sim(seeds: int, seed: int | None, minutes: float) -> None:
    """Try to make the server lie: clients, venue, disk and power as badly behaved as seeds make them."""
    from bracketd.cli.sim import simulate

    simulate(seeds, seed, minutes)


for word, verb in VERBS.items():
    main.add_command(verb, word)
