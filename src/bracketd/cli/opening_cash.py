"""The opening cash that the journal knows: whether the engine has opened a client's account, and with how much."""

from pathlib import Path

import apsw
import click
import msgspec

from bracketd.domain.events import AccountOpened, decode_step
from bracketd.journal.protocol import JournalDamaged
from bracketd.runtime.data_folder import journal_path, stored_records


def opened_cash_paise(data: Path, client_id: str) -> int | None:
    """What the client's account was opened with, in paise; None where it is not open yet, or no server ever ran.

    Reads the durable records beside a running server. Raises click.ClickException where they cannot be read.
    """
    if not journal_path(data).is_file():
        return None
    try:
        for record in stored_records(data, 0):
            for event in decode_step(record.body):
                if isinstance(event, AccountOpened) and event.client_id == client_id:
                    return event.cash_paise
    except (JournalDamaged, msgspec.DecodeError, OSError, apsw.Error) as error:
        raise click.ClickException(f"Cannot read the journal: {error}.") from error
    return None
