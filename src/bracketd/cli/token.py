"""`bracketd token`: a token for a client, made with the key of a folder or a cluster; no server need run."""

import time

import apsw
import click

from bracketd.auth.client_store import UnknownClient
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.issuing import ClientDisabled, issue_for
from bracketd.auth.signing_key import SigningKeyError
from bracketd.cli.place import Place, opened_clients, signing_key

DEVICE = "web"


def print_token(data: Place, client_id: str, *, ttl_ns: int) -> None:
    """Print a token that is good for `ttl_ns` from now, alone on its line.

    Raises click.ClickException (exit code 1) for an unknown or disabled client and for a place that is none.
    """
    click.echo(new_token(data, client_id, ttl_ns))


def new_token(data: Place, client_id: str, ttl_ns: int) -> str:
    """A token for a client of the place; raises click.ClickException as `print_token` says."""
    try:
        with opened_clients(data) as store:
            return issue_for(store, signing_key(data, store), client_id, ttl_ns, DEVICE, time.time_ns())
    except UnknownClient:
        raise click.ClickException(f"There is no client {client_id} in {data}.") from None
    except ClientDisabled:
        raise click.ClickException(f"Client {client_id} is disabled.") from None
    except (ClientStoreError, SigningKeyError, apsw.Error, OSError, ValueError) as error:
        raise click.ClickException(f"Cannot make a token: {error}.") from error
