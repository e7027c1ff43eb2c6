"""`bracketd migrate`: a data folder moves into a database, whole or not at all."""

from pathlib import Path

import apsw
import click
import msgspec

from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.signing_key import SigningKeyError
from bracketd.cli.place import require_driver
from bracketd.database.address import BadAddress, read_address
from bracketd.engine.invariant import InvariantBroken
from bracketd.journal.protocol import FolderInUse, JournalDamaged, JournalTooNew
from bracketd.runtime.recovery import RecoveryFailed


def move_folder(folder: Path, to: str, count: int) -> None:
    """Move it and say what was moved; raises click.ClickException (exit code 1) where nothing was."""
    require_driver()
    from bracketd.runtime.migration import MigrationRefused, migrate

    try:
        moved = migrate(folder, read_address(to), count)
    except (MigrationRefused, FolderInUse, BadAddress) as refused:
        raise click.ClickException(f"{str(refused)[:1].upper()}{str(refused)[1:]}.") from refused
    except (
        JournalDamaged,
        JournalTooNew,
        RecoveryFailed,
        InvariantBroken,
        SigningKeyError,
        ClientStoreError,
        msgspec.DecodeError,
        apsw.Error,
        OSError,
    ) as fault:
        raise click.ClickException(f"Cannot move {folder}: {fault}.") from fault
    done = "had moved before" if moved.before else "moved and replayed on both sides"
    click.echo(f"{moved.records} records and {moved.clients} clients {done}, into {moved.shards} shards")
    click.echo(f"{folder} is not served any more; its accounts are where `bracketd engine --journal` leads")
