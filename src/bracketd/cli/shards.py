"""`bracketd shards`: who has which shard of a cluster, and the order to hand one over."""

import asyncio
from pathlib import Path
from typing import Final

import apsw
import click

from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.signing_key import SigningKeyError
from bracketd.cli.place import Place, opened_clients, require_driver, signing_key
from bracketd.database.address import BadAddress, is_address, read_address
from bracketd.domain.slot import SlotMap
from bracketd.journal.protocol import JournalDamaged, Unknown
from bracketd.journal.shard_folder import MAP_NAME, ShardFolder
from bracketd.journal.shards import Holding
from bracketd.runtime.engine_call import NoAnswer, engine_at
from bracketd.runtime.link import HandOver, link_key

MOVE_WAIT_S: Final = 120.0
"""The owner has said what came of a move within this time; it waits itself for what is in flight and for the other."""


def list_shards(journal: str) -> None:
    """Print a line for each shard; raises click.ClickException where the store cannot be read."""
    slot_map, holdings = _read(_place(journal))
    row = "{:>5}  {:<24}{:>7}{:>13}  {:<6}{:>6}"
    click.echo(row.format("shard", "owner", "epoch", "last record", "lease", "slots"))
    for holding in holdings:
        lease = "lives" if holding.live else "ended" if holding.owner else "none"
        slots = slot_map.shards.count(holding.shard)
        click.echo(row.format(holding.shard, holding.owner or "-", holding.epoch, holding.last_seq, lease, slots))


def move_shard(journal: str, number: int, to: str) -> None:
    """Have the owner of a shard hand it to the engine at `to`; raises click.ClickException where it did not."""
    place = _place(journal)
    slot_map, holdings = _read(place)
    if number >= slot_map.count:
        raise click.ClickException(f"There is no shard {number}: the map has {slot_map.count}, from 0.")
    holding = holdings[number]
    if not holding.live:
        raise click.ClickException(f"Nobody has shard {number}: start an engine with it among its --shards.")
    try:
        with opened_clients(place) as store:
            key = link_key(signing_key(place, store), _identity(place))
        why = asyncio.run(_order(key, holding.owner, HandOver(1, number, to)))
    except (ClientStoreError, SigningKeyError, apsw.Error, OSError) as fault:
        raise click.ClickException(f"The signing key cannot be read: {fault}.") from fault
    except NoAnswer as fault:
        raise click.ClickException(f"{_sentence(str(fault))} `bracketd shards` says who has shard {number}.") from fault
    if why:
        raise click.ClickException(_sentence(why))
    now = _read(place)[1][number]
    click.echo(f"shard {number} went from {holding.owner} to {now.owner}, epoch {now.epoch}")


async def _order(key: bytes, owner: str, order: HandOver) -> str:
    async with engine_at(key, owner) as ask:
        return await ask(order, MOVE_WAIT_S)


def _place(journal: str) -> Place:
    if not is_address(journal):
        # Opening a store makes it: a mistyped folder must be an error, not a new empty store.
        if not (Path(journal) / MAP_NAME).is_file():
            raise click.ClickException(f"{journal} holds no shards.")
        return Path(journal)
    try:
        return read_address(journal)
    except BadAddress as fault:
        raise click.UsageError(f"--journal: {fault}.") from None


def _read(place: Place) -> tuple[SlotMap, list[Holding]]:
    """The map and the leases; nothing is written."""
    try:
        if isinstance(place, Path):
            return asyncio.run(_read_folder(place))
        require_driver()
        from bracketd.runtime.shard_records import StoredShards

        with StoredShards(place) as stored:
            return stored.slot_map(), stored.holdings()
    except (Unknown, JournalDamaged, OSError) as fault:
        raise click.ClickException(f"The shards cannot be read: {fault}.") from fault


def _identity(place: Place) -> bytes:
    """What tells the store from any other; nothing is written."""
    try:
        if isinstance(place, Path):
            return asyncio.run(ShardFolder(place).identity())
        from bracketd.runtime.shard_records import StoredShards

        with StoredShards(place) as stored:
            return stored.identity()
    except (Unknown, JournalDamaged, OSError) as fault:
        raise click.ClickException(f"The shards cannot be read: {fault}.") from fault


async def _read_folder(folder: Path) -> tuple[SlotMap, list[Holding]]:
    store = ShardFolder(folder)
    try:
        return await store.slot_map(), await store.holdings()
    finally:
        await store.close()


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
