"""`bracketd backup`: a data folder in one file, made beside a running server or without one."""

from pathlib import Path

import apsw
import click

from bracketd.auth.signing_key import SigningKeyError
from bracketd.runtime.backup import BackupRefused, back_up


def back_up_folder(data: Path, file: Path) -> None:
    """Make the backup and say so; raises click.ClickException (exit code 1) where there is none."""
    try:
        records = back_up(data, file)
    except BackupRefused as refused:
        raise click.ClickException(f"{refused}.") from refused
    except (SigningKeyError, apsw.Error, OSError) as error:
        raise click.ClickException(f"Cannot make a backup: {error}.") from error
    click.echo(f"{records} records of {data} are in {file}")
