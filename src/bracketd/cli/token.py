"""`bracketd token`: a token for a client, made from the folder's key; no server need run."""

import time
from pathlib import Path

import apsw
import click

from bracketd.auth.client_store import ClientStore, UnknownClient
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.clients_file import FILE_NAME
from bracketd.auth.issuing import ClientDisabled, issue_for
from bracketd.auth.signing_key import SigningKeyError, load_or_create

DEVICE = "web"


def print_token(data: Path, client_id: str, *, ttl_ns: int) -> None:
    """Print a token that is good for `ttl_ns` from now, alone on its line.

    Raises click.ClickException (exit code 1) for an unknown or disabled client and for a folder that is none.
    """
    click.echo(new_token(data, client_id, ttl_ns))


def new_token(data: Path, client_id: str, ttl_ns: int) -> str:
    """A token for a client of the folder; raises click.ClickException as `print_token` says."""
    # Opening a store makes it. A mistyped folder must be an error, not a new empty folder.
    if not (data / FILE_NAME).is_file():
        raise click.ClickException(f"{data} holds no clients; make one with `bracketd client add`.")
    try:
        with ClientStore(data) as store:
            return issue_for(store, load_or_create(data), client_id, ttl_ns, DEVICE, time.time_ns())
    except UnknownClient:
        raise click.ClickException(f"There is no client {client_id} in {data}.") from None
    except ClientDisabled:
        raise click.ClickException(f"Client {client_id} is disabled.") from None
    except (ClientStoreError, SigningKeyError, apsw.Error, OSError, ValueError) as error:
        raise click.ClickException(f"Cannot make a token: {error}.") from error
