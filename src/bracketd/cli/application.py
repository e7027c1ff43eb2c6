"""`bracketd app`: the applications that clients may log in to, kept beside the clients; a server may run meanwhile."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import click

from bracketd.auth.applications import Applications, BadApplication, UnknownApplication
from bracketd.auth.client_tables import ClientStoreError
from bracketd.cli.place import Place, opened_clients


def add_application(data: Place, name: str, redirect_uris: Sequence[str]) -> None:
    """Register an application and print its id and its secret, which is kept as a digest and never shown again."""
    with _opened(data) as applications:
        application, secret = applications.add(name, redirect_uris, time.time_ns())
    click.echo(f"application {application.name} registered")
    click.echo(f"app_id {application.app_id}")
    click.echo(f"app_secret {secret}")


def list_applications(data: Place) -> None:
    """Print a line for each application, the oldest first: id, name, redirect URIs."""
    with _opened(data) as applications:
        for application in applications.all():
            click.echo(f"{application.app_id}  {application.name}  {' '.join(application.redirect_uris)}")


def remove_application(data: Place, app_id: str) -> None:
    """Forget an application; its tokens stop being good at once."""
    with _opened(data) as applications:
        applications.remove(app_id)
    click.echo(f"application {app_id} removed; its tokens are no longer good")


@contextlib.contextmanager
def _opened(data: Place) -> Iterator[Applications]:
    """The applications of a place; raises click.ClickException (exit code 1) for whatever is refused."""
    if isinstance(data, Path) and not data.is_dir():
        raise click.ClickException(f"{data} is no data folder; make one with `bracketd client add`.")
    try:
        # A folder without clients may have applications; it gets a file for both.
        with opened_clients(data, must_exist=not isinstance(data, Path)) as store:
            yield Applications(store.file)
    except UnknownApplication as unknown:
        raise click.ClickException(f"{str(unknown).capitalize()} in {data}.") from None
    except BadApplication as bad:
        raise click.ClickException(f"Not registered: {bad}.") from None
    except (ClientStoreError, apsw.Error, OSError) as error:
        raise click.ClickException(f"Cannot use the clients of {data}: {error}.") from error
