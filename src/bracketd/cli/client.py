"""`bracketd client`: the clients of a data folder or a cluster. Only `cash` asks the journal too."""

import contextlib
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import apsw
import click

from bracketd.auth.change_set import ChangeSet
from bracketd.auth.client_store import BadClientId, ClientExists, ClientRecord, ClientStore, UnknownClient
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.clients_file import LEVERAGE_DEFAULT
from bracketd.auth.lockout import Lockout
from bracketd.auth.password import Passwords
from bracketd.auth.second_factor import SecondFactors, enrolment_uri, is_pin, new_totp_secret
from bracketd.cli.opening_cash import opened_cash_paise
from bracketd.cli.place import Place, opened_clients
from bracketd.domain.money import rupees_text

PASSWORD_BYTES: Final = 12
"""A made password has this many random bytes: 16 characters that no guessing reaches."""

PIN_DIGITS: Final = 6
NS_PER_S: Final = 1_000_000_000


def add_client(data: Place, client_id: str, *, cash_paise: int, password_stdin: bool, pin_stdin: bool) -> None:
    """Open an account and say so; what was made for it is printed once.

    Raises click.ClickException (exit code 1) for a bad or taken client id, a password or PIN that cannot be one and a
    folder that cannot be written.
    """
    password, pin = _read_secrets(password_stdin, pin_stdin)
    made = [] if password else [f"password {(password := _new_password())}"]
    made += [] if pin else [f"pin {(pin := _new_pin())}"]
    totp_secret = new_totp_secret()
    made += [f"totp {enrolment_uri(client_id, totp_secret)}"]
    with _opened(data, must_exist=False) as store:
        try:
            # Asked before the hashes are made: they cost tens of milliseconds, and the answer is already known.
            if store.get(client_id) is not None:
                raise ClientExists(client_id)
            passwords = Passwords()
            pin_hash = passwords.hash(pin)
            store.add(client_id, passwords.hash(password), cash_paise, LEVERAGE_DEFAULT, time.time_ns())
        except BadClientId:
            raise click.ClickException(f"{client_id!r} is no client id: use 1 to 32 of A-Z a-z 0-9 _.") from None
        except ClientExists:
            raise click.ClickException(f"Client {client_id} exists already in {data}.") from None
        factors = SecondFactors(store.file)
        factors.set_pin_hash(client_id, pin_hash)
        factors.set_totp_secret(client_id, totp_secret)
    click.echo(f"client {client_id} added with {rupees_text(cash_paise)} rupees, leverage {LEVERAGE_DEFAULT}")
    for line in made:
        click.echo(line)


def list_clients(data: Place) -> None:
    """Print a line for each client, the oldest first: id, opening cash, leverage, second factors, state, day added."""
    with _opened(data) as store:
        factors = SecondFactors(store.file)
        for client in store.all():
            factor = factors.get(client.client_id)
            has = "+".join(name for name, kept in (("pin", factor.pin_hash), ("totp", factor.totp_secret)) if kept)
            state = "disabled" if client.disabled else "enabled"
            added = datetime.fromtimestamp(client.created_ns // NS_PER_S, UTC).date().isoformat()
            cash = rupees_text(client.cash_paise)
            click.echo(f"{client.client_id:<12} {cash:>16} {client.leverage:>3} {has or 'none':<8} {state:<8} {added}")


def change_password(data: Place, client_id: str, *, password_stdin: bool, pin_stdin: bool, new_totp: bool) -> None:
    """Give a client another password, end every session of it and lift its lockout.

    The PIN stays unless another is read, the authenticator's secret unless another is asked for; one that the client
    has not got is made. What is made is printed once. Raises click.ClickException (exit code 1).
    """
    password, pin = _read_secrets(password_stdin, pin_stdin)
    made = [] if password else [f"password {(password := _new_password())}"]
    with _opened(data) as store:
        _known(store, data, client_id)
        # All of it or nothing: a new PIN that nobody was shown must not stand beside the old password.
        changes = ChangeSet(store.file)
        factors = SecondFactors(changes)
        kept = factors.get(client_id)
        passwords = Passwords()
        if not pin and kept.pin_hash is None:
            made.append(f"pin {(pin := _new_pin())}")
        if pin:
            factors.set_pin_hash(client_id, passwords.hash(pin))
        if new_totp or kept.totp_secret is None:
            totp_secret = new_totp_secret()
            factors.set_totp_secret(client_id, totp_secret)
            made.append(f"totp {enrolment_uri(client_id, totp_secret)}")
        changed = ClientStore(changes)
        changed.set_password_hash(client_id, passwords.hash(password))
        changed.rotate(client_id)
        Lockout(changes).clear(client_id)
        changes.keep()
    click.echo(f"client {client_id} has a new password; its tokens are no longer good")
    for line in made:
        click.echo(line)


def set_cash(data: Place, client_id: str, *, cash_paise: int) -> None:
    """Set the opening cash of a client whose account the engine has not opened yet.

    The journal is asked before and after: an account that a server opened in between keeps what it was opened with,
    and the client's record says the same. Raises click.ClickException (exit code 1).
    """
    with _opened(data) as store:
        before = _known(store, data, client_id)
        _refuse_opened(data, client_id)
        store.set_cash(client_id, cash_paise)
        opened_paise = opened_cash_paise(data, client_id)
        if opened_paise not in (None, cash_paise):
            store.set_cash(client_id, before.cash_paise)
            _refuse_opened(data, client_id)
    click.echo(f"client {client_id} opens with {rupees_text(cash_paise)} rupees")


def rotate_client(data: Place, client_id: str) -> None:
    """End every session of a client at once: signed tokens and those of applications."""
    with _opened(data) as store:
        _known(store, data, client_id)
        store.rotate(client_id)
    click.echo(f"client {client_id} rotated; its tokens are no longer good")


def disable_client(data: Place, client_id: str, *, disabled: bool) -> None:
    """Shut a client out, or let it in again; what it has at the exchange goes on working."""
    with _opened(data) as store:
        _known(store, data, client_id)
        changes = ChangeSet(store.file)
        changed = ClientStore(changes)
        changed.set_disabled(client_id, disabled)
        if disabled:
            # Enabled again one day, the client logs in anew: a token that leaked before does not come back to life.
            changed.rotate(client_id)
        changes.keep()
    click.echo(f"client {client_id} {'disabled' if disabled else 'enabled'}")


@contextlib.contextmanager
def _opened(data: Place, *, must_exist: bool = True) -> Iterator[ClientStore]:
    """The clients of a place; whatever is in the way is one sentence."""
    try:
        with opened_clients(data, must_exist=must_exist) as store:
            yield store
    except (ClientStoreError, apsw.Error, OSError) as error:
        raise click.ClickException(f"Cannot use the clients of {data}: {error}.") from error


def _known(store: ClientStore, data: Place, client_id: str) -> ClientRecord:
    client = store.get(client_id)
    if client is None:
        raise click.ClickException(f"There is no client {client_id} in {data}.") from UnknownClient(client_id)
    return client


def _refuse_opened(data: Place, client_id: str) -> None:
    """Raise click.ClickException where the engine has the account already."""
    opened_paise = opened_cash_paise(data, client_id)
    if opened_paise is not None:
        raise click.ClickException(
            f"Client {client_id} has traded already: its account was opened with {rupees_text(opened_paise)} rupees,"
            " and the journal keeps it so."
        )


def _read_secrets(password_stdin: bool, pin_stdin: bool) -> tuple[str, str]:
    """Password and PIN from standard input, one line each in this order, "" for what is not read there.

    A password has no blanks at its ends, because the encodings that a login comes in lose them.
    """
    password = _read_line("password") if password_stdin else ""
    if password != password.strip():
        raise click.ClickException("A password neither begins nor ends with a blank.")
    pin = _read_line("PIN") if pin_stdin else ""
    if pin and not is_pin(pin):
        raise click.ClickException("A PIN is 4 to 12 digits.")
    return password, pin


def _read_line(what: str) -> str:
    """The next line of standard input, without its end; raises click.ClickException where it is empty."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.ClickException(f"No {what} came on standard input.")
    return line


def _new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _new_pin() -> str:
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
