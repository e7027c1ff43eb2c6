"""Where a verb finds what it works on: a data folder, or the database of a cluster."""

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientTables
from bracketd.auth.clients_file import FILE_NAME
from bracketd.auth.signing_key import load_or_create
from bracketd.database.address import Address, BadAddress, is_address, read_address

Place = Path | Address
"""A folder, or a database; as a text it is what people are shown."""


def place_options(folder_help: str = "Data folder.") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb `--data` and `--journal`, of which one is named; it gets the place as `data`."""

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @click.option("--journal", metavar="STORE", help="Instead: a cluster's postgresql://…, or its folder.")
        @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help=folder_help)
        @wraps(verb)
        def placed(*arguments: Any, data: Path | None, journal: str | None, **named: Any) -> None:
            verb(*arguments, data=_place(data, journal), **named)

        return placed

    return decorate


def _place(data: Path | None, journal: str | None) -> Place:
    if journal is None:
        if data is None:
            raise click.UsageError("Missing option '--data' or '--journal'.")
        return data
    if data is not None:
        raise click.UsageError("--data and --journal exclude each other.")
    if not is_address(journal):
        return Path(journal)
    try:
        return read_address(journal)
    except BadAddress as fault:
        raise click.UsageError(f"--journal: {fault}.") from None


@contextlib.contextmanager
def opened_clients(place: Place, *, must_exist: bool = True) -> Iterator[ClientStore]:
    """The clients of a place. Raises ClientStoreError, apsw.Error, OSError, and click.ClickException where none are."""
    with ClientStore(_tables(place, must_exist)) as store:
        yield store


def signing_key(place: Place, store: ClientStore) -> bytes:
    """The key of a place whose clients are open. Raises SigningKeyError, ClientStoreError."""
    if isinstance(place, Path):
        return load_or_create(place)
    from bracketd.auth.clients_database import ClientsDatabase

    if not isinstance(store.file, ClientsDatabase):
        raise TypeError("these are not the clients of that database")
    return store.file.signing_key()


def _tables(place: Place, must_exist: bool) -> Path | ClientTables:
    if isinstance(place, Path):
        # Opening a store makes it. A mistyped folder must be an error, not a new empty folder.
        if must_exist and not (place / FILE_NAME).is_file():
            raise click.ClickException(f"{place} holds no clients; make one with `bracketd client add`.")
        return place
    require_driver()
    from bracketd.auth.clients_database import ClientsDatabase

    return ClientsDatabase(place, make=not must_exist)


def require_driver() -> None:
    """Raise click.ClickException unless the driver for PostgreSQL is installed."""
    try:
        import asyncpg  # type: ignore[import-untyped]  # noqa: F401
    except ModuleNotFoundError:
        raise click.ClickException("PostgreSQL's driver is not installed: pip install 'bracketd[postgres]'.") from None
