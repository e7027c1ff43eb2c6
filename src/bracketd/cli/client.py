"""`bracketd client add`: one more client of a data folder. It touches clients.db only; a server may run meanwhile."""

import secrets
import sys
import time
from pathlib import Path
from typing import Final

import apsw
import click

from bracketd.auth.client_store import LEVERAGE_DEFAULT, BadClientId, ClientExists, ClientStore, ClientStoreError
from bracketd.auth.password import Passwords
from bracketd.domain.money import rupees_text

PASSWORD_BYTES: Final = 12
"""A made password has this many random bytes: 16 characters that no guessing reaches."""


def add_client(data: Path, client_id: str, *, cash_paise: int, password_stdin: bool) -> None:
    """Open an account and say so; a made password is printed once and kept nowhere.

    Raises click.ClickException (exit code 1) for a bad or taken client id, an empty password and a folder that
    cannot be written.
    """
    password = _read_password() if password_stdin else secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        with ClientStore(data) as store:
            # Asked before the hash is made: it costs tens of milliseconds, and the answer is already known.
            if store.get(client_id) is not None:
                raise ClientExists(f"client {client_id} exists already")
            store.add(client_id, Passwords().hash(password), cash_paise, LEVERAGE_DEFAULT, time.time_ns())
    except BadClientId:
        raise click.ClickException(f"{client_id!r} is no client id: use 1 to 32 of A-Z a-z 0-9 _.") from None
    except ClientExists:
        raise click.ClickException(f"Client {client_id} exists already in {data}.") from None
    except (ClientStoreError, apsw.Error, OSError) as error:
        raise click.ClickException(f"Cannot open the clients of {data}: {error}.") from error
    click.echo(f"client {client_id} added with {rupees_text(cash_paise)} rupees, leverage {LEVERAGE_DEFAULT}")
    if not password_stdin:
        click.echo(f"password {password}")


def _read_password() -> str:
    """The first line of standard input, without its end of line; raises click.ClickException where it is empty."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("No password came on standard input.")
    return password
