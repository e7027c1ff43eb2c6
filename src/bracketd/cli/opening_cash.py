"""The opening cash that the journal knows: whether the engine has opened a client's account, and with how much."""

from collections.abc import Iterable
from pathlib import Path

import apsw
import click
import msgspec

from bracketd.cli.place import Place
from bracketd.database.address import Address
from bracketd.domain.events import AccountOpened, decode_step
from bracketd.engine.state import decode_state
from bracketd.journal.protocol import JournalDamaged, Record, Trimmed, Unknown
from bracketd.runtime.data_folder import journal_path, stored_records


def opened_cash_paise(place: Place, client_id: str) -> int | None:
    """What the client's account was opened with, in paise; None where it is not open yet, or no server ever ran.

    Reads the durable records beside a running server. Raises click.ClickException where they cannot be read.
    """
    try:
        if isinstance(place, Path):
            return _opened(stored_records(place, 0), client_id) if journal_path(place).is_file() else None
        return _opened_in_shard(place, client_id)
    except (JournalDamaged, Trimmed, Unknown, msgspec.DecodeError, OSError, apsw.Error) as error:
        raise click.ClickException(f"Cannot read the journal: {error}.") from error


def _opened_in_shard(address: Address, client_id: str) -> int | None:
    """The same for a cluster: the shard that the client belongs to is asked."""
    from bracketd.runtime.shard_records import StoredShards

    with StoredShards(address) as shards:
        shard = shards.slot_map().shard_of(client_id)
        after_seq = shards.first_read(shard)
        if after_seq and (snapshot := shards.snapshot(shard)) is not None:
            known = decode_state(snapshot.body).accounts.get(client_id)
            if known is not None:
                # What was opened is removed with the records; the account as it is now is the nearest that is kept.
                return known.cash_paise
            after_seq = snapshot.seq
        return _opened(shards.records(shard, after_seq), client_id)


def _opened(records: Iterable[Record], client_id: str) -> int | None:
    for record in records:
        for event in decode_step(record.body):
            if isinstance(event, AccountOpened) and event.client_id == client_id:
                return event.cash_paise
    return None
